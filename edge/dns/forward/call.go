package forward

import (
	"context"
	"time"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// flight is a question that is being resolved, for all who wait for it.
type flight struct {
	key     string
	cancel  context.CancelFunc
	waiters int // guarded by Resolver.mu

	done chan struct{} // closed when what follows is set
	resp Response
	err  error
}

// board joins the flight of a question or starts one. It returns none when the
// answer came into the cache meanwhile, or with an error.
func (r *Resolver) board(ctx context.Context, q Question, key string, resp *Response) (*flight, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	if f := r.flights[key]; f != nil {
		f.waiters++
		r.metrics.coalesced.Inc()
		return f, nil
	}
	// A flight puts its answer into the cache before it leaves the map, so
	// either it is found above or its answer is here.
	if r.fromCache([]byte(key), resp) {
		return nil, nil
	}
	if len(r.flights) >= r.cfg.MaxInFlight {
		r.metrics.rejected.Inc()
		return nil, ErrBusy
	}
	return r.depart(ctx, q, key), nil
}

// depart starts a flight. It outlives the client that caused it, for others may
// join. The caller holds r.mu.
func (r *Resolver) depart(ctx context.Context, q Question, key string) *flight {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.cfg.Timeout)
	f := &flight{key: key, cancel: cancel, waiters: 1, done: make(chan struct{})}
	r.flights[key] = f
	q.Name = []byte(key[:len(q.Name)]) // ours, and in lower case
	r.running.Go(func() { r.fly(ctx, q, f) })
	return f
}

func (r *Resolver) fly(ctx context.Context, q Question, f *flight) {
	defer f.cancel()
	e := r.fetch(ctx, q)
	switch {
	case e != nil:
		e.key = f.key
		r.cache.put(e, time.Now())
		f.resp = e.resp
	case ctx.Err() == context.Canceled:
		f.err = ErrClosed // nobody waits any more, or Run has ended
	default:
		f.resp = Response{Rcode: dnswire.RcodeServFail}
		r.metrics.failed.Inc()
		r.cache.put(&entry{key: f.key, resp: f.resp, ttl: failureTTL}, time.Now())
	}
	r.mu.Lock()
	r.forget(f)
	r.mu.Unlock()
	close(f.done)
}

// leave takes a client off a flight and gives it up with the last one.
func (r *Resolver) leave(f *flight) {
	r.metrics.abandoned.Inc()
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.waiters--; f.waiters == 0 {
		f.cancel()
		r.forget(f) // who asks from now on must not get on
	}
}

func (r *Resolver) forget(f *flight) {
	if r.flights[f.key] == f {
		delete(r.flights, f.key)
	}
}
