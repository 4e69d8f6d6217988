// Package admin serves what operators and their tools need: liveness, readiness,
// metrics, profiles and backups. It knows nothing of the registry; the functions in
// Config do.
//
// Requests may need a token or a client certificate (token.go); a listener without
// either is for loopback addresses only. Requests that a web page in the operator's
// browser could have made are refused (guard.go).
package admin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/cairn-discovery/cairn/internal/authlimit"
	"github.com/cairn-discovery/cairn/internal/connlimit"
)

// Config is what a Server needs. Ready, Backup, Metrics and Logger
// are required.
type Config struct {
	// Ready returns nil when the node serves, or else the reason why not.
	Ready func() error
	// Fresh returns nil, or why the state is so old that clients should go elsewhere. Only
	// /readyz depends on it: a backup of an old state may be the last one that there is.
	// Nil: it is never too old.
	Fresh func() error
	// Backup writes a consistent copy of the registry. It is called only while
	// Ready returns nil.
	Backup func(io.Writer) error
	// Explain returns why a name is answered as it is; the answer is also encoded as
	// JSON. It is called only while Ready returns nil. Nil: there is no /explain.
	Explain func(context.Context, Question) (fmt.Stringer, error)
	// ExplainTask returns why a task is not running, registered or healthy. Nil: there
	// is no /tasks/explain.
	ExplainTask func(ctx context.Context, task string) (fmt.Stringer, error)
	// ExplainProxy returns what a client of xDS has and has rejected; an empty account is all
	// that have such a client. Nil: there is no
	// /xds/explain.
	ExplainProxy func(ctx context.Context, account, node string) (fmt.Stringer, error)
	// Logs writes the output of containers of a task until it ends or ctx does. Nil: the
	// node runs no tasks.
	Logs func(context.Context, LogRequest, io.Writer) error
	// Nodes returns the live nodes, which are encoded as JSON. Nil: there is no /nodes.
	Nodes func() any
	// RemoveNode removes a node from the cluster permanently. Nil: the store is no cluster.
	RemoveNode func(ctx context.Context, name string) error
	// AddNode adds a node to the cluster that will join with an address. Nil: the store is
	// no cluster.
	AddNode func(ctx context.Context, addr string) error
	// Feed answers /feed, by which other nodes follow this one. Nil: there is no /feed.
	Feed http.Handler
	// Metrics is what /metrics shows.
	Metrics prometheus.Gatherer
	// Registerer gets the metrics of connections. Nil: there are none.
	Registerer prometheus.Registerer
	// Hosts are the names by which the listener may be called, besides IP
	// addresses and localhost.
	Hosts []string
	// Token is the bearer token that requests need, unless they come with a client
	// certificate.
	Token string
	// Certificate makes requests without the Token need a client certificate. With
	// neither, requests need nothing.
	Certificate bool
	// Failures limits the requests from one address without the token, or with a
	// wrong one. Nil: no limit.
	Failures *authlimit.Budget
	// Identities answers POST /identity/OPERATION and bounds their bodies. Nil: they are
	// refused, since they need a listener that authenticates its callers.
	Identities http.Handler
	// TLS is the configuration of TLS. Nil: plain HTTP.
	TLS *tls.Config
	// Logger gets errors.
	Logger *slog.Logger
}

// Limits so that a slow or hostile client costs at most one connection. They are far
// above what probes and scrapers need.
const (
	headerTimeout  = 5 * time.Second
	readTimeout    = 10 * time.Second
	writeTimeout   = 30 * time.Second
	idleTimeout    = 60 * time.Second
	maxHeaderBytes = 16 << 10
	maxBodyBytes   = 64 << 10

	// Connections that may be open at a time; internal/connlimit says which gives way.
	maxConnections                = 256
	maxConnectionsPerClient       = 128
	maxUnauthenticatedConnections = 64 // without the token or a certificate

	// drainTimeout is how long answers may still be written at a stop: long enough
	// for a probe or a scrape, but not for a profile or a large backup, which can be
	// requested again.
	drainTimeout = time.Second
)

// Server serves the admin listener. Create it with New, then call Serve.
type Server struct {
	cfg     Config
	handler http.Handler
	conns   *connlimit.Limiter
	backups chan struct{} // one token per backup that is being written
}

// New checks cfg and returns a Server. It starts nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Ready == nil || cfg.Backup == nil || cfg.Metrics == nil || cfg.Logger == nil {
		return nil, errors.New("admin: Ready, Backup, Metrics and Logger are required")
	}
	s := &Server{cfg: cfg, conns: newConnLimiter(&cfg), backups: make(chan struct{}, maxBackups)}
	if cfg.Registerer != nil {
		cfg.Registerer.MustRegister(s.conns.Collector("cairn_admin"))
	}
	s.handler = limitBody(guard(cfg.Hosts, authorized(cfg.Token, cfg.Certificate, cfg.Failures, counted(cfg.authenticates(), s.routes()))))
	return s, nil
}

