package connlimit_test

import (
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairn-discovery/cairn/internal/connlimit"
)

var (
	one = netip.MustParseAddr("192.0.2.1")
	two = netip.MustParseAddr("192.0.2.2")
)

// conns are connections by name; evicted has the names in the order of eviction.
type conns struct {
	*connlimit.Limiter
	t       *testing.T
	open    map[string]*connlimit.Conn
	evicted []string
}

func newConns(t *testing.T, limits connlimit.Limits) *conns {
	return &conns{Limiter: connlimit.New(limits, nil), t: t, open: map[string]*connlimit.Conn{}}
}

// add opens a connection a second after the last event, and checks which limit is
// reached and whether it is refused.
func (c *conns) add(name string, client netip.Addr, limit connlimit.Limit, refused bool) {
	c.t.Helper()
	time.Sleep(time.Second)
	conn, got := c.Open(client, func() { c.evicted = append(c.evicted, name) })
	if got != limit || (conn == nil) != refused {
		c.t.Errorf("%s: limit %q, refused %v, want %q, %v", name, got, conn == nil, limit, refused)
	}
	c.open[name] = conn
}

func (c *conns) begin(name string) {
	c.t.Helper()
	time.Sleep(time.Second)
	if !c.open[name].Begin() {
		c.t.Errorf("%s was replaced", name)
	}
}

func (c *conns) end(name string) {
	time.Sleep(time.Second)
	c.open[name].End()
}

func (c *conns) expect(evicted ...string) {
	c.t.Helper()
	if !slices.Equal(c.evicted, evicted) {
		c.t.Errorf("evicted %v, want %v", c.evicted, evicted)
	}
}

// At the limit of a client, its idlest connection without work is replaced.
func TestPerClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConns(t, connlimit.Limits{PerClient: 3, Total: 100})
		for _, name := range []string{"a", "b", "c"} {
			c.add(name, one, connlimit.None, false)
		}
		c.add("other client", two, connlimit.None, false)
		c.begin("a")
		c.begin("b")
		c.end("b") // c is idle for longer now
		c.add("d", one, connlimit.PerClient, false)
		c.expect("c")
		c.begin("d")
		c.add("e", one, connlimit.PerClient, false)
		c.expect("c", "b")
		c.begin("e")
		c.add("f", one, connlimit.PerClient, true) // a, d and e have work
		c.expect("c", "b")
		c.begin("a") // two requests at a time
		c.end("a")
		c.add("g", one, connlimit.PerClient, true)
		c.end("a")
		c.add("h", one, connlimit.PerClient, false)
		c.expect("c", "b", "a")
		if c.open["a"].Begin() {
			t.Error("a connection that was replaced got work")
		}
		if n := c.Len(); n != 4 {
			t.Errorf("%d connections, want 4", n)
		}
	})
}

// At the total limit, the idlest connection of any client is replaced.
func TestTotal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConns(t, connlimit.Limits{PerClient: 2, Total: 3})
		c.add("a", one, connlimit.None, false)
		c.add("b", one, connlimit.None, false)
		c.add("c", two, connlimit.None, false)
		c.add("d", two, connlimit.Total, false)
		c.expect("a")
		c.open["b"].Close()
		c.open["b"].Close()
		c.open["a"].Close() // was replaced
		if n := c.Len(); n != 2 {
			t.Errorf("%d connections, want 2", n)
		}
		c.add("e", one, connlimit.None, false)
		for _, name := range []string{"c", "d", "e"} {
			c.begin(name)
		}
		c.add("f", netip.MustParseAddr("2001:db8::1"), connlimit.Total, true)
		c.expect("a")
	})
}

// Strangers are replaced before callers that are authenticated, and have a limit of their
// own.
func TestUnauthenticated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConns(t, connlimit.Limits{PerClient: 4, Unauthenticated: 3, Total: 5})
		c.add("honest", one, connlimit.None, false)
		c.open["honest"].Authenticated()
		c.open["honest"].Authenticated()
		for _, name := range []string{"a", "b", "c"} {
			c.add(name, one, connlimit.None, false)
		}
		c.add("d", two, connlimit.Unauthenticated, false)
		c.add("e", one, connlimit.Unauthenticated, false)
		c.expect("a", "b")
		c.open["c"].Authenticated()
		c.add("f", one, connlimit.None, false)
		c.add("g", one, connlimit.PerClient, false) // e gives way, not honest or c
		c.expect("a", "b", "e")
		c.open["d"].Authenticated()
		c.add("h", two, connlimit.Total, false) // f gives way: honest is idler, but known
		c.expect("a", "b", "e", "f")
	})
}

// Strangers with work are not replaced; then a new connection is refused although
// authenticated ones are idle.
func TestBusyStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConns(t, connlimit.Limits{Unauthenticated: 1, Total: 5})
		c.add("honest", one, connlimit.None, false)
		c.open["honest"].Authenticated()
		c.add("stranger", two, connlimit.None, false)
		c.begin("stranger")
		c.add("a", one, connlimit.Unauthenticated, true)
		c.end("stranger")
		c.add("b", one, connlimit.Unauthenticated, false)
		c.expect("stranger")
	})
}

// An IPv4 client over IPv6 sockets is the same client, and so are all addresses of a /64
// network.
func TestSameClient(t *testing.T) {
	for _, pair := range [][2]string{{"192.0.2.1", "::ffff:192.0.2.1"}, {"2001:db8::1", "2001:db8::ffff:1"}} {
		c := connlimit.New(connlimit.Limits{PerClient: 1}, nil)
		c.Open(netip.MustParseAddr(pair[0]), func() {})
		if _, limit := c.Open(netip.MustParseAddr(pair[1]), func() {}); limit != connlimit.PerClient {
			t.Errorf("%v: limit %q", pair, limit)
		}
		if _, limit := c.Open(netip.MustParseAddr("2001:db8:0:1::1"), func() {}); limit != connlimit.None {
			t.Errorf("another client: limit %q", limit)
		}
	}
}

func TestNoLimit(t *testing.T) {
	l := connlimit.New(connlimit.Limits{}, nil)
	for range 10_000 {
		if c, limit := l.Open(one, nil); c == nil || limit != connlimit.None {
			t.Fatal("refused")
		}
	}
}

// Connections that open, work and close at the same time never exceed the limits, and
// the count returns to zero.
func TestConcurrently(t *testing.T) {
	l := connlimit.New(connlimit.Limits{PerClient: 4, Total: 10}, nil)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			client := netip.AddrFrom4([4]byte{192, 0, 2, byte(g / 2)})
			for range 500 {
				c, _ := l.Open(client, func() {})
				if c == nil {
					continue
				}
				if c.Begin() {
					if l.Len() > 10 {
						t.Error("more connections than the limit")
					}
					c.End()
				}
				c.Close()
			}
		})
	}
	wg.Wait()
	if n := l.Len(); n != 0 {
		t.Errorf("%d connections are left", n)
	}
}
