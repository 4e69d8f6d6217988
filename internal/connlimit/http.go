package connlimit

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// HTTP limits the connections of an http.Server. A connection has work from the first
// octet of a request to the end of its response, over HTTP/2 while it has a stream.
type HTTP struct {
	limiter *Limiter
	// reached is called for each connection that was refused or that replaced
	// another one, with the limit that was reached.
	reached func(limit Limit, refused bool)
	conns   sync.Map // net.Conn -> *httpConn
}

// httpConn is a connection and whether it has work. net/http calls the hook of a
// connection from one goroutine at a time.
type httpConn struct {
	*Conn
	busy bool
}

// NewHTTP returns the limits of an http.Server; its ConnState field must be Track.
// reached may be nil.
func NewHTTP(l *Limiter, reached func(limit Limit, refused bool)) *HTTP {
	if reached == nil {
		reached = func(Limit, bool) {}
	}
	return &HTTP{limiter: l, reached: reached}
}

// Track is a hook for http.Server.ConnState.
func (h *HTTP) Track(c net.Conn, state http.ConnState) {
	if state == http.StateNew {
		h.open(c)
		return
	}
	v, ok := h.conns.Load(c)
	if !ok {
		return // refused
	}
	conn := v.(*httpConn)
	switch state {
	case http.StateActive:
		if !conn.busy {
			if conn.busy = conn.Begin(); !conn.busy {
				abort(c)
			}
		}
	case http.StateIdle:
		conn.end()
	case http.StateClosed, http.StateHijacked:
		conn.end()
		conn.Close()
		h.conns.Delete(c)
	}
}

func (c *httpConn) end() {
	if c.busy {
		c.busy = false
		c.End()
	}
}

func (h *HTTP) open(c net.Conn) {
	conn, limit := h.limiter.Open(addrOf(c), func() { abort(c) })
	if limit != None {
		h.reached(limit, conn == nil)
	}
	if conn == nil {
		abort(c)
		return
	}
	h.conns.Store(c, &httpConn{Conn: conn})
}

func addrOf(c net.Conn) netip.Addr {
	from, _ := netip.ParseAddrPort(c.RemoteAddr().String())
	return from.Addr()
}

// abort closes a connection without waiting: a tls.Conn would send an alert first.
func abort(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	_ = c.Close()
}
