package zone

import (
	"fmt"
	"slices"
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
			lines = append(lines, fmt.Sprintf("%s %s %v %d %q: %s", kind, *c.ids.At(i), c.down, c.weight, c.region, show(*c.vals.At(i))))
		}
	}
	return lines
}

func show(v any) string {
	switch v := v.(type) {
	case *Host:
		return fmt.Sprintf("%s:%d %d %v %v %d", v.Label[1:], v.Port, v.Weight, v.V4, v.V6, v.TTL)
	case *Target:
		return Text(v.Name)
	}
	return fmt.Sprint(v)
}

// Check reports what of a Set's indexes disagrees.
func (s *Set) Check() error {
	if err := checkSlots(s, &s.v4, 0); err != nil {
		return err
	}
	if err := checkSlots(s, &s.v6, 1); err != nil {
		return err
	}
	if s.hosts != nil {
		if err := checkSlots(s, s.hosts, 0); err != nil {
			return err
		}
	}
	if s.names != nil {
		return checkSlots(s, s.names, 0)
	}
	return nil
}

func checkSlots[T any](s *Set, p *pool[T], field int) error {
	for _, c := range slices.Concat(p.live, p.down) {
		for i := range c.ids.Len() {
			id := *c.ids.At(i)
			if at, ok := s.slots.Get(id); !ok || int(at[field]) != i {
				return fmt.Errorf("%s: slot %v, is at %d", id, at, i)
			}
		}
		if c.vals.Len() != c.ids.Len() || c.vals.Len() == 0 {
			return fmt.Errorf("class with %d values of %d instances", c.vals.Len(), c.ids.Len())
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
			names = append(names, Text(n.Name())+" in "+string(x.zones[n.zone].Namespace))
		}
	}
	slices.Sort(names)
	return names
}
