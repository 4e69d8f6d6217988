// Package httpserver serves plain HTTP/1.1 requests of one form in its own loop, and
// gives every other connection to net/http.
//
// It is in front of an http.Server. The form is what SDKs of JSON APIs send: POST to
// "/", one Content-Length, no transfer coding, no upgrade, and a body that fits into
// memory. Serving it costs less than half of what net/http needs. A connection with
// anything else, valid or not, goes to the http.Server with all bytes read so far, and
// stays there. So net/http alone decides about unusual requests; a fuzz test checks that
// both understand each request that is served here in the same way.
//
//	front, err := httpserver.New(httpserver.Config{Handler: h, …})
//	go server.Serve(front.Fallback())
//	err = front.Serve(ctx, ln)
//
// A Request is valid until the handler returns: its Header and Body are used again.
// Its context is that of its connection and is never cancelled, and its TLS is nil. Each answer is one
// write.
package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Config is what a Server needs. All of it but ConnContext is required.
type Config struct {
	Handler http.Handler
	// MaxHeader and MaxBody are the maximum sizes of what is served here, in bytes.
	// Larger requests go to the http.Server, which may allow more.
	MaxHeader, MaxBody int
	// HeaderTimeout and ReadTimeout are the maximum times from the first byte of a
	// request to the end of its header and to its end. HeaderTimeout is also how long a
	// connection may wait before its first request.
	HeaderTimeout, ReadTimeout time.Duration
	// WriteTimeout is how long the client may take to read an answer.
	WriteTimeout time.Duration
	// IdleTimeout is how long a connection may wait for its next request.
	IdleTimeout time.Duration
	// ConnContext returns the context of the requests of a connection. Nil: it is the
	// background context.
	ConnContext func(context.Context, net.Conn) context.Context
	// Logger gets panics of the handler and errors of accept.
	Logger *slog.Logger
}

// Server serves the connections of a listener.
type Server struct {
	cfg      Config
	fallback fallback

	stopping atomic.Bool
	mu       sync.Mutex
	conns    map[*conn]struct{} // those that have a loop
	loops    sync.WaitGroup
}

// New checks the configuration. It starts nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Handler == nil || cfg.Logger == nil {
		return nil, errors.New("httpserver: Handler and Logger are required")
	}
	if cfg.MaxHeader <= 0 || cfg.MaxBody <= 0 ||
		min(cfg.HeaderTimeout, cfg.ReadTimeout, cfg.WriteTimeout, cfg.IdleTimeout) <= 0 {
		return nil, errors.New("httpserver: sizes and timeouts must be above zero")
	}
	return &Server{
		cfg:      cfg,
		fallback: fallback{conns: make(chan net.Conn), closed: make(chan struct{})},
		conns:    map[*conn]struct{}{},
	}, nil
}

// Fallback returns the listener for the http.Server. It accepts the connections that are
// not served here, and has no address before Serve.
func (s *Server) Fallback() net.Listener { return &s.fallback }

// Serve serves ln until ctx ends or ln fails, and closes it. Then it closes connections
// that wait for a request and answers requests in progress. After the time drain it
// closes the rest and returns an error. Shut down the http.Server after that.
func (s *Server) Serve(ctx context.Context, ln net.Listener, drain time.Duration) error {
	s.fallback.addr.Store(new(ln.Addr()))
	failed := make(chan error, 1)
	go func() { failed <- s.accept(ctx, ln) }()
	var err error
	select {
	case err = <-failed:
		ln.Close()
	case <-ctx.Done():
		ln.Close()
		<-failed
	}
	return errors.Join(err, s.drain(drain))
}

// accept starts a loop for each connection, until the listener is closed.
func (s *Server) accept(ctx context.Context, ln net.Listener) error {
	const shortest, longest = 5 * time.Millisecond, time.Second
	pause := shortest
	for {
		nc, err := ln.Accept()
		switch {
		case err == nil:
			pause = shortest
			s.start(nc)
		case ctx.Err() != nil:
			return nil
		case temporary(err):
			s.cfg.Logger.Warn("accept", "error", err, "pause", pause)
			if !wait(ctx, pause) {
				return nil
			}
			pause = min(2*pause, longest)
		default:
			return fmt.Errorf("accept: %w", err)
		}
	}
}

// temporary reports whether accept may succeed again after an error.
func temporary(err error) bool {
	errno, ok := errors.AsType[syscall.Errno](err)
	return ok && (errno == syscall.EMFILE || errno == syscall.ENFILE || errno == syscall.ENOBUFS ||
		errno == syscall.ENOMEM || errno == syscall.ECONNABORTED)
}

// wait reports whether the time passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// start starts the loop of a connection.
func (s *Server) start(nc net.Conn) {
	c := newConn(s, nc)
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	s.loops.Go(func() {
		defer s.forget(c)
		c.serve()
	})
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// drain ends all loops. It wakes those that wait for a request; one that waits later sees
// stopping.
func (s *Server) drain(limit time.Duration) error {
	s.stopping.Store(true)
	s.each(func(c *conn) {
		if c.waiting.Load() {
			c.nc.SetReadDeadline(time.Unix(1, 0))
		}
	})
	ended := make(chan struct{})
	go func() { s.loops.Wait(); close(ended) }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	var err error
	select {
	case <-ended:
	case <-timer.C:
		err = errors.New("requests in flight were cut off")
		s.each(func(c *conn) { c.nc.Close() })
	}
	s.fallback.Close()
	return err
}

func (s *Server) each(do func(*conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		do(c)
	}
}

// fallback is the listener for the connections that put adds.
type fallback struct {
	addr   atomic.Pointer[net.Addr]
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (f *fallback) Accept() (net.Conn, error) {
	select {
	case c := <-f.conns:
		return c, nil
	case <-f.closed:
		return nil, net.ErrClosed
	}
}

func (f *fallback) Close() error {
	f.once.Do(func() { close(f.closed) })
	return nil
}

func (f *fallback) Addr() net.Addr {
	if a := f.addr.Load(); a != nil {
		return *a
	}
	return &net.TCPAddr{}
}

// put adds a connection, or closes it if the listener is closed.
func (f *fallback) put(c net.Conn) {
	select {
	case f.conns <- c:
	case <-f.closed:
		c.Close()
	}
}
