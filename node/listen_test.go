package node

import (
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/node/config"
)

// A name may resolve to anything, so the real address is judged again.
func TestListenJudgesTheRealAddress(t *testing.T) {
	c := config.Default()
	c.APIAddr = "0.0.0.0:0"
	_, err := listenTCP(t.Context(), &c, "api_addr", c.APIAddr)
	if err == nil || !strings.Contains(err.Error(), `api_addr: "0.0.0.0:0" is reachable from other machines`) {
		t.Errorf("listenTCP() = %v", err)
	}
	ln, err := listenTCP(t.Context(), &c, "api_addr", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
}

// Every listener but that of operators is one that clients reach, so that no health
// check is sent to it.
func TestClientAddrs(t *testing.T) {
	c := config.Default()
	for _, addr := range []*string{&c.APIAddr, &c.AdminAddr, &c.DNSAddr, &c.DNS.DoTAddr, &c.DNS.DoHAddr, &c.XDSAddr} {
		*addr = "127.0.0.1:0"
	}
	l, err := listen(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	addrs := l.clientAddrs()
	if want := len(l.all(&c)) - 1; len(addrs) != want {
		t.Errorf("%d addresses, want %d", len(addrs), want)
	}
	if slices.Contains(addrs, addrPortOf(l.admin.Addr())) {
		t.Error("the admin listener is among those of clients")
	}
}

// TestDefaultOfXDSInUse: a second node with the default address of xDS starts without
// xDS; with an address that the configuration names it does not start.
func TestDefaultOfXDSInUse(t *testing.T) {
	c := config.Default()
	c.APIAddr, c.AdminAddr, c.DNSAddr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	if ln, err := net.Listen("tcp", c.XDSAddr); err == nil {
		defer ln.Close()
	}
	l, err := listen(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	if l.xds != nil || l.xdsInUse == nil {
		t.Errorf("xds %v, in use: %v", l.xds, l.xdsInUse)
	}
	l.close()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c.XDSAddr = taken.Addr().String()
	if l, err := listen(t.Context(), &c); err == nil {
		l.close()
		t.Error("an address in use was accepted")
	}
}
