package prober

import (
	"context"
	"net/netip"
	"time"

	"github.com/cairn-discovery/cairn/core/health"
)

// guard protects against a brown-out: when nearly all checks fail at once and no
// control address can be reached either, the network of this node has failed. Then
// the guard suspends bad verdicts until a control address answers again.
type guard struct {
	share    float64
	interval time.Duration
	passing  int // checks whose last result passed
	// recentFailures counts the checks that passed before and fail now, by the
	// second of their first failure.
	recentFailures map[int64]int

	suspended      bool
	probing        bool      // the control probe is running
	controlOKUntil time.Time // until when the last control probe's success counts
	next           time.Time // no control probe before
}

// outcome is how the guard counts a check.
type outcome uint8

const (
	uncounted outcome = iota // no verdict yet, or failed from the beginning
	passing
	failing // passed before
)

const (
	// controlTimeout bounds one control probe.
	controlTimeout = 2 * time.Second
	// controlEvery is the time between two control probes, and for how long the
	// success of one counts.
	controlEvery = 5 * time.Second
)

// begin counts a check whose verdict is known from before.
func (g *guard) begin(c *check) {
	if c.published == health.Healthy {
		c.outcome = passing
		g.passing++
	}
}

func (g *guard) forget(c *check) {
	switch c.outcome {
	case passing:
		g.passing--
	case failing:
		if g.recentFailures[c.failedSecond]--; g.recentFailures[c.failedSecond] == 0 {
			delete(g.recentFailures, c.failedSecond)
		}
	}
	c.outcome = uncounted
}

// result counts one result of a check.
func (g *guard) result(c *check, pass bool, now int64) {
	switch {
	case pass && c.outcome != passing:
		g.forget(c)
		c.outcome = passing
		g.passing++
	case !pass && c.outcome == passing:
		g.forget(c)
		c.outcome, c.failedSecond = failing, now/int64(time.Second)
		g.recentFailures[c.failedSecond]++
	}
}

// suspect reports whether a check began to fail together with nearly all that
// passed, within one interval.
func (g *guard) suspect(c *check) bool {
	if c.outcome != failing {
		return false
	}
	together := g.failuresAround(c.failedSecond)
	return float64(together) > g.share*float64(together+g.passing)
}

// failuresAround counts the checks that began to fail within an interval of a
// second.
func (g *guard) failuresAround(second int64) (n int) {
	span := int64(g.interval/time.Second) + 1
	if int64(len(g.recentFailures)) < 2*span {
		for at, k := range g.recentFailures {
			if second-span <= at && at <= second+span {
				n += k
			}
		}
		return n
	}
	for at := second - span; at <= second+span; at++ {
		n += g.recentFailures[at]
	}
	return n
}

// delays reports whether publishing an unhealthy verdict must wait. It starts a
// control probe if the answer depends on one.
func (g *guard) delays(ctx context.Context, l *loop, c *check, now time.Time) bool {
	switch {
	case len(l.p.cfg.Control) == 0:
		return false
	case g.suspended:
		return true // the loop makes control probes while suspended
	case !g.suspect(c) || now.Before(g.controlOKUntil):
		return false
	}
	g.control(ctx, l, now)
	return true
}

// control starts the control probe unless one runs or has just ended.
func (g *guard) control(ctx context.Context, l *loop, now time.Time) {
	if g.probing || now.Before(g.next) {
		return
	}
	g.probing, g.next = true, now.Add(controlEvery)
	l.tasks.Go(func() { l.controlled <- l.p.controlProbe(ctx) })
}

// controlProbe reports whether any control address can be reached.
func (p *Prober) controlProbe(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	reached := make(chan bool, len(p.cfg.Control))
	for _, to := range p.cfg.Control {
		go func() { reached <- p.reaches(ctx, to) }()
	}
	any := false
	for range p.cfg.Control { // wait for all: none outlives the probe
		any = <-reached || any
	}
	return any
}

func (p *Prober) reaches(ctx context.Context, to netip.AddrPort) bool {
	conn, err := p.cfg.Dial(ctx, to)
	if err != nil {
		return false
	}
	_ = conn.Close() // nothing was sent
	return true
}

// controlEnded handles the outcome of the control probe.
func (l *loop) controlEnded(ok bool, now time.Time) {
	g := &l.guard
	g.probing = false
	l.nextFlush = now
	switch {
	case ok:
		g.controlOKUntil = now.Add(controlEvery)
		if g.suspended {
			l.resume()
		}
	case !g.suspended:
		g.suspended = true
		l.p.metrics.distrusted.Set(1)
		l.p.cfg.Logger.Error("nearly all health checks fail and so does the control probe: this node seems to be cut off; no instance is marked unhealthy until it is not",
			"waiting", len(l.dirty), "passing", g.passing)
		l.reinstate()
	}
}

// reinstate takes back the bad verdicts of checks that began to fail together, but
// got their verdict before that was known: with a threshold of one that is most.
func (l *loop) reinstate() {
	for _, g := range l.groups {
		for _, c := range g.checks {
			if c.track.Verdict() == health.Unhealthy && l.guard.suspect(c) {
				c.track, c.decided = health.Found(health.Healthy), health.Reason{}
				l.mark(c)
			}
		}
	}
}

// resume ends the suspension. Failures during it say nothing about the instances,
// so those checks start from their published verdict.
func (l *loop) resume() {
	l.guard.suspended = false
	l.p.metrics.distrusted.Set(0)
	l.p.cfg.Logger.Warn("the control probe passes again; health checks count again", "waiting", len(l.dirty))
	for _, g := range l.groups {
		for _, c := range g.checks {
			if c.published != health.Unhealthy && worse(&c.track) {
				c.track = health.Start(c.published)
				l.guard.forget(c)
				l.guard.begin(c)
				l.mark(c)
			}
		}
	}
}

// worse reports whether the results so far are bad for the instance: its verdict is
// unhealthy, even if passes have followed, or its last results are failures.
func worse(t *health.Track) bool {
	n, pass := t.Streak()
	return t.Verdict() == health.Unhealthy || n > 0 && !pass
}
