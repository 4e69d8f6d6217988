package hostedzone

import (
	"crypto/sha256"
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/rdata"
	"github.com/cairn-discovery/cairn/core/registry"
)

// ServiceSets are the record sets of the instances of a service, in the order of lists. It
// is immutable.
type ServiceSets struct {
	sets []*RecordSet
	keys []string // RecordSet.setKey of each
}

// Len returns the number of record sets.
func (s *ServiceSets) Len() int { return len(s.sets) }

// SetsOfService returns the record sets of a service, one for each instance and record as
// AWS Cloud Map lays them out. It costs as much as the service has instances.
func SetsOfService(ns *registry.Namespace, svc *registry.Service) *ServiceSets {
	name, ok := serviceName(ns, svc)
	if !ok || svc.DNS == nil {
		return &ServiceSets{}
	}
	var sets []*RecordSet
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
	return inOrder(sets)
}

// inOrder sorts record sets as lists do. Of several with one key it keeps one.
func inOrder(sets []*RecordSet) *ServiceSets {
	type keyed struct {
		key string
		set *RecordSet
	}
	all := make([]keyed, len(sets))
	for i, s := range sets {
		all[i] = keyed{s.setKey(), s}
	}
	slices.SortStableFunc(all, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	all = slices.CompactFunc(all, func(a, b keyed) bool { return a.key == b.key })
	out := &ServiceSets{make([]*RecordSet, len(all)), make([]string, len(all))}
	for i, k := range all {
		out.sets[i], out.keys[i] = k.set, k.key
	}
	return out
}

// serviceName returns the name of the records of a service, in wire form.
func serviceName(ns *registry.Namespace, svc *registry.Service) (string, bool) {
	text := ns.Name
	if svc.Name != "." {
		text = svc.Name + "." + ns.Name
	}
	name, err := ParseName(text)
	return name, err == nil
}

// NamespaceZone is how the zone of a namespace appears in the API of Route 53. It is for
// one goroutine.
type NamespaceZone struct {
	parts []part
	sets  func(*registry.Service) *ServiceSets
}

// part is the record sets at and below a name: those of a service, or the NS and SOA
// records. All their keys begin with prefix.
type part struct {
	prefix string
	svc    *registry.Service // nil: fixed
	fixed  *ServiceSets
}

// NewNamespaceZone returns the zone of a namespace. Sets returns what SetsOfService
// returns; it is called only for services that a list reaches.
func NewNamespaceZone(ns *registry.Namespace, r *Rules, sets func(*registry.Service) *ServiceSets) *NamespaceZone {
	z := &NamespaceZone{sets: sets}
	apex, err := ParseName(ns.Name)
	if err != nil {
		return z
	}
	own := initialSets(r, apex)
	for i := range own {
		if own[i].Type == dnswire.TypeSOA {
			own[i].TTL = ns.SOATTL
		}
	}
	z.parts = append(z.parts, part{prefix: Reversed(apex), fixed: inOrder(own)})
	for _, svc := range ns.ServicesNamed("") {
		if name, ok := serviceName(ns, svc); ok && svc.DNS != nil {
			z.parts = append(z.parts, part{prefix: Reversed(name), svc: svc})
		}
	}
	slices.SortStableFunc(z.parts, func(a, b part) int { return strings.Compare(a.prefix, b.prefix) })
	return z
}

// cursor is where a list is in a part.
type cursor struct {
	*ServiceSets
	at int
}

// From yields the record sets from a name, type and set identifier on, as Sets.From does.
// The record sets of services are merged, since a service can be below another one.
func (z *NamespaceZone) From(name, rtype, id string) iter.Seq[*RecordSet] {
	from := startKey(name, rtype, id)
	return func(yield func(*RecordSet) bool) {
		var open []cursor
		last := ""
		for next := 0; ; {
			least := -1
			for i := range open {
				if least < 0 || open[i].keys[open[i].at] < open[least].keys[open[least].at] {
					least = i
				}
			}
			if next < len(z.parts) && (least < 0 || z.parts[next].prefix <= open[least].keys[open[least].at]) {
				open = z.open(open, next, from)
				next++
				continue
			}
			if least < 0 {
				return
			}
			c := &open[least]
			set, key := c.sets[c.at], c.keys[c.at]
			if c.at++; c.at == len(c.sets) {
				open = slices.Delete(open, least, least+1)
			}
			if key != last && !yield(set) {
				return
			}
			last = key
		}
	}
}

// open adds a part that has record sets from a key on.
func (z *NamespaceZone) open(open []cursor, i int, from string) []cursor {
	p := &z.parts[i]
	if p.prefix < from && !strings.HasPrefix(from, p.prefix) {
		return open // all of it comes before
	}
	sets := p.fixed
	if p.svc != nil {
		sets = z.sets(p.svc)
	}
	if at, _ := slices.BinarySearch(sets.keys, from); at < len(sets.keys) {
		open = append(open, cursor{sets, at})
	}
	return open
}

// Len returns the number of record sets. It costs as much as the whole zone.
func (z *NamespaceZone) Len() int {
	n := 0
	for range z.From("", "", "") {
		n++
	}
	return n
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
	return command.UUID(sum[:16])
}
