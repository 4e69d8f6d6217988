package embedded

import (
	"context"
	"slices"
	"sync"

	"github.com/cairn-discovery/cairn/store"
)

// queue gathers commits that come at the same time. Whoever finds nobody at work
// leads: it takes all that wait, does their work in one go and hands the lead to
// the first of those that came meanwhile. No goroutine is needed for it, and the
// leader owns the log. A request that is alone takes the lead just for itself.
type queue struct {
	mu      sync.Mutex
	waiting []*request
	led     bool
	closed  bool
}

type request struct {
	txn   store.Txn
	size  int
	alone bool      // no commit: wants the lead for itself
	wake  chan bool // true: lead; false: done, see revision and err

	granted bool // lead was given; held under queue.mu

	// set by the leader
	revision store.Revision
	err      error
}

// join waits until the request was dealt with or has to lead. With an error it
// was withdrawn.
func (q *queue) join(ctx context.Context, r *request) (lead bool, err error) {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return false, store.ErrClosed
	}
	if !q.led {
		q.led = true
		q.waiting = append(q.waiting, r)
		q.mu.Unlock()
		return true, nil
	}
	q.waiting = append(q.waiting, r)
	q.mu.Unlock()
	select {
	case lead = <-r.wake:
		return lead, nil
	case <-ctx.Done():
		if q.withdraw(r) {
			return false, ctx.Err()
		}
		return <-r.wake, nil
	}
}

func (q *queue) withdraw(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, r)
	if i < 0 || r.granted {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// take gives the leader its work: the first request and, unless that is alone,
// those behind it up to limit bytes.
func (q *queue) take(into []*request, limit int) []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, size := 1, q.waiting[0].size
	for !q.waiting[0].alone && n < len(q.waiting) && !q.waiting[n].alone {
		if size += q.waiting[n].size; size > limit {
			break
		}
		n++
	}
	into = append(into, q.waiting[:n]...)
	q.waiting = slices.Delete(q.waiting, 0, n)
	return into
}

// pass gives up the lead.
func (q *queue) pass() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.led = false
		return
	}
	q.waiting[0].granted = true
	q.waiting[0].wake <- true
}

// enter takes the lead for something that is no commit; leave ends it.
func (q *queue) enter(ctx context.Context) error {
	r := &request{alone: true, wake: make(chan bool, 1)}
	if _, err := q.join(ctx, r); err != nil {
		return err
	}
	q.take(nil, 0)
	return nil
}

func (q *queue) leave() { q.pass() }

// close lets nobody else in, closes closing and waits for those who are in. It
// reports false if it was closed before.
func (q *queue) close(closing chan struct{}) bool {
	r := &request{alone: true, wake: make(chan bool, 1)}
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return false
	}
	q.closed = true
	close(closing)
	waits := q.led
	if waits {
		q.waiting = append(q.waiting, r)
	}
	q.led = true
	q.mu.Unlock()
	if waits {
		<-r.wake
		q.take(nil, 0)
	}
	return true
}
