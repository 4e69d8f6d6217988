package zone

import (
	"bytes"
	"iter"
	"slices"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// Copy is an RRset for a server that cannot choose among its records: a
// secondary server of the zone.
type Copy struct {
	Type uint16
	TTL  uint32
	// Data holds the data of the records, in order and without duplicates (RFC
	// 2181 section 5).
	Data [][]byte
}

// All returns the records of a node for a server that cannot choose: those in
// rotation. Of CNAME records there can be only one; it is the one with the
// greatest weight, or of those the one with the smallest ID. An alias to a zone of the
// account has the records of its target; other aliases are left out. The Index must be
// that of the node.
func (n *Node) All(x *Index, strict bool) []Copy {
	var all []Copy
	add := func(rtype uint16, ttl uint32, data [][]byte) {
		if len(data) > 0 {
			slices.SortFunc(data, bytes.Compare)
			all = append(all, Copy{rtype, ttl, slices.CompactFunc(data, bytes.Equal)})
		}
	}
	if n.set == nil {
		n.host.all(add)
		return all
	}
	c := copier{x: x, strict: strict}
	for i := range n.set.rrsets {
		r := &n.set.rrsets[i]
		ttl, data := c.rrset(r, 0)
		add(r.Type, ttl, data)
	}
	return all
}

// copier collects the records of RRsets.
type copier struct {
	x      *Index
	strict bool
	steps  int
}

// rrset returns the records of an RRset and their TTL, the smallest.
func (c *copier) rrset(r *RRset, depth int) (ttl uint32, data [][]byte) {
	if r.group == nil {
		return r.TTL, r.all(c.x, c.strict)
	}
	ttl, data = c.sets(r, depth, true)
	if len(data) == 0 {
		ttl, data = c.sets(r, depth, false)
	}
	if r.Type == dnswire.TypeCNAME && len(data) > 1 {
		data = data[:1]
	}
	return ttl, data
}

// sets returns the records of the healthy record sets of a group, or those of all.
func (c *copier) sets(r *RRset, depth int, healthy bool) (ttl uint32, data [][]byte) {
	h := health{x: c.x}
	for _, s := range r.group.Sets {
		if healthy && !h.set(s, r.Type, 0) {
			continue
		}
		some, of := s.TTL, [][]byte(nil)
		if s.Alias != nil {
			some, of = c.target(s.Alias, r.Type, depth)
		}
		for _, d := range s.Data {
			of = append(of, []byte(d))
		}
		if len(of) > 0 && (len(data) == 0 || some < ttl) {
			ttl = some
		}
		data = append(data, of...)
	}
	return ttl, data
}

// target returns the records of the target of an alias.
func (c *copier) target(a *Alias, rtype uint16, depth int) (ttl uint32, data [][]byte) {
	if c.steps++; c.steps > maxHealthSteps || depth >= maxAliasDepth {
		return 0, nil
	}
	if r := c.x.AliasTarget(a, rtype); r != nil {
		return c.rrset(r, depth+1)
	}
	z := c.x.AliasZone(a)
	if z == nil {
		return 0, nil
	}
	if n := c.x.Node(z, a.Name); n != nil && n.set == nil {
		n.host.all(func(t uint16, hostTTL uint32, of [][]byte) {
			if t == rtype {
				ttl, data = hostTTL, of
			}
		})
	}
	return ttl, data
}

// aliasKey is the key of a group in Zone.aliases.
func aliasKey(name string, rtype uint16) string {
	return name + string([]byte{byte(rtype >> 8), byte(rtype)})
}

func (g *Group) hasAlias() bool {
	return g != nil && slices.ContainsFunc(g.Sets, func(s *RecordSet) bool { return s.Alias != nil })
}

// countAlias keeps Zone.aliases.
func (d *Draft) countAlias(z *Zone, name string, rtype uint16, before, after bool) {
	if before == after {
		return
	}
	d.changeZone(z.Index, func(z *Zone) {
		if after {
			z.aliases = z.aliases.Put(&d.editor.trees, aliasKey(name, rtype), struct{}{})
		} else {
			z.aliases = z.aliases.Delete(&d.editor.trees, aliasKey(name, rtype))
		}
	})
}

// AliasNames yields the names of a zone that have groups with aliases, in no particular
// order. A name with several is yielded several times.
func (z *Zone) AliasNames() iter.Seq[string] {
	return func(yield func(string) bool) {
		for key := range z.aliases.All() {
			if !yield(key[:len(key)-2]) {
				return
			}
		}
	}
}

// SameTargets reports whether the targets of the aliases of a zone are known to have the
// same records in two versions. Its cost depends on the number of aliases.
func SameTargets(old, new *Index, z *Zone) bool {
	seen := map[ID]bool{}
	for key := range z.aliases.All() {
		rtype := uint16(key[len(key)-2])<<8 | uint16(key[len(key)-1])
		n := new.Node(z, key[:len(key)-2])
		if n == nil || n.set == nil {
			return false
		}
		new.targetZones(n.set.RRset(rtype), 0, seen)
	}
	for id := range seen {
		a, inOld := old.Zone(id)
		b, inNew := new.Zone(id)
		if inOld != inNew || inNew && (a.Index != b.Index || !SameNames(old, new, b)) {
			return false
		}
	}
	return true
}

// targetZones adds the zones that the aliases of a group lead to.
func (x *Index) targetZones(r *RRset, depth int, seen map[ID]bool) {
	if r == nil || r.group == nil || depth > maxAliasDepth {
		return
	}
	for _, s := range r.group.Sets {
		if s.Alias == nil {
			continue
		}
		seen[s.Alias.Zone] = true
		x.targetZones(x.AliasTarget(s.Alias, r.Type), depth+1, seen)
	}
}
