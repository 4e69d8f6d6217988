package route53

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/aws/constraint"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// zoneView is a zone as the API shows it: a hosted zone, or the zone of a namespace.
type zoneView struct {
	id      hostedzone.ID
	name    string // with escapes and the final dot
	private bool
	vpcs    []hostedzone.VPC
	zone    *hostedzone.HostedZone
	ns      *registry.Namespace
	cache   *namespaceCache // for ns
}

func viewOf(z *hostedzone.HostedZone) *zoneView {
	return &zoneView{id: z.ID, name: z.Name(), private: z.Private, vpcs: z.VPCs, zone: z}
}

// namespaceView returns the view of a namespace's zone, or nil if it has none.
func (a *api) namespaceView(c *service.Call, ns *registry.Namespace) *zoneView {
	apex, err := hostedzone.ParseName(ns.Name)
	if !ns.IsDNS() || err != nil {
		return nil
	}
	v := &zoneView{id: hostedzone.ID(ns.HostedZoneID), name: dnsName(apex), private: ns.Type == registry.DNSPrivate, ns: ns, cache: a.namespaces}
	if v.private {
		v.vpcs = append([]hostedzone.VPC{{ID: ns.VPC, Region: c.Rules.Registry.Region}}, c.State.HostedZones.Added(v.id)...)
	}
	return v
}

// find returns a zone of the caller's account.
func (a *api) find(c *service.Call, id *string) (*zoneView, error) {
	zone := hostedzone.ID(service.Value(trimID(id)))
	c.Target = string(zone)
	if z, ok := c.State.HostedZones.Zone(zone); ok && z.Account == c.Account {
		return viewOf(z), nil
	}
	if ns, ok := c.State.Registry.NamespaceOfZone(c.Account, string(zone)); ok {
		if v := a.namespaceView(c, ns); v != nil {
			return v, nil
		}
	}
	return nil, hostedzone.NoZone(zone)
}

// own returns a hosted zone of the caller's account that is not that of a namespace.
func (a *api) own(c *service.Call, id *string) (*hostedzone.HostedZone, error) {
	v, err := a.find(c, id)
	if err != nil {
		return nil, err
	}
	if v.ns != nil {
		return nil, v.managed(c)
	}
	return v.zone, nil
}

// managed is the refusal of changes of a namespace's zone.
func (v *zoneView) managed(c *service.Call) error {
	return &hostedzone.Error{Code: hostedzone.AccessDenied, Message: fmt.Sprintf("The resource hostedzone/%s can only be managed through AWS CloudMap (%s)",
		v.id, c.Rules.Registry.NamespaceARN(v.ns.Account, v.ns.ID))}
}

// sets yields the record sets of a zone, in the order of lists.
func (v *zoneView) sets(c *service.Call, name, rtype, id string) iter.Seq[*hostedzone.RecordSet] {
	if v.ns == nil {
		return c.State.HostedZones.Sets(v.id).From(name, rtype, id)
	}
	return v.cache.zone(v.ns, &c.Rules.HostedZones).From(name, rtype, id)
}

func (v *zoneView) count(c *service.Call) int64 {
	if v.ns == nil {
		return int64(v.zone.Records)
	}
	return v.cache.count(v.ns, &c.Rules.HostedZones)
}

// shape returns the zone as in answers.
func (v *zoneView) shape(c *service.Call) *HostedZone {
	out := &HostedZone{
		Id: "/hostedzone/" + string(v.id), Name: v.name, Config: &HostedZoneConfig{PrivateZone: &v.private}, ResourceRecordSetCount: new(v.count(c)),
	}
	if v.ns == nil {
		out.CallerReference = v.zone.CallerReference
		if v.zone.Comment != "" {
			out.Config.Comment = &v.zone.Comment
		}
		return out
	}
	arn := c.Rules.Registry.NamespaceARN(v.ns.Account, v.ns.ID)
	out.CallerReference = string(v.ns.CreateOperation())
	out.Config.Comment = new("Created by AWS Cloud Map namespace with ARN " + arn)
	out.LinkedService = &LinkedService{ServicePrincipal: cloudMapPrincipal, Description: arn}
	return out
}

// cloudMapPrincipal is the service that manages the zones of namespaces.
const cloudMapPrincipal = "servicediscovery.amazonaws.com"

// nameServers are the values of the NS record set at the apex, without final dots.
func (v *zoneView) nameServers(c *service.Call) []string {
	var servers []string
	apex, _ := hostedzone.ParseName(v.name)
	for s := range v.sets(c, apex, "NS", "") {
		if s.Name == apex && s.Type == dnswire.TypeNS {
			for _, value := range s.Values {
				servers = append(servers, strings.TrimSuffix(value, "."))
			}
		}
		break
	}
	return servers
}

