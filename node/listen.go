package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/cairn-discovery/cairn/edge/dns"
	"github.com/cairn-discovery/cairn/internal/certs"
	"github.com/cairn-discovery/cairn/node/config"
)

// listeners are the node's open sockets.
type listeners struct {
	api, admin net.Listener
	xds        net.Listener // nil when not served
	xdsInUse   error        // why xDS is not served at its default address
	dns        *dns.Sockets
	dot, doh   net.Listener // nil when not served
}

// listen opens all listeners, so that a port in use is reported before the store
// is loaded. Connections that arrive before their server runs wait in the
// kernel's backlog: to clients a restart looks like a slow answer.
func listen(ctx context.Context, c *config.Config) (*listeners, error) {
	l := new(listeners)
	for _, one := range l.all(c) {
		if err := one.open(ctx); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

// listener is one listener of the configuration.
type listener struct {
	key, addr string
	open      func(context.Context) error // sets the field of listeners
}

// all returns the listeners of a configuration, in the order in which they are
// opened. Those that are not served have no address.
func (l *listeners) all(c *config.Config) []listener {
	tcp := func(to *net.Listener, key, addr string) listener {
		return listener{key, addr, func(ctx context.Context) (err error) {
			*to, err = listenTCP(ctx, c, key, addr)
			return err
		}}
	}
	return []listener{
		tcp(&l.api, "api_addr", c.APIAddr),
		tcp(&l.admin, "admin_addr", c.AdminAddr),
		{"dns_addr", c.DNSAddr, func(ctx context.Context) (err error) {
			l.dns, err = dns.Listen(ctx, c.DNSAddr)
			return listenError("dns_addr", err)
		}},
		tcp(&l.dot, "dns.dot_addr", c.DNS.DoTAddr),
		tcp(&l.doh, "dns.doh_addr", c.DNS.DoHAddr),
		{"xds_addr", c.XDSAddr, func(ctx context.Context) error { return l.listenXDS(ctx, c) }},
	}
}

// listenXDS opens the listener of xDS. A default address in use is no error: several
// nodes of one machine whose other addresses are set must start, as they did before xDS
// had a listener.
func (l *listeners) listenXDS(ctx context.Context, c *config.Config) (err error) {
	l.xds, err = listenTCP(ctx, c, "xds_addr", c.XDSAddr)
	if errors.Is(err, syscall.EADDRINUSE) && c.XDSAddr == config.Default().XDSAddr {
		l.xdsInUse = err
		return nil
	}
	return err
}

// listenError adds the key, and what to do, to an error of a listener.
func listenError(key string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s: %w; ports below 1024 need the capability CAP_NET_BIND_SERVICE", key, err)
	}
	return fmt.Errorf("%s: %w", key, err)
}

// listenTCP opens one listener, or none if there is no address. Config.Check has refused IP addresses that other
// machines can reach where they must not; a host name can be checked only by the
// address that it resolved to.
func listenTCP(ctx context.Context, c *config.Config, key, addr string) (net.Listener, error) {
	if addr == "" {
		return nil, nil
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, listenError(key, err)
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

// tlsConfig returns the TLS configuration of a listener, or nil without a
// certificate. It does not offer HTTP/2, which the API's clients do not need.
func tlsConfig(cert *certs.Source, protocols ...string) *tls.Config {
	if cert == nil {
		return nil
	}
	return cert.TLS(protocols...)
}

// tcp returns the listeners that are open, without those of dns.
func (l *listeners) tcp() (all []net.Listener) {
	for _, ln := range []net.Listener{l.api, l.admin, l.dot, l.doh, l.xds} {
		if ln != nil {
			all = append(all, ln)
		}
	}
	return all
}

// close closes the listeners that no server has closed.
func (l *listeners) close() {
	var all []io.Closer
	for _, ln := range l.tcp() {
		all = append(all, ln)
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
