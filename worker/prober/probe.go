package prober

import (
	"context"
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

// probe makes one probe. Every probe has a connection of its own, because the
// question is whether a new client would be served.
func (p *Prober) probe(ctx context.Context, t *target) health.Reason {
	if t.byName && !p.resolve(ctx, t) {
		return health.Reason{Kind: health.NotResolved}
	}
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

// probeTCP passes when a connection is established.
func (p *Prober) probeTCP(ctx context.Context, t *target) health.Reason {
	conn, r := p.dial(ctx, t, t.budget(time.Now()).connect)
	if conn == nil {
		return r
	}
	_ = conn.Close() // nothing was sent
	return health.Reason{Kind: health.Passed}
}

// connect opens a connection for a request, with TLS for HTTPS.
func (p *Prober) connect(ctx context.Context, t *target, by time.Time) (net.Conn, health.Reason) {
	conn, r := p.dial(ctx, t, by)
	if conn == nil || !t.usesTLS() {
		return conn, r
	}
	return p.connectTLS(ctx, t, conn, by)
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
