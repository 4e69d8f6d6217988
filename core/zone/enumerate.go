package zone

import (
	"bytes"
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/internal/persist/chunkvec"
)

// Owner is a name of a zone with all the records that a server needs for it that
// cannot choose among them: a secondary server of the zone.
type Owner struct {
	// Name is in wire form and lower case.
	Name string
	// TTL is that of each kind of record, in seconds.
	TTL [kinds]uint32
	V4  [][4]byte
	V6  [][16]byte
	// Hosts are the targets of the SRV records, Tail what comes after their
	// labels.
	Hosts []*Host
	Tail  string
	// Target is that of the CNAME record; nil: there is none.
	Target *Target
}

// Node returns the node of a name in a zone, or nil. The name must be in wire
// form and lower case.
func (x *Index) Node(z *Zone, name string) *Node {
	return x.names.Get(hashOf(name)).in(z.Index, name)
}

// Apex returns the zone of exactly this name: the public one, or the private one
// of a VPC where one is given. Nil: there is none. The name must be in wire form
// and lower case.
func (x *Index) Apex(name []byte, vpc string) *Zone {
	var best *Zone
	for n := x.names.Get(Hash(name)); n != nil; n = n.next {
		if !n.IsApex() || !n.is(name) {
			continue
		}
		z := x.zones[n.zone]
		if z.Public == (vpc == "") && z.VPC == vpc && (best == nil || z.Namespace < best.Namespace) {
			best = z
		}
	}
	return best
}

// Owners yields every name of a zone that has records of services or hosts,
// once, in no useful order. The namespace must be the zone's, of the same state.
func (x *Index) Owners(z *Zone, ns *registry.Namespace) iter.Seq[*Node] {
	return func(yield func(*Node) bool) {
		for _, svc := range ns.ServicesNamed("") {
			tail, ok := wireTail(ns, svc)
			if svc.DNS == nil || !ok {
				continue
			}
			n := x.Node(z, dnswire.Lowered(tail))
			if n == nil || n.set == nil || n.set.Service != svc.ID {
				continue // it has the name together with another service
			}
			if !yield(n) || !x.hosts(z, n.set, svc, yield) {
				return
			}
		}
	}
}

// hosts yields the hosts of a service.
func (x *Index) hosts(z *Zone, s *Set, svc *registry.Service, yield func(*Node) bool) bool {
	if !s.has[SRV] {
		return true
	}
	for id := range svc.Instances("") {
		// Of hosts with one name the first stands for all.
		n := x.Node(z, hostNameOf(s.Tail, id))
		if n != nil && n.Host() != nil && n.host.id() == id && !yield(n) {
			return false
		}
	}
	return true
}

func hostNameOf(tail string, id registry.InstanceID) string { return dnswire.Lowered(label(id) + tail) }

// ChangedOwners returns the names of a zone whose records may differ between two
// versions of its namespace.
func ChangedOwners(old, new *registry.Namespace) []string {
	c := changedOwners{}
	registry.DiffNamespace(old, new, c)
	return slices.Sorted(maps.Keys(c))
}

// changedOwners collects the names.
type changedOwners map[string]struct{}

func (c changedOwners) NamespaceChanged(_, _ *registry.Namespace) {}

// ServiceChanged adds all hosts of the service where its records may have
// changed: they are what InstanceChanged does not tell of.
func (c changedOwners) ServiceChanged(ns *registry.Namespace, old, new *registry.Service) {
	for _, svc := range []*registry.Service{old, new} {
		if svc == nil || svc.DNS == nil {
			continue
		}
		tail, _ := wireTail(ns, svc)
		c[dnswire.Lowered(tail)] = struct{}{}
		if svc.DNS.Has(registry.RecordSRV) && (old == nil || new == nil || old.DNS != new.DNS || old.HasHealth() != new.HasHealth()) {
			for id := range svc.Instances("") {
				c[hostNameOf(tail, id)] = struct{}{}
			}
		}
	}
}

func (c changedOwners) InstanceChanged(ns *registry.Namespace, svc *registry.Service, old, new *registry.Instance) {
	if svc.DNS == nil || !svc.DNS.Has(registry.RecordSRV) {
		return
	}
	tail, _ := wireTail(ns, svc)
	id := registry.InstanceID("")
	if old != nil {
		id = old.ID()
	} else {
		id = new.ID()
	}
	c[hostNameOf(tail, id)] = struct{}{}
}

