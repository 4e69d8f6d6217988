package ptree

import "cmp"

// Diff calls changed for every key whose values differ between two Maps, in order of keys.
// A Map that does not have the key has the zero value. Parts that both share are skipped,
// so the cost depends on what was changed since one was made from the other, and not on
// their size.
func Diff[K cmp.Ordered, V comparable](old, new Map[K, V], changed func(key K, old, new V)) {
	if old.root == new.root {
		return
	}
	a, b := newCursor(old.root), newCursor(new.root)
	var none V
	for !a.done() || !b.done() {
		switch x, y := a.kid(), b.kid(); {
		case x != nil && y != nil && x == y:
			a.next()
			b.next()
		case x != nil && (y == nil && !b.before(x) || y != nil && a.height() >= b.height()):
			// Of equal height both go down, one after the other.
			a.descend()
			if y != nil && a.height() < b.height() {
				b.descend()
			}
		case y != nil && (x != nil || !a.before(y)):
			b.descend()
		case b.done() || y != nil || x == nil && !a.done() && a.key() < b.key():
			changed(a.key(), a.val(), none)
			a.next()
		case a.done() || x != nil || b.key() < a.key():
			changed(b.key(), none, b.val())
			b.next()
		default:
			if a.val() != b.val() {
				changed(a.key(), a.val(), b.val())
			}
			a.next()
			b.next()
		}
	}
}

// cursor walks a tree and points to a subtree or an entry.
type cursor[K cmp.Ordered, V any] struct {
	stack []place[K, V]
}

type place[K cmp.Ordered, V any] struct {
	n *node[K, V]
	i int
}

func newCursor[K cmp.Ordered, V any](root *node[K, V]) *cursor[K, V] {
	c := &cursor[K, V]{}
	if root != nil {
		c.stack = append(c.stack, place[K, V]{n: &node[K, V]{kids: []*node[K, V]{root}}})
	}
	return c
}

func (c *cursor[K, V]) done() bool { return len(c.stack) == 0 }

func (c *cursor[K, V]) top() *place[K, V] { return &c.stack[len(c.stack)-1] }

// kid is the subtree that c points to, nil if that is an entry or the end.
func (c *cursor[K, V]) kid() *node[K, V] {
	if c.done() || c.top().n.kids == nil {
		return nil
	}
	return c.top().n.kids[c.top().i]
}

func (c *cursor[K, V]) key() K { return c.top().n.keys[c.top().i] }
func (c *cursor[K, V]) val() V { return c.top().n.vals[c.top().i] }

// before reports whether c points to an entry that comes before all of n.
func (c *cursor[K, V]) before(n *node[K, V]) bool {
	if c.done() {
		return false
	}
	for n.kids != nil {
		n = n.kids[0]
	}
	return c.key() < n.keys[0]
}

// height is that of the subtree that c points to.
func (c *cursor[K, V]) height() int {
	h := 0
	for n := c.kid(); n != nil && n.kids != nil; n = n.kids[0] {
		h++
	}
	if c.kid() == nil {
		return -1
	}
	return h
}

func (c *cursor[K, V]) descend() {
	c.stack = append(c.stack, place[K, V]{n: c.kid()})
}

func (c *cursor[K, V]) next() {
	for len(c.stack) > 0 {
		t := c.top()
		t.i++
		if t.i < max(len(t.n.kids), len(t.n.vals)) {
			return
		}
		c.stack = c.stack[:len(c.stack)-1]
	}
}
