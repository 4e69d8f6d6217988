package zone

import (
	"cmp"
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnswire"
)

// Group holds the record sets of one name and type of a hosted zone, as its owner wrote
// them. It is immutable. An RRset has either a Group or members; see Editor.PutGroup.
type Group struct {
	Type    uint16
	Routing Routing
	// Sets are in the order of their IDs. Of Routing Simple there is one.
	Sets []*RecordSet
}

// Routing says which record sets of a group an answer consists of; see "Choosing a
// routing policy" in the Route 53 developer guide.
type Routing uint8

// The routing policies of groups.
const (
	// Simple answers with the only record set.
	Simple Routing = iota
	// MultivalueSets answers with up to MaxAnswer healthy sets, chosen at random.
	MultivalueSets
	// WeightedSets answers with one healthy set, chosen by weight.
	WeightedSets
	// LatencySets answers with the healthy set of the region nearest to the client.
	LatencySets
	// Failover answers with the primary set while it is healthy, and then with the other.
	Failover
	// Geolocation answers with the healthy set of the smallest location that the client
	// is in.
	Geolocation
)

// RecordSet is one record set of a group: values, or an alias.
type RecordSet struct {
	ID  string // set identifier; empty for Simple
	TTL uint32 // in seconds; of an alias it has no meaning
	// Data holds the data of the records in wire form, without compression.
	Data  []string
	Alias *Alias
	// Check is the id of a health check, or empty.
	Check string

	Weight    uint8    // WeightedSets
	Region    string   // LatencySets
	Secondary bool     // Failover
	Location  Location // Geolocation
}

// Alias answers with the records of another name.
type Alias struct {
	Name string // of the target, in wire form and lower case
	// Zone is the zone of the target. If it is not one of the Account, the name is looked
	// up as a client would.
	Zone    ID
	Account command.AccountID
	// Evaluate: the record set is healthy only if one of the target is.
	Evaluate bool
}

// Location is a place in the world. Empty fields mean the whole of the field before. The
// zero value is no place; Country "*" is everywhere.
type Location struct{ Continent, Country, Subdivision string }

// Everywhere is the default location of Geolocation.
const Everywhere = "*"

// PutGroup stores the group of a type at the name, in the place of the one of this type
// if there is one. A nil group deletes it. A name has either groups or what Define made.
func (e *Editor) PutGroup(rtype uint16, g *Group) {
	i := -1
	if e.set != nil {
		i = slices.IndexFunc(e.set.rrsets, func(r RRset) bool { return r.Type == rtype })
	}
	e.draft.countAlias(e.zone, e.name, rtype, i >= 0 && e.set.rrsets[i].group.hasAlias(), g.hasAlias())
	switch {
	case g == nil && i < 0:
		return
	case g == nil && len(e.set.rrsets) == 1:
		e.draft.countKinds(e.zone, e.name, rtype, -1)
		e.set = nil
		e.draft.change(e.zone, e.name, func(n *Node) { n.set = nil })
		e.draft.countAbove(e.zone, e.name, e.zone.Apex, -1, -1)
		return
	}
	set := new(Set)
	if e.set != nil {
		*set = Set{Source: e.set.Source, rrsets: slices.Clone(e.set.rrsets)}
	}
	switch {
	case g == nil:
		set.rrsets = slices.Delete(set.rrsets, i, i+1)
		e.draft.countKinds(e.zone, e.name, rtype, -1)
	case i >= 0:
		set.rrsets[i] = RRset{Type: rtype, TTL: g.ttl(), group: g}
	default:
		set.rrsets = append(set.rrsets, RRset{Type: rtype, TTL: g.ttl(), group: g})
		e.draft.countKinds(e.zone, e.name, rtype, 1)
	}
	first := e.set == nil
	e.set, set.members = set, len(set.rrsets)
	set.refreshInline()
	e.draft.change(e.zone, e.name, func(n *Node) { n.set = set })
	if first {
		e.draft.countAbove(e.zone, e.name, e.zone.Apex, 1, 1)
	}
}

