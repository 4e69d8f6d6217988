package prober

import (
	"context"
	"errors"
	"time"

	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/replica"
)

const (
	// batchTime is the least time between two proposals. The first change is
	// proposed at once; those that follow share the next commit. While there are
	// more than batchMany at a time, as when a whole zone goes down, the time
	// doubles up to batchTimeMax, so that few commits show it all.
	batchTime    = 100 * time.Millisecond
	batchTimeMax = time.Second
	batchMany    = 16
	// maxVerdicts and maxVerdictBytes bound one proposal.
	maxVerdicts     = 10_000
	maxVerdictBytes = 4 << 20
	// retryTime is the pause after a proposal that failed.
	retryTime = time.Second
)

// mark records whether the registry holds another verdict than the probes found.
func (l *loop) mark(c *check) {
	v := c.track.Verdict()
	c.dirty = v != health.Unknown && v != c.published
	if c.dirty {
		l.dirty[c] = struct{}{}
	} else {
		delete(l.dirty, c)
	}
}

// flush proposes the changes of verdict that wait, unless it did so a moment ago.
// The registry drops those that are out of date by then.
func (l *loop) flush(ctx context.Context, now time.Time) {
	if l.proposing || len(l.dirty) == 0 || now.Before(l.nextFlush) {
		return
	}
	verdicts, checks := l.batch(ctx, now)
	if len(verdicts)+len(checks) == 0 {
		l.nextFlush = now.Add(retryTime) // the guard delays all until its control probe has ended
		return
	}
	if l.batchPause = min(2*l.batchPause, batchTimeMax); len(verdicts)+len(checks) <= batchMany {
		l.batchPause = batchTime
	}
	l.proposing, l.nextFlush = true, now.Add(l.batchPause)
	by := l.share.self
	l.tasks.Go(func() {
		l.proposed <- l.p.propose(ctx, by, verdicts, checks)
	})
}

// propose proposes verdicts of instances and of health checks of Route 53.
func (p *Prober) propose(ctx context.Context, by string, verdicts []registry.Verdict, checks []hostedzone.Verdict) error {
	if len(checks) > 0 {
		if _, err := p.cfg.Replica.Propose(ctx, "", &hostedzone.SetVerdicts{Verdicts: checks, By: by}); err != nil {
			return err
		}
	}
	if len(verdicts) == 0 {
		return nil
	}
	_, err := p.cfg.Replica.Propose(ctx, "", &registry.SetVerdicts{Verdicts: verdicts, By: by})
	return err
}

// batch collects what may be proposed now.
func (l *loop) batch(ctx context.Context, now time.Time) (verdicts []registry.Verdict, checks []hostedzone.Verdict) {
	size := 0
	for c := range l.dirty {
		if len(verdicts)+len(checks) == maxVerdicts || size > maxVerdictBytes {
			break
		}
		if c.track.Verdict() == health.Unhealthy && l.guard.delays(ctx, l, c, now) {
			continue
		}
		if h := c.group.healthCheck; h != nil {
			checks = append(checks, hostedzone.Verdict{Check: h.ID, Version: h.Version, To: c.track.Verdict()})
			size += checkSize
			continue
		}
		verdicts = append(verdicts, registry.Verdict{
			Account: c.group.accountID, Service: c.group.service, Instance: c.id,
			Registered: c.registered, Check: c.group.check.Stamp,
			From: registry.Health(c.published), To: registry.Health(c.track.Verdict()),
		})
		size += l.sizeOf(c)
	}
	return verdicts, checks
}

// checkSize estimates the size of a health check in a commit.
const checkSize = 2000

// sizeOf estimates the size of an instance in a commit.
func (l *loop) sizeOf(c *check) int {
	const keys = 300
	if svc, ok := l.snapshot.Registry.Service(c.group.accountID, c.group.service); ok {
		if inst, ok := svc.Instance(c.id); ok {
			return keys + inst.Attributes().Size()
		}
	}
	return keys
}

// proposalDone handles the end of a proposal. What was stored is in the state
// already, so following it first shows what still waits.
func (l *loop) proposalDone(ctx context.Context, err error, now time.Time) {
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
