package forward

import (
	"context"
	"time"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// enter counts a question that is about to be resolved.
func (r *Resolver) enter() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return errClosed
	}
	if r.resolving >= r.cfg.MaxInFlight {
		r.metrics.rejected.Inc()
		return errBusy
	}
	r.resolving++
	r.running.Add(1)
	return nil
}

// release ends what enter began.
func (r *Resolver) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.resolving--
	r.running.Done()
}

// call resolves a question for all clients that wait for it. It does not end when
// they give up: the answer is in the cache when they ask again. q.Name is in lower
// case and not changed by anybody.
func (r *Resolver) call(q Question, key string) (*Response, error) {
	resp := new(Response)
	if r.fromCache([]byte(key), resp) {
		return resp, nil // another call has ended since the caller looked
	}
	if err := r.enter(); err != nil {
		return nil, err
	}
	defer r.release()
	ctx, cancel := r.callContext()
	defer cancel()
	e := r.fetch(ctx, q)
	switch {
	case e != nil:
	case ctx.Err() == context.Canceled:
		return nil, errClosed
	default:
		e = &entry{resp: Response{Rcode: dnswire.RcodeServFail}, ttl: failureTTL}
		r.metrics.failed.Inc()
	}
	e.key = key
	r.cache.put(e, time.Now())
	return &e.resp, nil
}
