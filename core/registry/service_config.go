package registry

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

// recordSets are the combinations of record types that the API documents.
var recordSets = []recordTypes{
	{RecordA}, {RecordAAAA}, {RecordA, RecordAAAA}, {RecordSRV}, {RecordCNAME},
}

// moreRecordSets are accepted in extended mode: AWS has been seen to accept A with
// SRV (aws/aws-cdk#18894).
var moreRecordSets = []recordTypes{
	{RecordA, RecordSRV}, {RecordAAAA, RecordSRV}, {RecordA, RecordAAAA, RecordSRV},
}

// allowed reports whether a service may have these record types.
func (t recordTypes) allowed(r *Rules) bool {
	is := func(set recordTypes) bool { return slices.Equal(set, t) }
	return slices.ContainsFunc(recordSets, is) || !r.Strict && slices.ContainsFunc(moreRecordSets, is)
}

// invalidRecords returns the error for record types that are not allowed together.
func invalidRecords(r *Rules, types recordTypes) error {
	aws := fmt.Sprintf("DnsRecords %v is not allowed: a service has A, AAAA, A and AAAA, SRV, or CNAME records", types)
	for i, t := range types[min(1, len(types)):] {
		if t == types[i] {
			aws = fmt.Sprintf("Duplicate resource record type%sin DNS config is not expected", t)
		} else if slices.Contains(types, RecordCNAME) {
			aws = "DnsRecord Type CNAME cannot be combined with other types"
		}
	}
	return r.invalid(aws, "DnsRecords %v is not allowed: a service has A, AAAA, A and AAAA, SRV, or CNAME records, or SRV with addresses", types)
}

// types returns the record types in order of their names.
func (d *DNSConfig) types() recordTypes {
	if d == nil {
		return nil
	}
	var types recordTypes
	for _, rec := range d.Records {
		types = append(types, rec.Type)
	}
	slices.Sort(types)
	return types
}

// recordTypes are record types in order of their names.
type recordTypes []RecordType

// String returns the form of AWS's messages.
func (t recordTypes) String() string {
	names := make([]string, len(t))
	for i, name := range t {
		names[i] = string(name)
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// Has reports whether the service has records of the type.
func (d *DNSConfig) Has(t RecordType) bool {
	return d != nil && slices.ContainsFunc(d.Records, func(rec DNSRecord) bool { return rec.Type == t })
}

// newDNSConfig checks a DNS configuration and adds defaults.
func newDNSConfig(r *Rules, ns *Namespace, name string, in *DNSConfig) (*DNSConfig, error) {
	if err := checkRecordName(ns, name); err != nil {
		return nil, err
	}
	d := &DNSConfig{Policy: in.Policy, Records: slices.Clone(in.Records)}
	types := d.types()
	if !types.allowed(r) {
		return nil, invalidRecords(r, types)
	}
	for i := range d.Records {
		if d.Records[i].TTL < 0 {
			d.Records[i].TTL = r.DefaultTTL
		}
	}
	cname := d.Has(RecordCNAME)
	switch {
	case d.Policy == "" && cname:
		d.Policy = Weighted
	case d.Policy == "":
		d.Policy = Multivalue
	case cname && d.Policy != Weighted:
		return nil, r.invalid("WEIGHTED routing policy must be used with DNS Record Type CNAME",
			"RoutingPolicy %s is not allowed with CNAME records: it must be WEIGHTED", d.Policy)
	}
	return d, nil
}

// CheckServiceName checks the name of a service as CreateService documents it: labels of
// at most 63 letters, digits, hyphens and underscores, or ".", which is the name of the
// namespace itself.
func CheckServiceName(ns *Namespace, name string) error {
	if name == "." {
		return nil
	}
	const longest = 127
	ok := len(name) <= longest
	for label := range strings.SplitSeq(name, ".") {
		ok = ok && isServiceLabel(label)
	}
	if !ok {
		return command.Invalid("Service name %q is not allowed: it must have at most %d characters, in labels of 1 to 63 letters, digits, hyphens and underscores, without a hyphen at an end", truncate(name), longest)
	}
	return checkRecordName(ns, name)
}

func isServiceLabel(s string) bool {
	other := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
	}
	return s != "" && s != "_" && len(s) <= 63 && s[0] != '-' && s[len(s)-1] != '-' && !strings.ContainsFunc(s, other)
}

// checkRecordName checks that the records of the service have a valid name.
func checkRecordName(ns *Namespace, name string) error {
	if name == "." {
		return nil
	}
	if full := name + "." + ns.Name; len(full) > 253 {
		return command.Invalid("Service name %q is not allowed: %q has more than 253 characters", name, truncate(full))
	}
	return nil
}

// newHealthCheck checks an active check and adds defaults.
func newHealthCheck(r *Rules, ns *Namespace, svc *Service, in *HealthCheck) (*HealthCheck, error) {
	if in == nil {
		return nil, nil
	}
	switch {
	case svc.CustomHealth:
		return nil, command.Invalid("HealthCheckConfig and HealthCheckCustomConfig cannot be used together")
	case svc.DNS.Has(RecordCNAME):
		return nil, r.invalid("Health check config must not be used. Health checks are not supported for CNAME",
			"HealthCheckConfig is not allowed for a service with CNAME records")
	case r.Strict && ns.Type == DNSPrivate:
		return nil, command.Invalid("Health check config cannot be applied to a service with private namespace")
	case in.Type == CheckTCP && in.ResourcePath != "":
		return nil, command.Invalid("ResourcePath %q is not allowed with a health check of type TCP", in.ResourcePath)
	}
	check := *in
	if check.Type != CheckTCP && !strings.HasPrefix(check.ResourcePath, "/") {
		check.ResourcePath = "/" + check.ResourcePath
	}
	if check.FailureThreshold == 0 {
		check.FailureThreshold = 3
	}
	return &check, nil
}
