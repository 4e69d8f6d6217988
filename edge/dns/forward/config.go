package forward

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config is what a Resolver needs.
type Config struct {
	// Upstreams are recursive resolvers, asked in this order. One that does not
	// answer is skipped for some time. Required.
	Upstreams []netip.AddrPort
	// Self are the addresses of our own listeners, which must not be among the
	// upstreams. An unspecified address (0.0.0.0 or ::) is every address of
	// this machine.
	Self []netip.AddrPort
	// CacheBytes is about how much memory the cache may take. 0 means 16 MiB.
	CacheBytes int
	// Timeout is how long one question may take, all its upstreams and
	// retries together. 0 means 5 s, which is what clients commonly wait.
	Timeout time.Duration
	// MaxInFlight is how many questions are resolved at a time; more get an error.
	// Clients that wait for the same question count once. 0 means 1024.
	MaxInFlight int
	// MinTTL and MaxTTL are bounds for TTLs. A MinTTL keeps records longer than
	// their owner allows. 0 means no minimum, and one day.
	MinTTL, MaxTTL time.Duration
	// MaxNegativeTTL is the longest time that a negative answer is cached (RFC
	// 2308 section 5). 0 means 5 min.
	MaxNegativeTTL time.Duration
	// Logger logs changes in the state of upstreams. Nil means no log.
	Logger *slog.Logger
	// Registerer registers the metrics. Nil means no metrics.
	Registerer prometheus.Registerer
}

// Built-in values.
const (
	defaultCacheBytes     = 16 << 20
	defaultTimeout        = 5 * time.Second
	defaultMaxInFlight    = 1024
	defaultMaxTTL         = 24 * time.Hour
	defaultMaxNegativeTTL = 5 * time.Minute

	// failureTTL is how many seconds a failure of all upstreams is cached (RFC
	// 9520 section 3.2 requires 1 s to 5 min).
	failureTTL = 1

	// udpSize is the largest answer over UDP that upstreams may send. It fits
	// into an IPv6 packet of 1280 octets, which is never fragmented.
	udpSize = 1232

	// maxTTL is the largest valid TTL; larger ones mean 0 (RFC 2181 section 8).
	maxTTL = 1<<31 - 1
)

func (c *Config) fill() {
	fill(&c.CacheBytes, defaultCacheBytes)
	fill(&c.Timeout, defaultTimeout)
	fill(&c.MaxInFlight, defaultMaxInFlight)
	fill(&c.MaxTTL, defaultMaxTTL)
	fill(&c.MaxNegativeTTL, defaultMaxNegativeTTL)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

func fill[T comparable](v *T, byDefault T) {
	var zero T
	if *v == zero {
		*v = byDefault
	}
}

func (c *Config) check() error {
	switch {
	case len(c.Upstreams) == 0:
		return errors.New("forward: no upstream")
	case c.CacheBytes < 0, c.Timeout < 0, c.MaxInFlight < 0:
		return errors.New("forward: cache, timeout and bounds must not be negative")
	case c.MinTTL < 0, c.MaxTTL < c.MinTTL, c.MaxTTL > maxTTL*time.Second, c.MaxNegativeTTL < 0:
		return errors.New("forward: the bounds of TTLs contradict each other")
	}
	for _, up := range c.Upstreams {
		if !up.IsValid() || up.Port() == 0 || up.Addr().IsUnspecified() {
			return fmt.Errorf("forward: upstream %v is not an address to send to", up)
		}
		for _, self := range c.Self {
			if isSelf(up, self) {
				return fmt.Errorf("forward: upstream %v is this server itself (%v)", up, self)
			}
		}
	}
	return nil
}

// isSelf reports whether messages to up arrive at the listener self.
func isSelf(up, self netip.AddrPort) bool {
	if up.Port() != self.Port() {
		return false
	}
	to, at := up.Addr().Unmap().WithZone(""), self.Addr().Unmap().WithZone("")
	if !at.IsUnspecified() {
		return to == at
	}
	return to.IsLoopback() || isLocal(to)
}

// isLocal reports whether an address is one of this machine.
func isLocal(addr netip.Addr) bool {
	local, err := net.InterfaceAddrs()
	if err != nil {
		return false // Resolver.IsOwnQuery finds the loop then
	}
	for _, a := range local {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Unmap().WithZone("") == addr {
			return true
		}
	}
	return false
}
