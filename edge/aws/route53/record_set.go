package route53

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/rdata"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// dnsName is a name as in answers.
func dnsName(wire string) string { return rdata.Octal.Name(wire) }

// size is the size of a page: as it is used, and as it is answered.
type size struct {
	n    int
	text string
}

// pageSize reads MaxItems. A larger one than the most is cut.
func pageSize(maxItems *string, most int) (size, error) {
	if maxItems == nil || *maxItems == "" {
		return size{100, "100"}, nil
	}
	n, err := strconv.Atoi(*maxItems)
	if err != nil || n < 1 {
		return size{}, invalidInput(fmt.Sprintf("MaxItems %q must be a number of at least 1", *maxItems))
	}
	n = min(n, most)
	return size{n, strconv.Itoa(n)}, nil
}

// The forms of ids, for markers of lists.
var (
	zoneIDForm  = regexp.MustCompile(`^Z[2-7A-Z]{19,20}$`)
	checkIDForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// checkMarker refuses a marker that no list has given. A zone or check with the id of the
// marker need not exist any more: the list goes on with the next one.
func checkMarker(marker string, form *regexp.Regexp) error {
	if marker == "" || form.MatchString(marker) {
		return nil
	}
	return invalidInput(fmt.Sprintf("Marker %q is not valid: it must be the NextMarker of an earlier answer", marker))
}

// ChangeResourceRecordSets makes all changes of a batch, or none.
func (a *api) ChangeResourceRecordSets(ctx context.Context, c *service.Call, in *ChangeResourceRecordSetsRequest) (*ChangeResourceRecordSetsResponse, error) {
	z, err := a.own(c, in.HostedZoneId)
	if err != nil {
		return nil, err
	}
	cmd := &hostedzone.ChangeSets{Zone: z.ID, Comment: service.Value(in.ChangeBatch.Comment), Changes: make([]hostedzone.SetChange, len(in.ChangeBatch.Changes))}
	if err := checkNames(in.ChangeBatch.Changes); err != nil {
		return nil, err
	}
	for i, change := range in.ChangeBatch.Changes {
		set, err := setOf(c, change)
		if err != nil {
			return nil, err
		}
		cmd.Changes[i] = hostedzone.SetChange{Action: hostedzone.Action(*change.Action), Set: set}
	}
	reply, err := c.Propose(ctx, cmd)
	if err != nil {
		return nil, err
	}
	return &ChangeResourceRecordSetsResponse{ChangeInfo: a.changeInfo(c, reply.ID, cmd.Comment)}, nil
}

// checkNames checks the names of record sets and of the targets of aliases. The error has
// all that are not valid.
func checkNames(changes []*Change) error {
	var messages []string
	check := func(name string) {
		if _, err := hostedzone.ParseName(name); err != nil {
			messages = append(messages, "FATAL problem: "+err.Error())
		}
	}
	for _, change := range changes {
		set := change.ResourceRecordSet
		check(*set.Name)
		if set.AliasTarget != nil {
			check(*set.AliasTarget.DNSName)
		}
	}
	if len(messages) == 0 {
		return nil
	}
	return &hostedzone.Error{Code: hostedzone.InvalidChangeBatch, Message: "[" + strings.Join(messages, ", ") + "]"}
}

// describe names a change in messages as AWS does.
func describe(change *Change) string {
	set, id := change.ResourceRecordSet, "null"
	if set.SetIdentifier != nil {
		id = *set.SetIdentifier
	}
	return fmt.Sprintf("Change with [Action=%s, Name=%s, Type=%s, SetIdentifier=%s]", *change.Action, *set.Name, *set.Type, id)
}

// setOf reads a record set of an input.
func setOf(c *service.Call, change *Change) (*hostedzone.RecordSet, error) {
	in := change.ResourceRecordSet
	values := in.TTL != nil && len(in.ResourceRecords) > 0
	kinds := 0
	for _, has := range []bool{in.AliasTarget != nil, in.TTL != nil || len(in.ResourceRecords) > 0, in.TrafficPolicyInstanceId != nil} {
		if has {
			kinds++
		}
	}
	const expected = "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found %s in %s"
	switch {
	case kinds > 1:
		return nil, invalidInput(fmt.Sprintf(expected, "more than one", describe(change)))
	case kinds == 0:
		return nil, invalidInput(fmt.Sprintf(expected, "none", describe(change)))
	case in.TrafficPolicyInstanceId != nil:
		return nil, invalidInput("TrafficPolicyInstanceId is not supported: cairn has no traffic policies. It was found in " + describe(change))
	case in.AliasTarget == nil && !values:
		return nil, invalidInput(fmt.Sprintf(expected, "none", describe(change)))
	case in.GeoProximityLocation != nil:
		return nil, invalidInput("GeoProximityLocation is not supported: cairn does not know distances on earth. Use Region with dns.regions, or GeoLocation. It was found in " + describe(change))
	case in.CidrRoutingConfig != nil:
		return nil, invalidInput("CidrRoutingConfig is not supported: cairn has no CIDR collections. It was found in " + describe(change))
	}
	name, err := hostedzone.ParseName(*in.Name)
	if err != nil {
		return nil, err // checkNames has found it
	}
	rtype, ok := rdata.Type(string(*in.Type))
	if !ok {
		return nil, invalidInput("Type " + string(*in.Type) + " is not supported in " + describe(change))
	}
	set := &hostedzone.RecordSet{
		Name: name, Type: rtype, SetID: service.Value(in.SetIdentifier), TTL: service.Value(in.TTL), Check: service.Value(in.HealthCheckId),
		Routing: hostedzone.Routing{
			Weight: in.Weight, Region: string(service.Value(in.Region)), Failover: string(service.Value(in.Failover)), MultiValue: in.MultiValueAnswer,
		},
	}
	for _, r := range in.ResourceRecords {
		set.Values = append(set.Values, *r.Value)
	}
	if set.Geo, err = geoOf(in.GeoLocation, change); err != nil {
		return nil, err
	}
	if set.Region != "" {
		if err := checkRegion(c, set.Region, &limitsResourceRecordSetRegion); err != nil {
			return nil, err
		}
	}
	if t := in.AliasTarget; t != nil {
		target, err := hostedzone.ParseName(*t.DNSName)
		if err != nil {
			return nil, err
		}
		set.Alias = &hostedzone.Alias{Zone: hostedzone.ID(*trimID(t.HostedZoneId)), Name: target, Evaluate: service.Value(t.EvaluateTargetHealth)}
	}
	return set, nil
}

// setShape returns a record set as in answers.
func setShape(s *hostedzone.RecordSet) *ResourceRecordSet {
	out := &ResourceRecordSet{Name: new(s.Text()), Type: new(RRType(s.TypeName())), Weight: s.Weight, MultiValueAnswer: s.MultiValue}
	if s.SetID != "" {
		out.SetIdentifier = &s.SetID
	}
	if s.Region != "" {
		out.Region = new(ResourceRecordSetRegion(s.Region))
	}
	if s.Failover != "" {
		out.Failover = new(ResourceRecordSetFailover(s.Failover))
	}
	if s.Check != "" {
		out.HealthCheckId = &s.Check
	}
	out.GeoLocation = geoShape(s.Geo)
	if a := s.Alias; a != nil {
		out.AliasTarget = &AliasTarget{DNSName: new(dnsName(a.Name)), HostedZoneId: new(string(a.Zone)), EvaluateTargetHealth: &a.Evaluate}
		return out
	}
	out.TTL = &s.TTL
	for i := range s.Values {
		out.ResourceRecords = append(out.ResourceRecords, &ResourceRecord{Value: &s.Values[i]})
	}
	return out
}

// ListResourceRecordSets returns a page of record sets.
func (a *api) ListResourceRecordSets(_ context.Context, c *service.Call, in *ListResourceRecordSetsRequest) (*ListResourceRecordSetsResponse, error) {
	v, err := a.find(c, in.HostedZoneId)
	if err != nil {
		return nil, err
	}
	size, err := pageSize(in.MaxItems, 300)
	if err != nil {
		return nil, err
	}
	name, rtype, id := service.Value(in.StartRecordName), string(service.Value(in.StartRecordType)), service.Value(in.StartRecordIdentifier)
	switch {
	case rtype != "" && name == "":
		return nil, invalidInput("The parameter StartRecordType requires the parameter StartRecordName")
	case id != "" && rtype == "":
		return nil, invalidInput("The parameter StartRecordIdentifier requires the parameters StartRecordName and StartRecordType")
	}
	if name != "" {
		if name, err = hostedzone.ParseName(name); err != nil {
			return nil, invalidInput(fmt.Sprintf("StartRecordName is not a domain name: FATAL problem: %s", err))
		}
	}
	out := &ListResourceRecordSetsResponse{ResourceRecordSets: []*ResourceRecordSet{}, MaxItems: size.text, IsTruncated: new(false)}
	for s := range v.sets(c, name, rtype, id) {
		if len(out.ResourceRecordSets) == size.n {
			out.IsTruncated = new(true)
			out.NextRecordName, out.NextRecordType, out.NextRecordIdentifier = s.Text(), RRType(s.TypeName()), s.SetID
			break
		}
		out.ResourceRecordSets = append(out.ResourceRecordSets, setShape(s))
	}
	return out, nil
}
