// Package gencache is a bounded cache in two generations: when the younger one
// is full the older is dropped. So entries in use stay, without a list that is kept
// in order. Reading takes a read lock and one look-up.
package gencache

import "sync"

// Cache holds at least the newest Size and at most twice as many entries. Make
// one with New. It is safe for concurrent use.
type Cache[K comparable, V any] struct {
	size       int
	mu         sync.RWMutex
	young, old map[K]V
}

// New returns an empty cache with generations of the given size.
func New[K comparable, V any](size int) *Cache[K, V] {
	return &Cache[K, V]{size: size, young: map[K]V{}}
}

// Get returns the value of a key. A value that is found in the older generation moves to
// the younger one.
func (c *Cache[K, V]) Get(key K) (V, bool) {
	c.mu.RLock()
	v, ok := c.young[key]
	if ok {
		c.mu.RUnlock()
		return v, true
	}
	v, ok = c.old[key]
	c.mu.RUnlock()
	if ok {
		c.Put(key, v)
	}
	return v, ok
}

// Put stores a value. The key is kept: it must not be a part of something large.
func (c *Cache[K, V]) Put(key K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.young[key]; !ok && len(c.young) >= c.size {
		c.old, c.young = c.young, make(map[K]V, c.size)
	}
	c.young[key] = v
}

// Len returns the number of entries, some of which may be there twice.
func (c *Cache[K, V]) Len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.young) + len(c.old)
}
