package aws

import (
	"net/http"

	"github.com/cairn-discovery/cairn/edge/aws/wire"
	"github.com/cairn-discovery/cairn/internal/connlimit"
)

// newConnLimiter returns what limits the connections of all listeners of a Server. In open
// mode nobody is authenticated.
func newConnLimiter(cfg *Config) *connlimit.Limiter {
	l := &cfg.Limits
	limits := connlimit.Limits{Total: l.MaxConnections, PerClient: l.MaxConnectionsPerClient}
	if cfg.Auth != nil {
		limits.Unauthenticated = l.MaxUnauthenticatedConnections
	}
	return connlimit.New(limits, cfg.Logger)
}

// beginWork marks that the connection has a request in progress. That is so once the caller
// is authenticated, or in open mode once the body has arrived. So an incomplete or refused
// request does not keep a connection. It fails if the connection was replaced in the
// meantime.
func (x *request) beginWork() error {
	if x.work = x.conn.counted.Begin(); !x.work {
		return x.api.Fault(nil, wire.Unavailable, http.StatusText(http.StatusServiceUnavailable))
	}
	if x.call.Caller != nil {
		x.conn.counted.Authenticated()
	}
	return nil
}

// endWork ends what beginWork began. An unsigned call that succeeded has proved by its
// input who made it.
func (x *request) endWork() {
	if !x.work {
		return
	}
	if x.err == nil && x.call.Directory != nil {
		x.conn.counted.Authenticated()
	}
	x.conn.counted.End()
}
