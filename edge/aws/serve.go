package aws

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cairn-discovery/cairn/internal/httpserver"
)

const (
	// drainTime is how long requests in flight may take once the server stops.
	drainTime = 4 * time.Second
	// headerTimeout is how long a request's header may take.
	headerTimeout = 10 * time.Second
)

// maxLooped is the largest body that is served without net/http, in bytes.
const maxLooped = 64 << 10

// Serve answers requests from ln until ctx ends. Then it accepts no more, answers those
// in progress, and returns nil, or an error if some took too long.
//
// internal/httpserver serves plain requests of the usual form; net/http serves others,
// and everything over TLS.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	ln = s.conns.Listen(ln, nil)
	if s.cfg.TLS != nil {
		return s.serveHTTP(ctx, ln)
	}
	loop, err := s.newLoop()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.serveHTTP(ctx, loop.Fallback()) })
	group.Go(func() error { return loop.Serve(ctx, ln, drainTime) })
	return group.Wait()
}

func (s *Server) newLoop() (*httpserver.Server, error) {
	l := &s.cfg.Limits
	return httpserver.New(httpserver.Config{
		Handler:       s,
		MaxHeader:     l.MaxHeader,
		MaxBody:       int(min(l.MaxBody, maxLooped)),
		HeaderTimeout: min(headerTimeout, l.ReadTimeout),
		ReadTimeout:   l.ReadTimeout,
		WriteTimeout:  l.WriteTimeout,
		IdleTimeout:   l.IdleTimeout,
		ConnContext:   withConn,
		Logger:        s.cfg.Logger,
	})
}

// serveHTTP serves ln by net/http.
func (s *Server) serveHTTP(ctx context.Context, ln net.Listener) error {
	fresh := newConnTracker()
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: min(headerTimeout, s.cfg.Limits.ReadTimeout),
		ReadTimeout:       s.cfg.Limits.ReadTimeout,
		WriteTimeout:      s.cfg.Limits.WriteTimeout,
		IdleTimeout:       s.cfg.Limits.IdleTimeout,
		MaxHeaderBytes:    s.cfg.Limits.MaxHeader,
		ErrorLog:          slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug),
		ConnContext:       withConn,
		ConnState:         fresh.track,
		// OPTIONS * is refused as every method but POST is.
		DisableGeneralOptionsHandler: true,
	}
	failed := make(chan error, 1)
	go func() {
		failed <- server.Serve(bufferedListener{Listener: ln, tls: s.cfg.TLS, handshakeFailed: s.handshakeFailed})
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	fresh.close()
	err := server.Shutdown(drain)
	if err != nil {
		err = errors.Join(errors.New("aws: requests in flight were cut off"), server.Close())
	}
	<-failed // Serve has returned
	return err
}

// handshakeFailed logs a handshake that failed. Clients see an alert at most.
func (s *Server) handshakeFailed(c net.Conn, err error) {
	s.cfg.Logger.Debug("TLS handshake failed", "from", c.RemoteAddr().String(), "error", err)
}
