package connlimit_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
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
	return &conns{Limiter: connlimit.New(limits), t: t, open: map[string]*connlimit.Conn{}}
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

// A client over IPv6 sockets is the same client.
func TestMappedAddress(t *testing.T) {
	c := newConns(t, connlimit.Limits{PerClient: 1})
	c.Open(one, func() {})
	if _, limit := c.Open(netip.MustParseAddr("::ffff:192.0.2.1"), func() {}); limit != connlimit.PerClient {
		t.Errorf("limit %q", limit)
	}
}

func TestNoLimit(t *testing.T) {
	l := connlimit.New(connlimit.Limits{})
	for range 10_000 {
		if c, limit := l.Open(one, nil); c == nil || limit != connlimit.None {
			t.Fatal("refused")
		}
	}
}

// Connections that open, work and close at the same time never exceed the limits, and
// the count returns to zero.
func TestConcurrently(t *testing.T) {
	l := connlimit.New(connlimit.Limits{PerClient: 4, Total: 10})
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

// In an http.Server over TLS and HTTP/1.1: idle connections are replaced, and those
// with a request in progress are not.
func TestHTTP(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("TLS %v", secure), func(t *testing.T) { testHTTP(t, secure) })
	}
}

func testHTTP(t *testing.T, secure bool) {
	type event struct {
		limit   connlimit.Limit
		refused bool
	}
	events := make(chan event, 1000)
	started, release := make(chan struct{}), make(chan struct{})
	limits := connlimit.NewHTTP(connlimit.New(connlimit.Limits{PerClient: 2}), func(l connlimit.Limit, refused bool) { events <- event{l, refused} })
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			started <- struct{}{}
			<-release
		}
	}))
	// httptest has a hook of its own, which must be called too.
	s.Config.ConnState = limits.Track
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	defer s.Close()
	client := func() *http.Client { // with a connection of its own
		transport := s.Client().Transport.(*http.Transport).Clone()
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport}
	}
	get := func(c *http.Client, path string) error {
		resp, err := c.Get(s.URL + path)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		return err
	}
	var slow sync.WaitGroup
	for range 2 {
		idle := client()
		if err := get(idle, "/"); err != nil {
			t.Fatal(err)
		}
		slow.Go(func() {
			if err := get(idle, "/slow"); err != nil {
				t.Error(err)
			}
		})
		<-started
	}
	if err := get(client(), "/"); err == nil {
		t.Error("a third connection was served while two have work")
	}
	if e := <-events; e != (event{connlimit.PerClient, true}) {
		t.Errorf("%+v", e)
	}
	close(release)
	slow.Wait()
	// The server may mark the connections as idle a little later.
	var last error
	for range 100 {
		if last = get(client(), "/"); last == nil {
			break
		}
	}
	if last != nil {
		t.Errorf("after the requests: %v", last)
	}
	close(events)
	var e event
	for e = range events {
	}
	if e != (event{connlimit.PerClient, false}) {
		t.Errorf("%+v", e)
	}
}

// A connection on which nothing is sent is replaced.
func TestSilentHTTP(t *testing.T) {
	limits := connlimit.NewHTTP(connlimit.New(connlimit.Limits{PerClient: 1}), nil)
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ConnState = limits.Track
	s.Start()
	defer s.Close()
	silent, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	second, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := io.WriteString(second, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.ReadResponse(bufio.NewReader(second), nil); err != nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("%v, %v", resp, err)
	}
	if _, err := silent.Read(make([]byte, 1)); err == nil {
		t.Error("the silent connection is open")
	}
}
