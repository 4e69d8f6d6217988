// Package xds serves xDS, version 3, to Envoy and gRPC: aggregated streams (ADS) and
// streams of one type, in the state-of-the-world and the delta protocol.
//
// The resources come from package resource. A hub follows the snapshots of the replica;
// a stream sends its client the newest version of what it has subscribed to. There is no
// queue of changes: a client that reads slowly gets the newest state when it is ready.
// DESIGN.md has the rules.
//
//	s, err := xds.New(xds.Config{Replica: r, Rules: rules, Sources: sources, Logger: logger})
//	err = s.Serve(ctx, listener)
package xds

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/internal/connlimit"
	"github.com/cairn-discovery/cairn/replica"
)

// Config has the parameters of New.
type Config struct {
	// Replica gives the snapshots.
	Replica interface{ Current() *replica.Snapshot }
	// Rules gives the settings in force.
	Rules func() *state.Rules
	// Sources make the resources. The first one that has a view for a client serves it.
	Sources []resource.Source
	// Logger is required.
	Logger *slog.Logger
	// Authenticate finds out who a client is. Nil means that everybody may see
	// everything.
	Authenticate func(context.Context, *Credentials) (*Caller, error)
	// Identities returns a value that is another one when callers may have lost their
	// rights: open streams are then authorized again. Nil means that they never do.
	Identities func() any
	// Changed receives a value when Rules or Identities has changed. A change of the
	// replica needs none. Nil means that they never change by themselves.
	Changed <-chan struct{}
	// TLS is the configuration of TLS. Nil means plain text.
	TLS *tls.Config
	// Drain is how long an instance that was deregistered is among the endpoints as
	// DRAINING. Zero means that it is removed at once.
	Drain time.Duration
	// Silence is how long the server waits for what a client must say, before it helps
	// itself: see silence.go. Zero means 10 seconds.
	Silence time.Duration
	// MaxSubscriptions is how many resources one stream can subscribe to. Zero means
	// 20000.
	MaxSubscriptions int
	// MaxStreams is how many streams can be open. Zero means 20000.
	MaxStreams int
	// Limits are those of connections. Zero means 16384 in total, 1024 for each client,
	// and a quarter of the total without an authenticated caller.
	Limits connlimit.Limits
	// Node names this node in answers. Empty means cairn.
	Node string
	// Registerer registers the metrics. Nil means no metrics.
	Registerer prometheus.Registerer
}

// identifier returns what an answer says about its origin.
func (c *Config) identifier(revision uint64) string {
	return fmt.Sprintf("%s revision %d", c.Node, revision)
}

const (
	// maxRequest is the largest request, in bytes. The first one of a delta stream names
	// everything that the client has.
	maxRequest = 32 << 20
	// maxAge is how long a connection lasts. Clients connect again, perhaps to another
	// node.
	maxAge     = 30 * time.Minute
	maxAgeOver = 30 * time.Second
	// minPing is the shortest time between pings of a client; the agent of App Mesh
	// sends one every 10 seconds.
	minPing     = 5 * time.Second
	stopTimeout = 300 * time.Millisecond
	// window is how many octets of requests of a stream a client can send before they are
	// read.
	window = 128 << 10
)

// Server is an xDS server. Create it with New, then call Serve.
type Server struct {
	cfg     Config
	hub     *hub
	metrics *metrics
	conns   *connections
	closing chan struct{} // closed when Serve ends
	// receivers are the goroutines that read from streams.
	receivers sync.WaitGroup
	known     sync.WaitGroup // calls of ServeKnown

	mu         sync.Mutex
	closed     bool // no new call of ServeKnown is served
	streams    map[*stream]struct{}
	rejections map[client][]*rejection
	restarted  map[client]time.Time // when a stream was closed so that it begins again
}

// New checks the configuration. It starts nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Replica == nil || cfg.Rules == nil || cfg.Logger == nil || len(cfg.Sources) == 0 {
		return nil, errors.New("xds: Replica, Rules, Sources and Logger are required")
	}
	if cfg.Silence == 0 {
		cfg.Silence = 10 * time.Second
	}
	if cfg.MaxSubscriptions == 0 {
		cfg.MaxSubscriptions = 20000
	}
	if cfg.MaxStreams == 0 {
		cfg.MaxStreams = 20000
	}
	if cfg.Node == "" {
		cfg.Node = "cairn"
	}
	s := &Server{cfg: cfg, closing: make(chan struct{}), streams: map[*stream]struct{}{}, rejections: map[client][]*rejection{}, restarted: map[client]time.Time{}}
	s.conns = newConnections(&s.cfg)
	s.metrics = newMetrics(cfg.Registerer, s)
	s.hub = newHub(&s.cfg, s.metrics)
	return s, nil
}

// Serve serves clients on a listener until ctx ends. It can be called once.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	server := s.newServer(s.cfg.TLS, nil)
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	var group sync.WaitGroup
	group.Go(func() { s.hub.run(following) })
	served := make(chan error, 1)
	group.Go(func() { served <- server.Serve(s.conns.listen(ln)) })
	var err error
	select {
	case <-ctx.Done():
	case err = <-served:
	}
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	close(s.closing)
	s.shutdown(server)
	s.known.Wait()
	stop()
	group.Wait()
	s.receivers.Wait()
	return err
}

// newServer returns a gRPC server whose clients are known, or else authenticated.
func (s *Server) newServer(tls *tls.Config, known *Caller, more ...grpc.ServerOption) *grpc.Server {
	options := []grpc.ServerOption{
		grpc.ForceServerCodecV2(codec{}),
		grpc.MaxRecvMsgSize(maxRequest),
		grpc.MaxConcurrentStreams(100),
		grpc.MaxHeaderListSize(64 << 10),
		grpc.ReadBufferSize(8 << 10),
		grpc.WriteBufferSize(16 << 10),
		// With windows of fixed size gRPC sends no ping after each request to measure the
		// connection.
		grpc.StaticStreamWindowSize(window),
		grpc.StaticConnWindowSize(2 * window),
		grpc.ConnectionTimeout(10 * time.Second),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPing, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			Time: 30 * time.Second, Timeout: 20 * time.Second, MaxConnectionAge: maxAge, MaxConnectionAgeGrace: maxAgeOver,
		}),
	}
	if tls != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(tls)))
	}
	server := grpc.NewServer(append(options, more...)...)
	for _, desc := range s.services() {
		server.RegisterService(desc, known)
	}
	return server
}

// ServeKnown serves clients on a listener that only they can reach, so that it is known who
// they are, until ctx or Serve ends.
func (s *Server) ServeKnown(ctx context.Context, ln net.Listener, known *Caller) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return errors.Join(errClosed, ln.Close())
	}
	s.known.Add(1)
	s.mu.Unlock()
	defer s.known.Done()
	server := s.newServer(nil, known, grpc.WaitForHandlers(true))
	served := make(chan error, 1)
	var group sync.WaitGroup
	group.Go(func() { served <- server.Serve(ln) })
	var err error
	select {
	case <-ctx.Done():
	case <-s.closing:
	case err = <-served:
	}
	server.Stop()
	group.Wait()
	return err
}

// errClosed means that the server has ended.
var errClosed = errors.New("xds: the server has ended")

// shutdown lets the streams end, which they do at once unless a client does not read.
func (s *Server) shutdown(server *grpc.Server) {
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() { server.GracefulStop(); close(done) })
	late := time.NewTimer(stopTimeout)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
		server.Stop()
	}
	wait.Wait()
}
