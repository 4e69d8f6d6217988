package connlimit_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/internal/connlimit"
)

// serve starts an HTTP server whose connections are limited. Requests to /slow wait until
// release is closed, and tell started that they have begun.
func serve(t *testing.T, l *connlimit.Limiter, secure bool) (s *httptest.Server, started, release chan struct{}) {
	started, release = make(chan struct{}), make(chan struct{})
	s = httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		c := connlimit.FromContext(r.Context())
		if c == nil {
			t.Error("the connection is not counted")
		}
		if !c.Begin() {
			return
		}
		defer c.End()
		if r.URL.Path == "/slow" {
			started <- struct{}{}
			<-release
		}
	}))
	s.Listener = l.Listen(s.Listener, nil)
	s.Config.ConnContext = connlimit.WithConn
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s, started, release
}

// client returns a client with connections of its own.
func client(t *testing.T, s *httptest.Server) *http.Client {
	transport := s.Client().Transport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func get(c *http.Client, url string) error {
	resp, err := c.Get(url)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return err
}

// Connections with a request in progress stay, and idle ones are replaced.
func TestListener(t *testing.T) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			l := connlimit.New(connlimit.Limits{PerClient: 2}, nil)
			s, started, release := serve(t, l, secure)
			slow := make(chan error, 2)
			for range 2 {
				idle := client(t, s)
				if err := get(idle, s.URL); err != nil {
					t.Fatal(err)
				}
				go func() { slow <- get(idle, s.URL+"/slow") }()
				<-started
			}
			if err := get(client(t, s), s.URL); err == nil {
				t.Error("a third connection was served while two have work")
			}
			close(release)
			for range 2 {
				if err := <-slow; err != nil {
					t.Error(err)
				}
			}
			if err := get(client(t, s), s.URL); err != nil {
				t.Errorf("after the requests: %v", err)
			}
			if n := l.Len(); n != 2 {
				t.Errorf("%d connections", n)
			}
			s.Close()
			if n := l.Len(); n != 0 {
				t.Errorf("%d connections after the end", n)
			}
		})
	}
}

// A connection on which nothing, or half a request, is sent is replaced.
func TestSlowConnections(t *testing.T) {
	for _, sent := range []string{"", "GET / HTTP/1.1\r\nHost"} {
		s, _, _ := serve(t, connlimit.New(connlimit.Limits{PerClient: 1}, nil), false)
		silent, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		if _, err := io.WriteString(silent, sent); err != nil {
			t.Fatal(err)
		}
		second, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer second.Close()
		if _, err := io.WriteString(second, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if resp, err := http.ReadResponse(bufio.NewReader(second), nil); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%v, %v", resp, err)
		}
		if _, err := silent.Read(make([]byte, 1)); err == nil {
			t.Error("the slow connection is open")
		}
	}
}

// Of sees through TLS, and does not know other connections. A Conn that is nil allows
// everything.
func TestOf(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	for _, c := range []net.Conn{a, tls.Client(b, &tls.Config{InsecureSkipVerify: true})} {
		counted := connlimit.Of(c)
		if counted != nil || !counted.Begin() {
			t.Errorf("%T is counted", c)
		}
		counted.Authenticated()
		counted.End()
		counted.Close()
	}
}

// The log has one line a minute for a limit, and the metrics have each connection.
func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		l := connlimit.New(connlimit.Limits{PerClient: 1, Total: 2}, slog.New(slog.NewTextHandler(&log, nil)))
		c, _ := l.Open(one, func() {})
		c.Authenticated()
		for range 10 {
			l.Open(one, func() {})
		}
		last, _ := l.Open(two, func() {})
		last.Begin()
		l.Open(two, func() {})
		time.Sleep(time.Minute)
		l.Open(one, func() {})
		if n := strings.Count(log.String(), "limit of connections reached"); n != 2 {
			t.Errorf("%d lines:\n%s", n, &log)
		}
		if want := "limit=client most=1 client=192.0.2.1 refused_total=0 replaced_total=1\n"; !strings.Contains(log.String(), want) {
			t.Errorf("no %q in:\n%s", want, &log)
		}
		r := prometheus.NewPedanticRegistry()
		r.MustRegister(l.Collector("x"))
		families, err := r.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				got[f.GetName()+" "+m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
		want := map[string]float64{
			"x_connections false": 2, "x_connections true": 0,
			"x_connections_refused_total all": 0, "x_connections_refused_total client": 1, "x_connections_refused_total unauthenticated": 0,
			"x_connections_replaced_total all": 0, "x_connections_replaced_total client": 11, "x_connections_replaced_total unauthenticated": 0,
		}
		if !maps.Equal(got, want) {
			t.Errorf("metrics %v", got)
		}
	})
}
