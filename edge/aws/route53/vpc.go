package route53

import (
	"context"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

func zoneID(id *string) hostedzone.ID { return hostedzone.ID(service.Value(trimID(id))) }

func (a *api) AssociateVPCWithHostedZone(ctx context.Context, c *service.Call, in *AssociateVPCWithHostedZoneRequest) (*AssociateVPCWithHostedZoneResponse, error) {
	vpc, err := vpcOf(c, in.VPC)
	if err != nil {
		return nil, err
	}
	cmd := &hostedzone.Associate{Zone: zoneID(in.HostedZoneId), VPC: vpc, Comment: service.Value(in.Comment)}
	c.Target = string(cmd.Zone)
	reply, err := c.Propose(ctx, cmd)
	if err != nil {
		return nil, err
	}
	return &AssociateVPCWithHostedZoneResponse{ChangeInfo: a.changeInfo(c, reply.ID, cmd.Comment)}, nil
}

func (a *api) DisassociateVPCFromHostedZone(ctx context.Context, c *service.Call, in *DisassociateVPCFromHostedZoneRequest) (*DisassociateVPCFromHostedZoneResponse, error) {
	vpc, err := vpcOf(c, in.VPC)
	if err != nil {
		return nil, err
	}
	cmd := &hostedzone.Disassociate{Zone: zoneID(in.HostedZoneId), VPC: vpc, Comment: service.Value(in.Comment)}
	c.Target = string(cmd.Zone)
	reply, err := c.Propose(ctx, cmd)
	if err != nil {
		return nil, err
	}
	return &DisassociateVPCFromHostedZoneResponse{ChangeInfo: a.changeInfo(c, reply.ID, cmd.Comment)}, nil
}

func (a *api) CreateVPCAssociationAuthorization(ctx context.Context, c *service.Call, in *CreateVPCAssociationAuthorizationRequest) (*CreateVPCAssociationAuthorizationResponse, error) {
	vpc, err := vpcOf(c, in.VPC)
	if err != nil {
		return nil, err
	}
	cmd := &hostedzone.Authorize{Zone: zoneID(in.HostedZoneId), VPC: vpc}
	c.Target = string(cmd.Zone)
	if _, err := c.Propose(ctx, cmd); err != nil {
		return nil, err
	}
	return &CreateVPCAssociationAuthorizationResponse{HostedZoneId: string(cmd.Zone), VPC: vpcShape(cmd.VPC)}, nil
}

func (a *api) DeleteVPCAssociationAuthorization(ctx context.Context, c *service.Call, in *DeleteVPCAssociationAuthorizationRequest) (*DeleteVPCAssociationAuthorizationResponse, error) {
	vpc, err := vpcOf(c, in.VPC)
	if err != nil {
		return nil, err
	}
	cmd := &hostedzone.Unauthorize{Zone: zoneID(in.HostedZoneId), VPC: vpc}
	c.Target = string(cmd.Zone)
	if _, err := c.Propose(ctx, cmd); err != nil {
		return nil, err
	}
	return &DeleteVPCAssociationAuthorizationResponse{}, nil
}

func (a *api) ListVPCAssociationAuthorizations(_ context.Context, c *service.Call, in *ListVPCAssociationAuthorizationsRequest) (*ListVPCAssociationAuthorizationsResponse, error) {
	v, err := a.find(c, in.HostedZoneId)
	if err != nil {
		return nil, err
	}
	size, err := pageSize(in.MaxResults, 50)
	if err != nil {
		return nil, err
	}
	out := &ListVPCAssociationAuthorizationsResponse{HostedZoneId: string(v.id), VPCs: []*VPC{}}
	for auth := range c.State.HostedZones.Authorizations(v.id, service.Value(in.NextToken)) {
		if len(out.VPCs) == min(size.n, 50) {
			out.NextToken = *out.VPCs[len(out.VPCs)-1].VPCId
			break
		}
		out.VPCs = append(out.VPCs, vpcShape(auth.VPC))
	}
	return out, nil
}

// ListHostedZonesByVPC lists the private zones in a VPC, of all accounts.
func (a *api) ListHostedZonesByVPC(_ context.Context, c *service.Call, in *ListHostedZonesByVPCRequest) (*ListHostedZonesByVPCResponse, error) {
	vpc := service.Value(in.VPCId)
	if err := checkRegion(c, string(service.Value(in.VPCRegion)), &limitsVPCRegion); err != nil {
		return nil, err
	}
	names := &c.Rules.Registry.Names
	if !names.KnowsVPC(vpc) {
		return nil, &hostedzone.Error{Code: hostedzone.InvalidVPCID, Message: "The VPC ID is invalid."}
	}
	if !names.MayUseVPC(c.Account, vpc) {
		return nil, &hostedzone.Error{Code: hostedzone.AccessDenied, Message: "The VPC " + vpc + " is not owned by you."}
	}
	size, err := pageSize(in.MaxItems, 100)
	if err != nil {
		return nil, err
	}
	if token := service.Value(in.NextToken); token != "" && !isZoneID(token) {
		return nil, &hostedzone.Error{Code: codeInvalidPaginationToken, Message: "The value that you specified to get the second or subsequent page of results is invalid."}
	}
	var all []HostedZoneSummary
	for z := range c.State.HostedZones.InVPC(vpc) {
		all = append(all, HostedZoneSummary{HostedZoneId: string(z.ID), Name: z.Name(), Owner: &HostedZoneOwner{OwningAccount: string(z.Account)}})
	}
	for ns := range c.State.Registry.AllNamespaces() {
		if v := a.namespaceView(c, ns); v != nil && inVPC(v.vpcs, vpc) {
			all = append(all, HostedZoneSummary{HostedZoneId: string(v.id), Name: v.name, Owner: &HostedZoneOwner{OwningAccount: string(ns.Account)}})
		}
	}
	slices.SortFunc(all, func(a, b HostedZoneSummary) int { return strings.Compare(a.HostedZoneId, b.HostedZoneId) })
	out := &ListHostedZonesByVPCResponse{HostedZoneSummaries: []HostedZoneSummary{}, MaxItems: size.text}
	for _, z := range all {
		switch {
		case z.HostedZoneId < service.Value(in.NextToken):
		case len(out.HostedZoneSummaries) == size.n:
			out.NextToken = z.HostedZoneId
			return out, nil
		default:
			out.HostedZoneSummaries = append(out.HostedZoneSummaries, z)
		}
	}
	return out, nil
}

// isZoneID reports whether a text has the form of the id of a zone.
func isZoneID(text string) bool {
	rest, ok := strings.CutPrefix(text, "Z")
	return ok && strings.Trim(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

func inVPC(vpcs []hostedzone.VPC, id string) bool {
	return slices.ContainsFunc(vpcs, func(v hostedzone.VPC) bool { return v.ID == id })
}
