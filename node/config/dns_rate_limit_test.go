package config

import (
	"net/netip"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/edge/dns/ratelimit"
)

// Without configuration, a client network cannot get more answers over UDP than a
// resolver with a cache needs.
func TestRateLimitByDefault(t *testing.T) {
	c := Default()
	l, err := ratelimit.New(c.DNS.RateLimit.Limiter())
	if err != nil {
		t.Fatal(err)
	}
	now, from, name := time.Unix(1e9, 0), netip.MustParseAddr("192.0.2.1"), []byte("\x03web\x00")
	for kind, most := range map[ratelimit.Kind]int{ratelimit.Answer: 20, ratelimit.NoData: 20, ratelimit.NXDomain: 10, ratelimit.Error: 5} {
		sent, truncated := 0, 0
		for range 1000 {
			switch l.Check(now, from, kind, name) {
			case ratelimit.Send:
				sent++
			case ratelimit.Truncate:
				truncated++
			}
		}
		if sent == 0 || sent > most || truncated == 0 {
			t.Errorf("kind %d: %d answers of 1000 sent in a moment, %d truncated; at most %d", kind, sent, truncated, most)
		}
	}
}
