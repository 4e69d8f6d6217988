package zone

import "github.com/cairn-discovery/cairn/core/dnswire"

// Editor changes the RRsets of one name in a Draft. It is valid until the next
// change of its zone, and until another Editor changes the same name.
type Editor struct {
	draft *Draft
	zone  *Zone
	name  string // in wire form and lower case
	set   *Set   // nil: the name has no RRsets. Not always the draft's own
}

// Edit returns the Editor of a name in wire form, which must be in the zone. It
// returns nil if there is no such zone.
func (d *Draft) Edit(id ID, name string) *Editor {
	i, ok := d.x.byID.Get(id)
	if !ok {
		return nil
	}
	e := &Editor{draft: d, zone: d.x.zones[i], name: dnswire.Lowered(name)}
	if n := d.x.names.Get(hashOf(e.name)).in(i, e.name); n != nil {
		e.set = n.set
	}
	return e
}

// Define creates the RRsets of the name, without members. There must be none.
func (e *Editor) Define(source string, specs []Spec) {
	set := newSet(source, specs)
	set.owner = e.draft.editor
	e.set = set
	e.draft.change(e.zone, e.name, func(n *Node) { n.set = set })
	e.draft.countAbove(e.zone, e.name, e.zone.Apex, 1, 0)
}

// Exists reports whether the name has RRsets.
func (e *Editor) Exists() bool { return e.set != nil }

// Delete removes the RRsets. Their members must have been removed before.
func (e *Editor) Delete() {
	if e.set == nil {
		return
	}
	e.set = nil
	e.draft.change(e.zone, e.name, func(n *Node) { n.set = nil })
	e.draft.countAbove(e.zone, e.name, e.zone.Apex, -1, 0)
}

// SetTTLs gives the RRsets the TTLs of specs, which are in the same order.
func (e *Editor) SetTTLs(specs []Spec) {
	e.own()
	for i := range e.set.rrsets {
		e.set.rrsets[i].TTL = specs[i].TTL
	}
	e.set.refreshInline()
}

// own makes the Set the draft's own.
func (e *Editor) own() {
	if set := e.set.mutable(e.draft.editor); set != e.set {
		e.set = set
		e.draft.change(e.zone, e.name, func(n *Node) { n.set = set })
	}
}

// Replace takes the records of a member out and puts those of another in. Either
// can be nil.
func (e *Editor) Replace(old, new *Member) {
	if e.set == nil || old != nil && new != nil && old.same(new) {
		return
	}
	e.own()
	s, before := e.set, live(e.set)
	if old != nil {
		s.remove(e.draft.editor, old)
		e.removeHosts(old)
	}
	if new != nil {
		s.add(e.draft.editor, new)
		e.addHosts(new)
	}
	s.refreshInline()
	e.draft.countAbove(e.zone, e.name, e.zone.Apex, 0, live(s)-before)
}

func live(s *Set) int {
	if s.members > 0 {
		return 1
	}
	return 0
}

// hosts calls do for the host that a member brings along, if it does.
func (e *Editor) hosts(m *Member, do func(name string, h *Host)) {
	r := e.set.RRset(dnswire.TypeSRV)
	if r == nil || m.Type != dnswire.TypeSRV {
		return
	}
	if rec := m.Record; rec.Host.exists && r.fits(rec) {
		do(dnswire.Lowered(rec.Data[srvFixed:]+r.Suffix), &rec.Host)
	}
}

// srvFixed is the length of what precedes the target in the data of an SRV
// record: RFC 2782.
const srvFixed = 6

func (e *Editor) addHosts(m *Member) {
	e.hosts(m, func(name string, h *Host) {
		e.draft.change(e.zone, name, func(n *Node) {
			if n.host == nil {
				n.host = h
				return
			}
			c := *h // the link belongs to the node, not to the Set
			c.next = n.host
			n.host = &c
		})
		e.draft.countAbove(e.zone, name, e.name, 1, 1)
	})
}

func (e *Editor) removeHosts(m *Member) {
	e.hosts(m, func(name string, h *Host) {
		e.draft.change(e.zone, name, func(n *Node) { n.host = n.host.without(h) })
		e.draft.countAbove(e.zone, name, e.name, -1, -1)
	})
}

// countAbove adds to the counts of the names between a name and one above it: of sets and
// hosts below, and of sets that have members. This creates and removes empty non-terminals.
func (d *Draft) countAbove(z *Zone, name, top string, sets, live int) {
	if sets == 0 && live == 0 || name == top {
		return
	}
	for name = dnswire.Parent(name); len(name) > len(top); name = dnswire.Parent(name) {
		d.change(z, name, func(n *Node) {
			n.below = uint32(int(n.below) + sets)
			n.liveBelow = uint32(int(n.liveBelow) + live)
		})
	}
}
