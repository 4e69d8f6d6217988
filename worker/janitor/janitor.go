// Package janitor does what falls due with time: it forgets operations that
// ended long ago, makes delayed custom health changes visible and ends leases
// that nobody renewed. It decides nothing itself; it proposes commands like any client.
package janitor

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/replica"
)

// Config is what a Janitor needs.
type Config struct {
	Replica *replica.Replica
	// Rules gives the settings in force.
	Rules  func() *state.Rules
	Logger *slog.Logger
	// Retention is how long operations are remembered. Zero means 24 hours.
	Retention time.Duration
}

// Janitor is one of them. Make it with New, then Run it.
type Janitor struct{ cfg Config }

const (
	// sweepEvery is how often old operations are looked for.
	sweepEvery = time.Minute
	// sweepMax bounds one command, so that it does not hold up others.
	sweepMax = 2000
	// retryAfter is the pause after a command that failed.
	retryAfter = time.Second
)

// New checks the configuration. It starts nothing.
func New(cfg Config) (*Janitor, error) {
	if cfg.Replica == nil || cfg.Rules == nil || cfg.Logger == nil {
		return nil, errors.New("janitor: Replica, Rules and Logger are required")
	}
	if cfg.Retention == 0 {
		cfg.Retention = 24 * time.Hour
	}
	return &Janitor{cfg}, nil
}

// Run works until ctx ends.
func (j *Janitor) Run(ctx context.Context) error {
	select {
	case <-j.cfg.Replica.Loaded():
	case <-ctx.Done():
		return nil
	}
	start := time.Now()
	nextSweep, nextLease := start.Add(sweepEvery), start
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		snapshot := j.cfg.Replica.Current()
		timer.Reset(min(j.untilDue(snapshot, nextSweep), max(time.Until(nextLease), 0)))
		select {
		case <-ctx.Done():
			return nil
		case <-j.healthWaits(snapshot):
			continue // something may be due earlier now
		case <-timer.C:
		}
		if !time.Now().Before(nextSweep) {
			j.sweep(ctx)
			nextSweep = time.Now().Add(sweepEvery)
		}
		j.settle(ctx)
		if !time.Now().Before(nextLease) {
			nextLease = j.endLeases(ctx, start)
		}
	}
}

// healthWaits returns a channel that is closed by the next change, or nil where
// no change can make anything due: only strict mode delays health.
func (j *Janitor) healthWaits(s *replica.Snapshot) <-chan struct{} {
	if !j.cfg.Rules().Registry.Strict {
		return nil
	}
	return s.Superseded()
}

func (j *Janitor) untilDue(s *replica.Snapshot, nextSweep time.Time) time.Duration {
	wait := time.Until(nextSweep)
	if due, ok := s.Registry.NextHealthDue(); ok {
		wait = min(wait, time.Until(time.UnixMilli(due)))
	}
	return max(wait, 0)
}

// sweep forgets operations until none is too old.
func (j *Janitor) sweep(ctx context.Context) {
	for {
		before := time.Now().Add(-j.cfg.Retention).UnixMilli()
		n, err := j.propose(ctx, &registry.ExpireOperations{Before: before, Max: sweepMax})
		if err != nil || n < sweepMax {
			return
		}
	}
}

// settle makes visible what is due. After a failure it waits a moment, since it
// would be called again at once.
func (j *Janitor) settle(ctx context.Context) {
	due, ok := j.cfg.Replica.Current().Registry.NextHealthDue()
	if !ok || due > time.Now().UnixMilli() {
		return
	}
	if _, err := j.propose(ctx, &registry.SettleHealth{Max: sweepMax}); err != nil {
		pause := time.NewTimer(retryAfter)
		defer pause.Stop()
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
	}
}

func (j *Janitor) propose(ctx context.Context, c command.Command) (int, error) {
	reply, err := j.cfg.Replica.Propose(ctx, "", c)
	if err != nil && ctx.Err() == nil {
		j.cfg.Logger.Warn("command of the janitor failed; it will be tried again", "err", err)
	}
	return reply.Count, err
}
