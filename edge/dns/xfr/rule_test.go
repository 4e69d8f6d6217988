package xfr

import (
	"net/netip"
	"testing"

	"github.com/cairn-discovery/cairn/edge/dns/tsig"
)

func testKey(t testing.TB, name string) *tsig.Key {
	t.Helper()
	k, err := tsig.NewKey(name, "", []byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestRuleErrors(t *testing.T) {
	for _, r := range []Rule{{}, {Zone: "."}, {Zone: "a..b"}, {Zone: "*", VPC: "vpc-1"}} {
		f := &fixture{TB: t}
		if _, err := New(Config{Source: f, Logger: newFixture(t).cfg.Logger, Rules: []Rule{r}}); err == nil {
			t.Errorf("%+v was accepted", r)
		}
	}
	if _, err := New(Config{}); err == nil {
		t.Error("an empty Config was accepted")
	}
}

func TestPermit(t *testing.T) {
	key, other := testKey(t, "key.example"), testKey(t, "other.example")
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	const here, away, mapped = "127.0.0.1", "192.0.2.1", "::ffff:127.0.0.1"
	for _, c := range []struct {
		what string
		rule Rule
		name string
		from string
		key  *tsig.Key
		want Permission
	}{
		{"by address", Rule{Zone: zoneName, Allow: loopback}, zoneName, here, nil, Allowed},
		{"by a mapped address", Rule{Zone: zoneName, Allow: loopback}, zoneName, mapped, nil, Allowed},
		{"another address", Rule{Zone: zoneName, Allow: loopback}, zoneName, away, nil, Refused},
		{"another zone", Rule{Zone: zoneName, Allow: loopback}, "other.example.com", here, nil, Refused},
		{"a name in the zone", Rule{Zone: zoneName, Allow: loopback}, "web." + zoneName, here, nil, Refused},
		{"neither address nor key", Rule{Zone: zoneName}, zoneName, here, nil, Refused},
		{"by key", Rule{Zone: zoneName, Key: key}, zoneName, away, key, Allowed},
		{"another key", Rule{Zone: zoneName, Key: key}, zoneName, away, other, Refused},
		{"no key", Rule{Zone: zoneName, Key: key}, zoneName, away, nil, Refused},
		{"key and address", Rule{Zone: zoneName, Key: key, Allow: loopback}, zoneName, here, key, Allowed},
		{"key and another address", Rule{Zone: zoneName, Key: key, Allow: loopback}, zoneName, away, key, Refused},
		{"a zone that does not exist", Rule{Zone: "missing.example", Allow: loopback}, "missing.example", here, nil, NotThere},
		{"all public zones", Rule{Zone: "*", Allow: loopback}, "other.example.com", here, nil, Allowed},
		{"all public zones, and none of this name", Rule{Zone: "*", Allow: loopback}, "missing.example", here, nil, Refused},
	} {
		f := newFixture(t, func(cfg *Config) { cfg.Rules = []Rule{c.rule} })
		f.namespace(zoneName)
		f.namespace("other.example.com")
		z, got := f.Permit(&f.state.Zones, []byte(wire(t, c.name)), netip.MustParseAddr(c.from), c.key)
		if got != c.want || (z != nil) != (got == Allowed) {
			t.Errorf("%s: %v, %d, want %d", c.what, z, got, c.want)
		}
	}
}
