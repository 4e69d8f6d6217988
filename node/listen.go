package node

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// listeners are the node's open sockets.
type listeners struct {
	api, admin net.Listener
}

// listen opens all listeners, so that a port that is taken is told before the
// store is loaded. Connections that arrive before their server runs wait in the
// kernel's backlog: to clients a restart looks like a slow answer.
func listen(ctx context.Context, c *Config) (*listeners, error) {
	var l listeners
	var err error
	if l.api, err = listenTCP(ctx, c, "api_addr", c.APIAddr); err != nil {
		return nil, err
	}
	if l.admin, err = listenTCP(ctx, c, "admin_addr", c.AdminAddr); err != nil {
		return nil, errors.Join(err, l.api.Close())
	}
	return &l, nil
}

// listenTCP opens one listener. Config.Check has refused addresses that are
// not loopback when it could tell; a name can only be judged by what it
// resolved to.
func listenTCP(ctx context.Context, c *Config, key, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	tcp, ok := ln.Addr().(*net.TCPAddr)
	if c.Auth.Mode == authOpen && (!ok || !tcp.IP.IsLoopback()) {
		_, port, _ := net.SplitHostPort(addr)
		return nil, errors.Join(&KeyError{Key: key, Value: &addr, Rule: exposed(port)}, ln.Close())
	}
	return ln, nil
}

// close closes what no server has closed.
func (l *listeners) close() {
	// A second Close only says that it is closed.
	_ = l.api.Close()
	_ = l.admin.Close()
}
