package prober

import (
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/probe"
	"github.com/cairn-discovery/cairn/core/registry"
)

// follow brings the checks up to date with the newest state. Its cost depends on
// what has changed since the last time.
func (l *loop) follow(now time.Time) {
	next := l.p.cfg.Replica.Current()
	if next == l.snapshot {
		return
	}
	l.now, l.told = now.UnixNano(), &next.Probe
	l.rebalance(next.State)
	registry.Diff(&l.snapshot.Registry, &next.Registry, l)
	hostedzone.DiffChecks(&l.snapshot.HostedZones, &next.HostedZones, l.healthCheckChanged)
	probe.Diff(&l.snapshot.Probe, &next.Probe, l.toldChanged)
	l.snapshot, l.restoring = next, false
}

// NamespaceChanged does nothing: names never change.
func (l *loop) NamespaceChanged(_, _ *registry.Namespace) {}

// ServiceChanged adds, changes or removes a service's check.
func (l *loop) ServiceChanged(ns *registry.Namespace, old, svc *registry.Service) {
	if svc == nil {
		l.dropGroup(old.ID)
		delete(l.history, old.ID)
		return
	}
	c, g := svc.Check(), l.groups[svc.ID]
	switch {
	case c == nil:
		l.dropGroup(svc.ID)
	case g == nil:
		l.groups[svc.ID] = &group{
			accountID: svc.Account, account: l.account(svc.Account), service: svc.ID, blockedAt: -1, check: c, host: hostOf(ns, svc),
			rule: l.p.ruleOf(c), checks: map[registry.InstanceID]*check{},
		}
		for _, inst := range svc.Instances("") {
			l.put(svc.ID, inst)
		}
	case g.check.Stamp != c.Stamp:
		g.check, g.rule = c, l.p.ruleOf(c)
		for _, c := range g.checks {
			l.checkChanged(c)
		}
	}
}

// checkChanged handles a check that was changed: its results so far do not count
// for the new one, its verdict stays.
func (l *loop) checkChanged(c *check) {
	c.track.Forget()
	if c.state != idle || !c.addr.IsValid() {
		return
	}
	due := l.now
	if c.track.Verdict() != health.Unknown {
		due = l.nextDue(c, l.now)
	}
	l.schedule.set(c, due)
}

// account returns that of an id. Accounts are few and are not removed.
func (l *loop) account(id command.AccountID) *account {
	a := l.accounts[id]
	if a == nil {
		a = new(account)
		l.accounts[id] = a
	}
	return a
}

func (l *loop) dropGroup(id registry.ServiceID) {
	g := l.groups[id]
	if g == nil {
		return
	}
	for _, c := range g.checks {
		l.drop(c)
	}
	delete(l.groups, id)
}

func (l *loop) drop(c *check) {
	l.schedule.remove(c)
	l.guard.forget(c)
	l.count(c, -1)
	delete(c.group.checks, c.id)
	delete(l.dirty, c)
	c.abandon()
	c.state = gone
	l.tidy(c.key(), nil)
}

// FollowsInstances implements registry.Follower: instances concern the prober if they have,
// or had, a status of health.
func (l *loop) FollowsInstances(old, svc *registry.Service) bool {
	if svc == nil {
		return false // ServiceChanged drops all of a deleted service
	}
	return svc.ShowsHealth() || old != nil && old.ShowsHealth() || len(l.history[svc.ID]) > 0
}

// InstanceChanged adds, changes or removes a check.
func (l *loop) InstanceChanged(_ *registry.Namespace, svc *registry.Service, old, inst *registry.Instance) {
	l.record(svc, old, inst)
	g := l.groups[svc.ID]
	if g == nil {
		return
	}
	if inst != nil {
		l.put(svc.ID, inst)
	} else if c := g.checks[old.ID()]; c != nil {
		l.drop(c)
	}
}

// put adds or updates an instance of a service with a check.
func (l *loop) put(service registry.ServiceID, inst *registry.Instance) {
	g := l.groups[service]
	c := g.checks[inst.ID()]
	rank := l.share.rank(registry.CheckKey(service, inst.ID()))
	if rank < 0 {
		if c != nil {
			l.giveUp(c)
		}
		return
	}
	published := health.Verdict(inst.Health)
	switch {
	case c == nil:
		c = &check{group: g, id: inst.ID(), index: -1, owner: rank == 0}
		g.checks[inst.ID()] = c
		l.count(c, 1)
		l.restart(c, inst, published)
	case c.registered != inst.Registered:
		l.restart(c, inst, published)
	case published == health.Unknown && c.published != published:
		l.restart(c, inst, published) // the service's check was removed and added
	case c.published != published:
		l.publish(c, published)
	}
}

// restart begins a check: of an instance that is new, was registered again, or
// was found in the store. Only the last are probed at their usual time, because
// there may be very many.
func (l *loop) restart(c *check, inst *registry.Instance, published health.Verdict) {
	c.addr, c.registered, c.reserved = addressOf(inst), inst.Registered, false
	c.track, c.dirty = health.Start(published), false
	c.taken = l.restoring
	l.resumeSeries(c)
	l.publish(c, published)
	l.guard.forget(c)
	l.guard.begin(c)
	c.abandon()
	if !c.addr.IsValid() {
		c.last = health.Reason{Kind: health.NoAddress}
		l.schedule.remove(c)
		return
	}
	if c.state != idle {
		return // it is in a queue
	}
	due := l.now
	if l.restoring && published != health.Unknown {
		due = l.nextDue(c, l.now)
	}
	l.schedule.set(c, due)
}

// publish records what the registry holds now.
func (l *loop) publish(c *check, v health.Verdict) {
	l.count(c, -1)
	was, wanted := c.published, l.wanted(c)
	c.published = v
	if l.voting() {
		c.track.Adopt(v)
	}
	l.count(c, 1)
	if c.dirty && c.owner && v == wanted && was != v {
		l.p.metrics.visible(c, was, time.Now().UnixNano())
	}
	l.mark(c)
}

// count keeps the number of checks in each state.
func (l *loop) count(c *check, by float64) {
	l.p.metrics.checks[c.published].Add(by)
}
