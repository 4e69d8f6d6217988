package prober

import (
	"context"
	"net/netip"
	"time"

	"github.com/cairn-discovery/cairn/core/health"
)

// guard protects against a brown-out: when nearly everything turns bad at once
// and even the control addresses cannot be reached, it is this node that is cut
// off. Then no verdict becomes worse until the control addresses answer again.
type guard struct {
	share    float64
	interval time.Duration
	// passing counts the checks that pass, turned those that do not any more, by
	// the second in which they turned.
	passing int
	turned  map[int64]int

	distrust bool
	probing  bool      // the control probe is running
	vouched  time.Time // until when the last control probe's success counts
	next     time.Time // no control probe before
}

// standing is what the guard counts a check as.
type standing uint8

const (
	uncounted standing = iota // no verdict yet, or bad from the beginning
	passing
	turned
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
		c.standing = passing
		g.passing++
	}
}

func (g *guard) forget(c *check) {
	switch c.standing {
	case passing:
		g.passing--
	case turned:
		if g.turned[c.turnedAt]--; g.turned[c.turnedAt] == 0 {
			delete(g.turned, c.turnedAt)
		}
	}
	c.standing = uncounted
}

// result counts one result of a check.
func (g *guard) result(c *check, pass bool, now int64) {
	switch {
	case pass && c.standing != passing:
		g.forget(c)
		c.standing = passing
		g.passing++
	case !pass && c.standing == passing:
		g.forget(c)
		c.standing, c.turnedAt = turned, now/int64(time.Second)
		g.turned[c.turnedAt]++
	}
}

// suspect reports whether a check turned bad together with nearly all that were
// good, within one interval.
func (g *guard) suspect(c *check) bool {
	if c.standing != turned {
		return false
	}
	together := g.turnedAround(c.turnedAt)
	return float64(together) > g.share*float64(together+g.passing)
}

// turnedAround counts the checks that turned bad within an interval of a second.
func (g *guard) turnedAround(second int64) (n int) {
	span := int64(g.interval/time.Second) + 1
	if int64(len(g.turned)) < 2*span {
		for at, k := range g.turned {
			if second-span <= at && at <= second+span {
				n += k
			}
		}
		return n
	}
	for at := second - span; at <= second+span; at++ {
		n += g.turned[at]
	}
	return n
}

// holds reports whether the bad verdict on a check must wait. If that depends on
// the control probe, it sees to it that it is made.
func (g *guard) holds(ctx context.Context, l *loop, c *check, now time.Time) bool {
	switch {
	case len(l.p.cfg.Control) == 0:
		return false
	case g.distrust:
		return true // the loop sees to the control probe, whatever waits
	case !g.suspect(c) || now.Before(g.vouched):
		return false
	}
	g.control(ctx, l, now)
	return true
}

// control begins the control probe unless it runs or has just been made.
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

// controlEnded takes in the outcome of the control probe.
func (l *loop) controlEnded(ok bool, now time.Time) {
	g := &l.guard
	g.probing = false
	l.nextFlush = now
	switch {
	case ok:
		g.vouched = now.Add(controlEvery)
		if g.distrust {
			l.trustAgain()
		}
	case !g.distrust:
		g.distrust = true
		l.p.metrics.distrusted.Set(1)
		l.p.cfg.Logger.Error("nearly all health checks fail and so does the control probe: this node seems to be cut off; no instance is marked unhealthy until it is not",
			"waiting", len(l.dirty), "passing", g.passing)
		l.reinstate()
	}
}

// reinstate takes back the bad verdicts on those that turned bad together before
// it was known that it was together: with a threshold of one that is most.
func (l *loop) reinstate() {
	for _, g := range l.groups {
		for _, c := range g.checks {
			if c.track.Verdict() == health.Unhealthy && l.guard.suspect(c) {
				c.track, c.decided = health.Start(health.Healthy), health.Reason{}
				l.mark(c)
			}
		}
	}
}

// trustAgain ends the distrust. What failed meanwhile says nothing, so those
// checks must fail anew.
func (l *loop) trustAgain() {
	l.guard.distrust = false
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

// worse reports whether the results so far speak against the instance, be it that
// they did and the first passes have come since.
func worse(t *health.Track) bool {
	n, pass := t.Streak()
	return t.Verdict() == health.Unhealthy || n > 0 && !pass
}
