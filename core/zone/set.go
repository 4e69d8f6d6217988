package zone

import "github.com/cairn-discovery/cairn/core/dnswire"

// Set holds all RRsets of a name. It is immutable.
type Set struct {
	members int // also those that are not answered with

	// inline holds the IPv4 addresses that every answer to type A consists of, in
	// any order, where inlineLen is not zero: the usual name is answered without
	// following a pointer, from one or two lines of memory.
	inlineLen uint8
	inlineTTL uint32
	inline    [MaxAnswer][4]byte

	rrsets []RRset // with different types
	// Source distinguishes the Set from others of the zone; of a service it is
	// the id.
	Source string
	owner  *editor // may modify the Set and its pools in place
}

// RRset holds the records of one type at a name, prepared for answering: of an
// address only the address itself, since all the rest is the same for the whole
// RRset.
type RRset struct {
	Type   uint16
	policy Policy
	// extended: weights are an extension, which strict mode does not know.
	extended bool
	// TTL is in seconds.
	TTL uint32
	// Suffix is what the data of all records ends with.
	Suffix string

	v4      *pool4       // of type A
	v6      *pool6       // of type AAAA
	records *recordsPool // of other types
	aliases *recordsPool // of types A and AAAA, in the place of addresses

	group *Group // in the place of all pools, or nil
}

// Policy says which records of an RRset an answer holds.
type Policy uint8

// The routing policies.
const (
	// Multivalue answers with up to MaxAnswer records, chosen at random.
	Multivalue Policy = iota
	// Weighted answers with one record, chosen by weight.
	Weighted
	// Latency answers with records of the region nearest to the client, chosen
	// as for Multivalue.
	Latency
)

// Spec describes an RRset without its records.
type Spec struct {
	Type   uint16
	TTL    uint32
	Policy Policy
	// Extended: weights are an extension, which strict mode does not know.
	Extended bool
	Suffix   string
}

func newSet(source string, specs []Spec) *Set {
	s := &Set{Source: source, rrsets: make([]RRset, len(specs))}
	for i, spec := range specs {
		s.rrsets[i] = RRset{Type: spec.Type, TTL: spec.TTL, policy: spec.Policy, extended: spec.Extended, Suffix: spec.Suffix}
	}
	return s
}

// mutable returns s itself if e may modify it in place, else a copy that e owns.
func (s *Set) mutable(e *editor) *Set {
	if s.owner == e {
		return s
	}
	c := *s
	c.owner = e
	c.rrsets = make([]RRset, len(s.rrsets))
	for i, r := range s.rrsets {
		r.v4, r.v6, r.records, r.aliases = r.v4.clone(), r.v6.clone(), r.records.clone(), r.aliases.clone()
		c.rrsets[i] = r
	}
	return &c
}

// RRset returns the records of a type, or nil if the name has no such RRset. An
// RRset can be without records.
func (s *Set) RRset(rtype uint16) *RRset {
	for i := range s.rrsets {
		if s.rrsets[i].Type == rtype {
			return &s.rrsets[i]
		}
	}
	return nil
}

// CNAME returns the RRset of type CNAME, or nil.
func (s *Set) CNAME() *RRset { return s.RRset(dnswire.TypeCNAME) }

// RRsets returns all RRsets. Read only.
func (s *Set) RRsets() []RRset { return s.rrsets }

// Members returns the number of members, whatever their health.
func (s *Set) Members() int { return s.members }

// Inline reports whether PickA alone has the answer to a type, without looking at
// RRsets.
func (s *Set) Inline(rtype uint16) bool { return rtype == dnswire.TypeA && s.inlineLen > 0 }

// refreshInline recomputes the inline addresses after a change.
func (s *Set) refreshInline() {
	s.inlineLen = 0
	r := s.RRset(dnswire.TypeA)
	if r == nil || s.CNAME() != nil || r.policy != Multivalue {
		return
	}
	if r.group != nil {
		s.inlineGroup(r.group)
		return
	}
	classes := r.v4.rotation()
	if len(classes) == 1 && classes[0].vals.Len() <= MaxAnswer && !r.aliases.any() {
		s.inlineLen = uint8(copy(s.inline[:], classes[0].vals.First()))
		s.inlineTTL = r.TTL
	}
}

// Answers reports whether there may be records to answer with. Where there are
// aliases, what they lead to decides, which is not known here.
func (r *RRset) Answers() bool {
	return r.group != nil || r.v4.any() || r.v6.any() || r.records.any() || r.aliases.any()
}

// ByLatency reports whether Picker.Regions matters.
func (r *RRset) ByLatency() bool {
	return r.policy == Latency || r.group != nil && r.group.Routing == LatencySets
}

// Samples reports whether an answer holds only a part of the records, chosen at
// random.
func (r *RRset) Samples() bool {
	if r.group != nil {
		return r.group.Routing == MultivalueSets && len(r.group.Sets) > MaxAnswer
	}
	return r.policy != Weighted && r.v4.len()+r.v6.len()+r.records.len() > MaxAnswer
}

// EqualWeights reports whether weights are ignored.
func (r *RRset) EqualWeights(strict bool) bool { return strict && r.extended }

// add puts the records of a member into the RRsets that it has records for. e
// must own the Set.
func (s *Set) add(e *editor, m *Member) {
	s.members++
	if m.Health == Pending {
		return
	}
	for i := range s.rrsets {
		s.rrsets[i].add(e, m)
	}
}

// remove takes out what add put in for the same member. e must own the Set.
func (s *Set) remove(e *editor, m *Member) {
	s.members--
	if m.Health == Pending {
		return
	}
	for i := range s.rrsets {
		s.rrsets[i].remove(e, m)
	}
}

func (r *RRset) add(e *editor, m *Member) {
	key, distinct := m.classKey(r.policy), r.policy != Weighted
	switch address := r.Type == dnswire.TypeA || r.Type == dnswire.TypeAAAA; {
	case address && m.Alias != nil:
		allocated(&r.aliases).add(e, key, m.Alias, false)
	case r.Type == dnswire.TypeA && m.HasV4:
		allocated(&r.v4).add(e, key, m.V4, distinct)
	case r.Type == dnswire.TypeAAAA && m.HasV6:
		allocated(&r.v6).add(e, key, m.V6, distinct)
	case m.Record != nil && r.Type == m.Type:
		if r.fits(m.Record) {
			allocated(&r.records).add(e, key, m.Record, distinct)
		}
	}
}

func (r *RRset) remove(e *editor, m *Member) {
	key := m.classKey(r.policy)
	switch address := r.Type == dnswire.TypeA || r.Type == dnswire.TypeAAAA; {
	case address && m.Alias != nil:
		allocated(&r.aliases).remove(e, key, m.Alias)
	case r.Type == dnswire.TypeA && m.HasV4:
		allocated(&r.v4).remove(e, key, m.V4)
	case r.Type == dnswire.TypeAAAA && m.HasV6:
		allocated(&r.v6).remove(e, key, m.V6)
	case m.Record != nil && r.Type == m.Type:
		allocated(&r.records).remove(e, key, m.Record)
	}
}

// fits reports whether the target of an SRV record is not too long for a name.
// Registration accepts no other, but earlier versions did.
func (r *RRset) fits(rec *Record) bool {
	return r.Type != dnswire.TypeSRV || len(rec.Data)-srvFixed+len(r.Suffix) <= dnswire.MaxName
}

// allocated returns *p, which it makes if it is nil.
func allocated[T any](p **T) *T {
	if *p == nil {
		*p = new(T)
	}
	return *p
}
