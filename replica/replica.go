// Package replica keeps one node's copy of the state current.
//
// It is the only writer of that copy: one loop decides waiting commands in
// batches, commits each batch to the store, publishes the new state, and then
// answers. So every answered command is durable and visible. Readers load the
// current Snapshot with one atomic operation and never wait.
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
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/store"
)

// Errors of Propose besides those of the commands.
var (
	// ErrBusy means that too many commands wait; nothing was changed.
	ErrBusy = errors.New("replica: too many commands are waiting")
	// ErrStopped means that the replica has stopped; nothing was changed.
	ErrStopped = errors.New("replica: stopped")
	// ErrUnavailable means that the store rejected the commands; nothing was
	// changed. It wraps the reason, such as store.ErrFull.
	ErrUnavailable = errors.New("replica: the store cannot take writes")
	// ErrUncertain means that the store failed and the command may or may not
	// have been done. A retry with the same CreatorRequestId is safe.
	ErrUncertain = errors.New("replica: it is not known whether the command was done")
)

// Config has the parameters of New.
type Config struct {
	// Store has the data. The replica calls Load; the caller calls Close.
	Store store.Store
	// Rules gives the settings in force. It is called for every batch.
	Rules func() *state.Rules
	// Logger is required.
	Logger *slog.Logger
	// Registerer registers the metrics. Nil means no metrics.
	Registerer prometheus.Registerer
	// StaleAfter is the time without Confirm after which the state counts as out of
	// date. Zero: it never does, since the store belongs to this node alone.
	StaleAfter time.Duration
	// WriteWait is how long a command waits while the store cannot be reached. Zero: it
	// gets ErrUnavailable at once.
	WriteWait time.Duration
	// ReadOnly says that the store takes no writes. While it cannot be reached, commands
	// get store.ErrReadOnly at once: to try again would not help.
	ReadOnly bool
	// WriteTimeout is how long a command waits for the outcome once it is accepted; then
	// it gets ErrUncertain. Zero: there is no limit, since the store has none.
	WriteTimeout time.Duration
	// MemberID is the ID of this node as a member, if others share the store.
	MemberID string
	// QueueSize is how many commands may wait. Zero means 4096.
	QueueSize int
	// BatchSize is the highest number of commands of one commit. Zero means 512.
	BatchSize int
}

// Replica is one node's copy of the state. Create it with New, then call Run.
type Replica struct {
	cfg       Config
	queue     chan *proposal
	current   atomic.Pointer[Snapshot]
	loaded    chan struct{}
	stopped   chan struct{}
	freshness freshness
	feed      *feed
	metrics   *metrics
	timers    sync.Pool // *time.Timer: those of Config.WriteTimeout that are not in use
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
	r.freshness.origin = time.Now()
	r.feed = newFeed()
	r.current.Store(NewSnapshot(new(state.State)))
	r.metrics = newMetrics(r)
	return r, nil
}

// Loaded is closed once the state has been read from the store.
func (r *Replica) Loaded() <-chan struct{} { return r.loaded }

// Current returns the newest state. Before Loaded it is empty.
func (r *Replica) Current() *Snapshot { return r.current.Load() }

// proposal is a command and its caller.
type proposal struct {
	ctx     lateContext
	meta    command.Meta
	command command.Command
	done    chan outcome // has room for the one outcome
	// conflicts counts the commits of it that have failed.
	conflicts int
}

type outcome struct {
	reply command.Reply
	err   error
	// unchanged means that the command was decided and changes nothing: it was refused,
	// or there was nothing to do.
	unchanged bool
}

// Propose decides a command of an account now and commits its changes. It returns
// when they are durable and visible in Current, or with a typed error of the
// command or one of this package. If ctx ends first, the outcome is unknown and
// the error wraps ErrUncertain.
//
// While the store cannot be reached, it returns ErrUnavailable after Config.WriteWait.
func (r *Replica) Propose(ctx context.Context, account command.AccountID, c command.Command) (command.Reply, error) {
	if !r.freshness.unreachable.Load() {
		reply, err := r.decideOnNewest(ctx, account, c)
		if r.cfg.WriteWait == 0 && !r.cfg.ReadOnly || !errors.Is(err, store.ErrUnreachable) {
			return reply, err
		}
	}
	return r.proposeLater(ctx, account, c)
}

// Probe does what Propose does, and tries even if the store was not reached last time.
func (r *Replica) Probe(ctx context.Context, account command.AccountID, c command.Command) (command.Reply, error) {
	o := r.probe(ctx, account, c)
	return o.reply, o.err
}

func (r *Replica) probe(ctx context.Context, account command.AccountID, c command.Command) outcome {
	p := &proposal{ctx: lateContext{Context: ctx}, meta: command.Meta{Account: account, Now: time.Now().UnixMilli()}, command: c, done: make(chan outcome, 1)}
	rand.Read(p.meta.Entropy[:]) // never fails
	select {
	case r.queue <- p:
	case <-r.stopped:
		return outcome{err: ErrStopped}
	default:
		r.metrics.refused.Inc()
		return outcome{err: ErrBusy}
	}
	var late <-chan time.Time
	if r.cfg.WriteTimeout > 0 {
		timer := r.startTimer(r.cfg.WriteTimeout)
		defer r.stopTimer(timer)
		late = timer.C
	}
	select {
	case o := <-p.done:
		o.reply.Revision = r.Current().Revision
		return o
	case <-late:
		p.ctx.late.Store(true)
		return outcome{err: errors.Join(ErrUncertain, context.DeadlineExceeded)}
	case <-ctx.Done():
		return outcome{err: errors.Join(ErrUncertain, ctx.Err())}
	case <-r.stopped:
		return p.lateOutcome()
	}
}

// lateContext is the context of a caller, or has ended if the caller has waited for
// Config.WriteTimeout. A timer that is used again costs less than context.WithTimeout.
type lateContext struct {
	context.Context
	late atomic.Bool
}

// Err implements context.Context.
func (c *lateContext) Err() error {
	if c.late.Load() {
		return context.DeadlineExceeded
	}
	return c.Context.Err()
}

func (r *Replica) startTimer(d time.Duration) *time.Timer {
	if t, ok := r.timers.Get().(*time.Timer); ok {
		t.Reset(d)
		return t
	}
	return time.NewTimer(d)
}

func (r *Replica) stopTimer(t *time.Timer) {
	t.Stop()
	r.timers.Put(t)
}

// lateOutcome returns an answer that was sent while the replica stopped.
func (p *proposal) lateOutcome() outcome {
	select {
	case o := <-p.done:
		return o
	default:
		return outcome{err: ErrStopped}
	}
}
