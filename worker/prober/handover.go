package prober

import (
	"context"
	"time"

	"github.com/cairn-discovery/cairn/core/probe"
)

// A node that gives up a check stores the results in a row that count towards another
// verdict. The node that takes it over continues from there. A node that is killed stores
// nothing; then the count begins at zero. Either way no verdict changes by the move.

// outdated is what nodes have stored about checks and what this node has to delete.
type outdated struct {
	votes  map[*probe.Vote]struct{}
	series map[string]struct{}
}

func newOutdated() outdated {
	return outdated{votes: map[*probe.Vote]struct{}{}, series: map[string]struct{}{}}
}

// giveUp ends a check that another node runs from now on.
func (l *loop) giveUp(c *check) {
	if s, ok := c.series(); ok {
		l.leaving[s.Check] = s
	}
	l.drop(c)
}

// series returns what is handed over with a check, and false if there is nothing.
func (c *check) series() (probe.Series, bool) {
	n, pass := c.track.Unfinished()
	if n == 0 || !c.addr.IsValid() {
		return probe.Series{}, false
	}
	return probe.Series{Check: c.key(), Version: c.version(), Results: n, Pass: pass}, true
}

// resumeSeries counts the results that another node has handed over with a check that this
// node has just taken over.
func (l *loop) resumeSeries(c *check) {
	if !c.taken {
		return
	}
	s := l.told.Series(c.key())
	if s == nil || !l.fresh(c, s) {
		return
	}
	c.taken = false
	c.track.Resume(s.Results, s.Pass)
	l.outdated.series[s.Check] = struct{}{}
}

// fresh reports whether results are of what a check probes now, and of this time: not older
// than two intervals. Clocks that differ by more lose a count, and change no verdict.
func (l *loop) fresh(c *check, s *probe.Series) bool {
	age := time.Duration(l.now - s.At*int64(time.Millisecond))
	return s.Version == c.version() && age.Abs() <= 2*c.group.rule.interval
}

const (
	// leaveTimeout bounds the time that a node takes to hand over its checks.
	leaveTimeout = 400 * time.Millisecond
	// maxHandover bounds the checks whose results are handed over.
	maxHandover = 10_000
)

// leave hands over the checks of this node, which stops.
func (l *loop) leave(ctx context.Context) {
	if l.share.self == "" {
		return
	}
	update := probe.Update{By: l.share.self}
	for _, g := range l.groups {
		for _, c := range g.checks {
			if s, ok := c.series(); ok && len(update.Series) < maxHandover {
				update.Series = append(update.Series, s)
			}
		}
	}
	for v := range l.told.Votes() {
		if v.Node == l.share.self {
			update.DeleteVotes = append(update.DeleteVotes, v)
		}
	}
	if update.Len() == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	if err := l.p.propose(ctx, &proposal{update: update}); err != nil {
		l.p.cfg.Logger.Warn("the results of health checks could not be handed over; the next nodes begin to count again", "err", err)
	}
}
