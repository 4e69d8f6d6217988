package forward

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

func testCache(t testing.TB, bytes int) *cache {
	t.Helper()
	c, err := newCache(bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func cacheEntry(i, size int) *entry {
	return &entry{
		key:  fmt.Sprintf("key-%d", i),
		ttl:  60,
		resp: Response{Answer: []RR{{Name: []byte{0}, Type: 16, Class: 1, TTL: 60, Data: make([]byte, size)}}},
	}
}

// The memory of the cache is bounded and counted correctly.
func TestCacheIsBounded(t *testing.T) {
	const limit = 1 << 20
	c := testCache(t, limit)
	now := time.Unix(1e9, 0)
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 20_000 {
		c.put(cacheEntry(rnd.IntN(5000), rnd.IntN(3000)), now)
		if rnd.IntN(10) == 0 {
			now = now.Add(time.Second)
		}
		var resp Response
		c.get(fmt.Appendf(nil, "key-%d", rnd.IntN(5000)), now, &resp)
	}
	entries, bytes := c.usage()
	if bytes > limit || entries < 100 {
		t.Errorf("%d entries take %d octets of %d", entries, bytes, limit)
	}
	recount := 0
	for e := range c.items.Values() {
		recount += e.size()
	}
	if recount != bytes {
		t.Errorf("the entries take %d octets, counted are %d", recount, bytes)
	}
	c.put(cacheEntry(1, limit), now)
	if c.get([]byte("key-1"), now, new(Response)) {
		t.Error("an entry larger than the cache is in it")
	}
}

// Entries that are in use stay in the cache while others pass through it.
func TestCacheKeepsWhatIsUsed(t *testing.T) {
	c := testCache(t, 1<<20)
	now := time.Unix(1e9, 0)
	const used = 100
	for i := range used {
		c.put(cacheEntry(i, 100), now)
	}
	for i := range 50_000 {
		for range 2 {
			c.get(fmt.Appendf(nil, "key-%d", (i*7)%used), now, new(Response))
		}
		c.put(cacheEntry(used+i, 100), now)
	}
	kept := 0
	for i := range used {
		if c.get(fmt.Appendf(nil, "key-%d", i), now, new(Response)) {
			kept++
		}
	}
	if kept != used {
		t.Errorf("%d of %d entries that are used all the time are left", kept, used)
	}
}

func TestCacheConcurrently(t *testing.T) {
	c := testCache(t, 64<<10)
	now := time.Unix(1e9, 0)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 3000 {
				c.put(cacheEntry((i*31+g)%200, 100), now)
				c.get(fmt.Appendf(nil, "key-%d", i%200), now.Add(time.Duration(i)*time.Millisecond), new(Response))
			}
		})
	}
	wg.Wait()
}

func BenchmarkCached(b *testing.B) {
	r := resolver(b, Config{}, upstreamOf(b, func(*asked) {}))
	q := question(b, "www.example.", 1)
	key, _ := q.appendKey(nil)
	e := cacheEntry(0, 4)
	e.key, e.ttl = string(key), 1<<30
	r.cache.put(e, time.Now())
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		resp := new(Response)
		for pb.Next() {
			if !r.Cached(q, resp) {
				b.Error("not in the cache")
				return
			}
		}
	})
}
