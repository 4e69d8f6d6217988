package forward

import (
	"net/netip"
	"testing"
	"time"
)

func TestNewRefuses(t *testing.T) {
	up := func(texts ...string) (addrs []netip.AddrPort) {
		for _, s := range texts {
			addrs = append(addrs, netip.MustParseAddrPort(s))
		}
		return addrs
	}
	for name, cfg := range map[string]Config{
		"no upstream":       {},
		"port 0":            {Upstreams: up("192.0.2.1:0")},
		"unspecified":       {Upstreams: up("0.0.0.0:53")},
		"not valid":         {Upstreams: []netip.AddrPort{{}}},
		"itself":            {Upstreams: up("127.0.0.1:8054"), Self: up("127.0.0.1:8054")},
		"itself, mapped":    {Upstreams: up("[::ffff:127.0.0.1]:8054"), Self: up("127.0.0.1:8054")},
		"itself, any":       {Upstreams: up("127.0.0.1:8054"), Self: up("0.0.0.0:8054")},
		"itself, any IPv6":  {Upstreams: up("192.0.2.1:53", "127.9.9.9:8054"), Self: up("[::]:8054")},
		"negative time":     {Upstreams: up("192.0.2.1:53"), Timeout: -1},
		"bounds of TTLs":    {Upstreams: up("192.0.2.1:53"), MinTTL: 48 * time.Hour},
		"negative in cache": {Upstreams: up("192.0.2.1:53"), CacheBytes: -1},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	cfg := Config{Upstreams: up("127.0.0.1:53", "192.0.2.1:8054"), Self: up("127.0.0.1:8054", "0.0.0.0:8054")}
	if _, err := New(cfg); err != nil {
		t.Errorf("neighbours of ourselves: %v", err)
	}
}
