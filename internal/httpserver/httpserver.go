// Package httploop serves HTTP/1.1 requests of the plainest form on a loop of
// its own, and leaves every other connection to net/http.
//
// It is in front of an http.Server. What it serves itself is what SDKs of
// JSON APIs send: POST to "/", one Content-Length, no transfer coding, no
// upgrade, small enough to be in memory whole. It costs less than half of what
// net/http does for the same. Anything that is not exactly of this form, even if
// allowed, strange or wrong, goes to the http.Server with all bytes read so far,
// and so does the rest of that connection. So there is one place that decides
// what HTTP is, and it is not this one: a fuzz test holds the two to the same
// understanding of each request that is served here.
//
//	front, err := httpserver.New(httpserver.Config{Handler: h, …})
//	go server.Serve(front.Others())
//	err = front.Serve(ctx, ln)
//
// A Request is valid until the handler returns: its Header and Body are reused.
// Its context is that of its connection and is never cancelled, and its TLS is nil. An answer leaves in one
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
	// MaxHeader and MaxBody bound what is served here, in bytes. What is larger
	// goes to the http.Server, which may allow more.
	MaxHeader, MaxBody int
	// HeaderTimeout and ReadTimeout are how long a request's header, and all of
	// it, may take to arrive from its first byte on; HeaderTimeout too, how long
	// a connection may wait before its first request.
	HeaderTimeout, ReadTimeout time.Duration
	// WriteTimeout is how long an answer may take to be read.
	WriteTimeout time.Duration
	// IdleTimeout is how long a connection may wait for its next request.
	IdleTimeout time.Duration
	// ConnContext returns the context of the requests of a connection. Nil: it is the
	// background context.
	ConnContext func(context.Context, net.Conn) context.Context
	// Logger gets panics of the handler, and failures to accept.
	Logger *slog.Logger
}

// Server serves the connections of a listener.
type Server struct {
	cfg    Config
	others others

	stopping atomic.Bool
	mu       sync.Mutex
	conns    map[*conn]struct{} // those that have a loop
	loops    sync.WaitGroup
}

// New checks the configuration. It starts nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Handler == nil || cfg.Logger == nil {
		return nil, errors.New("httploop: Handler and Logger are required")
	}
	if cfg.MaxHeader <= 0 || cfg.MaxBody <= 0 ||
		min(cfg.HeaderTimeout, cfg.ReadTimeout, cfg.WriteTimeout, cfg.IdleTimeout) <= 0 {
		return nil, errors.New("httploop: sizes and timeouts must be above zero")
	}
	return &Server{
		cfg:    cfg,
		others: others{conns: make(chan net.Conn), closed: make(chan struct{})},
		conns:  map[*conn]struct{}{},
	}, nil
}

// Others is the listener of the http.Server: it accepts the connections that are
// not served here. It has no address before Serve.
func (s *Server) Others() net.Listener { return &s.others }

// Serve serves ln until ctx ends or ln fails, and closes it. Then connections
// that wait for a request are closed, requests in flight are answered, for as
// long as drain allows, and those that take longer are cut off, which is an
// error. The http.Server has to be shut down after that.
func (s *Server) Serve(ctx context.Context, ln net.Listener, drain time.Duration) error {
	s.others.addr.Store(new(ln.Addr()))
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

// temporary reports whether an error of accept is about one connection, or about
// resources that come back.
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

// start gives a connection its loop.
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

// drain ends all loops. Those that wait for a request are woken; one that goes to
// wait after that sees for itself that it is over.
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
	s.others.Close()
	return err
}

func (s *Server) each(do func(*conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		do(c)
	}
}

// others is a listener that is fed with connections.
type others struct {
	addr   atomic.Pointer[net.Addr]
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (o *others) Accept() (net.Conn, error) {
	select {
	case c := <-o.conns:
		return c, nil
	case <-o.closed:
		return nil, net.ErrClosed
	}
}

func (o *others) Close() error {
	o.once.Do(func() { close(o.closed) })
	return nil
}

func (o *others) Addr() net.Addr {
	if a := o.addr.Load(); a != nil {
		return *a
	}
	return &net.TCPAddr{}
}

// put hands a connection over, or closes it if nobody takes it any more.
func (o *others) put(c net.Conn) {
	select {
	case o.conns <- c:
	case <-o.closed:
		c.Close()
	}
}
