package prober

import (
	"context"
	"time"

	"github.com/cairn-discovery/cairn/core/health"
)

// dispatch begins the probes that are due, as far as there is room.
//
// Services take turns, so that one with many instances does not keep the others
// waiting. And a service may use no more probes than are still free, the dynamic
// threshold of Choudhury and Hahne (IEEE/ACM Transactions on Networking 6(2),
// 1998): a service whose endpoints all hang soon holds half of all probes and
// then only waits for its own; two such services hold a third each. There is
// always room left for the next service, whatever the others do, and one service
// alone may use much.
func (l *loop) dispatch(ctx context.Context, now time.Time) {
	for c := l.schedule.takeDue(now.UnixNano()); c != nil; c = l.schedule.takeDue(now.UnixNano()) {
		l.enqueue(c)
	}
	l.throttled = false
	for passed := 0; passed < len(l.waiting); {
		g := l.waiting[0]
		l.waiting = l.waiting[1:]
		c := l.nextOf(g)
		if c == nil {
			g.waiting = false
			continue
		}
		started := false
		if g.running < l.p.cfg.MaxProbes-l.running {
			if !l.rate.AllowN(now, 1) {
				l.throttled = true
				l.waiting = append(l.waiting, g)
				return
			}
			g.queue.pop()
			l.begin(ctx, c, now)
			started = true
		}
		l.waiting = append(l.waiting, g)
		if passed++; started {
			passed = 0
		}
	}
}

// nextOf returns the check at the head of a service's queue, leaving out those
// that are gone or have no address any more.
func (l *loop) nextOf(g *group) *check {
	for g.queue.len() > 0 {
		c := g.queue.items[g.queue.head]
		if c.state == ready && c.addr.IsValid() {
			return c
		}
		if g.queue.pop(); c.state == ready {
			c.state = idle
		}
	}
	return nil
}

func (l *loop) enqueue(c *check) {
	c.state = ready
	c.group.queue.push(c)
	if !c.group.waiting {
		c.group.waiting = true
		l.waiting = append(l.waiting, c.group)
	}
}

// begin starts the probe of a check.
func (l *loop) begin(ctx context.Context, c *check, now time.Time) {
	g := c.group
	ctx, cancel := context.WithCancel(ctx)
	l.running++
	g.running++
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

// job is one probe on its way.
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

// finish takes in what a probe found.
func (l *loop) finish(j *job) {
	c, g := j.check, j.group
	g.running--
	l.running--
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
	if j.reason.Counts() {
		l.observe(c, j.reason, now)
	}
	l.schedule.set(c, l.nextDue(c, now))
}

// observe lets a result count.
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

// nextDue is when a check that was just probed is due again: at its own place in
// the interval, or sooner before the first verdict.
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