// All returns the records of a node for a server that cannot choose: those in
// rotation, or all where none is. Of names to point to there can be one only; it
// is the one of the greatest weight, or of those the one of the instance with
// the smallest id. Aliases are left out.
func (n *Node) All(strict bool) Owner {
	o := Owner{Name: n.Name()}
	if n.set != nil {
		n.set.all(&o, strict)
		return o
	}
	for h := n.host; h != nil; h = h.twin {
		if h.waiting {
			continue
		}
		o.TTL[A], o.TTL[AAAA] = h.TTL, h.TTL
		if h.HasV4 {
			o.V4 = append(o.V4, h.V4)
		}
		if h.HasV6 {
			o.V6 = append(o.V6, h.V6)
		}
	}
	o.settle()
	return o
}

func (s *Set) all(o *Owner, strict bool) {
	o.TTL, o.Tail = s.TTL, s.Tail
	switch {
	case s.has[CNAME]:
		o.Target = s.onlyName(strict)
	case s.has[SRV]:
		if s.hosts != nil {
			o.Hosts = everything(s.policy, s.hosts, true, strict)
		}
	default:
		// A service that answers with aliases only does not fall back to
		// addresses that are down.
		aliases := s.names != nil && len(s.names.live) > 0
		o.V4 = everything(s.policy, &s.v4, !aliases, strict)
		o.V6 = everything(s.policy, &s.v6, !aliases, strict)
	}
	o.settle()
}

// settle puts the records into an order and leaves each out that is there
// already: RFC 2181 section 5.
func (o *Owner) settle() {
	slices.SortFunc(o.V4, func(a, b [4]byte) int { return bytes.Compare(a[:], b[:]) })
	slices.SortFunc(o.V6, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	slices.SortFunc(o.Hosts, func(a, b *Host) int { return strings.Compare(a.Label, b.Label) })
	o.V4, o.V6 = slices.Compact(o.V4), slices.Compact(o.V6)
}

// rotation returns the classes that are picked from; see pick.
func rotation[T any](p policy, values *pool[T], failOpen, strict bool) []class[T] {
	classes := values.live
	if len(classes) == 0 && failOpen {
		classes = values.down
	}
	if p != weighted || strict || heaviest(classes) == 0 {
		return classes
	}
	return slices.DeleteFunc(slices.Clone(classes), func(c class[T]) bool { return c.weight == 0 })
}

func everything[T any](p policy, values *pool[T], failOpen, strict bool) []T {
	var out []T
	for _, c := range rotation(p, values, failOpen, strict) {
		out = appendVec(out, &c.vals)
	}
	return out
}

func appendVec[T any](out []T, v *chunkvec.Vec[T]) []T {
	for i := range v.Len() {
		out = append(out, *v.At(i))
	}
	return out
}

func (s *Set) onlyName(strict bool) *Target {
	if s.names == nil {
		return nil
	}
	var best *Target
	bestID, bestWeight := registry.InstanceID(""), -1
	for _, c := range rotation(s.policy, s.names, true, strict) {
		weight := int(c.weight)
		if strict {
			weight = 0
		}
		for i := range c.vals.Len() {
			id := (*c.vals.At(i)).id
			if by := cmp.Or(cmp.Compare(bestWeight, weight), cmp.Compare(id, bestID)); best == nil || by < 0 {
				best, bestID, bestWeight = *c.vals.At(i), id, weight
			}
		}
	}
	return best
}

// Cuts returns the apexes of the zones below z that hide a part of it from those
// who see it, without those that lie below another of them, in the order of
// their names.
func (x *Index) Cuts(z *Zone) []string {
	if z.alone {
		return nil
	}
	view := View{}
	if !z.Public {
		view.VPCs = []string{z.VPC}
	}
	var cuts []string
	last, key := "", reversed(z.Apex)
	for below := range x.apexes.After(key) {
		if !strings.HasPrefix(below, key) {
			break
		}
		if last != "" && strings.HasPrefix(below, last) {
			continue
		}
		name := reversed(below+"\x00") + "\x00"
		if x.apexFor([]byte(name), hashOf(name), &view) != nil {
			cuts, last = append(cuts, name), below
		}
	}
	return cuts
}
