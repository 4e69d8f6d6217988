package xds

import (
	"net"
	"sync"

	"github.com/cairn-discovery/cairn/internal/connlimit"
)

// Limits of connections where the configuration sets none.
const (
	maxConnections          = 16384
	maxConnectionsPerClient = 1024
)

// connections limits the connections of a Server. A connection with an open stream has
// work in progress, so only those without one give way.
type connections struct {
	limiter *connlimit.Limiter

	mu     sync.Mutex
	byPeer map[string]*connlimit.Conn // gRPC shows of a connection its address alone
}

func newConnections(cfg *Config) *connections {
	limits := cfg.Limits
	if limits.Total == 0 {
		limits.Total = maxConnections
	}
	if limits.PerClient == 0 {
		limits.PerClient = maxConnectionsPerClient
	}
	switch {
	case cfg.Authenticate == nil: // nobody is authenticated
		limits.Unauthenticated = 0
	case limits.Unauthenticated == 0:
		limits.Unauthenticated = max(1, limits.Total/4)
	}
	return &connections{limiter: connlimit.New(limits, cfg.Logger), byPeer: map[string]*connlimit.Conn{}}
}

// listen returns a listener that accepts what the limits allow.
func (c *connections) listen(ln net.Listener) net.Listener {
	return &limitedListener{c.limiter.Listen(ln, nil), c}
}

// of returns how the connection of a client is counted, or nil.
func (c *connections) of(peer string) *connlimit.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byPeer[peer]
}

type limitedListener struct {
	net.Listener
	all *connections
}

// Accept implements net.Listener.
func (l *limitedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	counted := connlimit.Of(conn)
	l.all.mu.Lock()
	l.all.byPeer[conn.RemoteAddr().String()] = counted
	l.all.mu.Unlock()
	return &limitedConn{conn, counted, l.all}, nil
}

// limitedConn is a connection that byPeer has until it is closed.
type limitedConn struct {
	net.Conn
	counted *connlimit.Conn
	all     *connections
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	peer := c.RemoteAddr().String()
	c.all.mu.Lock()
	if c.all.byPeer[peer] == c.counted { // the address may be used again
		delete(c.all.byPeer, peer)
	}
	c.all.mu.Unlock()
	return c.Conn.Close()
}
