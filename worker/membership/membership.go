// Package membership keeps the record of this node alive in the state, and deletes
// those of nodes that have died. core/member has the records.
//
//	m, err := membership.New(membership.Config{Replica: rep, Self: node, Logger: log})
//	err = m.Run(ctx)
//	m.Owns(rep.Current().State, "key of some work")
//
// Clocks of nodes are not compared: a node is dead if its record does not change for the
// time of its lease, by the clock of another node that could renew its own record
// meanwhile. So an outage of the store, or a process that was stopped for a while, makes
// nobody dead.
package membership

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/member"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/replica"
)

// Replica is what has the state and takes commands; a *replica.Replica.
type Replica interface {
	Loaded() <-chan struct{}
	Current() *replica.Snapshot
	// Probe carries out a command, also if the store was not reached last time.
	Probe(ctx context.Context, account command.AccountID, op command.Command) (command.Reply, error)
	// Confirm notes that the state is not older than a time.
	Confirm(at time.Time)
	// Staleness returns for how long the state may have been out of date.
	Staleness(now time.Time) time.Duration
}

// Config has the parameters of New. Replica, Self and Logger are required.
type Config struct {
	Replica Replica
	Logger  *slog.Logger
	// Registerer takes the metrics. Nil: none are kept.
	Registerer prometheus.Registerer
	// Self is the record of this node: all but Sequence, Renewed and Applied.
	Self member.Node
	// Fallback is the name that the node takes if another live node has that of Self.
	// Empty: it waits until the name is free.
	Fallback string
}

// renewals is how many times a node renews within its lease.
const renewals = 3

// Membership keeps the record of one node. Create it with New, then call Run.
type Membership struct {
	cfg     Config
	lease   time.Duration
	metrics *metrics

	mu     sync.Mutex
	self   member.Node         // the last renewal that was sent
	joined bool                // the state has it
	seen   map[string]sighting // by name
}

// sighting is a renewal of another node and when it arrived here.
type sighting struct {
	id       string
	sequence uint64
	at       time.Time
}

// New checks the configuration. It starts nothing.
func New(cfg Config) (*Membership, error) {
	if cfg.Replica == nil || cfg.Logger == nil || cfg.Self.Name == "" || cfg.Self.ID == "" {
		return nil, errors.New("membership: Replica, Logger and the name and ID of Self are required")
	}
	lease := time.Duration(cfg.Self.Lease) * time.Millisecond
	if lease < time.Second {
		return nil, fmt.Errorf("membership: a lease of %v is shorter than a second", lease)
	}
	m := &Membership{cfg: cfg, lease: lease, self: cfg.Self, seen: map[string]sighting{}}
	m.metrics = newMetrics(cfg.Registerer, m)
	return m, nil
}

// Name returns the name of this node among the live nodes.
func (m *Membership) Name() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.self.Name
}

// Owns reports whether this node owns a piece of work in a state. While the node is not
// a member, others do.
func (m *Membership) Owns(s *state.State, key string) bool {
	return s.Member.Ring().Owner(key) == m.Name()
}

// Run renews until ctx ends, and then leaves.
func (m *Membership) Run(ctx context.Context) error {
	select {
	case <-m.cfg.Replica.Loaded():
	case <-ctx.Done():
		return nil
	}
	var tasks sync.WaitGroup
	tasks.Go(func() { m.follow(ctx) })
	m.renewUntil(ctx)
	tasks.Wait()
	m.leave(ctx)
	return nil
}

// renewUntil renews until ctx ends. Between renewals it removes nodes that are dead.
func (m *Membership) renewUntil(ctx context.Context) {
	r := renewer{Membership: m}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		start := time.Now()
		r.renew(ctx, start)
		r.watchStaleness()
		r.expire(ctx)
		timer.Reset(max(m.lease/renewals-time.Since(start), 0))
	}
}

// renewer is the state of renewUntil.
type renewer struct {
	*Membership
	last     time.Time // when the last renewal that succeeded was sent
	unbroken time.Time // since when renewals succeed in time
	warned   time.Time // when the last failure was logged
	stale    time.Time // since when the state is out of date; zero: it is not
}

// renew sends one renewal and waits for it for a third of the lease.
func (r *renewer) renew(ctx context.Context, now time.Time) {
	current := r.cfg.Replica.Current()
	r.mu.Lock()
	r.self.Sequence++
	r.self.Renewed, r.self.Applied = now.UnixMicro(), current.Revision
	self := r.self
	r.mu.Unlock()
	limited, cancel := context.WithTimeout(ctx, r.lease/renewals)
	defer cancel()
	_, err := r.cfg.Replica.Probe(limited, "", &member.Renew{Node: self})
	if taken, ok := errors.AsType[*member.NameTaken](err); ok {
		r.nameTaken(taken, now)
		return
	}
	if err != nil {
		if ctx.Err() == nil && now.Sub(r.warned) > time.Minute {
			r.warned = now
			r.cfg.Logger.Warn("this node cannot renew its lease; it tries again", "node", self.Name, "error", err)
		}
		return
	}
	r.cfg.Replica.Confirm(now)
	r.renewed(now, time.Now())
}

// renewed notes a renewal that was sent at one time and succeeded at another.
func (r *renewer) renewed(sent, now time.Time) {
	if now.Sub(r.last) > 2*r.lease/renewals {
		r.unbroken = now
	}
	r.last = sent
	r.mu.Lock()
	first := !r.joined
	r.joined = true
	r.mu.Unlock()
	if first {
		r.cfg.Logger.Info("this node is a member", "node", r.Name(), "nodes", len(r.cfg.Replica.Current().Member.Nodes()))
	}
}

