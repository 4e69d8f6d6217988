package prober

import (
	"context"
	"time"

	"github.com/cairn-discovery/cairn/core/health"
)

// dispatch starts the probes that are due and for which there is room. See
// account for how it is shared.
func (l *loop) dispatch(ctx context.Context, now time.Time) {
	for c := l.schedule.takeDue(now.UnixNano()); c != nil; c = l.schedule.takeDue(now.UnixNano()) {
		l.enqueue(c, now.UnixNano())
	}
	l.throttled = false
	for passed := 0; passed < l.waiting.len(); {
		a := l.waiting.first()
		g := a.next(l.allowance(a))
		switch {
		case g != nil && !l.rate.AllowN(now, 1):
			l.throttled = true
			return
		case g != nil:
			c := g.queue.pop()
			a.taken()
			l.begin(ctx, c, now)
			passed = 0
		default:
			passed++
		}
		l.waiting.pop()
		if a.waiting = !a.empty(); a.waiting {
			l.waiting.push(a)
		} else {
			passed = 0
		}
	}
}

// next returns the check at the head of a service's queue. It leaves out those
// that are gone or have no address any more.
func (g *group) next() *check {
	for g.queue.len() > 0 {
		c := g.queue.first()
		if c.state == ready && c.addr.IsValid() {
			return c
		}
		if g.queue.pop(); c.state == ready {
			c.state = idle
		}
	}
	return nil
}

// enqueue puts a check that is due into the queue of its service, or back into the
// schedule if its account has probed that address too often.
func (l *loop) enqueue(c *check, now int64) {
	g := c.group
	if !c.reserved {
		if at := l.pace.reserve(g.accountID, c.addr.Addr(), now); at > now {
			c.reserved = true
			l.p.metrics.deferred.Inc()
			l.schedule.set(c, at)
			return
		}
	}
	c.state, c.reserved = ready, false
	g.queue.push(c)
	if !g.waiting {
		g.waiting = true
		g.account.ready.push(g)
	}
	if !g.account.waiting {
		g.account.waiting = true
		l.waiting.push(g.account)
	}
}

// begin starts the probe of a check.
func (l *loop) begin(ctx context.Context, c *check, now time.Time) {
	g := c.group
	ctx, cancel := context.WithCancel(ctx)
	l.running++
	g.running++
	g.account.running++
	l.p.metrics.lateness.Observe(time.Duration(now.UnixNano() - c.due).Seconds())
	job := &job{check: c, group: g, registered: c.registered, stamp: g.check.Stamp, target: l.target(c), cancel: cancel}
	c.state, c.job = running, job
	l.tasks.Go(func() {
		job.reason = l.p.probe(ctx, &job.target)
		job.ended = time.Now()
		cancel()
		l.results <- job // has room for every probe that runs
	})
}

// overdue returns how long the check has waited that is at the head of its queue
// for longest.
func (l *loop) overdue(now int64) time.Duration {
	oldest := now
	for _, a := range l.waiting.items[l.waiting.head:] {
		for _, groups := range [][]*group{a.ready.items[a.ready.head:], a.blocked} {
			for _, g := range groups {
				if c := g.next(); c != nil {
					oldest = min(oldest, c.due)
				}
			}
		}
	}
	return time.Duration(now - oldest)
}

// job is one probe that runs.
type job struct {
	check      *check
	group      *group
	registered int64  // of the check when the probe began
	stamp      uint64 // of its group's check
	target     target
	cancel     context.CancelFunc
	reason     health.Reason
	ended      time.Time
}

// abandon ends a probe that is of no use any more: its check is gone or probes
// another address now. Until it has ended it still counts as running.
func (c *check) abandon() {
	if c.job != nil {
		c.job.cancel()
		c.job, c.state = nil, idle
	}
}

// finish handles the result of a probe.
func (l *loop) finish(j *job) {
	c, g := j.check, j.group
	l.released(g)
	l.p.metrics.probes[j.reason.Kind].Inc()
	if c.job != j {
		return // abandoned
	}
	c.state, c.job = idle, nil
	now := j.ended.UnixNano()
	if !c.addr.IsValid() {
		return
	}
	if c.registered != j.registered || g.check.Stamp != j.stamp {
		l.schedule.set(c, now) // what was probed is not what is registered now
		return
	}
	c.last, c.lastAt = j.reason, now
	g.remember(j, now)
	if j.reason.Counts() {
		l.observe(c, j.reason, now)
	}
	l.schedule.set(c, l.nextDue(c, now))
}

// remember keeps what the API of Route 53 reports about a health check.
func (g *group) remember(j *job, now int64) {
	if g.healthCheck == nil {
		return
	}
	if j.target.byName && !j.target.addr.Addr().IsUnspecified() {
		g.resolved = j.target.addr.Addr()
	}
	if !j.reason.Pass() {
		g.failed, g.failedAt = j.reason, now
	}
}

// observe counts a result.
func (l *loop) observe(c *check, r health.Reason, now int64) {
	if n, passes := c.track.Streak(); !r.Pass() && (n == 0 || passes) {
		c.failedAt = now
	}
	l.guard.result(c, r.Pass(), now)
	if c.track.Observe(r.Pass(), c.group.rule.thresholds) {
		n, _ := c.track.Streak()
		c.decided, c.streak, c.decidedAt = r, uint8(n), now
	}
	l.mark(c)
}

// nextDue returns the time of the next probe of a check that was just probed: its
// own place in the interval, or sooner before the first verdict.
func (l *loop) nextDue(c *check, now int64) int64 {
	r := &c.group.rule
	if c.last.Kind == health.Forbidden {
		return now + int64(r.interval) // until that changes, there is no hurry
	}
	if c.track.Verdict() == health.Unknown {
		return now + int64(r.initial)
	}
	return aligned(now, slot(c, r.interval), int64(r.interval))
}
