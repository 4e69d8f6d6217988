package sign

import (
	"unsafe"

	"github.com/cairn-discovery/cairn/internal/gencache"
)

// cacheShards is the number of parts of the cache with a lock each. It divides 256.
const cacheShards = 16

// entryBytes is the memory for one signature in a map, which is half full in the worst
// case.
const entryBytes = 2 * int(unsafe.Sizeof(ID{})+unsafe.Sizeof(Signature{})+1)

// cache holds signatures. Those that were used last stay when it is full.
type cache [cacheShards]*gencache.Cache[ID, Signature]

// newCache returns a cache that takes about so many octets of memory.
func newCache(octets int) *cache {
	c := new(cache)
	for i := range c {
		c[i] = gencache.New[ID, Signature](max(1, octets/cacheShards/2/entryBytes))
	}
	return c
}

// shard returns the part for a signature: the octets of an ID are uniformly
// distributed.
func (c *cache) shard(id ID) *gencache.Cache[ID, Signature] { return c[id[len(id)-1]%cacheShards] }

// len returns the number of signatures.
func (c *cache) len() int {
	n := 0
	for _, s := range c {
		n += s.Len()
	}
	return n
}
