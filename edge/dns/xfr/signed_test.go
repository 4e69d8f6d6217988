package xfr

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/core/registry"
)

// fakeSigner makes signatures that are worth nothing, or none.
type fakeSigner struct{ err error }

func (f *fakeSigner) SignFor(_ context.Context, _ *dnssec.Set, _ *dnssec.Key, _ string, _ dnssec.Period) (value [dnssec.SignatureBytes]byte, err error) {
	return value, f.err
}

// signedFixture has a signed zone, a clock, and a rule for all zones.
func signedFixture(t *testing.T, signer Signer) (f *fixture, now *time.Time) {
	t.Helper()
	at := time.Date(2026, 6, 1, 23, 30, 0, 0, time.UTC)
	f = newFixture(t, func(c *Config) {
		c.Signer, c.Now = signer, func() time.Time { return at }
		c.Rules[0].Zone = "*"
	})
	ns := f.namespace(zoneName)
	f.do(&registry.TagResource{
		ARN:    f.rules.Registry.NamespaceARN("000000000000", registry.NamespaceID(ns)),
		Tags:   []registry.Tag{{Key: registry.TagDNSSEC, Value: "enabled"}},
		NewKey: registry.SigningKey{Key: &dnssec.Key{Sealed: "sealed"}},
	})
	f.namespace("plain.example.com")
	return f, &at
}

// A signed zone is reported when its signatures are renewed, once a day, and other
// zones are not.
func TestRenewal(t *testing.T) {
	f, now := signedFixture(t, &fakeSigner{})
	zones := func() (apexes []string) {
		f.changes = nil
		f.follow(f.state)
		for _, c := range f.changes {
			apexes = append(apexes, c.Apex)
		}
		return apexes
	}
	if got := zones(); len(got) != 2 {
		t.Errorf("at first: %q", got)
	}
	if wait := f.untilNextDay(); wait != 30*time.Minute {
		t.Errorf("%v until the next day", wait)
	}
	_, before := f.transfer(query(t, 0))
	*now = now.Add(29 * time.Minute)
	if got := zones(); len(got) != 0 {
		t.Errorf("on the same day: %q", got)
	}
	*now = now.Add(time.Minute)
	if got := zones(); len(got) != 1 || got[0] != wire(t, zoneName) {
		t.Errorf("on the next day: %q", got)
	}
	_, after := f.transfer(query(t, 0))
	if serial(t, after) != serial(t, before)+1 {
		t.Errorf("serial %d and then %d", serial(t, before), serial(t, after))
	}
	// IXFR from the day before gets the whole zone.
	if _, got := f.transfer(query(t, serial(t, before))); len(got) != len(after) || got[1].Header().Rrtype == dns.TypeSOA {
		t.Errorf("%d records, want %d", len(got), len(after))
	}
	*now = now.Add(-time.Hour) // a clock that is set back changes nothing
	if got := zones(); len(got) != 0 {
		t.Errorf("on the day before: %q", got)
	}
}

// Without the key of the zone nothing is sent.
func TestNotSigned(t *testing.T) {
	f, _ := signedFixture(t, &fakeSigner{errors.New("no key")})
	z, p := f.Permit(&f.state.Zones, []byte(wire(t, zoneName)), client.Addr(), nil)
	if p != Allowed {
		t.Fatalf("permission %d", p)
	}
	err := f.Transfer(t.Context(), z, query(t, 0), func([]byte) error { t.Error("sent"); return nil })
	if !errors.Is(err, ErrNotSigned) {
		t.Error(err)
	}
	f.cfg.Signer = nil
	if _, p := f.Permit(&f.state.Zones, []byte(wire(t, zoneName)), client.Addr(), nil); p != Refused {
		t.Errorf("permission %d without a signer", p)
	}
}