func vpcShapes(vpcs []hostedzone.VPC) []*VPC {
	var out []*VPC
	for _, v := range vpcs {
		out = append(out, vpcShape(v))
	}
	return out
}

func vpcShape(v hostedzone.VPC) *VPC {
	return &VPC{VPCId: new(v.ID), VPCRegion: new(VPCRegion(v.Region))}
}

// vpcOf reads a VPC of an input.
func vpcOf(c *service.Call, in *VPC) (hostedzone.VPC, error) {
	v := hostedzone.VPC{ID: service.Value(in.VPCId), Region: string(service.Value(in.VPCRegion))}
	if v.ID == "" {
		return v, &hostedzone.Error{Code: hostedzone.InvalidVPCID, Message: "The VPC ID is invalid."}
	}
	if v.Region == "" {
		v.Region = c.Rules.Registry.Region
	}
	return v, checkRegion(c, v.Region, &limitsVPCRegion)
}

// checkRegion checks that a region is one of AWS, or has its name from the configuration.
func checkRegion(c *service.Call, region string, limits *constraint.String) error {
	if slices.Contains(limits.Enum, region) || slices.Contains(c.Rules.HostedZones.Regions, region) {
		return nil
	}
	return invalidInput("Invalid XML ; " + schemaText(&constraint.Violation{
		Rule: constraint.EnumRule, Value: region, Limit: "[" + strings.Join(limits.Enum, ", ") + "]",
	}, root(c)))
}

// CreateHostedZone creates a public zone, or a private one if a VPC is given.
func (a *api) CreateHostedZone(ctx context.Context, c *service.Call, in *CreateHostedZoneRequest) (*CreateHostedZoneResponse, error) {
	cmd := &hostedzone.Create{Name: *in.Name, CallerReference: *in.CallerReference}
	c.Target = *in.Name
	if cfg := in.HostedZoneConfig; cfg != nil {
		cmd.Comment = service.Value(cfg.Comment)
		if service.Value(cfg.PrivateZone) && in.VPC == nil {
			return nil, invalidInput("When creating private hosted zones (PrivateZone is true), you must specify a VPC.")
		}
	}
	if in.VPC != nil {
		vpc, err := vpcOf(c, in.VPC)
		if err != nil {
			return nil, err
		}
		cmd.VPC = &vpc
	}
	if in.DelegationSetId != nil {
		return nil, &hostedzone.Error{Code: codeNoSuchDelegationSet, Message: "No delegation set found with ID: " + *trimID(in.DelegationSetId) + ". There are no reusable delegation sets here."}
	}
	reply, err := c.Propose(ctx, cmd)
	if err != nil {
		return nil, err
	}
	z := reply.Value.(*hostedzone.HostedZone)
	v := viewOf(z)
	out := &CreateHostedZoneResponse{
		HostedZone: v.shape(c), ChangeInfo: a.changeInfo(c, reply.ID, ""), Location: a.location("hostedzone/" + string(z.ID)),
	}
	if z.Private {
		out.VPC = vpcShape(z.VPCs[0])
	} else {
		out.DelegationSet = &DelegationSet{NameServers: a.newNameServers(c)}
	}
	return out, nil
}

// newNameServers are those of a new zone.
func (a *api) newNameServers(c *service.Call) []string {
	servers := slices.Clone(c.Rules.HostedZones.NameServers)
	if len(servers) == 0 {
		servers = []string{"ns.cairn.internal"}
	}
	for i := range servers {
		servers[i] = strings.TrimSuffix(servers[i], ".")
	}
	return servers
}

// location is the address of a new resource. AWS has its own host there.
func (a *api) location(path string) string { return "https://route53.amazonaws.com/2013-04-01/" + path }

func (a *api) GetHostedZone(_ context.Context, c *service.Call, in *GetHostedZoneRequest) (*GetHostedZoneResponse, error) {
	v, err := a.find(c, in.Id)
	if err != nil {
		return nil, err
	}
	out := &GetHostedZoneResponse{HostedZone: v.shape(c)}
	if v.private {
		out.VPCs = vpcShapes(v.vpcs)
	} else {
		out.DelegationSet = &DelegationSet{NameServers: v.nameServers(c)}
	}
	return out, nil
}

func (a *api) DeleteHostedZone(ctx context.Context, c *service.Call, in *DeleteHostedZoneRequest) (*DeleteHostedZoneResponse, error) {
	z, err := a.own(c, in.Id)
	if err != nil {
		return nil, err
	}
	reply, err := c.Propose(ctx, &hostedzone.Delete{ID: z.ID})
	if err != nil {
		return nil, err
	}
	return &DeleteHostedZoneResponse{ChangeInfo: a.changeInfo(c, reply.ID, "")}, nil
}

