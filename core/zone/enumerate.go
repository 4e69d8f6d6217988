package zone

import (
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/internal/persist/chunkvec"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// Node returns the node of a name in a zone, or nil. The name must be in wire
// form and lower case.
func (x *Index) Node(z *Zone, name string) *Node {
	return x.names.Get(hashOf(name)).in(z.Index, name)
}

// Apex returns the zone of exactly this name: the public one, or the private one
// of a VPC if one is given. Nil: there is none. The name must be in wire form and
// lower case.
func (x *Index) Apex(name []byte, vpc string) *Zone {
	var best *Zone
	for n := x.names.Get(Hash(name)); n != nil; n = n.next {
		if !n.IsApex() || !n.is(name) {
			continue
		}
		z := x.zones[n.zone]
		if z.Public == (vpc == "") && (z.Public || z.inVPC(vpc)) && (best == nil || z.precedes(best, &View{})) {
			best = z
		}
	}
	return best
}

// Names yields every name of a zone that has RRsets or is a host, once, in no
// particular order.
func (x *Index) Names(z *Zone) iter.Seq[*Node] {
	return func(yield func(*Node) bool) {
		nodes, _ := x.contents.Get(z.Index)
		for _, n := range nodes.All() {
			if !yield(n) {
				return
			}
		}
	}
}

// SameNames reports whether a zone has the same records in two versions. The cost
// does not depend on the size of the zone.
func SameNames(old, new *Index, z *Zone) bool {
	a, _ := old.contents.Get(z.Index)
	b, _ := new.contents.Get(z.Index)
	return a == b
}

// ChangedNames returns the names of a zone whose records may differ between two
// versions, in order, at a cost that depends on the changes between them.
func ChangedNames(old, new *Index, z *Zone) []string {
	a, _ := old.contents.Get(z.Index)
	b, _ := new.contents.Get(z.Index)
	var names []string
	ptree.Diff(a, b, func(_ uint64, old, new *Node) {
		for _, n := range []*Node{old, new} {
			if n != nil {
				names = append(names, n.Name())
			}
		}
	})
	slices.Sort(names)
	return slices.Compact(names)
}

func (h *Host) all(add func(rtype uint16, ttl uint32, data [][]byte)) {
	if h == nil {
		return
	}
	var v4, v6 [][]byte
	ttl := uint32(0)
	for ; h != nil; h = h.next {
		if h.Pending {
			continue
		}
		ttl = h.TTL
		if h.HasV4 {
			v4 = append(v4, h.V4[:])
		}
		if h.HasV6 {
			v6 = append(v6, h.V6[:])
		}
	}
	add(dnswire.TypeA, ttl, v4)
	add(dnswire.TypeAAAA, ttl, v6)
}

func (r *RRset) all(x *Index, strict bool) [][]byte {
	var data [][]byte
	switch r.Type {
	case dnswire.TypeA:
		for v := range candidates(r, r.v4, strict) {
			data = append(data, v[:])
		}
	case dnswire.TypeAAAA:
		for v := range candidates(r, r.v6, strict) {
			data = append(data, v[:])
		}
	case dnswire.TypeCNAME:
		if rec := r.onlyRecord(strict); rec != nil {
			data = append(data, []byte(rec.Data+r.Suffix))
		}
	default:
		for rec := range candidates(r, r.records, strict) {
			data = append(data, r.data(rec, strict))
		}
	}
	return data
}

// data returns the data of a record. The target of an SRV record is in lower
// case: ids that differ by case make one name, and two records with one port
// must not be there twice.
func (r *RRset) data(rec *Record, strict bool) []byte {
	b := append([]byte(rec.Data), r.Suffix...)
	if r.Type == dnswire.TypeSRV && len(b) > srvFixed {
		dnswire.Lower(b[srvFixed:])
		if r.EqualWeights(strict) {
			binary.BigEndian.PutUint16(b[2:], 1)
		}
	}
	return b
}

// candidates yields the values that a pick can return. Where aliases are in
// rotation, addresses that are down are not among them.
func candidates[T any, O values[T]](r *RRset, p *pool[T, O], strict bool) iter.Seq[T] {
	classes := p.rotation()
	if len(r.aliases.inRotation()) > 0 {
		classes = p.inRotation()
	}
	weightless := r.policy == Weighted && !r.EqualWeights(strict) && heaviest(classes) > 0
	return func(yield func(T) bool) {
		for i := range classes {
			c := &classes[i]
			if weightless && c.weight == 0 {
				continue
			}
			if !yieldAll(&c.vals, yield) {
				return
			}
		}
	}
}

func yieldAll[T any](v *chunkvec.Vec[T], yield func(T) bool) bool {
	for i := range v.Len() {
		if !yield(*v.At(i)) {
			return false
		}
	}
	return true
}

func (r *RRset) onlyRecord(strict bool) *Record {
	var best *Record
	bestWeight := -1
	for _, c := range r.records.rotation() {
		weight := int(c.weight)
		if r.EqualWeights(strict) {
			weight = 0
		}
		for i := range c.vals.Len() {
			rec := *c.vals.At(i)
			if best == nil || cmp.Or(cmp.Compare(bestWeight, weight), cmp.Compare(rec.ID, best.ID)) < 0 {
				best, bestWeight = rec, weight
			}
		}
	}
	return best
}

// Subzones returns the zones below z that hide a part of it from those who see it, in the
// order of their names. Zones below another one of them are not listed.
func (x *Index) Subzones(z *Zone) []*Zone {
	if z.noSubzones {
		return nil
	}
	view := z.ownView()
	var subzones []*Zone
	last, key := "", reversed(z.Apex)
	for below := range x.apexes.After(key) {
		if !strings.HasPrefix(below, key) {
			break
		}
		if last != "" && strings.HasPrefix(below, last) {
			continue
		}
		name := reversed(below+"\x00") + "\x00"
		if owner := x.owner([]byte(name), &view); owner != nil && owner.Apex == name {
			subzones, last = append(subzones, owner), below
		}
	}
	return subzones
}

// ownView returns the view of a client that sees the zone, and other private zones
// only in all of its VPCs.
func (z *Zone) ownView() View {
	if z.Public {
		return View{}
	}
	return View{VPCs: z.VPCs}
}

// IsAnswered reports whether z is the zone that is answered at its apex, to those who
// see it: a zone of another account can keep it from being answered.
func (x *Index) IsAnswered(z *Zone) bool {
	if !z.contested {
		return true
	}
	view := z.ownView()
	return x.owner([]byte(z.Apex), &view) == z
}
