package xds_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/edge/xds"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/internal/connlimit"
)

// Connections without a stream give way to new ones, those with a stream do not.
func TestConnectionLimits(t *testing.T) {
	w, _, _, _ := shop(t, func(c *xds.Config) { c.Limits = connlimit.Limits{PerClient: 4} })
	open := func() *client {
		c := w.connect(node("envoy", "web.shop"))
		c.want(resource.Cluster)
		c.expect(resource.Cluster, "web.shop")
		return c
	}
	dial := func() net.Conn {
		c, err := net.Dial("tcp", w.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	clients := []*client{open()}
	var idle []net.Conn
	for range 8 {
		idle = append(idle, dial())
	}
	for i, c := range idle[:5] {
		if !isClosed(t, c) {
			t.Errorf("idle connection %d was not replaced", i)
		}
	}
	for range 3 {
		clients = append(clients, open())
	}
	if !isClosed(t, dial()) {
		t.Error("a connection was accepted although all others have a stream")
	}
	for _, c := range clients {
		c.fence()
	}
}

// isClosed waits for the server to close a connection.
func isClosed(t *testing.T, c net.Conn) bool {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, err := io.Copy(io.Discard, c)
	var timeout net.Error
	return !errors.As(err, &timeout) || !timeout.Timeout()
}
