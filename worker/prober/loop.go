package prober

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/probe"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/replica"
)

// loop is the state of Run, owned by its goroutine.
type loop struct {
	p        *Prober
	snapshot *replica.Snapshot // the one the checks are up to date with
	// restoring is true for the first snapshot, and for checks that another node ran:
	// their verdicts are from before.
	restoring bool
	share     share
	now       int64        // while following, in nanoseconds since 1970
	told      *probe.State // in snapshot, or in the next one while following

	accounts map[command.AccountID]*account
	groups   map[registry.ServiceID]*group
	schedule schedule
	waiting  queue[*account] // accounts with checks that are due, in turn
	running  int             // probes
	rate     *rate.Limiter
	pace     pace
	// throttled: probes are due that the rate does not allow yet.
	throttled   bool
	nextMeasure time.Time

	dirty      map[*check]struct{}     // checks whose verdict or vote is not in the state
	leaving    map[string]probe.Series // results that another node takes over
	outdated   outdated
	proposing  *proposal // nil: none
	nextFlush  time.Time
	batchPause time.Duration // between proposals
	guard      guard
	history    history
	logLimit   *rate.Limiter
	notLogged  int // changes of health since the last line

	results    chan *job
	proposed   chan error
	controlled chan bool
	tasks      sync.WaitGroup // probes, proposals and control probes
}

// throttlePause is how long the loop waits for the rate to allow more probes.
const throttlePause = 5 * time.Millisecond

func newLoop(p *Prober) *loop {
	return &loop{
		p:          p,
		snapshot:   replica.NewSnapshot(new(state.State)),
		restoring:  true,
		told:       new(probe.State),
		accounts:   map[command.AccountID]*account{},
		groups:     map[registry.ServiceID]*group{},
		pace:       newPace(p.cfg.MaxRatePerAddress),
		rate:       rate.NewLimiter(rate.Limit(p.cfg.MaxRate), max(p.cfg.MaxRate/20, 1)),
		dirty:      map[*check]struct{}{},
		leaving:    map[string]probe.Series{},
		outdated:   newOutdated(),
		guard:      guard{share: p.cfg.DistrustShare, interval: p.cfg.Interval, recentFailures: map[int64]int{}},
		history:    history{},
		logLimit:   rate.NewLimiter(logRate, logBurst),
		batchPause: batchTime,
		results:    make(chan *job, p.cfg.MaxProbes),

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
		if l.guard.suspended {
			l.guard.control(ctx, l, now)
		}
		l.measure(now)
		timer.Reset(l.pause(now))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-l.snapshot.Superseded():
		case j := <-l.results:
			l.finish(j)
			l.finishMore()
		case err := <-l.proposed:
			l.proposalDone(ctx, err, time.Now())
		case ok := <-l.controlled:
			l.controlEnded(ok, time.Now())
		case ask := <-l.p.asks:
			ask(l)
		}
	}
}

// finishMore handles what else has ended, so that a busy loop does the rest of its
// work once for many results.
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

// measureEvery is the time between two measurements of what waits: they look at
// every service that does.
const measureEvery = time.Second

func (l *loop) measure(now time.Time) {
	l.p.metrics.running.Set(float64(l.running))
	if now.Before(l.nextMeasure) {
		return
	}
	l.nextMeasure = now.Add(measureEvery)
	l.p.metrics.overdue.Set(l.overdue(now.UnixNano()).Seconds())
}

// pause returns how long there is nothing to do.
func (l *loop) pause(now time.Time) time.Duration {
	wait := time.Hour
	if len(l.schedule) > 0 {
		wait = time.Duration(l.schedule[0].due - now.UnixNano())
	}
	if l.throttled {
		wait = min(wait, throttlePause)
	}
	if l.waiting.len() > 0 {
		wait = min(wait, measureEvery)
	}
	if l.hasNews() && l.proposing == nil {
		wait = min(wait, l.nextFlush.Sub(now))
	}
	if l.guard.suspended && !l.guard.probing {
		wait = min(wait, l.guard.next.Sub(now))
	}
	return max(wait, 0)
}
