package prober

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/registry"
)

// probe makes one probe. Every probe has a connection of its own: what is to be
// found out is whether a new client would be served.
func (p *Prober) probe(ctx context.Context, t *target) health.Reason {
	if p.forbidden(t.addr) {
		return health.Reason{Kind: health.Forbidden}
	}
	var r health.Reason
	switch {
	case t.settings.GRPC:
		r = p.probeGRPC(ctx, t)
	case t.kind == registry.CheckTCP:
		r = p.probeTCP(ctx, t)
	default:
		r = p.probeHTTP(ctx, t)
	}
	if ctx.Err() != nil {
		return health.Reason{} // the end of this prober, not of the instance
	}
	return r
}

func dialTCP(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", to.String())
}

// dial connects until the deadline.
func (p *Prober) dial(ctx context.Context, t *target, by time.Time) (net.Conn, health.Reason) {
	ctx, cancel := context.WithDeadline(ctx, by)
	defer cancel()
	conn, err := p.cfg.Dial(ctx, t.addr)
	if err != nil {
		return nil, dialReason(err)
	}
	return conn, health.Reason{}
}

// probeTCP passes when a connection comes about.
func (p *Prober) probeTCP(ctx context.Context, t *target) health.Reason {
	conn, r := p.dial(ctx, t, t.budget(time.Now()).connect)
	if conn == nil {
		return r
	}
	_ = conn.Close() // nothing was sent
	return health.Reason{Kind: health.Passed}
}

// connect opens a connection for a request, with TLS where that is wanted. Any
// certificate will do, since most are not for names that are probed. A server
// that does not know the name that it is asked for is tried again without one,
// as Route 53 does.
func (p *Prober) connect(ctx context.Context, t *target, by time.Time) (net.Conn, health.Reason) {
	conn, r := p.dial(ctx, t, by)
	if conn == nil || !t.usesTLS() {
		return conn, r
	}
	name := t.serverName()
	secure, err := handshake(ctx, conn, name, by)
	if err != nil && name != "" && !timeout(err) {
		if conn, r = p.dial(ctx, t, by); conn == nil {
			return nil, r
		}
		secure, err = handshake(ctx, conn, "", by)
	}
	switch {
	case err == nil:
		return secure, health.Reason{}
	case timeout(err):
		return nil, health.Reason{Kind: health.TLSTimeout}
	}
	return nil, health.Reason{Kind: health.TLSFailed}
}

// handshake closes conn unless it succeeds.
func handshake(ctx context.Context, conn net.Conn, name string, by time.Time) (net.Conn, error) {
	secure := tls.Client(conn, tlsConfig(name))
	ctx, cancel := context.WithDeadline(ctx, by)
	defer cancel()
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // err says more
		return nil, err
	}
	return secure, nil
}

// tlsConfig accepts every certificate: a health check finds out whether a server
// answers and sends it nothing that is worth protecting.
func tlsConfig(name string) *tls.Config {
	return &tls.Config{ServerName: name, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}
}

func timeout(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

// dialReason says why there is no connection.
func dialReason(err error) health.Reason {
	is := func(codes ...syscall.Errno) bool {
		for _, c := range codes {
			if errors.Is(err, c) {
				return true
			}
		}
		return false
	}
	netErr, isNet := errors.AsType[net.Error](err)
	switch {
	case is(syscall.ECONNREFUSED):
		return health.Reason{Kind: health.Refused}
	case is(syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL):
		return health.Reason{Kind: health.NoResources}
	case is(syscall.ECONNRESET):
		return health.Reason{Kind: health.Reset}
	case timeout(err) || is(syscall.ETIMEDOUT) || isNet && netErr.Timeout():
		return health.Reason{Kind: health.ConnectTimeout}
	}
	return health.Reason{Kind: health.Unreachable}
}

// readReason says why an answer is not complete.
func readReason(err error) health.Reason {
	switch {
	case timeout(err):
		return health.Reason{Kind: health.AnswerTimeout}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return health.Reason{Kind: health.Reset}
	}
	return health.Reason{Kind: health.BadAnswer}
}
