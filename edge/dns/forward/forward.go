// Package forward resolves names outside our zones through upstream resolvers:
// it is a stub resolver (RFC 1034 section 5.3.1) with a cache, and neither
// iterates from the root nor validates DNSSEC.
//
// The caller decides which clients may use it. A server that calls Resolve for
// every client is an open resolver; see view.Client.Recursion.
//
// Answers are cached by the whole question. No record of an answer is used for
// another question, so a forged answer affects its own question only.
package forward

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// Errors of Resolve. Clients get SERVFAIL for each of them.
var (
	// errBusy means that Config.MaxInFlight questions are being resolved.
	errBusy = errors.New("forward: too many questions in flight")
	// errClosed means that Run has ended.
	errClosed = errors.New("forward: resolver has been shut down")
	// errQuestion means that the question cannot be forwarded: its name is not in
	// wire form, or its type or class is only for messages between two servers,
	// such as AXFR.
	errQuestion = errors.New("forward: question cannot be forwarded")
)

// Resolver asks upstreams and caches their answers. It is safe for concurrent use.
type Resolver struct {
	cfg       Config
	upstreams []*upstream
	cache     *cache
	inflight  *inflight
	metrics   *metrics

	calls   singleflight.Group // by key
	waiting atomic.Int64       // clients that wait for a call
	running sync.WaitGroup     // one for each call

	// callContext returns the context of a call, which ends with Run or after
	// Config.Timeout. stop ends it for all calls.
	callContext func() (context.Context, context.CancelFunc)
	stop        context.CancelFunc

	mu        sync.Mutex // guards what follows; held for moments only
	resolving int        // calls
	closed    bool
}

// New checks cfg and builds a Resolver. It starts nothing and needs no Run to
// answer; Run ends it.
func New(cfg Config) (*Resolver, error) {
	cfg.fill()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cache, err := newCache(cfg.CacheBytes)
	if err != nil {
		return nil, err
	}
	r := &Resolver{cfg: cfg, cache: cache, inflight: newInflight()}
	for _, addr := range cfg.Upstreams {
		r.upstreams = append(r.upstreams, &upstream{addr: addr})
	}
	base, stop := context.WithCancel(context.Background())
	r.stop = stop
	r.callContext = func() (context.Context, context.CancelFunc) { return context.WithTimeout(base, cfg.Timeout) }
	r.metrics, err = newMetrics(cfg.Registerer, r)
	return r, err
}

// Run waits until ctx ends, then cancels all calls and waits for them. Resolve
// returns an error from then on.
func (r *Resolver) Run(ctx context.Context) error {
	<-ctx.Done()
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.stop()
	r.running.Wait()
	return nil
}

// Cached answers from the cache only. It does not wait and does not allocate.
func (r *Resolver) Cached(q Question, into *Response) bool {
	var room [maxKey]byte
	key, ok := q.appendKey(room[:0])
	return ok && (localNames(key[:len(q.Name)], q, into) || r.fromCache(key, into))
}

// fromCache sets into to the cached answer for a key.
func (r *Resolver) fromCache(key []byte, into *Response) bool {
	if !r.cache.get(key, time.Now(), into) {
		return false
	}
	r.metrics.hits.Inc()
	return true
}

// Resolve answers from the cache or from the upstreams. Clients that ask the same
// question at the same time share one call to the upstreams. A client that gives
// up (ctx) leaves at once; the call goes on, and its answer is cached.
//
// If no upstream answers, the Response has SERVFAIL and is cached for a second
// (RFC 9520). Besides the errors of this package, Resolve returns that of ctx.
func (r *Resolver) Resolve(ctx context.Context, q Question) (*Response, error) {
	room, ok := q.appendKey(nil)
	if !ok {
		return nil, errQuestion
	}
	resp := new(Response)
	if localNames(room[:len(q.Name)], q, resp) || r.fromCache(room, resp) {
		return resp, nil
	}
	key := string(room)
	q.Name = room[:len(q.Name)] // in lower case, and not the caller's
	r.waiting.Add(1)
	defer r.waiting.Add(-1)
	leads := false // written before the result is sent
	done := r.calls.DoChan(key, func() (any, error) {
		leads = true
		return r.call(q, key)
	})
	select {
	case result := <-done:
		if !leads {
			r.metrics.coalesced.Inc()
		}
		if result.Err != nil {
			return nil, result.Err
		}
		*resp = *result.Val.(*Response)
		return resp, nil
	case <-ctx.Done():
		r.metrics.abandoned.Inc()
		return nil, ctx.Err()
	}
}
