package hostedzone

import (
	"crypto/sha256"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/rdata"
	"github.com/cairn-discovery/cairn/core/registry"
)

// NamespaceSets returns the record sets that the zone of a namespace has in the API of
// Route 53, in the order of lists: as AWS Cloud Map lays them out, one for each instance.
func NamespaceSets(ns *registry.Namespace, r *Rules) []*RecordSet {
	apex, err := ParseName(ns.Name)
	if err != nil {
		return nil
	}
	sets := initialSets(r, apex)
	for i := range sets {
		if sets[i].Type == dnswire.TypeSOA {
			sets[i].TTL = ns.SOATTL
		}
	}
	for _, svc := range ns.ServicesNamed("") {
		if svc.DNS != nil {
			sets = appendService(sets, ns, svc)
		}
	}
	keys := make(map[*RecordSet]string, len(sets))
	for _, s := range sets {
		keys[s] = s.setKey()
	}
	slices.SortFunc(sets, func(a, b *RecordSet) int { return strings.Compare(keys[a], keys[b]) })
	return slices.CompactFunc(sets, func(a, b *RecordSet) bool { return keys[a] == keys[b] })
}

func appendService(sets []*RecordSet, ns *registry.Namespace, svc *registry.Service) []*RecordSet {
	text := ns.Name
	if svc.Name != "." {
		text = svc.Name + "." + ns.Name
	}
	name, err := ParseName(text)
	if err != nil {
		return sets
	}
	srv := svc.DNS.Has(registry.RecordSRV)
	for _, inst := range svc.Instances("") {
		for _, rec := range svc.DNS.Records {
			for _, set := range instanceSets(svc, inst, rec, name, srv) {
				if set.parse() == nil {
					sets = append(sets, set)
				}
			}
		}
	}
	return sets
}

// instanceSets returns the record sets of an instance for one record of its service.
func instanceSets(svc *registry.Service, inst *registry.Instance, rec registry.DNSRecord, name string, srv bool) []*RecordSet {
	t, _ := rdata.Type(string(rec.Type))
	set := &RecordSet{Name: name, Type: t, TTL: rec.TTL, SetID: string(inst.ID())}
	attrs := inst.Attributes()
	if svc.DNS.Policy == registry.Weighted || rec.Type == registry.RecordCNAME {
		weight := int64(1)
		if v, ok := attrs.Get(registry.AttrWeight); ok {
			if n, err := strconv.ParseUint(v, 10, 8); err == nil {
				weight = int64(n)
			}
		}
		set.Weight = &weight
	} else {
		set.MultiValue = new(true)
	}
	if svc.HealthCheck != nil {
		set.Check = InstanceCheck(svc, inst)
	}
	if target, ok := attrs.Get(registry.AttrAliasDNSName); ok && (rec.Type == registry.RecordA || rec.Type == registry.RecordAAAA) {
		wire, err := ParseName(target)
		if err != nil {
			return nil
		}
		set.TTL, set.Alias = 0, &Alias{Name: wire, Evaluate: true}
		return []*RecordSet{set}
	}
	value, hosts := instanceValue(svc, inst, rec, name)
	if value == "" {
		return nil
	}
	set.Values = []string{value}
	if rec.Type == registry.RecordSRV {
		return append(hosts, set)
	}
	if srv && rec.Type != registry.RecordCNAME && !svc.DNS.Has(rec.Type) {
		return nil
	}
	return []*RecordSet{set}
}

// instanceValue returns the value of an instance's record, and for SRV the record sets
// of its host.
func instanceValue(svc *registry.Service, inst *registry.Instance, rec registry.DNSRecord, name string) (value string, hosts []*RecordSet) {
	attrs := inst.Attributes()
	get := func(key string) string { v, _ := attrs.Get(key); return v }
	switch rec.Type {
	case registry.RecordA:
		return get(registry.AttrIPv4), nil
	case registry.RecordAAAA:
		return get(registry.AttrIPv6), nil
	case registry.RecordCNAME:
		return get(registry.AttrCNAME), nil
	}
	labels, ok := inst.ID().HostLabels()
	if !ok {
		return "", nil
	}
	host := dnswire.Lowered(labels + name)
	for key, t := range map[string]uint16{registry.AttrIPv4: dnswire.TypeA, registry.AttrIPv6: dnswire.TypeAAAA} {
		if addr, err := netip.ParseAddr(get(key)); err == nil {
			hosts = append(hosts, &RecordSet{Name: host, Type: t, TTL: rec.TTL, Values: []string{addr.String()}})
		}
	}
	port := get(registry.AttrPort)
	if port == "" {
		return "", hosts
	}
	return "1 1 " + port + " " + rdata.Octal.Name(host), hosts
}

// InstanceCheck returns the id of the health check of an instance, in the API of Route 53.
func InstanceCheck(svc *registry.Service, inst *registry.Instance) string {
	sum := sha256.Sum256([]byte(string(svc.Account) + "/" + string(svc.ID) + "/" + string(inst.ID())))
	return uuid(sum[:16])
}
