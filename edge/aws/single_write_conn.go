package aws

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"sync/atomic"
)

// wholeListener accepts connections that send each answer in one write.
//
// net/http sends a header and the first part of a larger body together and the
// rest by itself. The AWS SDK for Go may close the request's body between the
// two, upon which its transport drops the connection and the call fails.
type wholeListener struct {
	net.Listener
	// tls is spoken on every connection. Nil: plain HTTP.
	tls *tls.Config
	// refused is told of handshakes that fail.
	refused func(net.Conn, error)
}

func (l wholeListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if l.tls == nil {
		return &wholeConn{Conn: c}, nil
	}
	secure := tls.Server(c, l.tls)
	return &wholeConn{Conn: secure, secure: &handshake{conn: secure, refused: l.refused}}, nil
}

// smallAnswer is a body that fits beside its header in the 4 KiB that net/http
// buffers, and so leaves in one write anyway.
const smallAnswer = 3 << 10

// wholeConn holds back what is written until an expected answer is complete.
// Requests of a connection are answered one after the other, so its fields need
// no lock.
type wholeConn struct {
	net.Conn
	body int // bytes of the body that is expected; 0: nothing is held back
	held []byte
	size int // of the whole answer; 0: its header is not complete yet

	asked atomic.Bool // a request has begun to arrive, or the connection is closed; see silentConns

	secure *handshake // nil without TLS
}

// Read does the handshake of TLS first.
func (c *wholeConn) Read(p []byte) (int, error) {
	if c.secure != nil && !c.secure.done {
		if err := c.secure.do(); err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(p)
}

// expect announces an answer with a body of n bytes.
func (c *wholeConn) expect(n int) {
	if c != nil && n > smallAnswer {
		c.body, c.size, c.held = n, 0, c.held[:0]
	}
}

var endOfHeader = []byte("\r\n\r\n")

// Write passes p on, or holds it back until the answer is complete.
func (c *wholeConn) Write(p []byte) (int, error) {
	if c.body == 0 {
		return c.pass(p)
	}
	c.held = append(c.held, p...)
	if c.size == 0 {
		if end := bytes.Index(c.held, endOfHeader); end >= 0 {
			c.size = end + len(endOfHeader) + c.body
		}
	}
	if c.size == 0 || len(c.held) < c.size {
		return len(p), nil
	}
	c.body = 0
	_, err := c.Conn.Write(c.held)
	if cap(c.held) > maxKept {
		c.held = nil
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// pass writes p now.
func (c *wholeConn) pass(p []byte) (int, error) {
	refusal := asRefusal(p)
	if refusal == nil {
		return c.Conn.Write(p)
	}
	if _, err := c.Conn.Write(refusal); err != nil {
		return 0, err
	}
	return len(p), nil
}

type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// connOf returns the connection of a request, or nil where it is not ours.
func connOf(ctx context.Context) *wholeConn {
	c, _ := ctx.Value(connKey{}).(*wholeConn)
	return c
}
