// Package etcd keeps the records in an etcd that several nodes share. It works with
// the v3 API of etcd 3.4 and later.
//
// The revision of a transaction is that of etcd, counted from the revision at which the
// keys of cairn were begun. DESIGN.md has the layout of the keys, how an uncertain
// commit is settled, and what the tests show.
//
//	s, err := etcd.Open(etcd.Config{Endpoints: []string{"http://127.0.0.1:2379"}, Prefix: "/cairn/"})
package etcd

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"

	"github.com/cairn-discovery/cairn/internal/zaplog"
	"github.com/cairn-discovery/cairn/store"
)

// Config is what a Store needs.
type Config struct {
	// Endpoints are the client URLs of the members, http or https. At least one.
	Endpoints []string
	// Prefix is put before every key. It is not empty.
	Prefix string
	// TLS is used for https endpoints; nil is the default of Go.
	TLS *tls.Config
	// Username and Password authenticate the client. Empty: no authentication by user.
	Username, Password string
	// Timeout is how long a commit or another request waits for etcd. Zero is 5 s.
	Timeout time.Duration
	// CompactAfter is the age at which Run deletes the history of etcd. Zero: etcd or
	// its operator does that.
	CompactAfter time.Duration
	// MaxRequestBytes is etcd's limit for one request, --max-request-bytes. Zero is
	// etcd's default of 1.5 MiB.
	MaxRequestBytes int
	// First is the revision at which new keys begin; keys that exist keep their own.
	First store.Revision
	// Import is for filling an empty store, or one whose import has not ended. Others
	// refuse it until FinishImport.
	Import bool
	// Logger gets the messages of the store and of the client. Nil discards them.
	Logger *slog.Logger
}

// Defaults and limits.
const (
	defaultTimeout = 5 * time.Second
	// defaultRequestBytes and defaultTxnOps are the defaults of etcd.
	defaultRequestBytes = 1536 << 10
	defaultTxnOps       = 128
	// keepAlive finds dead connections.
	keepAliveTime    = 5 * time.Second
	keepAliveTimeout = 3 * time.Second
	// inFlight commits of a node keep the log of etcd busy: while one is synced, the next
	// ones are on the way.
	inFlight = 4
	// retryPause is the time between two attempts to reach etcd.
	retryPause = 200 * time.Millisecond
)

// Store is an open store. Use Open.
type Store struct {
	cfg    Config
	log    *slog.Logger
	client *clientv3.Client
	kv     pb.KVClient   // of client
	closed chan struct{} // closed by Close
	// ctx ends with Close.
	ctx context.Context
	end context.CancelFunc

	mu sync.Mutex
	// The fields below are guarded by mu.
	isClosed bool
	inflight sync.WaitGroup // commits; Add under mu
	base     *base          // nil before the first Load
	lease    clientv3.LeaseID
	free     []*slot // slots that no commit uses
	pending  []*slot // slots of uncertain commits
	session  string  // part of the names of the slots
	slots    int     // the slots of the session
	txnOps   int

	slotFreed chan struct{} // receives when a slot is free

	lastContact atomic.Int64 // in nanoseconds since 1970
	away        atomic.Bool
	seen        atomic.Int64 // the newest revision that etcd is known to have had
	// same ends, with the reason, when etcd is found to have other data than before.
	same     context.Context
	replaced context.CancelCauseFunc
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Limited = (*Store)(nil)
	_ store.Runner  = (*Store)(nil)
)

// Open returns a store. It does not connect yet: the first Load does.
func Open(cfg Config) (*Store, error) {
	switch {
	case len(cfg.Endpoints) == 0:
		return nil, errors.New("etcd: no endpoint is given")
	case cfg.Prefix == "":
		return nil, errors.New("etcd: the prefix is empty")
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.MaxRequestBytes == 0 {
		cfg.MaxRequestBytes = defaultRequestBytes
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	users := &tokens{user: cfg.Username, password: cfg.Password}
	client, err := clientv3.New(clientv3.Config{
		Endpoints: cfg.Endpoints, TLS: cfg.TLS,
		DialTimeout: cfg.Timeout, DialKeepAliveTime: keepAliveTime, DialKeepAliveTimeout: keepAliveTimeout,
		PermitWithoutStream: true,
		MaxCallSendMsgSize:  cfg.maxMessageBytes(),
		Logger:              zaplog.NewQuiet(cfg.Logger.With("part", "etcd client")),
		DialOptions:         append(users.options(), grpc.WithDisableServiceConfig()),
		BackoffWaitBetween:  50 * time.Millisecond,
	})
	if err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	s := &Store{cfg: cfg, log: cfg.Logger, client: client, kv: clientv3.RetryKVClient(client), closed: make(chan struct{}), txnOps: defaultTxnOps, slotFreed: make(chan struct{}, 1)}
	s.ctx, s.end = context.WithCancel(context.Background())
	s.same, s.replaced = context.WithCancelCause(context.Background())
	return s, nil
}

// maxMessageBytes bounds the messages to etcd: the requests, and what their form adds.
func (cfg *Config) maxMessageBytes() int { return cfg.MaxRequestBytes + 512<<10 }

// Close implements store.Store. The records stay in etcd; what only this process used
// is removed if etcd can be reached.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.isClosed {
		s.mu.Unlock()
		return nil
	}
	s.isClosed = true
	lease, uncertain := s.lease, len(s.pending) > 0
	close(s.closed)
	s.mu.Unlock()

	s.inflight.Wait()
	if lease != 0 && !uncertain && !s.away.Load() {
		ctx, cancel := context.WithTimeout(s.ctx, time.Second)
		_, err := s.client.Revoke(ctx, lease)
		cancel()
		if err != nil {
			s.log.Debug("the lease of this process was not revoked and will end by itself", "err", err)
		}
	}
	s.end()
	if err := s.client.Close(); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("close the client of etcd: %w", err)
	}
	return nil
}

// Client returns the client of the store, for requests about the members of etcd.
func (s *Store) Client() *clientv3.Client { return s.client }

func (s *Store) maxTxnOps() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.txnOps
}

// Limits implements store.Limited.
func (s *Store) Limits() store.Limits {
	s.mu.Lock()
	defer s.mu.Unlock()
	return store.Limits{
		Writes: s.txnOps - ownOps, Preconditions: s.txnOps - ownOps,
		// A request has the keys and lengths of all parts too, so this leaves room.
		Bytes:    s.cfg.MaxRequestBytes - 128<<10,
		InFlight: inFlight,
	}
}

// request returns a context for one request to etcd. It ends with ctx, with the store,
// and after the time limit.
func (s *Store) request(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(clientv3.WithRequireLeader(ctx), s.cfg.Timeout)
	stop := context.AfterFunc(s.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

// begin counts a call that Close waits for, unless the store is closed.
func (s *Store) begin() (done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed {
		return nil, store.ErrClosed
	}
	s.inflight.Add(1)
	return s.inflight.Done, nil
}

// randomID returns 16 hexadecimal digits.
func randomID() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
