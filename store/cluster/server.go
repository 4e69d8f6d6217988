package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.etcd.io/etcd/server/v3/embed"
	"golang.org/x/sync/errgroup"

	"github.com/cairn-discovery/cairn/internal/zaplog"
	"github.com/cairn-discovery/cairn/store/etcd"
)

// errRemoved means that the other nodes have removed this one from the cluster.
var errRemoved = errors.New("cluster: this node was removed from the cluster")

// Run runs the server until ctx ends. Then it gives the leadership to another node and
// stops.
func (s *Store) Run(ctx context.Context) error {
	cfg, learner, err := s.configure(ctx)
	if err != nil {
		return s.orEnded(ctx, err)
	}
	s.waitsFor("the server of the cluster waits for a majority of the nodes")
	server, err := embed.StartEtcd(cfg)
	if err != nil {
		return fmt.Errorf("cluster: start the server in %s: %w", s.cfg.Dir, err)
	}
	defer s.stop(server)
	select {
	case <-server.Server.ReadyNotify():
	case <-server.Server.StopNotify():
		return s.removed()
	case err := <-server.Err():
		return fmt.Errorf("cluster: %w", err)
	case <-ctx.Done():
		return nil
	}
	return s.serve(ctx, server, learner)
}

// serve makes the store available and watches the server.
func (s *Store) serve(ctx context.Context, server *embed.Etcd, learner bool) error {
	endpoint := server.Config().AdvertiseClientUrls[0].String()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		select {
		case <-server.Server.StopNotify():
			if ctx.Err() == nil {
				return s.removed()
			}
			return nil
		case err := <-server.Err():
			return fmt.Errorf("cluster: %w", err)
		case <-ctx.Done():
			return nil
		}
	})
	g.Go(func() error {
		if learner || server.Server.IsLearner() {
			s.waitsFor("this node follows the cluster and is not a voter yet")
			if err := s.promote(ctx, uint64(server.Server.MemberID()), server.Server.IsLearner); err != nil {
				return s.orEnded(ctx, err)
			}
		}
		inner, err := etcd.Open(s.etcdConfig(endpoint))
		if err != nil {
			return err
		}
		s.inner.Store(inner)
		close(s.ready)
		g.Go(func() error { s.maintain(ctx, server); return nil })
		g.Go(func() error { return s.updateAddr(ctx, server.Server) })
		return inner.Run(ctx)
	})
	return g.Wait()
}

func (s *Store) orEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// removed returns the error of a node that the others have removed.
func (s *Store) removed() error {
	return fmt.Errorf("%w: to let it join again, move the folder %s away and start it with --join", errRemoved, s.cfg.Dir)
}

// stop ends the server. The lease of the store is given back before.
func (s *Store) stop(server *embed.Etcd) {
	if inner := s.inner.Load(); inner != nil {
		if err := inner.Close(); err != nil {
			s.log.Warn("close the client of the server", "err", err)
		}
	}
	s.stopping.Store(true)
	server.Close() // gives the leadership to another node first
}

// configure returns the configuration of the server, and whether the node joins as a
// learner.
func (s *Store) configure(ctx context.Context) (cfg *embed.Config, learner bool, err error) {
	cfg = embed.NewConfig()
	cfg.Name, cfg.Dir = s.cfg.Name, s.cfg.Dir
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zaplog.New(slog.New(quiet{s.log.With("part", "etcd").Handler(), &s.stopping})))
	cfg.AutoCompactionMode, cfg.AutoCompactionRetention = embed.CompactorModePeriodic, compactAfter
	cfg.QuotaBackendBytes, cfg.MaxTxnOps, cfg.MaxRequestBytes = quotaBytes, maxTxnOps, maxRequestBytes
	cfg.EnableGRPCGateway = false
	cfg.StrictReconfigCheck = true
	if err := s.addresses(cfg); err != nil {
		return nil, false, err
	}
	if s.tls != nil {
		info := transport.TLSInfo{CertFile: s.cfg.CertFile, KeyFile: s.cfg.KeyFile, TrustedCAFile: s.cfg.CAFile, ClientCertAuth: true}
		cfg.PeerTLSInfo, cfg.ClientTLSInfo = info, info
	}
	self := s.peerURL()
	cfg.InitialCluster = s.cfg.Name + "=" + self
	cfg.ClusterState = embed.ClusterStateFlagNew
	cfg.InitialClusterToken = "cairn"
	if s.cfg.begun() || len(s.cfg.Join) == 0 {
		return cfg, false, nil
	}
	s.waitsFor("this node joins " + fmt.Sprint(s.cfg.Join))
	cfg.InitialCluster, learner, err = s.join(ctx, self)
	cfg.ClusterState = embed.ClusterStateFlagExisting
	return cfg, learner, err
}

// addresses sets the URLs of the server. It listens on IP addresses and is known by the
// names of the configuration.
func (s *Store) addresses(cfg *embed.Config) error {
	client := s.cfg.ClientAddr
	if client == "" {
		host, _, _ := net.SplitHostPort(s.cfg.Addr)
		free, err := freeAddr(host)
		if err != nil {
			return fmt.Errorf("cluster: %w", err)
		}
		client = free
	}
	for _, a := range []struct {
		addr              string
		listen, advertise *[]url.URL
	}{{s.cfg.Addr, &cfg.ListenPeerUrls, &cfg.AdvertisePeerUrls}, {client, &cfg.ListenClientUrls, &cfg.AdvertiseClientUrls}} {
		resolved, err := net.ResolveTCPAddr("tcp", a.addr)
		if err != nil {
			return fmt.Errorf("cluster: %w", err)
		}
		*a.listen = []url.URL{{Scheme: s.scheme(), Host: resolved.String()}}
		*a.advertise = []url.URL{{Scheme: s.scheme(), Host: a.addr}}
	}
	return nil
}

func freeAddr(host string) (string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return net.JoinHostPort(host, port), err
}

func (s *Store) scheme() string {
	if s.tls != nil {
		return "https"
	}
	return "http"
}

func (s *Store) peerURL() string { return s.scheme() + "://" + s.cfg.Addr }

// etcdConfig returns the configuration of the store over the server.
func (s *Store) etcdConfig(endpoints ...string) etcd.Config {
	return etcd.Config{
		Endpoints: endpoints, Prefix: s.cfg.Prefix, TLS: s.tls, Timeout: s.cfg.Timeout,
		MaxRequestBytes: maxRequestBytes, First: s.cfg.First, Import: s.cfg.Import, Logger: s.log,
	}
}

// clientTLS returns the TLS configuration for connections to other nodes, or nil.
func (c *Config) clientTLS() (*tls.Config, error) {
	if c.CertFile == "" {
		return nil, nil
	}
	if _, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile); err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("cluster: %s has no certificate in PEM", c.CAFile)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: pool,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			cert, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
			return &cert, err
		},
	}, nil
}

// quiet drops the messages of the server while it stops: it reports its own listeners as
// failed then.
type quiet struct {
	slog.Handler
	stopping *atomic.Bool
}

// Enabled implements slog.Handler.
func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return !q.stopping.Load() && q.Handler.Enabled(ctx, l)
}

// WithAttrs implements slog.Handler.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quiet{q.Handler.WithAttrs(attrs), q.stopping}
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
