// Package replica keeps one node's copy of the state true.
//
// It is the only writer of that copy: one loop decides waiting commands in
// batches, commits each batch to the store, publishes the new state, and only
// then answers. So what was answered is durable and visible, in that order.
// Readers load the current Snapshot with one atomic operation and never wait.
//
//	r, err := replica.New(replica.Config{Store: s, Rules: rules})
//	go r.Run(ctx)
//	reply, err := r.Propose(ctx, account, &registry.DeleteService{Ref: id})
//	state := r.Current().State
package replica

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/store"
)

// Errors of Propose besides those of core/registry.
var (
	// ErrBusy: too many commands wait already; nothing was done.
	ErrBusy = errors.New("replica: too many commands are waiting")
	// ErrStopped: the replica is not running any more; nothing was done.
	ErrStopped = errors.New("replica: stopped")
	// ErrUnavailable: the store did not take the commands; nothing was done.
	// It wraps the reason, such as store.ErrFull.
	ErrUnavailable = errors.New("replica: the store cannot take writes")
	// ErrUncertain: the store failed so that the command may or may not have
	// been done. Trying again is safe with the same CreatorRequestId.
	ErrUncertain = errors.New("replica: it is not known whether the command was done")
)

// Config is what a Replica needs.
type Config struct {
	// Store holds the data. The replica calls Load; Close is the caller's.
	Store store.Store
	// Rules gives the settings in force. It is called for every batch.
	Rules func() *registry.Rules
	// Logger must be given.
	Logger *slog.Logger
	// Registerer takes the metrics. Nil: none are kept.
	Registerer prometheus.Registerer
	// QueueSize is how many commands may wait. Zero means 4096.
	QueueSize int
	// BatchSize is how many commands are committed together at the most. Zero
	// means 512.
	BatchSize int
}

// Replica is one node's copy. Make one with New, then Run it.
type Replica struct {
	cfg     Config
	queue   chan *proposal
	current atomic.Pointer[Snapshot]
	loaded  chan struct{}
	stopped chan struct{}
	metrics *metrics
}

// New checks the configuration. It starts nothing and loads nothing.
func New(cfg Config) (*Replica, error) {
	if cfg.Store == nil || cfg.Rules == nil || cfg.Logger == nil {
		return nil, errors.New("replica: Store, Rules and Logger are required")
	}
	if cfg.QueueSize == 0 {
		cfg.QueueSize = 4096
	}
	if cfg.BatchSize == 0 {
		cfg.BatchSize = 512
	}
	r := &Replica{
		cfg:     cfg,
		queue:   make(chan *proposal, cfg.QueueSize),
		loaded:  make(chan struct{}),
		stopped: make(chan struct{}),
	}
	r.current.Store(NewSnapshot(new(state.State)))
	r.metrics = newMetrics(r)
	return r, nil
}

// Loaded is closed once the state has been read from the store.
func (r *Replica) Loaded() <-chan struct{} { return r.loaded }

// Current returns the newest state. Before Loaded it is empty.
func (r *Replica) Current() *Snapshot { return r.current.Load() }

// proposal is a command on its way through the loop.
type proposal struct {
	ctx     context.Context
	command state.Command
	done    chan outcome // has room for the one outcome
}

type outcome struct {
	reply registry.Reply
	err   error
}

// Propose has a command decided and done for an account, now. It returns when
// the effect is durable and visible in Current, or with a typed error of
// core/registry or one of this package. If ctx ends while the command is being
// done, the outcome is unknown and the error wraps ErrUncertain.
func (r *Replica) Propose(ctx context.Context, account command.AccountID, op registry.Command) (registry.Reply, error) {
	return r.propose(ctx, state.Command{Op: op, Meta: registry.Meta{Account: account}})
}

// ProposeIdentity is Propose for a command of core/identity.
func (r *Replica) ProposeIdentity(ctx context.Context, op identity.Command) error {
	_, err := r.propose(ctx, state.Command{Op: op})
	return err
}

func (r *Replica) propose(ctx context.Context, c state.Command) (registry.Reply, error) {
	p := &proposal{ctx: ctx, command: c, done: make(chan outcome, 1)}
	p.command.Meta.Now = time.Now().UnixMilli()
	rand.Read(p.command.Meta.Entropy[:]) // never fails
	select {
	case r.queue <- p:
	case <-r.stopped:
		return registry.Reply{}, ErrStopped
	default:
		r.metrics.refused.Inc()
		return registry.Reply{}, ErrBusy
	}
	select {
	case o := <-p.done:
		return o.reply, o.err
	case <-ctx.Done():
		return registry.Reply{}, errors.Join(ErrUncertain, ctx.Err())
	case <-r.stopped:
		return p.lateOutcome()
	}
}

// lateOutcome looks once more for an answer that came as the replica stopped.
func (p *proposal) lateOutcome() (registry.Reply, error) {
	select {
	case o := <-p.done:
		return o.reply, o.err
	default:
		return registry.Reply{}, ErrStopped
	}
}
