package prober

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/replica"
)

// loop is the state of Run, owned by its goroutine.
type loop struct {
	p        *Prober
	snapshot *replica.Snapshot // the one the checks are up to date with
	// restoring is true for the first snapshot: its verdicts are from before.
	restoring bool
	now       int64 // while following, in nanoseconds since 1970

	groups   map[registry.ServiceID]*group
	schedule schedule
	waiting  []*group // services with checks that are due, in turn
	running  int      // probes
	rate     *rate.Limiter
	// throttled: probes are due that the rate does not allow yet.
	throttled bool

	dirty     map[*check]struct{} // checks whose verdict is not in the registry
	proposing bool
	nextFlush time.Time
	gathering time.Duration // between proposals
	guard     guard
	journal   journal

	results    chan *job
	proposed   chan error
	controlled chan bool
	tasks      sync.WaitGroup // probes, proposals and control probes
}

// throttlePause is how long the loop waits for the rate to allow more probes.
const throttlePause = 5 * time.Millisecond

func newLoop(p *Prober) *loop {
	return &loop{
		p:         p,
		snapshot:  replica.NewSnapshot(new(state.State)),
		restoring: true,
		groups:    map[registry.ServiceID]*group{},
		rate:      rate.NewLimiter(rate.Limit(p.cfg.MaxRate), max(p.cfg.MaxRate/20, 1)),
		dirty:     map[*check]struct{}{},
		guard:     guard{share: p.cfg.DistrustShare, interval: p.cfg.Interval, turned: map[int64]int{}},
		journal:   journal{},
		gathering: gatherTime,
		results:   make(chan *job, p.cfg.MaxProbes),

		proposed:   make(chan error, 1),
		controlled: make(chan bool, 1),
	}
}

func (l *loop) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		now := time.Now()
		l.follow(now)
		l.dispatch(ctx, now)
		l.flush(ctx, now)
		if l.guard.distrust {
			l.guard.control(ctx, l, now)
		}
		l.p.metrics.running.Set(float64(l.running))
		timer.Reset(l.pause(now))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-l.snapshot.Superseded():
		case j := <-l.results:
			l.finish(j)
			l.finishMore()
		case err := <-l.proposed:
			l.settled(ctx, err, time.Now())
		case ok := <-l.controlled:
			l.controlEnded(ok, time.Now())
		case ask := <-l.p.asks:
			ask(l)
		}
	}
}

// finishMore takes in what else has ended, so that a busy loop does the rest of
// its work once for many results.
func (l *loop) finishMore() {
	for range 256 {
		select {
		case j := <-l.results:
			l.finish(j)
		default:
			return
		}
	}
}

// pause is how long nothing is to be done.
func (l *loop) pause(now time.Time) time.Duration {
	wait := time.Hour
	if len(l.schedule) > 0 {
		wait = time.Duration(l.schedule[0].due - now.UnixNano())
	}
	if l.throttled {
		wait = min(wait, throttlePause)
	}
	if len(l.dirty) > 0 && !l.proposing {
		wait = min(wait, l.nextFlush.Sub(now))
	}
	if l.guard.distrust && !l.guard.probing {
		wait = min(wait, l.guard.next.Sub(now))
	}
	return max(wait, 0)
}