func newConnLimiter(cfg *Config) *connlimit.Limiter {
	limits := connlimit.Limits{Total: maxConnections, PerClient: maxConnectionsPerClient}
	if cfg.authenticates() {
		limits.Unauthenticated = maxUnauthenticatedConnections
	}
	return connlimit.New(limits, cfg.Logger)
}

// authenticates reports whether requests need the token or a certificate.
func (c *Config) authenticates() bool { return c.Token != "" || c.Certificate }

// counted marks that the connection of a request has work until it is answered, and, if
// the listener authenticates its callers, that this request was: all are but probes.
func counted(authenticates bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := connlimit.FromContext(r.Context())
		if !c.Begin() {
			return // the connection was replaced
		}
		defer c.End()
		if authenticates && !probes(r) {
			c.Authenticated()
		}
		next.ServeHTTP(w, r)
	})
}

// limitBody bounds the bodies of requests. Those about identities can be larger:
// Identities bounds them itself.
func limitBody(next http.Handler) http.Handler {
	limited := http.MaxBytesHandler(next, maxBodyBytes)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, identityPath) {
			next.ServeHTTP(w, r)
			return
		}
		limited.ServeHTTP(w, r)
	})
}

// identityPath begins the paths of requests about identities.
const identityPath = "/identity/"

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.HandleFunc("GET /livez", s.livez)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /backup", s.backup)
	mux.Handle("POST "+identityPath+"{operation}", s.identities())
	if s.cfg.Explain != nil {
		mux.HandleFunc("GET /explain", s.explain)
	}
	if s.cfg.ExplainTask != nil {
		mux.HandleFunc("GET /tasks/explain", s.explainTask)
	}
	if s.cfg.ExplainProxy != nil {
		mux.HandleFunc("GET /xds/explain", s.explainProxy)
	}
	if s.cfg.Nodes != nil {
		mux.HandleFunc("GET /nodes", s.nodes)
	}
	mux.HandleFunc("POST /nodes/remove", s.removeNode)
	mux.HandleFunc("POST /nodes/add", s.addNode)
	if s.cfg.Feed != nil {
		mux.Handle("GET /feed", s.cfg.Feed)
	}
	logs := noRunner
	if s.cfg.Logs != nil {
		logs = s.taskLogs
	}
	mux.HandleFunc("GET /tasks/logs", logs)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.cfg.Metrics, promhttp.HandlerOpts{
		// One broken collector must not hide the metrics of all others.
		ErrorHandling: promhttp.ContinueOnError,
		ErrorLog:      slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelError),
	}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// Serve answers on ln until ctx ends, then lets short answers finish and
// returns nil. It closes ln.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true) // for nodes that follow this one
	server := &http.Server{
		Handler:           s.handler,
		Protocols:         protocols,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnContext:       connlimit.WithConn,
		ErrorLog:          slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug),
	}
	ln = s.conns.Listen(ln, nil)
	if s.cfg.TLS != nil {
		ln = tls.NewListener(ln, s.cfg.TLS) // outermost: net/http looks for TLS there alone
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ln) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve admin: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		// Answers that are still being written are cut; see drainTimeout.
		_ = server.Close()
	}
	<-ended
	return nil
}

func (s *Server) index(w http.ResponseWriter, _ *http.Request) {
	writeText(w, http.StatusOK, `cairn
/livez          is the process alive?
/readyz         does it serve? 503 with the reason when not
/metrics        Prometheus metrics
/debug/pprof/   profiles
/backup         a consistent copy of the registry; see "cairn help backup"
/nodes          the live nodes; see "cairn help nodes"
/feed           the changes of the state, for nodes that follow this one
/explain        why a name answers as it does: ?name=NAME[&from=IP]; see "cairn help explain"
`)
}

func (s *Server) identities() http.Handler {
	if s.cfg.Identities != nil {
		return http.HandlerFunc(s.manage)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeText(w, http.StatusForbidden, "this node does not manage identities: its admin listener does not authenticate operators;"+
			" set admin_token_file in its configuration or the token in CAIRN_ADMIN_TOKEN, or tls.admin with tls.client_ca_file, and restart it\n")
	})
}

// manage calls Identities when the node is ready.
func (s *Server) manage(w http.ResponseWriter, r *http.Request) {
	if err := s.cfg.Ready(); err != nil {
		writeText(w, http.StatusServiceUnavailable, "not ready: "+err.Error()+"\n")
		return
	}
	s.cfg.Identities.ServeHTTP(w, r)
}

// livez answers 200 as long as the process can answer. Readiness does not matter: a
// restart would not make an unready node ready.
func (s *Server) livez(w http.ResponseWriter, _ *http.Request) {
	writeText(w, http.StatusOK, "alive\n")
}

func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	err := s.cfg.Ready()
	if err == nil && s.cfg.Fresh != nil {
		err = s.cfg.Fresh()
	}
	if err != nil {
		writeText(w, http.StatusServiceUnavailable, "not ready: "+err.Error()+"\n")
		return
	}
	writeText(w, http.StatusOK, "ready\n")
}

func writeText(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", fmt.Sprint(len(text)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// An error here means that the client has gone.
	_, _ = io.WriteString(w, text)
}
