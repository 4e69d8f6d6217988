// Package ptree is a persistent ordered map: changing a Map gives a new Map and
// leaves the old one as it was, sharing all but one path of nodes with it.
//
// It is a B+ tree. A snapshot of a large table costs nothing, a change copies a few small
// nodes, and a listing can start at any key.
//
//	m := ptree.Map[string, int]{}
//	m2 := m.Put(nil, "a", 1) // m is still empty
package ptree

import (
	"cmp"
	"reflect"
	"slices"
)

// fanout is the largest number of entries in a node. 32 keeps a copied node
// below a kilobyte and a million entries within four levels.
const fanout = 32

// Owner identifies one builder of a new version; Clojure calls it a transient.
// Nodes made under an owner are changed in place by further changes under the same
// owner, so a bulk change copies each node once. A nil owner copies always. Drop
// the owner before the resulting Map is shared.
type Owner struct{ _ byte }

// Map is a persistent ordered map. The zero value is empty and ready for use.
type Map[K cmp.Ordered, V any] struct {
	root *node[K, V]
}

// node is a leaf when kids is nil. In an inner node keys[i] is a lower bound of
// kids[i] and greater than everything in kids[i-1]; keys[0] is not looked at.
//
// A node and its copies share their keys until one of them changes its own: most changes
// replace a value or a kid and leave the keys as they are.
type node[K cmp.Ordered, V any] struct {
	owner     *Owner
	keysOwner *Owner // may change keys in place
	count     int    // entries below this node
	keys      []K
	vals      []V
	kids      []*node[K, V]
}

// Len returns the number of entries.
func (m Map[K, V]) Len() int {
	if m.root == nil {
		return 0
	}
	return m.root.count
}

// Get returns the value of key.
func (m Map[K, V]) Get(key K) (V, bool) {
	n := m.root
	if n != nil {
		for n.kids != nil {
			n = n.kids[n.child(key)]
		}
		if i, found := n.search(key); found {
			return n.vals[i], true
		}
	}
	var zero V
	return zero, false
}

// Has reports whether key is present.
func (m Map[K, V]) Has(key K) bool {
	_, ok := m.Get(key)
	return ok
}

// Put returns a Map in which key has the value.
func (m Map[K, V]) Put(t *Owner, key K, val V) Map[K, V] {
	if m.root == nil {
		return Map[K, V]{&node[K, V]{owner: t, count: 1, keys: []K{key}, vals: []V{val}}}
	}
	n, right := m.root.put(t, key, val)
	if right == nil {
		return Map[K, V]{n}
	}
	return Map[K, V]{&node[K, V]{
		owner: t,
		count: n.count + right.count,
		keys:  []K{n.keys[0], right.keys[0]},
		kids:  []*node[K, V]{n, right},
	}}
}

// Delete returns a Map without key.
func (m Map[K, V]) Delete(t *Owner, key K) Map[K, V] {
	if m.root == nil || !m.Has(key) {
		return m
	}
	n := m.root.remove(t, key)
	for n != nil && len(n.kids) == 1 {
		n = n.kids[0]
	}
	return Map[K, V]{n}
}

