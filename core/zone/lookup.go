package zone

import "github.com/cairn-discovery/cairn/core/dnswire"

// State says what a name means to a client.
type State uint8

// The outcomes of a Lookup.
const (
	// Refused: the name is in no zone that the client sees. Whether it exists
	// elsewhere is not told.
	Refused State = iota
	// NXDOMAIN: the zone has neither the name nor any below it (RFC 8020).
	NXDOMAIN
	// Hit: the name exists. Whether it has records of the type that was asked
	// for is for its Node to say; where it has none the answer is NODATA.
	Hit
	// Referral: the zone delegates the name, or one above it, to other name servers: the
	// Node has an RRset of type NS.
	Referral
)

func (s State) String() string { return [...]string{"REFUSED", "NXDOMAIN", "HIT", "REFERRAL"}[s] }

// Query is what is looked up.
type Query struct {
	Name []byte // in wire form and lower case
	Hash uint64 // of Name
	// Head is what Find returned for Hash, if Found is set.
	Head   *Node
	Found  bool
	View   View
	Strict bool
	// Fixed has the names that the configuration sets. Nil: there are none.
	Fixed *Fixed
}

// Result is what a name means.
type Result struct {
	State State
	Zone  *Zone // the most specific one that the client sees; nil if Refused
	Node  *Node // nil unless Hit or Referral
	// Fixed: the records are those of a name that the configuration sets.
	Fixed bool
	// Wildcard: the Node is that of a wildcard, which has the records of the name.
	Wildcard bool
}

// Find returns the names of a hash, for Query.Head. It is the part of a Lookup
// that waits for memory.
func (x *Index) Find(hash uint64) *Node { return x.names.Get(hash) }

// Lookup finds the most specific zone that the client sees and the name in it.
// There is no fall-through: a name that this zone does not have does not exist.
// It allocates nothing.
func (x *Index) Lookup(q *Query) Result {
	if q.Fixed == nil {
		return x.lookup(q)
	}
	if n := q.Fixed.at(q.Name, q.Hash); n != nil {
		if z := x.enclosing(q); z != nil {
			return Result{State: Hit, Zone: z, Node: q.Fixed.in(z, n), Fixed: true}
		}
		return Result{State: Hit, Zone: q.Fixed.index.zones[n.zone], Node: n, Fixed: true}
	}
	r := x.lookup(q)
	switch r.State {
	case Refused:
		if z := q.Fixed.above(q.Name); z != nil {
			return Result{State: NXDOMAIN, Zone: z}
		}
	case NXDOMAIN:
		if q.Fixed.index.hasZoneBelow(q.Name, q.Hash, &q.View) {
			return Result{State: Hit, Zone: r.Zone, Node: emptyNonTerminal}
		}
	}
	return r
}

// emptyNonTerminal is the node of a name that exists only because of zones below
// it. It is never modified.
var emptyNonTerminal = &Node{nameLen: 1}

// lookup is Lookup without fixed names.
func (x *Index) lookup(q *Query) Result {
	head := q.Head
	if !q.Found {
		head = x.Find(q.Hash)
	}
	for n := head; n != nil; n = n.next {
		if !n.is(q.Name) {
			continue
		}
		if z := x.zones[n.zone]; z.noSubzones && !z.contested && z.Visible(&q.View) {
			if z.cuts == 0 {
				return x.found(z, n, q)
			}
		}
		break
	}
	z := x.enclosing(q)
	if z == nil {
		return Result{}
	}
	if z.cuts > 0 {
		if cut := x.cutAbove(z, q.Name); cut != nil {
			return Result{State: Referral, Zone: z, Node: cut}
		}
	}
	node := emptyNonTerminal
	for n := head; n != nil; n = n.next {
		if n.zone == z.Index && n.is(q.Name) {
			node = n // without records it can still exist because of a zone below
			break
		}
	}
	if node != emptyNonTerminal && node.exists(q.Strict) || !z.noSubzones && x.hasZoneBelow(q.Name, q.Hash, &q.View) {
		return Result{State: Hit, Zone: z, Node: node}
	}
	return x.wildcard(z, q)
}

func (x *Index) found(z *Zone, n *Node, q *Query) Result {
	if !n.exists(q.Strict) {
		return x.wildcard(z, q)
	}
	return Result{State: Hit, Zone: z, Node: n}
}

// cutAbove returns the delegation that a name is at or below, or nil: the one nearest to
// the apex.
func (x *Index) cutAbove(z *Zone, name []byte) (cut *Node) {
	for len(name) > len(z.Apex) {
		if n := x.names.Get(Hash(name)).in(z.Index, string(name)); n != nil && n.set != nil && n.set.RRset(dnswire.TypeNS) != nil {
			cut = n
		}
		name = name[1+name[0]:]
	}
	return cut
}

// wildcard is the result for a name that does not exist: the wildcard at its closest
// encloser has its records, if there is one (RFC 4592 section 3.3.1).
func (x *Index) wildcard(z *Zone, q *Query) Result {
	none := Result{State: NXDOMAIN, Zone: z}
	if z.wildcards == 0 {
		return none
	}
	for name := q.Name; len(name) > len(z.Apex); {
		name = name[1+name[0]:]
		hash := Hash(name)
		exists := x.names.Get(hash).in(z.Index, string(name)) != nil || !z.noSubzones && x.hasZoneBelow(name, hash, &q.View)
		if !exists {
			continue
		}
		var buf [dnswire.MaxName + 2]byte
		source := append(append(buf[:0], 1, '*'), name...)
		n := x.names.Get(Hash(source)).in(z.Index, string(source))
		if n == nil || n.set == nil && n.below == 0 {
			return none
		}
		return Result{State: Hit, Zone: z, Node: n, Wildcard: true}
	}
	return none
}

// enclosing returns the zone that a name belongs to for the client, or nil.
func (x *Index) enclosing(q *Query) *Zone {
	hash := q.Hash
	for name := q.Name; ; {
		if z := x.apexFor(name, hash, &q.View); z != nil {
			if z.contested {
				return x.owner(q.Name, &q.View)
			}
			return z
		}
		if name[0] == 0 {
			return nil
		}
		name = name[1+name[0]:]
		hash = Hash(name)
	}
}

// apexFor returns the first zone with an apex that the client sees.
func (x *Index) apexFor(name []byte, hash uint64, v *View) *Zone {
	var best *Zone
	for n := x.names.Get(hash); n != nil; n = n.next {
		if !n.IsApex() || !n.is(name) {
			continue
		}
		if z := x.zones[n.zone]; z.Visible(v) && (best == nil || z.before(best, v)) {
			best = z
		}
	}
	return best
}

// before orders the zones of one apex and account that a client sees: those of its
// own VPC, other private ones, public ones, then the older, and by id, so that all
// nodes answer alike.
func (z *Zone) before(other *Zone, v *View) bool {
	if a, b := z.rank(v), other.rank(v); a != b {
		return a < b
	}
	if z.Created != other.Created {
		return z.Created < other.Created
	}
	return z.ID < other.ID
}

func (z *Zone) rank(v *View) int {
	switch {
	case z.Public:
		return 2
	case v.inVPCOf(z):
		return 0
	}
	return 1
}
