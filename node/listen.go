package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/cairn-discovery/cairn/edge/dns"
	"github.com/cairn-discovery/cairn/internal/certs"
	"github.com/cairn-discovery/cairn/node/config"
)

// listeners are the node's open sockets.
type listeners struct {
	api, admin net.Listener
	dns        *dns.Sockets
	dot, doh   net.Listener // nil when not served
}

// listen opens all listeners, so that a port in use is reported before the store
// is loaded. Connections that arrive before their server runs wait in the
// kernel's backlog: to clients a restart looks like a slow answer.
func listen(ctx context.Context, c *config.Config) (*listeners, error) {
	l := new(listeners)
	if err := l.open(ctx, c); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *listeners) open(ctx context.Context, c *config.Config) (err error) {
	if l.api, err = listenTCP(ctx, c, "api_addr", c.APIAddr); err != nil {
		return err
	}
	if l.admin, err = listenTCP(ctx, c, "admin_addr", c.AdminAddr); err != nil {
		return err
	}
	if l.dns, err = dns.Listen(ctx, c.DNSAddr); err != nil {
		return fmt.Errorf("dns_addr: %w", err)
	}
	if l.dot, err = listenOpen(ctx, "dns.dot_addr", c.DNS.DoTAddr); err != nil {
		return err
	}
	l.doh, err = listenOpen(ctx, "dns.doh_addr", c.DNS.DoHAddr)
	return err
}

// listenTCP opens one listener. Config.Check has refused IP addresses that other
// machines can reach where they must not; a host name can be checked only by the
// address that it resolved to.
func listenTCP(ctx context.Context, c *config.Config, key, addr string) (net.Listener, error) {
	ln, err := listenOpen(ctx, key, addr)
	if err != nil {
		return nil, err
	}
	tcp, ok := ln.Addr().(*net.TCPAddr)
	for _, l := range c.RestrictedListeners() {
		if l.Key != key || ok && tcp.IP.IsLoopback() {
			continue
		}
		if err := l.Refuse(); err != nil {
			return nil, errors.Join(err, ln.Close())
		}
	}
	return ln, nil
}

// listenOpen opens a listener on any address. It returns nil if there is none.
func listenOpen(ctx context.Context, key, addr string) (net.Listener, error) {
	if addr == "" {
		return nil, nil
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return ln, nil
}

// tlsConfig returns the TLS configuration of a listener, or nil without a
// certificate. It does not offer HTTP/2, which the API's clients do not need.
func tlsConfig(cert *certs.Source) *tls.Config {
	if cert == nil {
		return nil
	}
	return cert.TLS("http/1.1")
}

// close closes the listeners that no server has closed.
func (l *listeners) close() {
	var all []io.Closer
	for _, ln := range []net.Listener{l.api, l.admin, l.dot, l.doh} {
		if ln != nil {
			all = append(all, ln)
		}
	}
	if l.dns != nil {
		all = append(all, l.dns)
	}
	for _, c := range all {
		_ = c.Close() // a second Close only says that it is closed
	}
}

// addrOf returns a listener's address; empty if it is not served.
func addrOf(ln net.Listener) string {
	if ln == nil {
		return ""
	}
	return ln.Addr().String()
}
