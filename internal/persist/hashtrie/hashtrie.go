// Package hashtrie is a persistent map from 64-bit hashes to values: changing a
// Map gives a new Map and leaves the old one as it was, sharing all but one
// path of nodes with it.
//
// It holds one value for a hash. If keys may collide, the value must hold all of
// the colliding keys. A look-up reads a line or two of memory for
// every factor of sixteen in size, and none of it is written.
//
//	m := hashtrie.Map[string]{}
//	m2 := m.Put(nil, 0x1234, "a") // m is still empty
package hashtrie

import "iter"

const (
	bits   = 4
	fanout = 1 << bits
	// maxLeaf is how many entries a slot holds before it is split. A leaf is a
	// run of memory that is searched from the front.
	maxLeaf = 12
	// minFold is the number of entries below which a node becomes a leaf again.
	// It is well below maxLeaf, so that a node does not change back and forth.
	minFold = 5
	// maxShift is where the hash is used up; deeper leaves are not split.
	maxShift = 64 - bits
)

// Owner identifies one builder of a new version; Clojure calls it a transient.
// Nodes made under an owner are changed in place by further changes under the same
// owner. A nil owner copies always. Drop the owner before the resulting Map is
// shared.
type Owner struct{ _ byte }

// Map is a persistent map. The zero value is empty and ready for use.
type Map[V any] struct {
	root *node[V]
}

type node[V any] struct {
	owner *Owner
	slots [fanout]slot[V]
}

// slot is a leaf where kid is nil. Leaves are never changed in place.
type slot[V any] struct {
	kid  *node[V]
	leaf []entry[V]
}

type entry[V any] struct {
	hash uint64
	val  V
}

// Get returns the value of a hash, or the zero value.
func (m Map[V]) Get(hash uint64) V {
	n := m.root
	for rest := hash; n != nil; rest >>= bits {
		s := &n.slots[rest%fanout]
		if s.kid == nil {
			for i := range s.leaf {
				if s.leaf[i].hash == hash {
					return s.leaf[i].val
				}
			}
			break
		}
		n = s.kid
	}
	var zero V
	return zero
}

// All yields every entry, in no particular order.
func (m Map[V]) All() iter.Seq2[uint64, V] {
	return func(yield func(uint64, V) bool) {
		if m.root != nil {
			m.root.all(yield)
		}
	}
}

func (n *node[V]) all(yield func(uint64, V) bool) bool {
	for i := range n.slots {
		s := &n.slots[i]
		if s.kid != nil && !s.kid.all(yield) {
			return false
		}
		for _, e := range s.leaf {
			if !yield(e.hash, e.val) {
				return false
			}
		}
	}
	return true
}

// Put returns a Map in which the hash has the value.
func (m Map[V]) Put(t *Owner, hash uint64, val V) Map[V] {
	if m.root == nil {
		m.root = &node[V]{owner: t}
	}
	return Map[V]{m.root.put(t, 0, entry[V]{hash, val})}
}

// own returns n itself when t may change it in place, else a copy that t owns.
func (n *node[V]) own(t *Owner) *node[V] {
	if t != nil && n.owner == t {
		return n
	}
	c := *n
	c.owner = t
	return &c
}

func (n *node[V]) put(t *Owner, shift uint, e entry[V]) *node[V] {
	n = n.own(t)
	s := &n.slots[e.hash>>shift%fanout]
	if s.kid != nil {
		s.kid = s.kid.put(t, shift+bits, e)
		return n
	}
	for i := range s.leaf {
		if s.leaf[i].hash == e.hash {
			s.leaf = with(s.leaf, i, e)
			return n
		}
	}
	if len(s.leaf) >= maxLeaf && shift < maxShift {
		s.kid, s.leaf = split(t, shift+bits, s.leaf), nil
		s.kid = s.kid.put(t, shift+bits, e)
		return n
	}
	s.leaf = with(s.leaf, len(s.leaf), e)
	return n
}

// with returns a copy of a leaf with e at index i, which may be its end.
func with[V any](leaf []entry[V], i int, e entry[V]) []entry[V] {
	c := make([]entry[V], max(len(leaf), i+1))
	copy(c, leaf)
	c[i] = e
	return c
}

func split[V any](t *Owner, shift uint, leaf []entry[V]) *node[V] {
	n := &node[V]{owner: t}
	for _, e := range leaf {
		s := &n.slots[e.hash>>shift%fanout]
		s.leaf = append(s.leaf, e)
	}
	return n
}

// Delete returns a Map without the hash.
func (m Map[V]) Delete(t *Owner, hash uint64) Map[V] {
	if m.root == nil {
		return m
	}
	root, _ := m.root.remove(t, 0, hash)
	return Map[V]{root}
}

// remove copies nothing unless it finds the hash.
func (n *node[V]) remove(t *Owner, shift uint, hash uint64) (*node[V], bool) {
	at := hash >> shift % fanout
	s := n.slots[at]
	if s.kid != nil {
		kid, removed := s.kid.remove(t, shift+bits, hash)
		if !removed {
			return n, false
		}
		n = n.own(t)
		n.slots[at] = kid.folded()
		return n, true
	}
	for i := range s.leaf {
		if s.leaf[i].hash == hash {
			n = n.own(t)
			n.slots[at].leaf = without(s.leaf, i)
			return n, true
		}
	}
	return n, false
}

func without[V any](leaf []entry[V], i int) []entry[V] {
	if len(leaf) == 1 {
		return nil
	}
	c := make([]entry[V], 0, len(leaf)-1)
	c = append(c, leaf[:i]...)
	return append(c, leaf[i+1:]...)
}

// folded returns the slot for n: a leaf where few entries are left.
func (n *node[V]) folded() slot[V] {
	count := 0
	for i := range n.slots {
		if n.slots[i].kid != nil {
			return slot[V]{kid: n}
		}
		count += len(n.slots[i].leaf)
	}
	if count >= minFold {
		return slot[V]{kid: n}
	}
	var leaf []entry[V]
	for i := range n.slots {
		leaf = append(leaf, n.slots[i].leaf...)
	}
	return slot[V]{leaf: leaf}
}
