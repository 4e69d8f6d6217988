package forward

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/core/dnswire"
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

func TestCache(t *testing.T) {
	up := upstreamOf(t, func(a *asked) {
		m := a.reply(dns.RcodeSuccess)
		switch strings.ToLower(a.Question[0].Name) {
		case "www.example.":
			m.Answer = []dns.RR{www("60")}
		case "zero.example.":
			m.Answer = []dns.RR{rr("zero.example. 0 IN A 192.0.2.1")}
		case "absurd.example.": // RFC 2181 section 8: means 0
			m.Answer = []dns.RR{rr("absurd.example. 4000000000 IN A 192.0.2.1")}
		case "long.example.":
			m.Answer = []dns.RR{rr("long.example. 2000000 IN A 192.0.2.1")}
		case "gone.example.":
			m.Rcode, m.Ns = dns.RcodeNameError, []dns.RR{rr(soa)}
		case "long-gone.example.":
			m.Rcode, m.Ns = dns.RcodeNameError, []dns.RR{rr("example. 9000 IN SOA ns.example. admin.example. 1 2 3 4 9000")}
		case "unproven.example.":
			m.Rcode = dns.RcodeNameError
		case "wrong-proof.example.":
			m.Rcode, m.Ns = dns.RcodeNameError, []dns.RR{rr("example.net. 300 IN SOA ns.example. admin.example. 1 2 3 4 30")}
		}
		a.give(m)
	})
	for _, c := range []struct {
		name string
		ttl  int // how long it is cached, in seconds
	}{
		{"www.example.", 60},
		{"zero.example.", 0},
		{"absurd.example.", 0},
		{"long.example.", 86400},
		{"gone.example.", 30},
		{"long-gone.example.", 300},
		{"unproven.example.", 0},
		{"wrong-proof.example.", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := resolver(t, Config{}, up)
				queries := func() int32 {
					before := up.udp.Load()
					m := resolve(t, r, c.name, dns.TypeA)
					for _, rr := range slices.Concat(m.Answer, m.Ns) {
						if rr.Header().Ttl > uint32(c.ttl) {
							t.Errorf("TTL %d", rr.Header().Ttl)
						}
					}
					return up.udp.Load() - before
				}
				if n := queries(); n != 1 {
					t.Fatalf("%d queries at first", n)
				}
				if c.ttl > 0 {
					time.Sleep(time.Duration(c.ttl)*time.Second - time.Nanosecond)
					if n := queries(); n != 0 {
						t.Errorf("%d queries before the end of the TTL", n)
					}
					time.Sleep(time.Nanosecond)
				}
				if n := queries(); n != 1 {
					t.Errorf("%d queries after the end of the TTL, want 1", n)
				}
			})
		})
	}
}

// TTLs of cached answers count down.
func TestTTLCountsDown(t *testing.T) {
	up := upstreamOf(t, func(a *asked) { a.give(a.reply(dns.RcodeSuccess, www("60"), rr("www.example. 90 IN A 192.0.2.2"))) })
	synctest.Test(t, func(t *testing.T) {
		r := resolver(t, Config{}, up)
		resolve(t, r, "www.example.", dns.TypeA)
		time.Sleep(25 * time.Second)
		expect(t, resolve(t, r, "www.example.", dns.TypeA), dns.RcodeSuccess,
			"www.example. 35 IN A 192.0.2.1", "www.example. 65 IN A 192.0.2.2")
		var resp Response
		if !r.Cached(question(t, "WWW.example.", dns.TypeA), &resp) || resp.MinTTL() != 35 {
			t.Errorf("cached: %+v", resp)
		}
	})
}

// Questions that differ in any part are cached apart.
func TestCacheKey(t *testing.T) {
	up := upstreamOf(t, func(a *asked) {
		m := a.reply(dns.RcodeSuccess)
		m.Ns = []dns.RR{rr(soa)}
		a.give(m)
	})
	r := resolver(t, Config{}, up)
	base := question(t, "www.example.", dns.TypeA)
	for i, change := range []func(*Question){
		func(*Question) {},
		func(q *Question) { q.Type = dns.TypeAAAA },
		func(q *Question) { q.DO = true },
		func(q *Question) { q.CD = true },
		func(q *Question) { q.DO, q.CD = true, true },
		func(q *Question) { q.Name = question(t, "example.", 1).Name },
	} {
		for range 2 {
			q := base
			change(&q)
			if _, err := r.Resolve(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		if n := up.udp.Load(); n != int32(i+1) {
			t.Fatalf("%d queries after %d questions, each asked twice", n, i+1)
		}
	}
}

func TestCachedAllocatesNothing(t *testing.T) {
	up := upstreamOf(t, func(a *asked) { a.give(a.reply(dns.RcodeSuccess, www("6000"))) })
	r := resolver(t, Config{}, up)
	resolve(t, r, "www.example.", dns.TypeA)
	q, resp, msg := question(t, "WWW.example.", dns.TypeA), new(Response), make([]byte, 0, 512)
	msg = append(append(msg, make([]byte, dnswire.HeaderLen)...), append(q.Name, 0, 1, 0, 1)...)
	if n := testing.AllocsPerRun(100, func() {
		if !r.Cached(q, resp) {
			t.Fatal("not in the cache")
		}
		resp.Append(msg, 512)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
