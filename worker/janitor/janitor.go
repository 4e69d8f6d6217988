// Package janitor proposes the commands that are due at a certain time: it deletes
// old operations, applies delayed custom health changes and ends expired leases.
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

// Replica has the state and takes commands; a *replica.Replica.
type Replica interface {
	Loaded() <-chan struct{}
	Current() *replica.Snapshot
	Propose(ctx context.Context, account command.AccountID, op command.Command) (command.Reply, error)
}

// Config has the parameters of New.
type Config struct {
	Replica Replica
	// Rules returns the settings in force.
	Rules  func() *state.Rules
	Logger *slog.Logger
	// Owns reports whether this node does a piece of the work that live nodes share. Nil:
	// it does everything.
	Owns func(key string) bool
	// Reached returns since when renewals of leases can be stored without a break. Nil:
	// since the start.
	Reached func() time.Time
	// Operations returns how many operations the store takes in one transaction. Nil, or 0:
	// there is no limit.
	Operations func() int
	// Retention is how long operations are kept. Zero means 24 hours.
	Retention time.Duration
}

// Janitor proposes commands on time. Create it with New, then call Run.
type Janitor struct{ cfg Config }

const (
	// sweepEvery is the time between two deletions of old operations.
	sweepEvery = time.Minute
	// sweepMax limits the work of one command, so that others do not wait for it.
	sweepMax = 2000
	// What each operation that is deleted, each health change and each lease that ends costs
	// in store.Limits.
	sweepCost, settleCost, leaseCost = 2, 2, 7
	// spareOperations are for what a command reads and writes besides.
	spareOperations = 2
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
	if cfg.Owns == nil {
		cfg.Owns = func(string) bool { return true }
	}
	if cfg.Operations == nil {
		cfg.Operations = func() int { return 0 }
	}
	if cfg.Reached == nil {
		cfg.Reached = func() time.Time { return time.Time{} }
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
	j.reportNameConflicts()
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
			continue // something may be due earlier
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

// maxConflictsLogged limits the lines of reportNameConflicts.
const maxConflictsLogged = 20

// reportNameConflicts logs the namespaces whose names belong to another account. They
// are older than the rule or than a setting.
func (j *Janitor) reportNameConflicts() {
	conflicts := j.cfg.Replica.Current().Registry.NameConflicts(&j.cfg.Rules().Registry)
	for i, pair := range conflicts {
		if i == maxConflictsLogged {
			j.cfg.Logger.Warn("more names belong to two accounts", "names", len(conflicts)-i)
			return
		}
		owner, younger := pair[0], pair[1]
		j.cfg.Logger.Warn("a namespace has a name that belongs to another account; DNS answers from the older one",
			"name", younger.Name, "namespace", younger.ID, "account", younger.Account,
			"owner_name", owner.Name, "owner_namespace", owner.ID, "owner_account", owner.Account)
	}
}

// healthWaits returns a channel that is closed by the next change of the state, or nil
// outside strict mode, which alone delays health changes.
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

// sweep deletes old operations.
func (j *Janitor) sweep(ctx context.Context) {
	for j.cfg.Owns("operations") {
		before, most := time.Now().Add(-j.cfg.Retention).UnixMilli(), j.most(sweepCost)
		n, err := j.propose(ctx, &registry.ExpireOperations{Before: before, Max: most})
		if err != nil || n < most {
			return
		}
	}
}

// most returns how many things one command may change that cost so many operations of the
// store each.
func (j *Janitor) most(cost int) int {
	limit := j.cfg.Operations()
	if limit == 0 {
		return sweepMax
	}
	return min(max((limit-spareOperations)/cost, 1), sweepMax)
}

// settle applies the health changes that are due. It pauses after a failure, because
// it would be called again at once.
func (j *Janitor) settle(ctx context.Context) {
	due, ok := j.cfg.Replica.Current().Registry.NextHealthDue()
	if !ok || due > time.Now().UnixMilli() {
		return
	}
	if !j.cfg.Owns("custom health") {
		pause(ctx, retryAfter) // the owner applies it
		return
	}
	if _, err := j.propose(ctx, &registry.SettleHealth{Max: j.most(settleCost)}); err != nil {
		pause(ctx, retryAfter)
	}
}

// pause waits for a time, or for the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (j *Janitor) propose(ctx context.Context, c command.Command) (int, error) {
	reply, err := j.cfg.Replica.Propose(ctx, "", c)
	if err != nil && ctx.Err() == nil {
		j.cfg.Logger.Warn("command of the janitor failed; it will be retried", "err", err)
	}
	return reply.Count, err
}
