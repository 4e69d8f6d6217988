package prober

import (
	"context"
	"errors"
	"time"

	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/replica"
)

const (
	// gatherTime is the least time between two proposals. The first change goes
	// at once; those that come with it share the next commit. While there are
	// more than gatherMany at a time, as when a whole zone goes down, the time
	// doubles up to gatherMost: few commits show it all.
	gatherTime = 100 * time.Millisecond
	gatherMost = time.Second
	gatherMany = 16
	// maxVerdicts and maxVerdictBytes bound one proposal.
	maxVerdicts     = 10_000
	maxVerdictBytes = 4 << 20
	// retryTime is the pause after a proposal that failed.
	retryTime = time.Second
)

// mark notes whether the registry holds something else than was found.
func (l *loop) mark(c *check) {
	v := c.track.Verdict()
	c.dirty = v != health.Unknown && v != c.published
	if c.dirty {
		l.dirty[c] = struct{}{}
	} else {
		delete(l.dirty, c)
	}
}

// flush proposes the changes of verdict that wait, unless that was done a moment
// ago. The registry drops those that have been overtaken meanwhile.
func (l *loop) flush(ctx context.Context, now time.Time) {
	if l.proposing || len(l.dirty) == 0 || now.Before(l.nextFlush) {
		return
	}
	verdicts := l.gather(ctx, now)
	if len(verdicts) == 0 {
		l.nextFlush = now.Add(retryTime) // the guard holds all; it says when it knows more
		return
	}
	if l.gathering = min(2*l.gathering, gatherMost); len(verdicts) <= gatherMany {
		l.gathering = gatherTime
	}
	l.proposing, l.nextFlush = true, now.Add(l.gathering)
	l.tasks.Go(func() {
		_, err := l.p.cfg.Replica.Propose(ctx, "", &registry.SetVerdicts{Verdicts: verdicts})
		l.proposed <- err
	})
}

// gather collects what may be proposed now.
func (l *loop) gather(ctx context.Context, now time.Time) []registry.Verdict {
	var verdicts []registry.Verdict
	size := 0
	for c := range l.dirty {
		if len(verdicts) == maxVerdicts || size > maxVerdictBytes {
			break
		}
		if c.track.Verdict() == health.Unhealthy && l.guard.holds(ctx, l, c, now) {
			continue
		}
		verdicts = append(verdicts, registry.Verdict{
			Account: c.group.account, Service: c.group.service, Instance: c.id,
			Registered: c.registered, Check: c.group.check.Stamp,
			From: registry.Health(c.published), To: registry.Health(c.track.Verdict()),
		})
		size += l.sizeOf(c)
	}
	return verdicts
}

// sizeOf is about what an instance takes in a commit.
func (l *loop) sizeOf(c *check) int {
	const keys = 300
	if svc, ok := l.snapshot.Registry.Service(c.group.account, c.group.service); ok {
		if inst, ok := svc.Instance(c.id); ok {
			return keys + inst.Attributes().Size()
		}
	}
	return keys
}

// settled deals with the end of a proposal. What was stored is in the state
// already, so following it first tells what still waits.
func (l *loop) settled(ctx context.Context, err error, now time.Time) {
	l.proposing = false
	l.follow(now)
	if err == nil || ctx.Err() != nil {
		return
	}
	l.nextFlush = now.Add(retryTime)
	if !errors.Is(err, replica.ErrBusy) {
		l.p.cfg.Logger.Warn("changes of health could not be stored; they will be tried again", "waiting", len(l.dirty), "err", err)
	}
}
