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
	// Upstreams are recursive resolvers, asked in this order. One that does
	// not answer is passed over for a while. Required.
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
	// MaxInFlight is how many questions may be on their way to the upstreams;
	// those beyond it get ErrBusy. Clients that wait for the same question
	// count once. 0 means 1024.
	MaxInFlight int
	// MinTTL and MaxTTL are bounds for TTLs. A MinTTL lets records live longer
	// than their owner wants. 0 means none and one day.
	MinTTL, MaxTTL time.Duration
	// MaxNegativeTTL is the bound for how long an answer is remembered that
	// says that there is nothing (RFC 2308 section 5). 0 means 5 min.
	MaxNegativeTTL time.Duration
	// Logger gets changes in the state of upstreams. Nil means none.
	Logger *slog.Logger
	// Registerer takes the metrics. Nil means that nobody wants them.
	Registerer prometheus.Registerer
}

// Built-in values.
const (
	defaultCacheBytes     = 16 << 20
	defaultTimeout        = 5 * time.Second
	defaultMaxInFlight    = 1024
	defaultMaxTTL         = 24 * time.Hour
	defaultMaxNegativeTTL = 5 * time.Minute

	// failureTTL is for how many seconds it is remembered that no upstream
	// gave an answer (RFC 9520 section 3.2 wants 1 s to 5 min).
	failureTTL = 1

	// udpSize is the largest answer asked for over UDP: what fits into an IPv6
	// packet of 1280 octets, which arrives everywhere unfragmented.
	udpSize = 1232

	// maxTTL is the largest TTL there is; larger ones mean 0 (RFC 2181
	// section 8).
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

// isSelf says whether what is sent to up arrives at the listener self.
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

// isLocal says whether an address is one of this machine's.
func isLocal(addr netip.Addr) bool {
	local, err := net.InterfaceAddrs()
	if err != nil {
		return false // Resolver.IsOwnQuery still finds the loop
	}
	for _, a := range local {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Unmap().WithZone("") == addr {
			return true
		}
	}
	return false
}
