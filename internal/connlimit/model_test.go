package connlimit_test

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/cairn-discovery/cairn/internal/connlimit"
)

// modelConn is a connection of the model.
type modelConn struct {
	conn   *connlimit.Conn
	client netip.Addr
	work   int
	since  time.Time
	known  bool
	gone   bool // evicted, according to the Limiter
}

// model does what a Limiter does, by a look at all connections.
type model struct {
	limits connlimit.Limits
	conns  []*modelConn
}

func (m *model) count(of func(*modelConn) bool) (n int) {
	for _, c := range m.conns {
		if of(c) {
			n++
		}
	}
	return n
}

// replace removes the connection that has to be replaced, and returns it, or nil.
func (m *model) replace(of func(*modelConn) bool) *modelConn {
	var first *modelConn
	at := 0
	for i, c := range m.conns {
		if c.work > 0 || !of(c) {
			continue
		}
		if first == nil || !c.known && first.known || c.known == first.known && c.since.Before(first.since) {
			first, at = c, i
		}
	}
	if first != nil {
		m.conns = append(m.conns[:at], m.conns[at+1:]...)
	}
	return first
}

// open returns the connections that a new one replaces, and whether it is accepted.
func (m *model) open(client netip.Addr) (evicted []*modelConn, ok bool) {
	all := func(*modelConn) bool { return true }
	same := func(c *modelConn) bool { return c.client == client }
	stranger := func(c *modelConn) bool { return !c.known }
	for _, l := range []struct {
		most      int
		of, among func(*modelConn) bool
	}{{m.limits.PerClient, same, same}, {m.limits.Unauthenticated, stranger, stranger}, {m.limits.Total, all, all}} {
		if l.most > 0 && m.count(l.of) >= l.most {
			c := m.replace(l.among)
			if c == nil {
				return evicted, false
			}
			evicted = append(evicted, c)
		}
	}
	return evicted, true
}

// The Limiter replaces and refuses the same connections as the model.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(*testing.T) { compareModel(rt) })
	})
}

func compareModel(t *rapid.T) {
	limit := rapid.IntRange(0, 6)
	limits := connlimit.Limits{PerClient: limit.Draw(t, "per client"), Unauthenticated: limit.Draw(t, "unauthenticated"), Total: limit.Draw(t, "total")}
	l, m := connlimit.New(limits, nil), &model{limits: limits}
	for range 200 {
		time.Sleep(time.Millisecond)
		action := rapid.IntRange(0, 6).Draw(t, "action")
		if action <= 1 || len(m.conns) == 0 {
			openBoth(t, l, m)
			continue
		}
		at := rapid.IntRange(0, len(m.conns)-1).Draw(t, "connection")
		c := m.conns[at]
		switch action {
		case 2, 3:
			if !c.conn.Begin() {
				t.Fatal("a connection that was not replaced cannot begin")
			}
			c.work++
		case 4:
			if c.work > 0 {
				c.conn.End()
				c.work, c.since = c.work-1, time.Now()
			}
		case 5:
			c.conn.Authenticated()
			c.known = true
		case 6:
			c.conn.Close()
			m.conns = append(m.conns[:at], m.conns[at+1:]...)
		}
		if l.Len() != len(m.conns) {
			t.Fatalf("%d connections, want %d", l.Len(), len(m.conns))
		}
	}
}

func openBoth(t *rapid.T, l *connlimit.Limiter, m *model) {
	client := netip.AddrFrom4([4]byte{192, 0, 2, byte(rapid.IntRange(1, 3).Draw(t, "client"))})
	c := &modelConn{client: client, since: time.Now()}
	evicted, ok := m.open(client)
	c.conn, _ = l.Open(client, func() { c.gone = true })
	if (c.conn != nil) != ok {
		t.Fatalf("accepted: %v, want %v", c.conn != nil, ok)
	}
	for _, e := range evicted {
		if !e.gone || e.conn.Begin() {
			t.Fatal("another connection should have been replaced")
		}
	}
	for _, e := range m.conns {
		if e.gone {
			t.Fatal("a connection was replaced that should stay")
		}
	}
	if ok {
		m.conns = append(m.conns, c)
	}
}

// BenchmarkAtLimit opens connections at a limit: the time must not grow with the number of
// connections.
func BenchmarkAtLimit(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := connlimit.New(connlimit.Limits{Total: n, PerClient: n}, nil)
			for range n {
				if c, _ := l.Open(one, func() {}); c.Begin() {
					c.End()
				}
			}
			for b.Loop() {
				l.Open(one, func() {})
			}
		})
	}
}
