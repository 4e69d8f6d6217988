package zone

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/internal/persist/chunkvec"
)

// Dump lists what may be answered of a Set: one line for each value, with its
// type and class.
func (s *Set) Dump() []string {
	var lines []string
	for i := range s.rrsets {
		r := &s.rrsets[i]
		lines = append(lines, dump(r, r.v4)...)
		lines = append(lines, dump(r, r.v6)...)
		lines = append(lines, dump(r, r.records)...)
		lines = append(lines, dump(r, r.aliases)...)
	}
	slices.Sort(lines)
	return lines
}

func dump[T any, O values[T]](r *RRset, p *pool[T, O]) []string {
	if p == nil {
		return nil
	}
	var lines []string
	for _, c := range slices.Concat(p.live, p.down) {
		for i := range c.vals.Len() {
			lines = append(lines, fmt.Sprintf("%d %v %d %q: %s", r.Type, c.down, c.weight, c.region, show(r, *c.vals.At(i))))
		}
	}
	return lines
}

func show(r *RRset, v any) string {
	if rec, ok := v.(*Record); ok {
		if r.Type != dnswire.TypeSRV {
			return dnswire.Text(rec.Data)
		}
		h := &rec.Host
		return fmt.Sprintf("%x %v %v %d", rec.Data, h.V4, h.V6, h.TTL)
	}
	return fmt.Sprint(v)
}

// Check reports the indexes of a Set that are not consistent with its values.
func (s *Set) Check() error {
	var errs []error
	for i := range s.rrsets {
		r := &s.rrsets[i]
		errs = append(errs, check(r.v4), check(r.v6), check(r.records), check(r.aliases))
	}
	return errors.Join(errs...)
}

func check[T any, O values[T]](p *pool[T, O]) error {
	if p == nil {
		return nil
	}
	for _, c := range slices.Concat(p.live, p.down) {
		n := c.vals.Len()
		if n != c.hashes.Len() || n == 0 {
			return fmt.Errorf("class with %d values and %d hashes", n, c.hashes.Len())
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

// Choose exposes the choice of records.
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

// AllNames lists all names with their zones.
func (x *Index) AllNames() []string {
	var names []string
	for _, head := range x.names.All() {
		for n := head; n != nil; n = n.next {
			names = append(names, dnswire.Text(n.Name())+" in "+string(x.zones[n.zone].ID))
		}
	}
	slices.Sort(names)
	return names
}
