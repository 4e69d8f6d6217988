package forward

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

// upstream is one resolver and what is known of it.
type upstream struct {
	addr netip.AddrPort

	mu        sync.Mutex
	rtt       time.Duration // smoothed; 0 when it has not answered yet
	rttVar    time.Duration
	failures  int       // queries in a row that got no answer
	after     time.Time // not to be asked before, if others can be
	losesCase bool      // its answers do not keep the case of the question
}

const (
	// firstShare and mostShare of the time for a question are how long to wait
	// for an upstream that never answered, and for any in the last round.
	firstShare = 8
	mostShare  = 3
	leastWait  = 150 * time.Millisecond

	// failuresToRest is after how many queries in a row without answer an
	// upstream is passed over; the rest doubles from leastRest to mostRest.
	failuresToRest = 3
	leastRest      = time.Second
	mostRest       = 30 * time.Second
)

// inOrder returns the upstreams in the order in which to ask them: as
// configured, save that those at rest come last.
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

// wait is how long to wait for an answer: by the round-trip times seen so far
// as TCP does it (RFC 6298), longer in each further round. All is how long the
// question may take altogether.
func (u *upstream) wait(round int, all time.Duration) time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	w := all / firstShare
	if u.rtt > 0 {
		// A resolver that has to ask others itself is much slower than one
		// that knows the answer, so a few fast answers say little.
		w = max(2*u.rtt+4*u.rttVar, leastWait)
	}
	return min(w<<round, all/mostShare)
}

// answered takes note of an answer after rtt.
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

// failed takes note of a query without answer.
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

// keepsCase says whether the upstream repeats questions letter by letter.
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
