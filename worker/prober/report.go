package prober

import (
	"context"
	"slices"
	"time"

	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/registry"
)

// Reports returns what is known of the instances of a service; instances of
// which nothing is known are not in it. It returns nothing when the prober does
// not run.
func (p *Prober) Reports(ctx context.Context, service registry.ServiceID) map[registry.InstanceID]health.Report {
	answer := make(chan map[registry.InstanceID]health.Report, 1)
	select {
	case p.asks <- func(l *loop) { answer <- l.reports(service) }:
		return <-answer
	case <-p.stopped:
	case <-ctx.Done():
	}
	return nil
}

func (l *loop) reports(service registry.ServiceID) map[registry.InstanceID]health.Report {
	all := map[registry.InstanceID]health.Report{}
	for id, events := range l.history[service] {
		all[id] = health.Report{Events: slices.Clone(events)}
	}
	g := l.groups[service]
	if g == nil {
		return all
	}
	for id, c := range g.checks {
		r := all[id]
		r.Probed, r.Target, r.Last = true, l.target(c).String(), c.last
		r.Interval, r.Distrusted = g.rule.interval, l.guard.suspended
		n, pass := c.track.Streak()
		r.Streak, r.Needed = n, max(g.rule.thresholds.Failure, 1)
		if pass && g.rule.thresholds.Success > 0 {
			r.Needed = g.rule.thresholds.Success
		}
		if c.lastAt != 0 {
			r.LastAt = time.Unix(0, c.lastAt)
		}
		if c.index >= 0 {
			r.Next = time.Unix(0, c.due)
		}
		if g.healthCheck != nil && g.failedAt != 0 {
			r.Failed, r.FailedAt = g.failed, time.Unix(0, g.failedAt)
		}
		r.Resolved = g.resolved
		if l.voting() {
			r.Votes = l.ballot(c)
		}
		all[id] = r
	}
	return all
}
