// Package scheduler runs the planner of core/task: it proposes what services, tasks and
// nodes need next.
package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/replica"
)

// Config has the parameters of New.
type Config struct {
	Replica *replica.Replica
	// Rules returns the settings in force.
	Rules  func() *state.Rules
	Logger *slog.Logger
	// Owns reports whether this node does a piece of the work that live nodes share. Nil:
	// it does everything.
	Owns func(key string) bool
	// Lease is the time that nodes have to renew their leases after an outage of the store
	// or of this node. 0: none.
	Lease time.Duration
}

// Scheduler plans after each change that matters, and when something is due. Create it
// with New, then call Run.
type Scheduler struct{ cfg Config }

const (
	// retryAfter is the pause after an action that failed.
	retryAfter = time.Second
	// restFactor limits the share of time that goes into planning: after a plan that
	// took d, there is none for restFactor*d.
	restFactor = 4
	// maxInFlight is how many actions are proposed at a time; they share commits.
	maxInFlight = 128
	// maxWait is the longest time without a plan. Settings may have been changed.
	maxWait = time.Minute
)

// New checks the configuration. It starts nothing.
func New(cfg Config) (*Scheduler, error) {
	if cfg.Replica == nil || cfg.Rules == nil || cfg.Logger == nil {
		return nil, errors.New("scheduler: Replica, Rules and Logger are required")
	}
	if cfg.Owns == nil {
		cfg.Owns = func(string) bool { return true }
	}
	return &Scheduler{cfg}, nil
}

// Run works until ctx ends.
func (s *Scheduler) Run(ctx context.Context) error {
	select {
	case <-s.cfg.Replica.Loaded():
	case <-ctx.Done():
		return nil
	}
	loaded := time.Now()
	for ctx.Err() == nil {
		snapshot := s.cfg.Replica.Current()
		start := time.Now()
		actions, next := task.Plan(state.NewView(snapshot.State, s.cfg.Rules()), start.UnixMilli(), s.hold(loaded).UnixMilli())
		actions = slices.DeleteFunc(actions, func(a task.Action) bool { return !s.cfg.Owns("tasks/" + string(a.Account)) })
		rest := restFactor * time.Since(start)
		switch {
		case len(actions) == 0:
			s.wait(ctx, snapshot, time.UnixMilli(min(next, start.Add(maxWait).UnixMilli())))
		case !s.propose(ctx, actions):
			rest = max(rest, retryAfter)
		}
		pause(ctx, rest)
	}
	return nil
}

// hold returns the time before which no lease of a node ends. After an outage of the store
// all leases look as if they had ended.
func (s *Scheduler) hold(loaded time.Time) time.Time {
	if reached := s.cfg.Replica.Reached(); reached.After(loaded) {
		loaded = reached
	}
	return loaded.Add(s.cfg.Lease)
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

// wait returns when something has changed that matters to the planner, or at the time.
func (s *Scheduler) wait(ctx context.Context, planned *replica.Snapshot, until time.Time) {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	seen := planned
	for {
		select {
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		case <-seen.Superseded():
		}
		next := s.cfg.Replica.Current()
		if matters(seen.State, next.State) {
			return
		}
		seen = next
	}
}

// matters reports whether the planner may see a difference between two states.
func matters(a, b *state.State) bool {
	if a.Task != b.Task || a.Member.Ring() != b.Member.Ring() {
		return true
	}
	if a.Registry == b.Registry || b.Task.Counts() == (task.Counts{}) {
		return false
	}
	var o observer
	registry.Diff(&a.Registry, &b.Registry, &o)
	return o.matters
}

// observer notices changes in Cloud Map that concern tasks.
type observer struct{ matters bool }

// NamespaceChanged implements registry.Follower.
func (o *observer) NamespaceChanged(old, new *registry.Namespace) {
	o.matters = o.matters || old == nil || new == nil
}

// ServiceChanged implements registry.Follower.
func (o *observer) ServiceChanged(_ *registry.Namespace, old, new *registry.Service) {
	o.matters = o.matters || old == nil || new == nil
}

// FollowsInstances implements registry.Follower.
func (o *observer) FollowsInstances(_, _ *registry.Service) bool { return !o.matters }

// taskIDLength is the length of the id of a task, which is the id of its instances.
const taskIDLength = 32

// InstanceChanged implements registry.Follower.
func (o *observer) InstanceChanged(_ *registry.Namespace, _ *registry.Service, old, new *registry.Instance) {
	inst := new
	if inst == nil {
		inst = old
	}
	o.matters = o.matters || len(inst.ID()) == taskIDLength
}

// propose proposes all actions and reports whether all were decided.
func (s *Scheduler) propose(ctx context.Context, actions []task.Action) bool {
	var done sync.WaitGroup
	var mu sync.Mutex
	var failed error
	slots := make(chan struct{}, maxInFlight)
	for _, a := range actions {
		slots <- struct{}{}
		done.Go(func() {
			defer func() { <-slots }()
			if _, err := s.cfg.Replica.Propose(ctx, a.Account, a.Command); err != nil {
				mu.Lock()
				failed = err
				mu.Unlock()
			}
		})
	}
	done.Wait()
	if failed != nil && ctx.Err() == nil {
		s.cfg.Logger.Warn("an action of the scheduler failed; it will be tried again", "err", failed)
	}
	return failed == nil
}