// inlineGroup sets the inline addresses to those of a simple record set with few.
func (s *Set) inlineGroup(g *Group) {
	set := g.Sets[0]
	if g.Routing != Simple || set.Alias != nil || len(set.Data) > MaxAnswer {
		return
	}
	for i, data := range set.Data {
		copy(s.inline[i][:], data)
	}
	s.inlineLen, s.inlineTTL = uint8(len(set.Data)), set.TTL
}

// countKinds keeps the numbers of wildcards and delegations of a zone. Each RRset of a
// wildcard counts.
func (d *Draft) countKinds(z *Zone, name string, rtype uint16, by int) {
	wildcard := len(name) > 2 && name[:2] == "\x01*"
	cut := rtype == dnswire.TypeNS && name != z.Apex
	if !wildcard && !cut {
		return
	}
	d.changeZone(z.Index, func(z *Zone) {
		if wildcard {
			z.wildcards += by
		}
		if cut {
			z.cuts += by
		}
	})
}

// ttl returns the TTL of the group's records in one RRset: the smallest, since all must
// have the same (RFC 2181 section 5.2).
func (g *Group) ttl() uint32 {
	ttl := g.Sets[0].TTL
	for _, s := range g.Sets {
		if s.Alias == nil {
			ttl = min(ttl, s.TTL)
		}
	}
	return ttl
}

// Group returns the record sets of a hosted zone, or nil if the records are those of
// members.
func (r *RRset) Group() *Group { return r.group }

// ByLocation reports whether Picker.Location matters.
func (r *RRset) ByLocation() bool { return r.group != nil && r.group.Routing == Geolocation }

// maxHealthSteps bounds how many record sets are looked at to find whether one of them
// is healthy. Beyond it they count as healthy.
const maxHealthSteps = 1000

// maxAliasDepth bounds chains of aliases.
const maxAliasDepth = 8

// health finds which record sets are healthy.
type health struct {
	x     *Index
	steps int
}

// set reports whether a record set is healthy: "How Amazon Route 53 chooses records when
// health checking is configured" in the developer guide.
func (h *health) set(s *RecordSet, rtype uint16, depth int) bool {
	if h.steps++; h.steps > maxHealthSteps || depth > maxAliasDepth {
		return true
	}
	if s.Check != "" && h.x.down.Has(s.Check) {
		return false
	}
	if s.Alias == nil || !s.Alias.Evaluate {
		return true
	}
	if h.x.AliasZone(s.Alias) == nil {
		return true // it is not known here
	}
	r := h.x.AliasTarget(s.Alias, rtype)
	switch {
	case r == nil:
		return false
	case r.group == nil:
		return r.healthy()
	}
	return slices.ContainsFunc(r.group.Sets, func(s *RecordSet) bool { return h.set(s, rtype, depth+1) })
}

// AliasZone returns the zone of the target of an alias if it is one of the account, or
// nil.
func (x *Index) AliasZone(a *Alias) *Zone {
	if z, ok := x.Zone(a.Zone); ok && z.Account == a.Account {
		return z
	}
	return nil
}

// AliasTarget returns the RRset of a type that an alias names in a zone of the account, or
// nil.
func (x *Index) AliasTarget(a *Alias, rtype uint16) *RRset {
	z := x.AliasZone(a)
	if z == nil {
		return nil
	}
	n := x.Node(z, a.Name)
	if n == nil || n.set == nil {
		return nil
	}
	return n.set.RRset(rtype)
}

// healthy reports whether a member is in rotation.
func (r *RRset) healthy() bool {
	return len(r.v4.inRotation())+len(r.v6.inRotation())+len(r.records.inRotation())+len(r.aliases.inRotation()) > 0
}

// Down reports whether a health check found its target unhealthy.
func (x *Index) Down(check string) bool { return x.down.Has(check) }

// Healthy reports whether a record set of a type is healthy.
func (x *Index) Healthy(s *RecordSet, rtype uint16) bool {
	h := health{x: x}
	return h.set(s, rtype, 0)
}

