package admin

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// Connections without the token, with whatever is sent on them, do not lock out callers
// that have it, nor close their connections.
func TestStrangersDoNotLockOut(t *testing.T) {
	registry := prometheus.NewRegistry()
	s := newServer(t, func(c *Config) { c.Token, c.Registerer = "a-token-of-operators", registry })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := s.Serve(ctx, ln); err != nil {
			t.Error(err)
		}
	})
	defer serving.Wait()
	defer stop()

	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	get := func() {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+ln.Addr().String()+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer a-token-of-operators")
		resp, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("status %d, %v", resp.StatusCode, err)
		}
	}
	get()
	texts := []string{
		"", "GET / HT", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"POST /identity/List HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{",
		"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a-token-of-strangers\r\n\r\n",
	}
	for i := range 3 * maxConnections {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = io.WriteString(c, texts[i%len(texts)]) // it may be replaced already
	}
	get()
	transport.CloseIdleConnections()
	get()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			label, n := m.GetLabel()[0].GetValue(), m.GetCounter().GetValue()
			if f.GetName() == "cairn_admin_connections_replaced_total" && label == "unauthenticated" && n < maxConnections {
				t.Errorf("%v connections were replaced", n)
			}
		}
	}
}