func (n *node[K, V]) search(key K) (int, bool) {
	lo, hi := 0, len(n.keys)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if n.keys[mid] < key {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(n.keys) && n.keys[lo] == key
}

// child returns the index of the kid that holds key if any does.
func (n *node[K, V]) child(key K) int {
	lo, hi := 1, len(n.keys)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if n.keys[mid] <= key {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo - 1
}

// own returns n itself when t may change it in place, else a copy that t owns.
func (n *node[K, V]) own(t *Owner) *node[K, V] {
	if t != nil && n.owner == t {
		return n
	}
	c := &node[K, V]{owner: t, count: n.count, keys: n.keys}
	if n.kids != nil {
		c.kids = cloned(n.kids)
	} else {
		c.vals = cloned(n.vals)
	}
	return c
}

// ownKeys lets the keys of n, which t owns, be changed in place.
func (n *node[K, V]) ownKeys(t *Owner) {
	if t == nil || n.keysOwner != t {
		n.keys, n.keysOwner = cloned(n.keys), t
	}
}

// cloned copies with room for the one entry that usually comes next.
func cloned[T any](s []T) []T {
	c := make([]T, len(s), min(len(s)+1, fanout))
	copy(c, s)
	return c
}

// put returns the changed node and, if it had to be split, its right sibling.
func (n *node[K, V]) put(t *Owner, key K, val V) (*node[K, V], *node[K, V]) {
	n = n.own(t)
	if n.kids == nil {
		return n.putLeaf(t, key, val)
	}
	i := n.child(key)
	before := n.kids[i].count
	kid, right := n.kids[i].put(t, key, val)
	n.kids[i] = kid
	n.count += kid.count - before
	if right == nil {
		return n, nil
	}
	into, at, sibling := n.room(t, i+1)
	into.keys = slices.Insert(into.keys, at, right.keys[0])
	into.kids = slices.Insert(into.kids, at, right)
	into.count += right.count
	return n, sibling
}

func (n *node[K, V]) putLeaf(t *Owner, key K, val V) (*node[K, V], *node[K, V]) {
	i, found := n.search(key)
	if found {
		n.vals[i] = val
		if reflect.TypeFor[K]().Kind() == reflect.String { // the key is part of val, often, and the old one of the old value
			n.ownKeys(t)
			n.keys[i] = key
		}
		return n, nil
	}
	into, at, sibling := n.room(t, i)
	into.keys = slices.Insert(into.keys, at, key)
	into.vals = slices.Insert(into.vals, at, val)
	into.count++
	return n, sibling
}

// room returns where an entry that belongs at index i is to go; the keys there can be
// changed. A full node is split for it, into itself and a sibling on the right: before, so that no node
// ever takes memory for more than fanout entries.
func (n *node[K, V]) room(t *Owner, i int) (into *node[K, V], at int, sibling *node[K, V]) {
	n.ownKeys(t)
	if len(n.keys) < fanout {
		return n, i, nil
	}
	// Where the newest entry is the last one, entries are coming in key order and
	// the left part is left full.
	half := fanout
	if i < fanout {
		half = fanout / 2
	}
	sibling = n.split(t, half)
	if i <= half && half < fanout {
		return n, i, sibling
	}
	return sibling, i - half, sibling
}

// split cuts n and returns the right part.
func (n *node[K, V]) split(t *Owner, at int) *node[K, V] {
	right := &node[K, V]{owner: t, keysOwner: t, keys: slices.Clone(n.keys[at:])}
	n.keys = cut(n.keys, at)
	if n.kids == nil {
		right.vals = slices.Clone(n.vals[at:])
		n.vals = cut(n.vals, at)
		right.count = len(right.vals)
	} else {
		right.kids = slices.Clone(n.kids[at:])
		n.kids = cut(n.kids, at)
		for _, kid := range right.kids {
			right.count += kid.count
		}
	}
	n.count -= right.count
	return right
}

// cut shortens s and clears what it drops, so that nothing is kept alive.
func cut[T any](s []T, at int) []T {
	clear(s[at:])
	return s[:at:at]
}

// remove returns the node without key, which must be below it, or nil if the
// node is empty then.
func (n *node[K, V]) remove(t *Owner, key K) *node[K, V] {
	n = n.own(t)
	n.count--
	if n.kids == nil {
		i, _ := n.search(key)
		n.deleteKey(t, i)
		n.vals = slices.Delete(n.vals, i, i+1)
	} else {
		i := n.child(key)
		if kid := n.kids[i].remove(t, key); kid != nil {
			n.kids[i] = kid
			n.join(t, i)
		} else {
			n.deleteKey(t, i)
			n.kids = slices.Delete(n.kids, i, i+1)
		}
	}
	if len(n.keys) == 0 {
		return nil
	}
	return n
}

func (n *node[K, V]) deleteKey(t *Owner, i int) {
	n.ownKeys(t)
	n.keys = slices.Delete(n.keys, i, i+1)
}

// join merges kid i with a neighbour when both fit well into one node.
func (n *node[K, V]) join(t *Owner, i int) {
	if len(n.kids[i].keys) > fanout/4 || len(n.kids) == 1 {
		return
	}
	if i == len(n.kids)-1 {
		i--
	}
	left, right := n.kids[i], n.kids[i+1]
	if len(left.keys)+len(right.keys) > fanout*3/4 {
		return
	}
	left = left.own(t)
	left.ownKeys(t)
	left.count += right.count
	left.keys = append(left.keys, right.keys...)
	// The bound of the first kid on the right is the bound of the whole node:
	// its own keys[0] may be stale.
	left.keys[len(left.keys)-len(right.keys)] = n.keys[i+1]
	if left.kids == nil {
		left.keys[len(left.keys)-len(right.keys)] = right.keys[0]
		left.vals = append(left.vals, right.vals...)
	} else {
		left.kids = append(left.kids, right.kids...)
	}
	n.kids[i] = left
	n.deleteKey(t, i+1)
	n.kids = slices.Delete(n.kids, i+1, i+2)
}
