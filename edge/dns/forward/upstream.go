package forward

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

// upstream is one resolver and its state.
type upstream struct {
	addr netip.AddrPort

	mu        sync.Mutex
	rtt       time.Duration // smoothed; 0: it has not answered yet
	rttVar    time.Duration
	failures  int       // queries in a row without an answer
	after     time.Time // rests until then: others are asked first
	losesCase bool      // its answers do not keep the case of the question
}

const (
	// An upstream that never answered is waited for a firstShare-th part of the
	// time of a question, and any upstream at most a mostShare-th part.
	firstShare = 8
	mostShare  = 3
	leastWait  = 150 * time.Millisecond

	// After failuresToRest queries in a row without an answer an upstream rests:
	// it is asked last. The time doubles from leastRest to mostRest.
	failuresToRest = 3
	leastRest      = time.Second
	mostRest       = 30 * time.Second
)

// inOrder returns the upstreams in the order to ask them: as configured, but
// resting ones last.
func inOrder(upstreams []*upstream) []*upstream {
	now := time.Now()
	order := make([]*upstream, 0, len(upstreams))
	var resting []*upstream
	for _, u := range upstreams {
		if u.rests(now) {
			resting = append(resting, u)
		} else {
			order = append(order, u)
		}
	}
	return append(order, resting...)
}

func (u *upstream) rests(now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return now.Before(u.after)
}

// wait returns how long to wait for an answer. It is derived from the round-trip
// times as TCP does it (RFC 6298), and doubles in each round. all is the time of the
// whole question.
func (u *upstream) wait(round int, all time.Duration) time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	w := all / firstShare
	if u.rtt > 0 {
		// A resolver is much slower when it has to ask other servers, so a few
		// fast answers from its cache do not predict the next one.
		w = max(2*u.rtt+4*u.rttVar, leastWait)
	}
	return min(w<<round, all/mostShare)
}

// answered records an answer that arrived after rtt.
func (u *upstream) answered(rtt time.Duration, log *slog.Logger) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.failures >= failuresToRest {
		log.Info("upstream resolver answers again", "upstream", u.addr)
	}
	u.failures, u.after = 0, time.Time{}
	if u.rtt == 0 {
		u.rtt, u.rttVar = rtt, rtt/2
		return
	}
	u.rttVar += ((rtt - u.rtt).Abs() - u.rttVar) / 4
	u.rtt += (rtt - u.rtt) / 8
}

// failed records a query without an answer.
func (u *upstream) failed(cause error, log *slog.Logger) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.failures++
	over := u.failures - failuresToRest
	if over < 0 {
		return
	}
	if over == 0 {
		log.Warn("upstream resolver does not answer", "upstream", u.addr, "error", cause)
	}
	u.after = time.Now().Add(min(leastRest<<min(over, 10), mostRest))
}

// keepsCase reports whether the upstream keeps the case of questions.
func (u *upstream) keepsCase() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return !u.losesCase
}

func (u *upstream) setLosesCase() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.losesCase = true
}
