package zone

import "github.com/cairn-discovery/cairn/internal/persist/chunkvec"

// MaxAnswer is how many instances an answer holds at the most.
const MaxAnswer = 8

// Picker is what a pick depends on beside the records.
type Picker struct {
	Rand *Rand
	// Strict gives all instances of a WEIGHTED service the same weight.
	Strict bool
	// Regions are the regions nearest to the client, the nearest first, for
	// LATENCY. Instances elsewhere come after all of them.
	Regions []string
}

// PickA chooses IPv4 addresses by the service's routing policy. It returns how
// many it put into out, or a target: then an alias was chosen, and the answer
// is what that name has for an address.
func (s *Set) PickA(p *Picker, out *[MaxAnswer][4]byte) (int, *Target) {
	if n := int(s.fewNumber); n > 0 {
		copy(out[:], s.few4[:n])
		shuffle(p.Rand, out[:n])
		return n, nil
	}
	return pickAddress(s, &s.v4, p, out)
}

// PickAAAA is PickA for IPv6 addresses.
func (s *Set) PickAAAA(p *Picker, out *[MaxAnswer][16]byte) (int, *Target) {
	return pickAddress(s, &s.v6, p, out)
}

// PickSRV chooses the hosts for SRV records.
func (s *Set) PickSRV(p *Picker, out *[MaxAnswer]*Host) int {
	if s.hosts == nil {
		return 0
	}
	return pick(s, s.hosts, p, out)
}

// PickCNAME chooses the target of the CNAME record, or nil.
func (s *Set) PickCNAME(p *Picker) *Target {
	var out [MaxAnswer]*Target
	if !s.has[CNAME] || s.names == nil || pick(s, s.names, p, &out) == 0 {
		return nil
	}
	return out[0]
}

func pickAddress[T any](s *Set, addrs *pool[T], p *Picker, out *[MaxAnswer]T) (int, *Target) {
	if s.names == nil || s.has[CNAME] {
		return pick(s, addrs, p, out), nil
	}
	// Aliases and addresses share the traffic of a WEIGHTED service.
	a, b := addrs.live, s.names.live
	if len(a) == 0 && len(b) == 0 {
		a, b = addrs.down, s.names.down
	}
	even := p.Strict || heaviest(a) == 0 && heaviest(b) == 0
	mine := total(a, even)
	all := mine + total(b, even)
	if all == 0 {
		return 0, nil
	}
	at := p.Rand.below(all)
	if at < mine {
		out[0] = heavyAt(a, even, at)
		return 1, nil
	}
	return 0, heavyAt(b, even, at-mine)
}

// pick chooses by policy. Where nothing is in rotation it fails open: all is
// taken for healthy.
func pick[T any](s *Set, values *pool[T], p *Picker, out *[MaxAnswer]T) int {
	classes := values.live
	if len(classes) == 0 {
		if classes = values.down; len(classes) == 0 {
			return 0
		}
	}
	switch s.policy {
	case weighted:
		even := p.Strict || heaviest(classes) == 0
		out[0] = heavyAt(classes, even, p.Rand.below(total(classes, even)))
		return 1
	case latency:
		return nearest(classes, p, out)
	}
	return sample(p.Rand, &classes[0].vals, out)
}

func heaviest[T any](classes []class[T]) uint8 {
	most := uint8(0)
	for i := range classes {
		most = max(most, classes[i].weight)
	}
	return most
}

// total is the sum of all weights; even means that each counts one.
func total[T any](classes []class[T], even bool) uint64 {
	sum := uint64(0)
	for i := range classes {
		sum += classes[i].share(even)
	}
	return sum
}

func (c *class[T]) share(even bool) uint64 {
	if even {
		return uint64(c.vals.Len())
	}
	return uint64(c.vals.Len()) * uint64(c.weight)
}

// heavyAt returns the value at a place in [0, total).
func heavyAt[T any](classes []class[T], even bool, at uint64) T {
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
	panic("zone: a place beyond the sum of weights")
}

// nearest samples the values of the nearest region that has any; what is in no
// region of the client's list is one region, the farthest.
func nearest[T any](classes []class[T], p *Picker, out *[MaxAnswer]T) int {
	for _, region := range p.Regions {
		for i := range classes {
			if classes[i].region == region {
				return sample(p.Rand, &classes[i].vals, out)
			}
		}
	}
	if len(classes) == 1 {
		return sample(p.Rand, &classes[0].vals, out)
	}
	return sampleAll(p.Rand, classes, out)
}

// sampleAll samples over several classes.
func sampleAll[T any](r *Rand, classes []class[T], out *[MaxAnswer]T) int {
	n := uint32(total(classes, true))
	var at [MaxAnswer]uint32
	k := choose(r, n, &at)
	for i := range k {
		out[i] = heavyAt(classes, true, uint64(at[i]))
	}
	return k
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
