package prober

import (
	"context"
	"errors"
	"time"

	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/probe"
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

// mark records whether the state holds another verdict, or another vote of this node, than
// the probes found.
func (l *loop) mark(c *check) {
	if c.owner {
		v := l.wanted(c)
		c.dirty = v != health.Unknown && v != c.published
	} else {
		put, outdated := l.vote(c)
		c.dirty = put != nil || outdated != nil
	}
	if c.dirty {
		l.dirty[c] = struct{}{}
	} else {
		delete(l.dirty, c)
	}
}

// hasNews reports whether there is something to propose.
func (l *loop) hasNews() bool {
	return len(l.dirty)+len(l.leaving)+len(l.outdated.votes)+len(l.outdated.series) > 0
}

// flush proposes the changes that wait, unless it did so a moment ago. Those that are out
// of date by then are dropped.
func (l *loop) flush(ctx context.Context, now time.Time) {
	if l.proposing != nil || !l.hasNews() || now.Before(l.nextFlush) {
		return
	}
	p := l.batch(ctx, now)
	if p.len() == 0 {
		l.nextFlush = now.Add(2 * batchTime) // the guard delays all, or they are early
		return
	}
	if l.batchPause = min(2*l.batchPause, batchTimeMax); p.len() <= batchMany {
		l.batchPause = batchTime
	}
	l.proposing, l.nextFlush = p, now.Add(l.batchPause)
	l.tasks.Go(func() { l.proposed <- l.p.propose(ctx, p) })
}

// batch collects what may be proposed now.
func (l *loop) batch(ctx context.Context, now time.Time) *proposal {
	p := &proposal{by: l.share.self, update: probe.Update{By: l.share.self}}
	size := 0
	for c := range l.dirty {
		if p.len() >= maxVerdicts || size > maxVerdictBytes {
			break
		}
		if l.worsens(c) && l.guard.delays(ctx, l, c, now) || isEarly(c, now) {
			continue
		}
		size += l.add(p, c)
	}
	for _, s := range l.leaving {
		p.update.Series = append(p.update.Series, s)
	}
	for v := range l.outdated.votes {
		p.update.DeleteVotes = append(p.update.DeleteVotes, v)
	}
	for key := range l.outdated.series {
		p.update.DeleteSeries = append(p.update.DeleteSeries, key)
	}
	l.leaving, l.outdated = map[string]probe.Series{}, newOutdated()
	return p
}

// firstVote is how long a node waits with its vote that a target without a verdict is
// healthy. By then the owner has usually found the same.
const firstVote = time.Second

// isEarly reports whether the vote of this node may turn out not to be needed.
func isEarly(c *check, now time.Time) bool {
	return !c.owner && c.published == health.Unknown && c.track.Found() == health.Healthy && now.UnixNano() < c.decidedAt+int64(firstVote)
}

// worsens reports whether this node would say that a target is unhealthy.
func (l *loop) worsens(c *check) bool {
	if c.owner {
		return l.wanted(c) == health.Unhealthy
	}
	return c.track.Found() == health.Unhealthy
}

// add adds the verdict or the vote of a check, and returns its size in a commit.
func (l *loop) add(p *proposal, c *check) int {
	if !c.owner {
		put, outdated := l.vote(c)
		if put != nil {
			p.update.Votes = append(p.update.Votes, *put)
		}
		if outdated != nil {
			p.update.DeleteVotes = append(p.update.DeleteVotes, outdated)
		}
		return voteSize
	}
	to := l.wanted(c)
	if h := c.group.healthCheck; h != nil {
		p.checks = append(p.checks, hostedzone.Verdict{Check: h.ID, Version: h.Version, To: to})
		return checkSize
	}
	p.verdicts = append(p.verdicts, registry.Verdict{
		Account: c.group.accountID, Service: c.group.service, Instance: c.id,
		Registered: c.registered, Check: c.group.check.Stamp,
		From: registry.Health(c.published), To: registry.Health(to),
	})
	return l.sizeOf(c)
}

// voteSize and checkSize estimate the size of a vote and of a health check in a commit.
const (
	voteSize  = 200
	checkSize = 2000
)

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

// proposalDone handles the end of a proposal. The stored verdicts are in the state already,
// so following it first shows which ones still wait.
func (l *loop) proposalDone(ctx context.Context, err error, now time.Time) {
	failed := l.proposing
	l.proposing = nil
	l.follow(now)
	if err == nil || ctx.Err() != nil {
		return
	}
	l.again(failed)
	l.nextFlush = now.Add(retryTime)
	if !errors.Is(err, replica.ErrBusy) {
		l.p.cfg.Logger.Warn("changes of health could not be stored; they will be tried again", "waiting", len(l.dirty), "err", err)
	}
}

// again plans what a failed proposal had and what follows from no check.
func (l *loop) again(p *proposal) {
	for _, s := range p.update.Series {
		if l.find(s.Check) == nil {
			l.leaving[s.Check] = s
		}
	}
	for _, v := range p.update.DeleteVotes {
		if l.told.Vote(v.Node, v.Check) == v {
			l.outdated.votes[v] = struct{}{}
		}
	}
	for _, key := range p.update.DeleteSeries {
		if l.told.Series(key) != nil {
			l.outdated.series[key] = struct{}{}
		}
	}
}
