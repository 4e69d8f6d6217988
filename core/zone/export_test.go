package zone

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/internal/persist/chunkvec"
)

// Dump lists what may be answered of a Set: one line for each value, with its
// class.
func (s *Set) Dump() []string {
	var lines []string
	lines = append(lines, dump("A", &s.v4)...)
	lines = append(lines, dump("AAAA", &s.v6)...)
	if s.hosts != nil {
		lines = append(lines, dump("SRV", s.hosts)...)
	}
	if s.names != nil {
		lines = append(lines, dump("target", s.names)...)
	}
	slices.Sort(lines)
	return lines
}

func dump[T any](kind string, p *pool[T]) []string {
	var lines []string
	for _, c := range slices.Concat(p.live, p.down) {
		for i := range c.vals.Len() {
			lines = append(lines, fmt.Sprintf("%s %08x %v %d %q: %s", kind, *c.hashes.At(i), c.down, c.weight, c.region, show(*c.vals.At(i))))
		}
	}
	return lines
}

func show(v any) string {
	switch v := v.(type) {
	case *Host:
		return fmt.Sprintf("%s:%d %d %v %v %d", v.Label[1:], v.Port, v.Weight, v.V4, v.V6, v.TTL)
	case *Target:
		return dnswire.Text(v.Name)
	}
	return fmt.Sprint(v)
}

// IDHash exposes the hash of an instance's id.
func IDHash(id registry.InstanceID) uint32 { return idHash(id) }

// Check reports what of a Set's indexes disagrees.
func (s *Set) Check() error {
	err := errors.Join(check(&s.v4), check(&s.v6))
	if s.hosts != nil {
		err = errors.Join(err, check(s.hosts))
	}
	if s.names != nil {
		err = errors.Join(err, check(s.names))
	}
	return err
}

func check[T any](p *pool[T]) error {
	for _, c := range slices.Concat(p.live, p.down) {
		n := c.vals.Len()
		if n != c.hashes.Len() || n == 0 {
			return fmt.Errorf("class with %d values of %d instances", n, c.hashes.Len())
		}
		if n <= chunkvec.Chunk {
			n = 0
		}
		if c.index.Len() != n {
			return fmt.Errorf("%d of %d in the index", c.index.Len(), n)
		}
		for i := range n {
			if !c.index.Has(entry(*c.hashes.At(i), i)) {
				return fmt.Errorf("value %d is not in the index", i)
			}
		}
	}
	return nil
}

// Choose exposes the draw of answers.
func Choose(r *Rand, n int) []uint32 {
	var out [MaxAnswer]uint32
	return out[:choose(r, uint32(n), &out)]
}

// Shuffle exposes the order of answers.
func Shuffle(r *Rand, n int) []int {
	vals := make([]int, n)
	for i := range vals {
		vals[i] = i
	}
	shuffle(r, vals)
	return vals
}

// Names lists all names with their zones.
func (x *Index) Names() []string {
	var names []string
	for _, head := range x.names.All() {
		for n := head; n != nil; n = n.next {
			names = append(names, dnswire.Text(n.Name())+" in "+string(x.zones[n.zone].Namespace))
		}
	}
	slices.Sort(names)
	return names
}
