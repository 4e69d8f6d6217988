package forward

import (
	"hash/maphash"
	"sync"
	"time"
)

// entry is an answer in the cache.
type entry struct {
	key    string
	resp   Response // its Age is 0
	ttl    uint32   // for how many seconds it may be used; 0 is not at all
	stored time.Time

	// Owned by the shard.
	size        int
	used        bool
	newer, more *entry // towards the newest, towards the oldest
}

// cache is bounded by the memory it takes. When it is full, the entry goes that
// was not used for the longest time, about: this is the SIEVE algorithm, in
// which a hit is one flag set and moves nothing.
type cache struct {
	seed   maphash.Seed
	shards [cacheShards]shard
}

const (
	cacheShards = 16

	// Estimates of what an entry and a record take besides their octets.
	entryOverhead  = 320
	recordOverhead = 80
)

// shard is a part of the cache with a lock of its own.
type shard struct {
	mu      sync.Mutex
	limit   int
	size    int
	entries map[string]*entry
	newest  *entry
	oldest  *entry
	hand    *entry // where the search for the next entry to go continues
}

func newCache(bytes int) *cache {
	c := &cache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i] = shard{limit: bytes / cacheShards, entries: map[string]*entry{}}
	}
	return c
}

func (c *cache) shard(key []byte) *shard {
	return &c.shards[maphash.Bytes(c.seed, key)%cacheShards]
}

// get fills resp with what is known for key, aged to now.
func (c *cache) get(key []byte, now time.Time, resp *Response) bool {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[string(key)]
	if e == nil {
		return false
	}
	// Whole seconds are counted as soon as they have begun, so that no TTL is
	// given out that is longer than what remains; a fresh answer has its own.
	age := (now.Sub(e.stored) + time.Second - 1) / time.Second
	if age >= time.Duration(e.ttl) && now.Sub(e.stored) >= time.Duration(e.ttl)*time.Second {
		s.remove(e)
		return false
	}
	e.used = true
	*resp = e.resp
	resp.Age = uint32(min(max(age, 0), time.Duration(e.ttl)))
	return true
}

// put remembers e, which nobody changes from now on, in the place of what was
// known before. An entry that is too large or must not be used again is not
// remembered, but what was known before is forgotten all the same.
func (c *cache) put(e *entry, now time.Time) {
	e.stored, e.size = now, e.cost()
	s := c.shard([]byte(e.key))
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.entries[e.key]; old != nil {
		s.remove(old)
	}
	if e.ttl == 0 || e.size > s.limit {
		return
	}
	for s.size+e.size > s.limit {
		s.evict()
	}
	s.add(e)
}

// usage returns how many entries there are and how much memory they take.
func (c *cache) usage() (entries, bytes int) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		entries, bytes = entries+len(s.entries), bytes+s.size
		s.mu.Unlock()
	}
	return entries, bytes
}

func (s *shard) add(e *entry) {
	s.entries[e.key] = e
	s.size += e.size
	e.more = s.newest
	if s.newest != nil {
		s.newest.newer = e
	} else {
		s.oldest = e
	}
	s.newest = e
}

func (s *shard) remove(e *entry) {
	delete(s.entries, e.key)
	s.size -= e.size
	if s.hand == e {
		s.hand = e.newer
	}
	if e.newer != nil {
		e.newer.more = e.more
	} else {
		s.newest = e.more
	}
	if e.more != nil {
		e.more.newer = e.newer
	} else {
		s.oldest = e.newer
	}
}

// evict removes the first entry from the hand on, towards the newest and then
// from the oldest again, that was not used since the hand passed it.
func (s *shard) evict() {
	for {
		if s.hand == nil {
			s.hand = s.oldest
		}
		e := s.hand
		if !e.used {
			s.remove(e)
			return
		}
		e.used = false
		s.hand = e.newer
	}
}

func (e *entry) cost() int {
	n := entryOverhead + 2*len(e.key)
	for _, section := range [][]RR{e.resp.Answer, e.resp.Authority} {
		for i := range section {
			n += recordOverhead + len(section[i].Name) + len(section[i].Data)
		}
	}
	return n
}
