// Package failures counts what goes wrong by the address it comes from, so that
// guessing gets slow without anybody else getting slower: only those are
// counted, and refused, who fail.
package authlimit

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Config says how many failures a source may have.
type Config struct {
	// PerSecond is how many failures a source is forgiven in a second, and
	// Burst how many at once. PerSecond 0 is no limit.
	PerSecond float64
	Burst     int
	// Sources is how many sources are remembered, some 16,000 where it is 0. A
	// new one takes the place of the one with the fewest failures of its set.
	Sources int
}

// Budget has the failures of sources: IPv4 addresses, and the /64 networks of
// IPv6 addresses, since whoever has one of those has all of it. It is safe for
// concurrent use and does not grow.
type Budget struct {
	step, depth int64 // nanoseconds, as those of a token bucket
	seed        maphash.Seed
	sets        []set
	refused     atomic.Uint64
}

const sourcesPerSet = 8

// set has its own lock, which only those take who fail.
type set struct {
	mu      sync.Mutex
	sources [sourcesPerSet]source
}

// source is free where full is 0.
type source struct {
	addr netip.Addr
	full int64 // when all is forgiven, in nanoseconds since start
}

var start = time.Now()

// New returns a Budget, or nil where there is no limit.
func New(cfg Config) *Budget {
	if cfg.PerSecond <= 0 {
		return nil
	}
	if cfg.Sources == 0 {
		cfg.Sources = 16 << 10
	}
	n := 1
	for n*sourcesPerSet < cfg.Sources {
		n *= 2
	}
	step := max(1, min(float64(time.Second)/cfg.PerSecond, 1<<60))
	burst := max(1, float64(cfg.Burst))
	return &Budget{step: int64(step), depth: int64(min(burst*step, 1<<60)), seed: maphash.MakeSeed(), sets: make([]set, n)}
}

// Fail counts a failure and reports whether the source may still have it. A nil
// Budget forgives everything.
func (b *Budget) Fail(addr netip.Addr, now time.Time) bool {
	if b == nil {
		return true
	}
	addr = sourceOf(addr)
	s := &b.sets[maphash.Comparable(b.seed, addr)&uint64(len(b.sets)-1)]
	at := now.Sub(start).Nanoseconds()
	s.mu.Lock()
	ok := s.find(addr).fail(b, at)
	s.mu.Unlock()
	if !ok {
		b.refused.Add(1)
	}
	return ok
}

// Refused counts the failures that were not forgiven.
func (b *Budget) Refused() uint64 {
	if b == nil {
		return 0
	}
	return b.refused.Load()
}

func sourceOf(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return addr
}

func (s *set) find(addr netip.Addr) *source {
	least := &s.sources[0]
	for i := range s.sources {
		found := &s.sources[i]
		if found.addr == addr {
			return found
		}
		if found.full < least.full {
			least = found
		}
	}
	*least = source{addr: addr}
	return least
}

func (s *source) fail(b *Budget, now int64) bool {
	next := max(s.full, now) + b.step
	if next-now > b.depth {
		return false
	}
	s.full = next
	return true
}
