// Package authlimit limits failed authentications by the address they come from, so
// that guessing becomes slow and nobody else is slowed down: only failures are
// counted and refused.
package authlimit

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cairn-discovery/cairn/internal/clientaddr"
	"github.com/cairn-discovery/cairn/internal/gcra"
)

// Config has the failures that a source may have.
type Config struct {
	// PerSecond is how many failures a second a source may have, and Burst how many
	// at once; Burst 0 means one. PerSecond 0 is no limit.
	PerSecond float64
	Burst     int
	// Sources is how many sources are remembered; 0 means about 16,000. A new one
	// replaces the one with the fewest failures in its set.
	Sources int
}

// Budget counts the failures of sources: IPv4 addresses, and /64 networks of IPv6
// addresses, since a client that has one address of such a network has all of them.
// It is safe for concurrent use and does not grow.
type Budget struct {
	limit   gcra.Limit
	seed    maphash.Seed
	sets    []set
	refused atomic.Uint64
}

const sourcesPerSet = 8

// set has its own lock, which only failures take.
type set struct {
	mu      sync.Mutex
	sources [sourcesPerSet]source
}

// source is the bucket of one source. It is unused if full is 0.
type source struct {
	addr netip.Addr
	full int64 // when its bucket is full again, in nanoseconds since start
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
	return &Budget{limit: gcra.NewLimit(cfg.PerSecond, max(1, cfg.Burst)), seed: maphash.MakeSeed(), sets: make([]set, n)}
}

// Fail counts a failure and reports whether the source may still have it. A nil
// Budget allows everything.
func (b *Budget) Fail(addr netip.Addr, now time.Time) bool {
	if b == nil {
		return true
	}
	addr = clientaddr.Client(addr)
	s := &b.sets[maphash.Comparable(b.seed, addr)&uint64(len(b.sets)-1)]
	at := now.Sub(start).Nanoseconds()
	s.mu.Lock()
	found := s.find(addr)
	var ok bool
	found.full, ok = b.limit.Take(found.full, at)
	s.mu.Unlock()
	if !ok {
		b.refused.Add(1)
	}
	return ok
}

// Refused returns the number of failures beyond the limit.
func (b *Budget) Refused() uint64 {
	if b == nil {
		return 0
	}
	return b.refused.Load()
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
