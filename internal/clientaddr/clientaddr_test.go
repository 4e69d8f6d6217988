package clientaddr_test

import (
	"net/netip"
	"testing"

	"github.com/cairn-discovery/cairn/internal/clientaddr"
)

func TestClient(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1":              "192.0.2.1",
		"::ffff:192.0.2.1":       "192.0.2.1",
		"2001:db8:1:2:3:4:5:6":   "2001:db8:1:2::",
		"2001:db8:1:2:ffff::":    "2001:db8:1:2::",
		"2001:db8:1:3::":         "2001:db8:1:3::",
		"fe80::1:2%eth0":         "fe80::",
		"::1":                    "::",
		"::ffff:192.0.2.1%weird": "192.0.2.1",
	} {
		if got := clientaddr.Client(netip.MustParseAddr(in)); got != netip.MustParseAddr(want) {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	if got := clientaddr.Client(netip.Addr{}); got.IsValid() {
		t.Errorf("no address: %s", got)
	}
}
