package zone

import (
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/internal/persist/chunkvec"
)

// MaxAnswer is the largest number of records of an RRset in an answer.
const MaxAnswer = 8

// Picker is the state of a pick apart from the records.
type Picker struct {
	Rand *Rand
	// Strict ignores weights where they are an extension.
	Strict bool
	// Regions are the regions in the order of their distance from the client, for
	// the policy Latency. Records elsewhere come after all of them.
	Regions []string
	// Twins: targets of SRV records may differ only in the case of letters, see
	// Index.HasAmbiguousHosts. Of such records an answer holds one.
	Twins bool
	// Location is where the client is, for groups with the routing Geolocation.
	Location Location
}

// PickA chooses IPv4 addresses by the policy of the RRset, and returns how many
// it put into out, and their TTL. If it returns an alias instead, the answer is
// the addresses of that name.
func (s *Set) PickA(p *Picker, out *[MaxAnswer][4]byte) (n int, ttl uint32, alias *Record) {
	if n := int(s.inlineLen); n > 0 {
		copy(out[:], s.inline[:n])
		shuffle(p.Rand, out[:n])
		return n, s.inlineTTL, nil
	}
	r := s.RRset(dnswire.TypeA)
	if r == nil {
		return 0, 0, nil
	}
	n, alias = pickAddress(r, r.v4, p, out)
	return n, r.TTL, alias
}

// PickAAAA is PickA for IPv6 addresses.
func (s *Set) PickAAAA(p *Picker, out *[MaxAnswer][16]byte) (n int, ttl uint32, alias *Record) {
	r := s.RRset(dnswire.TypeAAAA)
	if r == nil {
		return 0, 0, nil
	}
	n, alias = pickAddress(r, r.v6, p, out)
	return n, r.TTL, alias
}

// Pick chooses records of an RRset of any type but A and AAAA, and returns how
// many it put into out.
func (r *RRset) Pick(p *Picker, out *[MaxAnswer]*Record) int {
	classes := r.records.rotation()
	if p.Twins && r.Type == dnswire.TypeSRV && r.policy != Weighted {
		if r.policy == Latency {
			classes = nearest(classes, p)
		}
		return sampleAll(p.Rand, classes, r.EqualWeights(p.Strict), out)
	}
	return pick(r, classes, p, out)
}

// PickOne chooses one record as Pick does, or returns nil.
func (r *RRset) PickOne(p *Picker) *Record {
	var out [MaxAnswer]*Record
	if r.Pick(p, &out) == 0 {
		return nil
	}
	return out[0]
}

func pickAddress[T any, O values[T]](r *RRset, addrs *pool[T, O], p *Picker, out *[MaxAnswer]T) (int, *Record) {
	if r.aliases == nil {
		return pick(r, addrs.rotation(), p, out), nil
	}
	// Aliases and addresses share the traffic of a weighted RRset.
	a, b := addrs.inRotation(), r.aliases.live
	if len(a) == 0 && len(b) == 0 {
		a, b = addrs.rotation(), r.aliases.down
	}
	even := r.EqualWeights(p.Strict) || heaviest(a) == 0 && heaviest(b) == 0
	addresses := total(a, even)
	all := addresses + total(b, even)
	if all == 0 {
		return 0, nil
	}
	at := p.Rand.below(all)
	if at < addresses {
		out[0] = atWeight(a, even, at)
		return 1, nil
	}
	return 0, atWeight(b, even, at-addresses)
}

// pick chooses by policy from the classes in rotation.
func pick[T any, O values[T]](r *RRset, classes []class[T, O], p *Picker, out *[MaxAnswer]T) int {
	if len(classes) == 0 {
		return 0
	}
	switch r.policy {
	case Weighted:
		even := r.EqualWeights(p.Strict) || heaviest(classes) == 0
		out[0] = atWeight(classes, even, p.Rand.below(total(classes, even)))
		return 1
	case Latency:
		classes = nearest(classes, p)
	}
	if len(classes) == 1 {
		return sample(p.Rand, &classes[0].vals, out)
	}
	return sampleAll(p.Rand, classes, false, out)
}

func heaviest[T any, O values[T]](classes []class[T, O]) uint8 {
	most := uint8(0)
	for i := range classes {
		most = max(most, classes[i].weight)
	}
	return most
}

// total is the sum of all weights; even means that each counts one.
func total[T any, O values[T]](classes []class[T, O], even bool) uint64 {
	sum := uint64(0)
	for i := range classes {
		sum += classes[i].share(even)
	}
	return sum
}

func (c *class[T, O]) share(even bool) uint64 {
	if even {
		return uint64(c.vals.Len())
	}
	return uint64(c.vals.Len()) * uint64(c.weight)
}

// atWeight returns the value at a position in [0, total).
func atWeight[T any, O values[T]](classes []class[T, O], even bool, at uint64) T {
	for i := range classes {
		c := &classes[i]
		share := c.share(even)
		if at < share {
			if !even {
				at /= uint64(c.weight)
			}
			return *c.vals.At(int(at))
		}
		at -= share
	}
	panic("zone: a position beyond the sum of weights")
}

