package dns

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	mdns "github.com/miekg/dns"
	dto "github.com/prometheus/client_model/go"

	"github.com/cairn-discovery/cairn/edge/dns/answer"
	"github.com/cairn-discovery/cairn/edge/dns/dot"
)

// testCertificates has the test certificate of net/http/httptest.
type testCertificates struct{ tls.Certificate }

func (c testCertificates) TLS(protocols ...string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{c.Certificate}, NextProtos: protocols}
}

// overTransport starts a server over TCP or TLS and returns a function that connects.
func overTransport(t *testing.T, w *fixture, transport answer.Transport) func() net.Conn {
	t.Helper()
	if transport == answer.TCP {
		port := w.serve("127.0.0.1")
		return func() net.Conn { return dialTCP(t, port) }
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	ln := dot.Listen(inner, testCertificates{s.TLS.Certificates[0]})
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := w.ServeStream(ctx, ln, answer.TLS); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); serving.Wait() })
	return func() net.Conn {
		raw, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
		t.Cleanup(func() { _ = raw.Close() })
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		return c
	}
}

// answers reports whether a connection is served.
func answers(t *testing.T, c net.Conn) bool {
	t.Helper()
	if _, err := c.Write(framed(t, question("web.example.com.", mdns.TypeA))); err != nil {
		return false
	}
	m, err := readFramed(c)
	return err == nil && len(m.Answer) == 2
}

func (w *fixture) counted(t *testing.T, refused bool, transport answer.Transport, limit string) float64 {
	t.Helper()
	of := w.metrics.replaced
	if refused {
		of = w.metrics.refused
	}
	var m dto.Metric
	if err := of.WithLabelValues(transport.String(), limit).Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}

// RFC 7766 section 6.2.2: at the limit of one client, an idle connection of it gives way
// to a new one, and at the limit of all any idle connection. internal/connlimit tests
// which one.
func TestIdleConnectionGivesWay(t *testing.T) {
	for _, transport := range []answer.Transport{answer.TCP, answer.TLS} {
		for limit, limits := range map[string]Limits{
			"client": {ConnectionsPerClient: 64},
			"all":    {Connections: 64, ConnectionsPerClient: 1000},
		} {
			t.Run(transport.String()+" "+limit, func(t *testing.T) {
				limits.IdleTimeout = time.Minute
				w := populated(t, func(c *Config) { c.Limits = limits })
				dial := overTransport(t, w, transport)
				var conns []net.Conn
				for range 64 {
					c := dial()
					if !answers(t, c) {
						t.Fatal("not served below the limit")
					}
					conns = append(conns, c)
				}
				if !answers(t, dial()) {
					t.Error("the 65th connection is not served")
				}
				open := 0
				for _, c := range conns {
					if answers(t, c) {
						open++
					}
				}
				if open != 63 {
					t.Errorf("%d of 64 idle connections are open, want 63", open)
				}
				if n := w.counted(t, false, transport, limit); n != 1 {
					t.Errorf("%v connections counted as replaced", n)
				}
			})
		}
	}
}

// A part of a next query does not keep a connection, or the answer to the query before.
func TestPartOfAQueryIsNoWork(t *testing.T) {
	w := populated(t, func(c *Config) {
		c.Limits = Limits{ConnectionsPerClient: 1, IdleTimeout: time.Minute, ReadTimeout: time.Minute}
	})
	dial := overTransport(t, w, answer.TCP)
	for _, part := range []string{"\x00", "\x00\x20abc", "\xff\xff"} {
		c := dial()
		if _, err := c.Write(append(framed(t, question("web.example.com.", mdns.TypeA)), part...)); err != nil {
			t.Fatal(err)
		}
		if m, err := readFramed(c); err != nil || len(m.Answer) != 2 {
			t.Fatalf("%q: the query before is not answered: %v, %v", part, m, err)
		}
		served := false
		for range 100 { // the server ends the work of c a little after its answer
			if served = served || answers(t, dial()); served {
				break
			}
		}
		if !served {
			t.Errorf("%q: a new connection is not served", part)
		}
		if answers(t, c) {
			t.Errorf("%q: the connection stays", part)
		}
	}
}

// Connections with a query in progress stay; a new one is refused if there is no
// other.
func TestBusyConnectionsStay(t *testing.T) {
	hold := make(chan struct{})
	w := populated(t, forwarding(t, upstream(t, hold)), func(c *Config) { c.Limits.ConnectionsPerClient = 2 })
	dial := overTransport(t, w, answer.TCP)
	busy := []net.Conn{dial(), dial()}
	for _, c := range busy {
		if _, err := c.Write(framed(t, question("www.example.net.", mdns.TypeA))); err != nil {
			t.Fatal(err)
		}
		if !answers(t, c) { // so the query before was read
			t.Fatal("not served while a query is in progress")
		}
	}
	if _, err := dial().Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !closedError(err) {
		t.Errorf("a third connection: %v", err)
	}
	if n := w.counted(t, true, answer.TCP, "client"); n != 1 {
		t.Errorf("%v connections counted as refused", n)
	}
	close(hold)
	for _, c := range busy {
		if m, err := readFramed(c); err != nil || len(m.Answer) != 1 {
			t.Errorf("%v, %v", m, err)
		}
	}
}

func closedError(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && !op.Timeout()
}

// A connection on which a query was begun and not completed has no query in progress.
func TestHalfQueryGivesWay(t *testing.T) {
	w := populated(t, func(c *Config) {
		c.Limits = Limits{ConnectionsPerClient: 2, IdleTimeout: time.Minute, ReadTimeout: time.Minute}
	})
	dial := overTransport(t, w, answer.TCP)
	for range 2 {
		c := dial()
		if !answers(t, c) {
			t.Fatal("not served")
		}
		if _, err := c.Write([]byte{0, 40, 1, 2, 3}); err != nil {
			t.Fatal(err)
		}
	}
	if !answers(t, dial()) {
		t.Error("a half query holds its connection")
	}
}
