// Package cluster runs etcd's own server inside the process, so that nodes with this
// one program form a cluster. The records are kept by store/etcd over it.
//
// A node starts a new cluster, goes on with the data in its folder, or joins nodes that
// run: first as a learner that only follows, and then as a voter. DESIGN.md has the
// details.
//
//	s, err := cluster.Open(cluster.Config{Dir: dir, Name: "a", Addr: "127.0.0.1:8057", Prefix: "/cairn/"})
//	go s.Run(ctx)
package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/etcd"
)

// Config is what a Store needs.
type Config struct {
	// Dir is the folder of the server. It is created.
	Dir string
	// Name is the name of this node, unique in the cluster.
	Name string
	// Addr is where the other nodes reach this one, as HOST:PORT.
	Addr string
	// ClientAddr is where nodes that join reach the client protocol of this one, as
	// HOST:PORT. Empty: the host of Addr and a free port.
	ClientAddr string
	// Join are the Addr of nodes that run. None: this node starts a new cluster, if
	// its folder is empty.
	Join []string
	// CertFile, KeyFile and CAFile are the certificate of this node, for both its
	// sides, and the authority of the nodes. None: no TLS.
	CertFile, KeyFile, CAFile string
	// Prefix, Timeout, First and Import are those of etcd.Config.
	Prefix  string
	Timeout time.Duration
	First   store.Revision
	Import  bool
	// Logger gets the messages of the server too. Nil discards them.
	Logger *slog.Logger
}

// Sizes of the server. They are the same on all nodes.
const (
	maxTxnOps       = 4098
	maxRequestBytes = 8 << 20
	quotaBytes      = 8 << 30
	compactAfter    = "10m"
)

// Store is an open store. Use Open, and Run beside its other methods.
type Store struct {
	cfg   Config
	log   *slog.Logger
	tls   *tls.Config // nil without TLS
	inner atomic.Pointer[etcd.Store]
	why   atomic.Pointer[string] // why inner is nil
	ready chan struct{}          // closed when inner is set
	ended chan struct{}          // closed by Close
	shut  atomic.Bool
	// stopping is set before the server stops.
	stopping atomic.Bool
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Runner  = (*Store)(nil)
	_ store.Limited = (*Store)(nil)
	_ store.Linear  = (*Store)(nil)
)

// Open checks the configuration and the folder. The server starts with Run.
func Open(cfg Config) (*Store, error) {
	switch {
	case cfg.Name == "":
		return nil, errors.New("cluster: the name of the node is empty")
	case cfg.Dir == "":
		return nil, errors.New("cluster: the folder is not given")
	case (cfg.CertFile == "") != (cfg.KeyFile == "") || (cfg.CertFile == "") != (cfg.CAFile == ""):
		return nil, errors.New("cluster: TLS needs a certificate, its key and the authority of the nodes")
	}
	if _, _, err := net.SplitHostPort(cfg.Addr); err != nil {
		return nil, fmt.Errorf("cluster: the address of the node: %w", err)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	s := &Store{cfg: cfg, log: cfg.Logger, ready: make(chan struct{}), ended: make(chan struct{})}
	var err error
	if s.tls, err = cfg.clientTLS(); err != nil {
		return nil, err
	}
	s.waitsFor("the server of the cluster has not started")
	return s, nil
}

// begun reports whether the folder has the data of a member.
func (c *Config) begun() bool {
	_, err := os.Stat(filepath.Join(c.Dir, "member", "wal"))
	return err == nil
}

func (s *Store) waitsFor(what string) { s.why.Store(&what) }

// get returns the store over the server, or why there is none yet.
func (s *Store) get() (*etcd.Store, error) {
	if inner := s.inner.Load(); inner != nil {
		return inner, nil
	}
	if s.shut.Load() {
		return nil, store.ErrClosed
	}
	return nil, fmt.Errorf("%w: %s", store.ErrUnreachable, *s.why.Load())
}

// wait returns the store over the server as soon as there is one.
func (s *Store) wait(ctx context.Context) (*etcd.Store, error) {
	select {
	case <-s.ready:
		return s.inner.Load(), nil
	case <-s.ended:
		return nil, store.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Load implements store.Store. It fails with ErrUnreachable until this node is a voter.
func (s *Store) Load(ctx context.Context, visit func([]store.Change) error) (store.Revision, error) {
	inner, err := s.get()
	if err != nil {
		return 0, err
	}
	return inner.Load(ctx, visit)
}

// Commit implements store.Store.
func (s *Store) Commit(ctx context.Context, txn store.Txn) (store.Revision, error) {
	inner, err := s.get()
	if err != nil {
		return 0, err
	}
	return inner.Commit(ctx, txn)
}

// Watch implements store.Store.
func (s *Store) Watch(ctx context.Context, after store.Revision) iter.Seq2[store.Batch, error] {
	return func(yield func(store.Batch, error) bool) {
		inner, err := s.wait(ctx)
		if err != nil {
			yield(store.Batch{}, err)
			return
		}
		inner.Watch(ctx, after)(yield)
	}
}

// Newest implements store.Linear.
func (s *Store) Newest(ctx context.Context) (store.Revision, error) {
	inner, err := s.get()
	if err != nil {
		return 0, err
	}
	return inner.Newest(ctx)
}

// Limits implements store.Limited.
func (s *Store) Limits() store.Limits {
	if inner := s.inner.Load(); inner != nil {
		return inner.Limits()
	}
	return store.Limits{}
}

// FinishImport ends an import; see etcd.Config.
func (s *Store) FinishImport(ctx context.Context) (shift store.Revision, err error) {
	inner, err := s.get()
	if err != nil {
		return 0, err
	}
	return inner.FinishImport(ctx)
}

// Close implements store.Store. The server ends with Run.
func (s *Store) Close() error {
	if !s.shut.Swap(true) {
		close(s.ended)
	}
	if inner := s.inner.Load(); inner != nil {
		return inner.Close()
	}
	return nil
}
