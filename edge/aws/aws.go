// Package aws is the front door of the AWS APIs: one HTTP listener. It limits the requests,
// finds their API and operation, and authenticates the caller. Then it serves the call, and
// writes the answer or the error in the protocol of the API.
//
// It knows an API as a service.API; services.go lists them. It never looks at the
// Host header, so every name that leads to the listener can be used, the one with
// AWS's "data-" prefix included.
package aws

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/aws/cloudmap"
	"github.com/cairn-discovery/cairn/edge/aws/route53"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/sts"
	"github.com/cairn-discovery/cairn/edge/aws/throttle"
	"github.com/cairn-discovery/cairn/internal/audit"
	"github.com/cairn-discovery/cairn/internal/authlimit"
	"github.com/cairn-discovery/cairn/internal/connlimit"
	"github.com/cairn-discovery/cairn/replica"
)

// Replica has the state and takes commands. A *replica.Replica is one.
type Replica interface {
	Current() *replica.Snapshot
	service.Proposer
}

// Config is what a Server needs.
type Config struct {
	Replica Replica
	// Rules gives the settings in force. It is called once for every request.
	Rules func() *state.Rules
	// Auth authenticates callers. Nil is open mode: everybody may do everything, and
	// Accounts says on whose behalf.
	Auth *Auth
	// Providers gives the issuers of tokens that roles can trust. Nil: none.
	Providers func() []sts.Provider
	// Accounts says whose an access key is, and whether it is listed at all.
	// Nil: no key is. A key that is not listed belongs to DefaultAccount.
	Accounts func(accessKeyID string) (accountID string, listed bool)
	// NewKey makes keys for DNSSEC. Nil: no zone can be signed.
	NewKey cloudmap.SigningKeys
	// Route53 is what the API of Route 53 needs.
	Route53 route53.Config
	Logger  *slog.Logger
	// RequestLog takes the lines about requests, unless they failed on our side: there may
	// be very many of them. Nil: Logger takes them.
	RequestLog slog.Handler
	// Rates are the request rates in force. It is called for every request. Nil:
	// there are none.
	Rates func() *throttle.Rates
	// Failures is how often callers may fail to prove who they are. Nil: as
	// often as they like.
	Failures *authlimit.Budget
	// Staleness returns for how long the state may have been out of date; 0: it is
	// current. Nil: it always is.
	Staleness func(now time.Time) time.Duration
	// MaxStaleness is the staleness above which nothing is answered from the state.
	// Zero: there is no limit.
	MaxStaleness time.Duration
	// RevisionWait is how long a request waits for the revision that it asks for. Zero:
	// it does not wait.
	RevisionWait time.Duration
	// Audit gets a record of each call that changes something, of those of STS
	// and of those that were not permitted; with AuditReads, of all. Nil: none.
	Audit      *audit.Log
	AuditReads bool
	// Registerer takes the metrics. Nil: none are kept.
	Registerer prometheus.Registerer
	Limits     Limits
	// TLS is what listeners speak. Nil: plain HTTP.
	TLS *tls.Config
}

// DefaultAccount owns what is done without a key that belongs to another.
const DefaultAccount command.AccountID = "000000000000"

// Limits bound what a client can make the server hold. Zero means the default.
type Limits struct {
	MaxBody      int64         // bytes of a request's body; 1 MiB
	MaxHeader    int           // bytes of a request's header; 16 KiB
	ReadTimeout  time.Duration // for a whole request, from its first byte; 30 s
	WriteTimeout time.Duration // for the answer, from the end of the header; 30 s
	IdleTimeout  time.Duration // between requests; 120 s
	// Connections that may be open at a time. At a limit, a new one replaces the one
	// that has been idle for the longest time, and that of a caller that is not
	// authenticated before others; it is refused only if all have a request in
	// progress.
	MaxConnections          int // of all clients; 16384
	MaxConnectionsPerClient int // of each IPv4 address and each IPv6 /64 network; 1024
	// MaxUnauthenticatedConnections is for those on which no caller was authenticated
	// yet; a quarter of MaxConnections. It does not apply in open mode.
	MaxUnauthenticatedConnections int
}

func (l *Limits) setDefaults() {
	setDefault(&l.MaxBody, 1<<20)
	setDefault(&l.MaxHeader, 16<<10)
	setDefault(&l.ReadTimeout, 30*time.Second)
	setDefault(&l.WriteTimeout, 30*time.Second)
	setDefault(&l.IdleTimeout, 120*time.Second)
	setDefault(&l.MaxConnections, 16384)
	setDefault(&l.MaxConnectionsPerClient, 1024)
	setDefault(&l.MaxUnauthenticatedConnections, max(1, l.MaxConnections/4))
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Server serves the AWS APIs. Make one with New, then Serve a listener.
type Server struct {
	cfg     Config
	router  *router
	auth    *authenticator // nil in open mode
	buckets throttle.Buckets
	metrics *metrics
	conns   *connlimit.Limiter
}

// New checks the configuration. It starts nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Replica == nil || cfg.Rules == nil || cfg.Logger == nil {
		return nil, errors.New("aws: Replica, Rules and Logger are required")
	}
	if cfg.Accounts == nil {
		cfg.Accounts = func(string) (string, bool) { return "", false }
	}
	if cfg.RequestLog == nil {
		cfg.RequestLog = cfg.Logger.Handler()
	}
	if cfg.Rates == nil {
		cfg.Rates = func() *throttle.Rates { return nil }
	}
	if cfg.Providers == nil {
		cfg.Providers = func() []sts.Provider { return nil }
	}
	cfg.Limits.setDefaults()
	apis, err := services(&cfg)
	if err != nil {
		return nil, err
	}
	r, err := newRouter(apis)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, router: r, auth: newAuthenticator(cfg.Auth), metrics: newMetrics(&cfg, apis), conns: newConnLimiter(&cfg)}
	if cfg.Registerer != nil {
		cfg.Registerer.MustRegister(s.conns.Collector("cairn_api"))
	}
	return s, nil
}
