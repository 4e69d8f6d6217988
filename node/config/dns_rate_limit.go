package config

import (
	"errors"

	"github.com/cairn-discovery/cairn/edge/dns/ratelimit"
)

// RateLimit is response rate limiting (RRL), which makes the server useless for
// reflection attacks.
type RateLimit struct {
	// Responses is how many answers of one kind for one name a client network
	// gets in a second. 0 turns the limit off.
	Responses int `yaml:"responses"`
	// NXDomains is how many NXDOMAIN answers of one zone a client network gets in
	// a second; 0 means the same as responses.
	NXDomains int `yaml:"nxdomains"`
	// Errors is how many other errors a client network gets in a second; 0 means
	// the same as responses.
	Errors int `yaml:"errors"`
	// Window is how long a client network stays limited at most after it keeps to
	// the rate; 0 means 15s.
	Window Duration `yaml:"window"`
	// Slip sends every n-th answer over the rate truncated, so that real clients
	// ask again over TCP, and drops the others. 0 drops all.
	Slip int `yaml:"slip"`
	// IPv4Bits is the prefix length of an IPv4 client network; 0 means 24.
	IPv4Bits int `yaml:"ipv4_bits"`
	// IPv6Bits is the prefix length of an IPv6 client network; 0 means 56.
	IPv6Bits int `yaml:"ipv6_bits"`
	// Exempt are networks that are not limited.
	Exempt []Prefix `yaml:"exempt"`
}

// defaultRateLimit is far above what resolvers ask that cache answers, and far below
// what a reflection attack needs.
func defaultRateLimit() RateLimit {
	return RateLimit{Responses: 20, NXDomains: 10, Errors: 5, Slip: 2}
}

func (l *RateLimit) check(k *checker) {
	if _, err := ratelimit.New(l.Limiter()); err != nil {
		k.failHidden("dns.rate_limit", errors.Unwrap(err).Error())
	}
}

// Limiter returns the limits as edge/dns/ratelimit takes them.
func (l *RateLimit) Limiter() ratelimit.Config {
	return ratelimit.Config{
		Responses: l.Responses,
		NXDomains: l.NXDomains,
		Errors:    l.Errors,
		Window:    l.Window.Duration,
		Slip:      l.Slip,
		IPv4Bits:  l.IPv4Bits,
		IPv6Bits:  l.IPv6Bits,
		Exempt:    Prefixes(l.Exempt),
	}
}