// nearest returns the class of the nearest region that has any values. All that are in
// no region of the client's list form one region, the farthest.
func nearest[T any, O values[T]](classes []class[T, O], p *Picker) []class[T, O] {
	for _, region := range p.Regions {
		for i := range classes {
			if classes[i].region == region {
				return classes[i : i+1]
			}
		}
	}
	return classes
}

// maxDraws bounds how often sampleAll draws before it looks at all values.
const maxDraws = 64

// sampleAll samples over several classes. A value counts once, at the first place where
// it or a twin is; even says which values are twins.
func sampleAll[T any, O values[T]](r *Rand, classes []class[T, O], even bool, out *[MaxAnswer]T) int {
	var ops O
	n := total(classes, true)
	k := 0
	for draws := 0; n > MaxAnswer && k < MaxAnswer && draws < maxDraws; draws++ {
		at := r.below(n)
		c := classAt(classes, &at)
		val := *classes[c].vals.At(int(at))
		if isFirst(classes, c, int(at), val, even) && !contains(ops, out[:k], val) {
			out[k] = val
			k++
		}
	}
	if k == MaxAnswer {
		return k
	}
	return sampleFew(r, classes, even, out)
}

// sampleFew is sampleAll for few different values. It looks at all of them.
func sampleFew[T any, O values[T]](r *Rand, classes []class[T, O], even bool, out *[MaxAnswer]T) int {
	k, seen := 0, uint64(0)
	for c := range classes {
		vals := &classes[c].vals
		for i := range vals.Len() {
			val := *vals.At(i)
			if !isFirst(classes, c, i, val, even) {
				continue
			}
			seen++
			// Reservoir sampling: each value is kept with the same probability.
			if k < MaxAnswer {
				out[k] = val
				k++
			} else if at := r.below(seen); at < MaxAnswer {
				out[at] = val
			}
		}
	}
	shuffle(r, out[:k])
	return k
}

// classAt returns the class of the value at a position among all values, and makes
// the position one in that class.
func classAt[T any, O values[T]](classes []class[T, O], at *uint64) int {
	c := 0
	for ; *at >= uint64(classes[c].vals.Len()); c++ {
		*at -= uint64(classes[c].vals.Len())
	}
	return c
}

// isFirst reports whether no class before the c-th, and no place before at in it, has a
// value or a twin of it.
func isFirst[T any, O values[T]](classes []class[T, O], c, at int, val T, even bool) bool {
	for i := range classes[:c] {
		if _, ok := classes[i].findTwin(val, even); ok {
			return false
		}
	}
	first, _ := classes[c].findTwin(val, even)
	return first == at
}

func contains[T any, O values[T]](ops O, vals []T, val T) bool {
	for _, v := range vals {
		if ops.same(v, val) {
			return true
		}
	}
	return false
}

// sample takes all values, or MaxAnswer of them at random without replacement,
// in random order.
func sample[T any](r *Rand, vals *chunkvec.Vec[T], out *[MaxAnswer]T) int {
	n := vals.Len()
	if n <= MaxAnswer {
		copy(out[:], vals.First())
		shuffle(r, out[:n])
		return n
	}
	var at [MaxAnswer]uint32
	choose(r, uint32(n), &at)
	if first := vals.First(); n == len(first) {
		for i, j := range at {
			out[i] = first[j]
		}
		return MaxAnswer
	}
	for i, j := range at {
		out[i] = *vals.At(int(j))
	}
	return MaxAnswer
}

// choose draws min(n, MaxAnswer) different numbers below n. Every ordered choice
// is equally likely.
func choose(r *Rand, n uint32, out *[MaxAnswer]uint32) int {
	switch {
	case n <= 64:
		return chooseFew(r, n, out)
	case n < 1<<16:
		r.draws(out[:4], uint64(n), 0)
		r.draws(out[4:], uint64(n), 0)
	default:
		for i := range out {
			out[i] = uint32(r.below(uint64(n)))
		}
	}
	for i := 1; i < MaxAnswer; i++ {
		for drawn(out[:i], out[i]) {
			out[i] = uint32(r.below(uint64(n)))
		}
	}
	return MaxAnswer
}

func drawn(before []uint32, x uint32) bool {
	for _, b := range before {
		if b == x {
			return true
		}
	}
	return false
}

// chooseFew begins to shuffle all numbers below n, which is at most 64.
func chooseFew(r *Rand, n uint32, out *[MaxAnswer]uint32) int {
	var all [64]uint8
	for i := range all {
		all[i] = uint8(i)
	}
	k := int(min(n, MaxAnswer))
	r.draws(out[:k], uint64(n), 1)
	for i := range k {
		j := (i + int(out[i])) % 64 // i + out[i] < n: the remainder only says so
		out[i], all[j] = uint32(all[j]), all[i]
	}
	return k
}
