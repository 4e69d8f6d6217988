package sign

import (
	"sync"
	"unsafe"
)

// cacheShards lets several look at once. It divides 256.
const cacheShards = 16

// entryBytes is what one signature takes in a map, whose slots are half full at
// the worst.
const entryBytes = 2 * int(unsafe.Sizeof(ID{})+unsafe.Sizeof(Signature{})+1)

// cache holds signatures in two generations: what is asked for moves to the
// young one, and when that is full the old one is forgotten.
type cache struct {
	limit  int // octets
	shards [cacheShards]cacheShard
}

type cacheShard struct {
	mu         sync.Mutex // guards the maps; held for moments
	young, old map[ID]Signature
}

func (c *cache) shard(id ID) *cacheShard { return &c.shards[id[len(id)-1]%cacheShards] }

func (c *cache) get(id ID) (Signature, bool) {
	s := c.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if sig, ok := s.young[id]; ok {
		return sig, true
	}
	sig, ok := s.old[id]
	if ok {
		c.add(s, id, sig)
	}
	return sig, ok
}

func (c *cache) put(id ID, sig Signature) {
	s := c.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	c.add(s, id, sig)
}

// add is for who holds the shard.
func (c *cache) add(s *cacheShard, id ID, sig Signature) {
	if s.young == nil || len(s.young) >= max(1, c.limit/cacheShards/2/entryBytes) {
		s.young, s.old = map[ID]Signature{}, s.young
	}
	s.young[id] = sig
}

// len counts the signatures of both generations.
func (c *cache) len() int {
	n := 0
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		n += len(s.young) + len(s.old)
		s.mu.Unlock()
	}
	return n
}
