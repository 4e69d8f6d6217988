package connlimit

import (
	"context"
	"net"
	"net/netip"
)

// Listen returns a listener that counts the connections of inner until they are closed.
// Connections over a limit are closed before they are accepted. TLS goes on top of it.
//
// reached is called for each connection that was refused or that replaced another one,
// with the limit that was reached; nil: it is not called.
func (l *Limiter) Listen(inner net.Listener, reached func(limit Limit, refused bool)) net.Listener {
	if reached == nil {
		reached = func(Limit, bool) {}
	}
	return &listener{inner, l, reached}
}

type listener struct {
	net.Listener
	limiter *Limiter
	reached func(Limit, bool)
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from, _ := netip.ParseAddrPort(c.RemoteAddr().String()) // the zero address if it is not TCP
		counted, limit := l.limiter.Open(from.Addr(), func() { _ = c.Close() })
		if limit != None {
			l.reached(limit, counted == nil)
		}
		if counted != nil {
			return &conn{c, counted}, nil
		}
		_ = c.Close()
	}
}

// conn is a net.Conn that is counted.
type conn struct {
	net.Conn
	counted *Conn
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.counted.Close()
	return c.Conn.Close()
}

// CloseWrite closes the writing half, if the connection has halves.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Of returns how a connection that Listen accepted is counted, also through
// connections around it that have a method NetConn, as those of crypto/tls have. It
// returns nil for other connections.
func Of(c net.Conn) *Conn {
	for {
		switch around := c.(type) {
		case *conn:
			return around.counted
		case interface{ NetConn() net.Conn }:
			c = around.NetConn()
		default:
			return nil
		}
	}
}

type contextKey struct{}

// WithConn is for http.Server.ConnContext: FromContext returns the Conn of a request.
func WithConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, contextKey{}, Of(c))
}

// FromContext returns the Conn that WithConn has put into a context, or nil.
func FromContext(ctx context.Context) *Conn {
	c, _ := ctx.Value(contextKey{}).(*Conn)
	return c
}
