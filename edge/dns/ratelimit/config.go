package ratelimit

import (
	"errors"
	"fmt"
	"hash/maphash"
	"net/netip"
	"time"

	"github.com/gaissmai/bart"
	"github.com/prometheus/client_golang/prometheus"
)

// Config has the limits. The zero Config limits nothing.
type Config struct {
	// Responses is how many responses of one kind for one name a client network
	// gets per second. 0 turns limiting off.
	Responses int
	// NXDomains is the limit of NXDOMAIN responses for one zone. 0 means the same
	// as Responses.
	NXDomains int
	// Errors is the limit of responses with other codes, counted together. 0 means
	// the same as Responses.
	Errors int
	// Window is how long a client network stays limited at most after it was over
	// its rate. 0 means 15 s.
	Window time.Duration
	// Slip sends every n-th response over the rate truncated instead of
	// dropping it. 1 truncates them all, 0 drops them all.
	Slip int
	// IPv4Bits and IPv6Bits are the lengths of the prefixes that make a client
	// network. 0 means 24 and 56.
	IPv4Bits, IPv6Bits int
	// Exempt networks are not limited.
	Exempt []netip.Prefix
	// Accounts is how many pairs of client network and response are counted at a
	// time; each takes 18 bytes. 0 means 100,000.
	Accounts int
	// Registerer registers the metrics. Nil means no metrics.
	Registerer prometheus.Registerer
}

// Defaults and limits.
const (
	defaultWindow   = 15 * time.Second
	defaultIPv4Bits = 24
	defaultIPv6Bits = 56
	defaultAccounts = 100_000

	maxRate     = 1_000_000
	maxWindow   = time.Hour
	maxAccounts = 1 << 26
)

// New checks cfg and builds a Limiter.
func New(cfg Config) (*Limiter, error) {
	cfg.fill()
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("ratelimit: %w", err)
	}
	l := &Limiter{
		rates: [kinds]int64{
			Answer:   int64(cfg.Responses),
			NoData:   int64(cfg.Responses),
			NXDomain: int64(cfg.NXDomains),
			Referral: int64(cfg.Responses),
			Error:    int64(cfg.Errors),
		},
		slip:    uint32(cfg.Slip),
		bits4:   cfg.IPv4Bits,
		bits6:   cfg.IPv6Bits,
		exempt:  newPrefixSet(cfg.Exempt),
		seed:    maphash.MakeSeed(),
		limited: cfg.Responses > 0,
	}
	for k, rate := range l.rates {
		l.floor[k] = -rate * cfg.Window.Milliseconds()
	}
	if l.limited {
		l.table = newTable(cfg.Accounts)
	}
	var err error
	l.counters, err = newCounters(cfg.Registerer)
	return l, err
}

func (c *Config) fill() {
	fill(&c.NXDomains, c.Responses)
	fill(&c.Errors, c.Responses)
	fill(&c.Window, defaultWindow)
	fill(&c.IPv4Bits, defaultIPv4Bits)
	fill(&c.IPv6Bits, defaultIPv6Bits)
	fill(&c.Accounts, defaultAccounts)
}

func fill[T comparable](v *T, byDefault T) {
	var zero T
	if *v == zero {
		*v = byDefault
	}
}

func (c *Config) check() error {
	for _, rate := range []int{c.Responses, c.NXDomains, c.Errors} {
		if rate < 0 || rate > maxRate {
			return fmt.Errorf("a rate must be 0 to %d responses per second", maxRate)
		}
		// The balance of an account is a 32-bit number of thousandths.
		if int64(rate)*c.Window.Milliseconds() > 1<<31-cost-1 {
			return errors.New("rate and window together are too large")
		}
	}
	switch {
	case c.Responses == 0 && c.NXDomains+c.Errors > 0:
		return errors.New("rates of NXDOMAIN and errors need a rate of responses")
	case c.Window < time.Second || c.Window > maxWindow:
		return fmt.Errorf("the window must be 1s to %v", maxWindow)
	case c.Slip < 0 || c.Slip > 1000:
		return errors.New("slip must be 0 to 1000")
	case c.IPv4Bits < 1 || c.IPv4Bits > 32:
		return errors.New("the IPv4 prefix length must be 1 to 32")
	case c.IPv6Bits < 1 || c.IPv6Bits > 128:
		return errors.New("the IPv6 prefix length must be 1 to 128")
	case c.Accounts < 1 || c.Accounts > maxAccounts:
		return fmt.Errorf("the number of accounts must be 1 to %d", maxAccounts)
	}
	for _, p := range c.Exempt {
		if !p.IsValid() {
			return errors.New("an exempt network is not valid")
		}
	}
	return nil
}

// prefixSet is a set of networks.
type prefixSet struct{ routes bart.Lite }

func newPrefixSet(prefixes []netip.Prefix) *prefixSet {
	if len(prefixes) == 0 {
		return nil
	}
	s := new(prefixSet)
	for _, p := range prefixes {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		s.routes.Insert(p.Masked())
	}
	return s
}

func (s *prefixSet) contains(addr netip.Addr) bool { return s != nil && s.routes.Contains(addr) }