// SetDown records the verdict of a health check for the groups that use it.
func (d *Draft) SetDown(check string, down bool) {
	if down {
		d.x.down = d.x.down.Put(&d.editor.trees, check, struct{}{})
	} else {
		d.x.down = d.x.down.Delete(&d.editor.trees, check)
	}
}

// Choose appends the record sets that an answer consists of. None: the group has no
// answer for this client.
func (x *Index) Choose(g *Group, p *Picker, out []*RecordSet) []*RecordSet {
	if g.Routing == Simple {
		return append(out, g.Sets...)
	}
	h := health{x: x}
	var buf [16]*RecordSet
	up := buf[:0]
	for _, s := range g.Sets {
		if h.set(s, g.Type, 0) {
			up = append(up, s)
		}
	}
	switch g.Routing {
	case MultivalueSets:
		return someOf(p.Rand, orAll(up, g.Sets), out)
	case WeightedSets:
		return append(out, byWeight(p.Rand, orAll(up, g.Sets)))
	case LatencySets:
		return append(out, nearestSet(p, orAll(up, g.Sets)))
	case Failover:
		return append(out, failover(up, g.Sets))
	}
	if s := located(&p.Location, up); s != nil {
		return append(out, s)
	}
	if s := located(&p.Location, g.Sets); s != nil {
		return append(out, s)
	}
	return out
}

// orAll returns all sets where none is healthy: the group fails open.
func orAll(up, all []*RecordSet) []*RecordSet {
	if len(up) == 0 {
		return all
	}
	return up
}

func someOf(r *Rand, sets, out []*RecordSet) []*RecordSet {
	if len(sets) <= MaxAnswer {
		at := len(out)
		out = append(out, sets...)
		shuffle(r, out[at:])
		return out
	}
	var at [MaxAnswer]uint32
	for _, i := range at[:choose(r, uint32(len(sets)), &at)] {
		out = append(out, sets[i])
	}
	return out
}

// byWeight chooses among the sets with a weight, and among all if none has one.
func byWeight(r *Rand, sets []*RecordSet) *RecordSet {
	total := uint64(0)
	for _, s := range sets {
		total += uint64(s.Weight)
	}
	if total == 0 {
		return sets[r.below(uint64(len(sets)))]
	}
	at := r.below(total)
	for _, s := range sets {
		if at < uint64(s.Weight) {
			return s
		}
		at -= uint64(s.Weight)
	}
	return sets[len(sets)-1]
}

// nearestSet returns the set of the nearest region. Regions that the client's list does
// not have are farther away than all that it has.
func nearestSet(p *Picker, sets []*RecordSet) *RecordSet {
	for _, region := range p.Regions {
		for _, s := range sets {
			if s.Region == region {
				return s
			}
		}
	}
	return sets[p.Rand.below(uint64(len(sets)))]
}

// failover returns the healthy set, and the primary if both are or none is.
func failover(up, all []*RecordSet) *RecordSet {
	sets := slices.Clone(orAll(up, all))
	return slices.MinFunc(sets, func(a, b *RecordSet) int { return cmp.Compare(rank(a), rank(b)) })
}

func rank(s *RecordSet) int {
	if s.Secondary {
		return 1
	}
	return 0
}

// located returns the set of the smallest location that holds a client's, or nil.
func located(client *Location, sets []*RecordSet) *RecordSet {
	var best *RecordSet
	bestSize := 0
	for _, s := range sets {
		size := 0
		switch l := s.Location; {
		case l.Subdivision != "":
			if l.Country == client.Country && l.Subdivision == client.Subdivision {
				size = 4
			}
		case l.Country == Everywhere:
			size = 1
		case l.Country != "":
			if l.Country == client.Country {
				size = 3
			}
		case l.Continent == client.Continent:
			size = 2
		}
		if size > bestSize {
			best, bestSize = s, size
		}
	}
	return best
}
