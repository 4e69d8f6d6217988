package aws

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/cairn-discovery/cairn/internal/connlimit"
)

// bufferedListener accepts connections that send each answer in one write.
//
// net/http sends a header and the first part of a larger body together and the
// rest by itself. The AWS SDK for Go may close the request's body between the
// two. Its transport then closes the connection and the call fails.
type bufferedListener struct {
	net.Listener
	// tls is used on every connection. Nil: plain HTTP.
	tls *tls.Config
	// handshakeFailed is called for each handshake that fails.
	handshakeFailed func(net.Conn, error)
}

func (l bufferedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if l.tls == nil {
		return &bufferedConn{Conn: c}, nil
	}
	secure := tls.Server(c, l.tls)
	return &bufferedConn{Conn: secure, secure: &handshake{conn: secure, failed: l.handshakeFailed}}, nil
}

// smallAnswer is a body that fits beside its header in the 4 KiB that net/http
// buffers, and so is sent in one write anyway.
const smallAnswer = 3 << 10

// bufferedConn buffers what is written until an expected answer is complete.
// Requests of a connection are answered one after the other, so its fields need
// no lock.
type bufferedConn struct {
	net.Conn
	// handling is set from the start of a handler to the end of its answer. At other times
	// net/http writes only errors of its own.
	handling bool
	body     int // bytes of the body that is expected; 0: nothing is buffered
	pending  []byte
	size     int // of the whole answer; 0: its header is not complete yet

	begun atomic.Bool // a request has begun to arrive, or the connection is closed; see connTracker

	secure *handshake // nil without TLS
}

// Read does the handshake of TLS first.
func (c *bufferedConn) Read(p []byte) (int, error) {
	if c.secure != nil && !c.secure.done {
		if err := c.secure.do(); err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(p)
}

// beginAnswer says that a handler runs.
func (c *bufferedConn) beginAnswer() {
	if c != nil {
		c.handling = true
	}
}

// expectBody announces an answer with a body of n bytes.
func (c *bufferedConn) expectBody(n int) {
	if c != nil && n > smallAnswer {
		c.body, c.size, c.pending = n, 0, c.pending[:0]
	}
}

var endOfHeader = []byte("\r\n\r\n")

// Write writes p, or buffers it until the answer is complete.
func (c *bufferedConn) Write(p []byte) (int, error) {
	if c.body == 0 {
		return c.writeThrough(p)
	}
	c.pending = append(c.pending, p...)
	if c.size == 0 {
		if end := bytes.Index(c.pending, endOfHeader); end >= 0 {
			c.size = end + len(endOfHeader) + c.body
		}
	}
	if c.size == 0 || len(c.pending) < c.size {
		return len(p), nil
	}
	c.body = 0
	_, err := c.Conn.Write(c.pending)
	if cap(c.pending) > maxKept {
		c.pending = nil
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// writeThrough writes p now. Errors of net/http's own are rewritten.
func (c *bufferedConn) writeThrough(p []byte) (int, error) {
	if c.handling {
		return c.Conn.Write(p)
	}
	rewritten := rewriteNetHTTPError(p)
	if rewritten == nil {
		return c.Conn.Write(p)
	}
	if _, err := c.Conn.Write(rewritten); err != nil {
		return 0, err
	}
	return len(p), nil
}

// NetConn returns the connection that is buffered.
func (c *bufferedConn) NetConn() net.Conn { return c.Conn }

type connKey struct{}

// connInfo is what the server knows of the connection of a request.
type connInfo struct {
	buffered *bufferedConn   // nil if net/http does not serve the connection
	counted  *connlimit.Conn // nil if it is not counted
	addr     netip.Addr      // of the client; the zero Addr if there is none
	source   string          // addr as a text, or ""
}

func withConn(ctx context.Context, c net.Conn) context.Context {
	info := connInfo{counted: connlimit.Of(c)}
	info.buffered, _ = c.(*bufferedConn)
	if from, err := netip.ParseAddrPort(c.RemoteAddr().String()); err == nil {
		info.addr = from.Addr().Unmap().WithZone("")
		info.source = info.addr.String()
	}
	return context.WithValue(ctx, connKey{}, info)
}

// connOf returns the connection of a request.
func connOf(ctx context.Context) connInfo {
	c, _ := ctx.Value(connKey{}).(connInfo)
	return c
}
