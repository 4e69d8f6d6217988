package forward

import (
	"fmt"
	"hash/maphash"
	"time"

	"github.com/maypok86/otter/v2"
)

// entry is an answer in the cache.
type entry struct {
	key    string
	resp   Response // its Age is 0
	ttl    uint32   // for how many seconds it may be used; 0: not at all
	stored time.Time
}

// cache holds answers. The memory for them is bounded; which of them stay when it
// is full is decided by how often and how recently they were used (W-TinyLFU).
//
// Answers are found by the hash of their key, so that a look-up by octets does not
// allocate. The seed is random, and get compares the key: two keys of one hash
// only push each other out.
type cache struct {
	seed  maphash.Seed
	bytes int
	items *otter.Cache[uint64, *entry]
}

// Estimates of the memory for an entry and for a record, besides their octets.
const (
	entryOverhead  = 320
	recordOverhead = 80
)

func newCache(bytes int) (*cache, error) {
	items, err := otter.New(&otter.Options[uint64, *entry]{
		MaximumWeight: uint64(bytes),
		Weigher:       func(_ uint64, e *entry) uint32 { return uint32(e.size()) },
		// Entries are evicted by the caller that adds one; there is no goroutine.
		Executor: func(task func()) { task() },
	})
	if err != nil {
		return nil, fmt.Errorf("forward: cache: %w", err)
	}
	return &cache{seed: maphash.MakeSeed(), bytes: bytes, items: items}, nil
}

// get sets resp to the answer for key, aged to now.
func (c *cache) get(key []byte, now time.Time, resp *Response) bool {
	hash := maphash.Bytes(c.seed, key)
	e, ok := c.items.GetIfPresent(hash)
	if !ok || string(key) != e.key {
		return false
	}
	// A second counts as soon as it has begun, so that no TTL is longer than what
	// remains; a new answer has its own.
	passed := now.Sub(e.stored)
	if passed >= time.Duration(e.ttl)*time.Second {
		c.items.Invalidate(hash)
		return false
	}
	age := (passed + time.Second - 1) / time.Second
	*resp = e.resp
	resp.Age = uint32(min(max(age, 0), time.Duration(e.ttl)))
	return true
}

// put adds e, which nobody changes from now on, in place of the earlier answer for
// its key. An entry that is too large or must not be used again is not added, and
// the earlier answer is removed nevertheless.
func (c *cache) put(e *entry, now time.Time) {
	e.stored = now
	hash := maphash.String(c.seed, e.key)
	if e.ttl == 0 || e.size() > c.bytes {
		c.items.Invalidate(hash)
		return
	}
	c.items.Set(hash, e)
}

// usage returns the number of entries and about how much memory they take.
func (c *cache) usage() (entries, bytes int) {
	return c.items.EstimatedSize(), int(c.items.WeightedSize())
}

// size is about how much memory the entry takes.
func (e *entry) size() int {
	n := entryOverhead + 2*len(e.key)
	for _, section := range [][]RR{e.resp.Answer, e.resp.Authority} {
		for i := range section {
			n += recordOverhead + len(section[i].Name) + len(section[i].Data)
		}
	}
	return n
}
