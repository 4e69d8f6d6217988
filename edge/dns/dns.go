// Package dns is the authoritative DNS server: its sockets for UDP and TCP, and the streams
// of other listeners, such as those for TLS. Package edge/dns/answer makes the answers.
//
//	udp_linux.go  a batch of datagrams by one system call
//	stream.go     connections: pipelined queries, limits, timeouts
//	deferred.go   queries that wait for an upstream resolver or a signature
//	metrics.go    counts of all goroutines, collected
package dns

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/cairn-discovery/cairn/edge/dns/answer"
	"github.com/cairn-discovery/cairn/internal/connlimit"
)

// Config is the configuration of a Server.
type Config struct {
	// Config is about answers. Its IdleTimeout is set from Limits.
	answer.Config
	// Limits bound what clients can make the server hold.
	Limits Limits
	// Registerer takes the metrics. Nil: none are kept.
	Registerer prometheus.Registerer
}

// Limits limit the resources that clients can use. Zero means the default. At a limit
// of connections, the idlest connection without a query in progress is closed; a new
// one is refused only if there is none.
type Limits struct {
	Connections          int           // at a time, over TCP and TLS; 4096
	ConnectionsPerClient int           // at a time, for each address; 64
	Pipelined            int           // queries in work per connection; 32
	IdleTimeout          time.Duration // between queries; 10 s
	ReadTimeout          time.Duration // for the rest of a query that has begun; 5 s
	WriteTimeout         time.Duration // for one answer; 5 s
	Waiting              int           // UDP queries that wait for an upstream; 1024
}

func (l *Limits) fill() {
	fill(&l.Connections, 4096)
	fill(&l.ConnectionsPerClient, 64)
	fill(&l.Pipelined, 32)
	fill(&l.IdleTimeout, 10*time.Second)
	fill(&l.ReadTimeout, 5*time.Second)
	fill(&l.WriteTimeout, 5*time.Second)
	fill(&l.Waiting, 1024)
}

func fill[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Server answers DNS queries. Make one with New, then Serve.
type Server struct {
	cfg       Config
	responder *answer.Responder
	metrics   *metrics

	pools   [answer.Transports]sync.Pool // of *worker, for queries that arrive one by one
	waiting chan struct{}                // holds a value for each UDP query that waits
	conns   *connlimit.Limiter           // of TCP and TLS together
}

// worker is an Answerer and where its counts go.
type worker struct {
	*answer.Answerer
	shard *shard
}

// New checks the configuration. It starts nothing.
func New(cfg Config) (*Server, error) {
	cfg.Limits.fill()
	cfg.IdleTimeout = cfg.Limits.IdleTimeout
	responder, err := answer.New(cfg.Config)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, responder: responder,
		waiting: make(chan struct{}, cfg.Limits.Waiting),
		conns:   connlimit.New(connlimit.Limits{Total: cfg.Limits.Connections, PerClient: cfg.Limits.ConnectionsPerClient}, cfg.Logger),
	}
	s.metrics = newMetrics(s, cfg.Registerer)
	for t := range answer.Transports {
		shared := s.metrics.newShard(t)
		s.pools[t].New = func() any { return s.newWorker(shared) }
	}
	return s, nil
}

// Handle answers one query, waiting for upstream resolvers until ctx ends. The
// answer is appended to out, whose contents are lost; nil means that the query
// gets none. It may be called by many goroutines.
func (s *Server) Handle(ctx context.Context, query []byte, from netip.AddrPort, transport answer.Transport, out []byte) []byte {
	w := s.take(transport)
	defer s.give(w)
	return s.handle(ctx, w, w.Parse(query), from, transport, out)
}

// handle is Handle for a query that was parsed.
func (s *Server) handle(ctx context.Context, w *worker, r *answer.Request, from netip.AddrPort, transport answer.Transport, out []byte) []byte {
	start := time.Now()
	w.Refresh()
	msg, disposition := w.AnswerWaiting(ctx, r, from.Addr(), transport, out[:0])
	w.shard.add(&w.Counts)
	switch disposition {
	case answer.Transfer:
		return s.transferInOne(ctx, w, r, from, out[:0])
	case answer.Send:
		w.shard.observe(time.Since(start), 1)
		return msg
	}
	return nil
}

// Test answers a question that no client has sent.
func (s *Server) Test(ctx context.Context, t answer.Test) answer.TestResult {
	return s.responder.Test(ctx, t)
}

// transferInOne transfers what fits into one message, which is appended to out:
// the changes, or the SOA record that tells the client to connect.
func (s *Server) transferInOne(ctx context.Context, w *worker, r *answer.Request, from netip.AddrPort, out []byte) []byte {
	z, q := w.TransferQuery(r, from, answer.UDP)
	if z == nil {
		return nil
	}
	s.responder.Transfer(ctx, z, q, func(msg []byte) error {
		out = append(out, msg...)
		return nil
	})
	if len(out) == 0 {
		return nil
	}
	return out
}

// take returns a worker for a transport; give takes it back.
func (s *Server) take(t answer.Transport) *worker { return s.pools[t].Get().(*worker) }

func (s *Server) give(w *worker) { s.pools[w.shard.transport].Put(w) }

func (s *Server) newWorker(to *shard) *worker {
	return &worker{Answerer: s.responder.NewAnswerer(), shard: to}
}

// Serve answers from the sockets until ctx ends. Then it finishes the queries that it has
// read and returns nil. It returns the error of a socket that failed. It closes the
// sockets.
func (s *Server) Serve(ctx context.Context, sockets *Sockets) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.ServeAlso(ctx, sockets) })
	group.Go(func() error { return s.responder.Run(ctx) })
	return group.Wait()
}

// ServeAlso answers from further sockets while Serve runs, until ctx ends. It closes
// the sockets.
func (s *Server) ServeAlso(ctx context.Context, sockets *Sockets) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, c := range sockets.UDP {
		group.Go(func() error { return s.serveUDP(ctx, c) })
	}
	group.Go(func() error { return s.ServeStream(ctx, sockets.TCP, answer.TCP) })
	err := group.Wait()
	return errors.Join(err, sockets.Close())
}
