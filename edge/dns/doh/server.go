package doh

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/cairn-discovery/cairn/internal/connlimit"
)

// Certificates returns the configuration of a TLS server.
type Certificates interface {
	// TLS returns a configuration for these application protocols, with a
	// certificate and secure protocol versions.
	TLS(protocols ...string) *tls.Config
}

// Config is what a Server needs. Answer, Certificates and Logger are required.
type Config struct {
	Answer       Answer
	Certificates Certificates
	Logger       *slog.Logger
	// Limits are the connections that may be open; 0 means 4096 in total and 64 for
	// each client. At a limit, the idlest connection without a request in progress
	// is closed, and a new one is refused if there is none.
	Limits connlimit.Limits
	// Reached is called for each connection that was refused or that replaced
	// another one. Nil: it is not called.
	Reached func(limit connlimit.Limit, refused bool)
}

// Limits for slow or hostile clients: each can occupy one connection only.
const (
	headerTimeout  = 5 * time.Second
	readTimeout    = 10 * time.Second
	writeTimeout   = 15 * time.Second // includes the time of an upstream resolver
	idleTimeout    = 60 * time.Second
	maxHeaderBytes = 16 << 10
	maxStreams     = 128 // per connection, of HTTP/2

	defaultConnections          = 4096
	defaultConnectionsPerClient = 64

	drainTimeout = 500 * time.Millisecond
)

// Server serves DNS over HTTPS at Path, by HTTP/2 and HTTP/1.1. Create it with New, then
// call Serve.
type Server struct {
	cfg    Config
	server *http.Server
	conns  *connlimit.Limiter
}

// New checks cfg and builds a Server. It starts nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Answer == nil || cfg.Certificates == nil || cfg.Logger == nil {
		return nil, errors.New("doh: Answer, Certificates and Logger are required")
	}
	if cfg.Limits.Total == 0 {
		cfg.Limits.Total = defaultConnections
	}
	if cfg.Limits.PerClient == 0 {
		cfg.Limits.PerClient = defaultConnectionsPerClient
	}
	mux := http.NewServeMux()
	mux.Handle(path, handler(counted(cfg.Answer)))
	return &Server{cfg: cfg, conns: connlimit.New(cfg.Limits, cfg.Logger), server: &http.Server{
		Handler:           mux,
		TLSConfig:         cfg.Certificates.TLS("h2", "http/1.1"),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		ConnContext:       connlimit.WithConn,
		MaxHeaderBytes:    maxHeaderBytes,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
	}}, nil
}

// counted marks that the connection of a query has work until it is answered. A query
// whose connection was replaced gets no answer.
func counted(answer Answer) Answer {
	return func(ctx context.Context, query []byte, from netip.AddrPort, out []byte) []byte {
		c := connlimit.FromContext(ctx)
		if !c.Begin() {
			return nil
		}
		defer c.End()
		return answer(ctx, query, from, out)
	}
}

// Serve answers on ln until ctx ends, then completes the requests that it has begun and
// returns nil. It closes ln. It must be called once.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	ended := make(chan error, 1)
	go func() { ended <- s.server.ServeTLS(s.conns.Listen(ln, s.cfg.Reached), "", "") }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve DNS over HTTPS: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := s.server.Shutdown(grace); err != nil {
		// Clients ask again; responses that are still being written are cut off.
		_ = s.server.Close()
	}
	<-ended
	return nil
}