// nameTaken takes the other name, or waits until the name is free.
func (r *renewer) nameTaken(taken *member.NameTaken, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.joined = false
	if r.cfg.Fallback != "" && r.self.Name != r.cfg.Fallback {
		r.cfg.Logger.Warn("another live node has the name of this host; set node_name", "name", taken.Name, "used_instead", r.cfg.Fallback)
		r.self.Name = r.cfg.Fallback
		return
	}
	if now.Sub(r.warned) > time.Minute {
		r.warned = now
		r.cfg.Logger.Error("another live node has the name of this node, which does no shared work until the name is free: node_name must be unique",
			"name", taken.Name)
	}
}

// watchStaleness logs when the state begins and ends to be out of date.
func (r *renewer) watchStaleness() {
	now := time.Now()
	age := r.cfg.Replica.Staleness(now)
	switch {
	case age > 0 && r.stale.IsZero():
		r.stale = now
		r.cfg.Logger.Warn("this node does not reach its store: reads are answered from a state that may be out of date, and writes are refused",
			"revision", r.cfg.Replica.Current().Revision, "age", age.Round(time.Millisecond))
	case age == 0 && !r.stale.IsZero():
		r.cfg.Logger.Info("this node reaches its store again", "revision", r.cfg.Replica.Current().Revision, "after", now.Sub(r.stale).Round(time.Millisecond))
		r.stale = time.Time{}
	}
}

// expire removes the nodes whose leases have ended.
func (r *renewer) expire(ctx context.Context) {
	now := time.Now()
	if now.Sub(r.last) > 2*r.lease/renewals {
		return // what this node knows is too old
	}
	for _, dead := range r.dead(now) {
		limited, cancel := context.WithTimeout(ctx, r.lease/renewals)
		reply, err := r.cfg.Replica.Probe(limited, "", dead)
		cancel()
		switch {
		case err != nil:
			return // the next round tries again
		case reply.Count > 0:
			r.cfg.Logger.Warn("a node has not renewed its lease and is no member any more", "node", dead.Name)
		}
	}
}

// maxRank limits the time that nodes leave to others to remove a dead node.
const maxRank = 8

// dead returns what removes the nodes whose leases have ended. One node removes it at
// once; the others wait, in case that one is dead too.
func (r *renewer) dead(now time.Time) []*member.Expire {
	s := &r.cfg.Replica.Current().Member
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []*member.Expire
	for _, n := range s.Nodes() {
		seen, ok := r.seen[n.Name]
		if n.Name == r.self.Name || !ok || seen.id != n.ID || seen.sequence != n.Sequence {
			continue
		}
		silent := now.Sub(later(seen.at, r.unbroken))
		lease := time.Duration(n.Lease) * time.Millisecond
		rank := min(s.Ring().Rank(n.Name, r.self.Name), maxRank)
		if rank >= 0 && silent >= lease+time.Duration(rank)*lease/renewals {
			all = append(all, &member.Expire{Name: n.Name, ID: n.ID, Sequence: n.Sequence})
		}
	}
	return all
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// follow notes the renewals of other nodes as they arrive.
func (m *Membership) follow(ctx context.Context) {
	for {
		snapshot := m.cfg.Replica.Current()
		m.note(&snapshot.Member, time.Now())
		select {
		case <-ctx.Done():
			return
		case <-snapshot.Superseded():
		}
	}
}

func (m *Membership) note(s *member.State, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range s.Nodes() {
		old, known := m.seen[n.Name]
		if known && old.id == n.ID && old.sequence == n.Sequence {
			continue
		}
		m.seen[n.Name] = sighting{n.ID, n.Sequence, now}
		if known && n.Name != m.self.Name {
			m.metrics.propagated(now.Sub(time.UnixMicro(n.Renewed)))
		}
	}
	if len(m.seen) > len(s.Nodes()) {
		for name := range m.seen {
			if _, ok := s.Node(name); !ok {
				delete(m.seen, name)
			}
		}
	}
}

// leaveTimeout limits the time that a node takes to leave.
const leaveTimeout = 400 * time.Millisecond

// leave deletes the record of this node, so that others take over at once.
func (m *Membership) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	m.mu.Lock()
	self := m.self
	m.mu.Unlock()
	if _, err := m.cfg.Replica.Probe(ctx, "", &member.Leave{Name: self.Name, ID: self.ID}); err != nil {
		m.cfg.Logger.Warn("this node could not leave; others wait until its lease ends", "node", self.Name, "error", err)
	}
}

// Seen is a live node as this one sees it.
type Seen struct {
	*member.Node
	// Self marks this node.
	Self bool
	// Silent is the time since the last renewal arrived here.
	Silent time.Duration
}

// Nodes returns the live nodes by name.
func (m *Membership) Nodes() []Seen {
	nodes, now := m.cfg.Replica.Current().Member.Nodes(), time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]Seen, 0, len(nodes))
	for _, n := range nodes {
		one := Seen{Node: n, Self: n.Name == m.self.Name && n.ID == m.self.ID}
		if s, ok := m.seen[n.Name]; ok {
			one.Silent = now.Sub(s.at)
		}
		all = append(all, one)
	}
	return all
}
