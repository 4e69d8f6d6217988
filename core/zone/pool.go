package zone

import (
	"slices"

	"github.com/cairn-discovery/cairn/internal/persist/chunkvec"
	"github.com/cairn-discovery/cairn/internal/persist/hashtrie"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// editor identifies the Draft that may modify a Set and its pools in place.
type editor struct {
	names hashtrie.Owner
	trees ptree.Owner
	vecs  chunkvec.Owner
}

// pool holds the values of an RRset, sorted into classes, so that picking values
// in rotation reads no others.
type pool[T any, O values[T]] struct {
	live []class[T, O] // in rotation
	down []class[T, O] // known to be unhealthy
}

type (
	pool4       = pool[[4]byte, addr4]
	pool6       = pool[[16]byte, addr6]
	recordsPool = pool[*Record, recordPtr]
)

// classKey is what the values of a class have in common. Policies that do not
// look at one of these leave it at its zero value.
type classKey struct {
	down   bool
	weight uint8  // Weighted
	region string // Latency
}

// class is a set of values that are alike to the routing policy, in no order.
type class[T any, O values[T]] struct {
	classKey
	vals   chunkvec.Vec[T]
	hashes chunkvec.Vec[uint32] // of the values
	// index finds a value by its hash, see entry. It is empty while there is only
	// one chunk of hashes, which is searched as fast.
	index ptree.Map[uint64, struct{}]
	// repeated counts, by position, the members that have a value apart from the
	// first one: an RRset has no duplicates (RFC 2181 section 5). The values of
	// weighted RRsets are kept apart, since their weights add up.
	repeated ptree.Map[uint32, uint32]
}

// clone returns a copy that can be modified without changing p; p may be nil.
func (p *pool[T, O]) clone() *pool[T, O] {
	if p == nil {
		return nil
	}
	return &pool[T, O]{slices.Clone(p.live), slices.Clone(p.down)}
}

// any reports whether there are values at all; p may be nil.
func (p *pool[T, O]) any() bool { return p != nil && len(p.live)+len(p.down) > 0 }

// rotation returns the classes that are picked from: where nothing is in
// rotation it fails open and takes everything for healthy. p may be nil.
func (p *pool[T, O]) rotation() []class[T, O] {
	if p == nil {
		return nil
	}
	if len(p.live) > 0 {
		return p.live
	}
	return p.down
}

// inRotation returns the classes of healthy values; p may be nil.
func (p *pool[T, O]) inRotation() []class[T, O] {
	if p == nil {
		return nil
	}
	return p.live
}

// len returns the number of values; p may be nil.
func (p *pool[T, O]) len() int {
	if p == nil {
		return 0
	}
	return int(total(p.live, true) + total(p.down, true))
}

func (p *pool[T, O]) list(down bool) *[]class[T, O] {
	if down {
		return &p.down
	}
	return &p.live
}

// add puts a value into its class, only once if distinct. e must own the pool.
func (p *pool[T, O]) add(e *editor, key classKey, val T, distinct bool) {
	list := p.list(key.down)
	i := indexOf(*list, key)
	if i == len(*list) {
		*list = append(*list, class[T, O]{classKey: key})
	}
	(*list)[i].add(e, val, distinct)
}

// indexOf returns the index of a class, len(list) if there is none.
func indexOf[T any, O values[T]](list []class[T, O], key classKey) int {
	for i := range list {
		if list[i].classKey == key {
			return i
		}
	}
	return len(list)
}

// remove takes a value out of its class. e must own the pool.
func (p *pool[T, O]) remove(e *editor, key classKey, val T) {
	list := p.list(key.down)
	i := indexOf(*list, key)
	if i == len(*list) {
		return
	}
	c := &(*list)[i]
	if at, ok := c.find(val); ok {
		c.remove(e, at)
	}
	if c.vals.Len() == 0 {
		*list = withoutClass(*list, i)
	}
}

// entry is that of the i-th value in an index: in the order of hashes.
func entry(hash uint32, i int) uint64 { return uint64(hash)<<32 | uint64(i+1) }

func (c *class[T, O]) add(e *editor, val T, distinct bool) {
	var ops O
	if distinct {
		if at, ok := c.find(val); ok {
			n, _ := c.repeated.Get(uint32(at))
			c.repeated = c.repeated.Put(&e.trees, uint32(at), n+1)
			return
		}
	}
	n, hash := c.vals.Len(), ops.hash(val)
	c.vals, c.hashes = c.vals.Push(&e.vecs, val), c.hashes.Push(&e.vecs, hash)
	switch {
	case n > chunkvec.Chunk:
		c.index = c.index.Put(&e.trees, entry(hash, n), struct{}{})
	case n == chunkvec.Chunk:
		for i := range n + 1 {
			c.index = c.index.Put(&e.trees, entry(*c.hashes.At(i), i), struct{}{})
		}
	}
}

// find returns the position of a value.
func (c *class[T, O]) find(val T) (int, bool) {
	var ops O
	return c.first(ops.hash(val), func(other T) bool { return ops.same(other, val) })
}

// findTwin returns the first position of a value or of a twin.
func (c *class[T, O]) findTwin(val T, even bool) (int, bool) {
	var ops O
	return c.first(ops.hash(val), func(other T) bool { return ops.same(other, val) || ops.twins(other, val, even) })
}

// first returns the first position of a value with this hash that is wanted.
func (c *class[T, O]) first(hash uint32, wanted func(T) bool) (int, bool) {
	if c.vals.Len() <= chunkvec.Chunk {
		for i, h := range c.hashes.First() {
			if h == hash && wanted(*c.vals.At(i)) {
				return i, true
			}
		}
		return 0, false
	}
	for e := range c.index.After(entry(hash, -1)) {
		if uint32(e>>32) != hash {
			break
		}
		if i := int(uint32(e)) - 1; wanted(*c.vals.At(i)) {
			return i, true
		}
	}
	return 0, false
}

// remove takes out the value at a position, unless other members have it too; the
// last value moves there.
func (c *class[T, O]) remove(e *editor, at int) {
	if n, ok := c.repeated.Get(uint32(at)); ok {
		if n == 1 {
			c.repeated = c.repeated.Delete(&e.trees, uint32(at))
		} else {
			c.repeated = c.repeated.Put(&e.trees, uint32(at), n-1)
		}
		return
	}
	last := c.vals.Len() - 1
	if n, ok := c.repeated.Get(uint32(last)); ok && at != last {
		c.repeated = c.repeated.Delete(&e.trees, uint32(last)).Put(&e.trees, uint32(at), n)
	}
	lastHash := *c.hashes.At(last)
	if last <= chunkvec.Chunk {
		c.index = ptree.Map[uint64, struct{}]{}
	} else {
		c.index = c.index.Delete(&e.trees, entry(*c.hashes.At(at), at))
	}
	if at != last {
		if last > chunkvec.Chunk {
			c.index = c.index.Delete(&e.trees, entry(lastHash, last)).Put(&e.trees, entry(lastHash, at), struct{}{})
		}
		c.vals, c.hashes = c.vals.Set(&e.vecs, at, *c.vals.At(last)), c.hashes.Set(&e.vecs, at, lastHash)
	}
	c.vals, c.hashes = c.vals.Pop(&e.vecs), c.hashes.Pop(&e.vecs)
}

func withoutClass[T any, O values[T]](list []class[T, O], i int) []class[T, O] {
	if len(list) == 1 {
		return nil
	}
	next := make([]class[T, O], 0, len(list)-1)
	next = append(next, list[:i]...)
	return append(next, list[i+1:]...)
}