func (a *api) UpdateHostedZoneComment(ctx context.Context, c *service.Call, in *UpdateHostedZoneCommentRequest) (*UpdateHostedZoneCommentResponse, error) {
	z, err := a.own(c, in.Id)
	if err != nil {
		return nil, err
	}
	reply, err := c.Propose(ctx, &hostedzone.SetComment{ID: z.ID, Comment: service.Value(in.Comment)})
	if err != nil {
		return nil, err
	}
	return &UpdateHostedZoneCommentResponse{HostedZone: viewOf(reply.Value.(*hostedzone.HostedZone)).shape(c)}, nil
}

// zones returns all zones of the account in the order of reversed names and ids.
func (a *api) zones(c *service.Call) []*zoneView {
	var all []*zoneView
	for z := range c.State.HostedZones.ZonesByName(c.Account, "", "") {
		all = append(all, viewOf(z))
	}
	for _, ns := range c.State.Registry.Namespaces(c.Account, "") {
		if v := a.namespaceView(c, ns); v != nil {
			all = append(all, v)
		}
	}
	keys := make(map[*zoneView]string, len(all))
	for _, v := range all {
		keys[v] = v.key()
	}
	slices.SortFunc(all, func(a, b *zoneView) int { return strings.Compare(keys[a], keys[b]) })
	return all
}

// key orders zones as ListHostedZonesByName does.
func (v *zoneView) key() string {
	apex, _ := hostedzone.ParseName(v.name)
	return hostedzone.Reversed(apex) + "\x00" + string(v.id)
}

// ListHostedZones lists the zones of the account in the order of their ids.
func (a *api) ListHostedZones(_ context.Context, c *service.Call, in *ListHostedZonesRequest) (*ListHostedZonesResponse, error) {
	size, err := pageSize(in.MaxItems, 100)
	if err != nil {
		return nil, err
	}
	if in.DelegationSetId != nil {
		return nil, &hostedzone.Error{Code: codeNoSuchDelegationSet, Message: "No delegation set found with ID: " + *trimID(in.DelegationSetId)}
	}
	marker := service.Value(trimID(in.Marker))
	if err := checkMarker(marker, zoneIDForm); err != nil {
		return nil, err
	}
	all := a.zones(c)
	slices.SortFunc(all, func(a, b *zoneView) int { return strings.Compare(string(a.id), string(b.id)) })
	out := &ListHostedZonesResponse{HostedZones: []HostedZone{}, Marker: marker, MaxItems: size.text, IsTruncated: new(false)}
	for _, v := range all {
		switch {
		case string(v.id) < marker, in.HostedZoneType != nil && !v.private:
		case len(out.HostedZones) == size.n:
			out.IsTruncated, out.NextMarker = new(true), string(v.id)
			return out, nil
		default:
			out.HostedZones = append(out.HostedZones, *v.shape(c))
		}
	}
	return out, nil
}

// ListHostedZonesByName lists the zones of the account in the order of their reversed
// names, from a name on.
func (a *api) ListHostedZonesByName(_ context.Context, c *service.Call, in *ListHostedZonesByNameRequest) (*ListHostedZonesByNameResponse, error) {
	size, err := pageSize(in.MaxItems, 100)
	if err != nil {
		return nil, err
	}
	from, id := "", service.Value(trimID(in.HostedZoneId))
	out := &ListHostedZonesByNameResponse{HostedZones: []HostedZone{}, MaxItems: size.text, IsTruncated: new(false), HostedZoneId: id}
	if name := service.Value(in.DNSName); name != "" {
		apex, err := hostedzone.ParseName(name)
		if err != nil {
			return nil, &hostedzone.Error{Code: hostedzone.InvalidDomainName, Message: name + " is not a valid domain name: " + err.Error()}
		}
		from, out.DNSName = hostedzone.Reversed(apex)+"\x00"+id, dnsName(apex)
	} else if id != "" {
		return nil, invalidInput("The parameter HostedZoneId requires the parameter DNSName")
	}
	for _, v := range a.zones(c) {
		switch {
		case v.key() < from:
		case len(out.HostedZones) == size.n:
			out.IsTruncated, out.NextDNSName, out.NextHostedZoneId = new(true), v.name, string(v.id)
			return out, nil
		default:
			out.HostedZones = append(out.HostedZones, *v.shape(c))
		}
	}
	return out, nil
}

func (a *api) GetHostedZoneCount(_ context.Context, c *service.Call, _ *GetHostedZoneCountRequest) (*GetHostedZoneCountResponse, error) {
	return &GetHostedZoneCountResponse{HostedZoneCount: new(int64(len(a.zones(c))))}, nil
}
