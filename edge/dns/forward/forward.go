// Package forward resolves names outside our zones through upstream resolvers:
// it is a stub resolver (RFC 1034 section 5.3.1) with a cache, and neither
// iterates from the root nor validates DNSSEC.
//
// Whom to resolve for is the caller's to decide. A server that calls Resolve
// for anybody is an open resolver; see view.Client.Recursion.
//
// Answers are kept and given out by the whole question they were given for. No
// record of an answer is ever used for another question, so an upstream's
// answer can poison nothing but itself.
package forward

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Errors of Resolve. To a client each is SERVFAIL.
var (
	// ErrBusy says that as many questions are being resolved as may be.
	ErrBusy = errors.New("forward: too many questions in flight")
	// ErrClosed says that Run has ended.
	ErrClosed = errors.New("forward: resolver has been shut down")
	// ErrQuestion says that the question is not one that can be forwarded: its
	// name is not in wire form, or its type or class is for the hop between
	// two servers only, such as AXFR.
	ErrQuestion = errors.New("forward: question cannot be forwarded")
)

// Resolver asks upstreams and remembers their answers. It may be used by many
// goroutines.
type Resolver struct {
	cfg       Config
	upstreams []*upstream
	cache     *cache
	own       *own
	metrics   *metrics

	running sync.WaitGroup // one for each flight

	mu      sync.Mutex // guards what follows; held for moments only
	flights map[string]*flight
	closed  bool
}

// New checks cfg and builds a Resolver. It starts nothing and needs no Run to
// answer; Run ends it.
func New(cfg Config) (*Resolver, error) {
	cfg.fill()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	r := &Resolver{
		cfg:     cfg,
		cache:   newCache(cfg.CacheBytes),
		own:     newOwn(),
		flights: map[string]*flight{},
	}
	for _, addr := range cfg.Upstreams {
		r.upstreams = append(r.upstreams, &upstream{addr: addr})
	}
	var err error
	r.metrics, err = newMetrics(cfg.Registerer, r)
	return r, err
}

// Run waits until ctx ends, then cancels what is being resolved and waits for
// it. Resolve answers ErrClosed from then on.
func (r *Resolver) Run(ctx context.Context) error {
	<-ctx.Done()
	r.mu.Lock()
	r.closed = true
	for _, f := range r.flights {
		f.cancel()
	}
	r.mu.Unlock()
	r.running.Wait()
	return nil
}

// Cached answers from the cache alone and does not wait, so that a server can
// answer on the spot what it knows. It allocates nothing.
func (r *Resolver) Cached(q Question, into *Response) bool {
	var room [maxKey]byte
	key, ok := q.appendKey(room[:0])
	return ok && (special(key[:len(q.Name)], q, into) || r.fromCache(key, into))
}

// fromCache is Cached for a question's key.
func (r *Resolver) fromCache(key []byte, into *Response) bool {
	if !r.cache.get(key, time.Now(), into) {
		return false
	}
	r.metrics.hits.Inc()
	return true
}

// Resolve answers from the cache or from the upstreams. Clients that ask the
// same at the same time share one question to the upstreams. A client that
// gives up (ctx) leaves the others their answer; when all have given up, the
// question is given up as well.
//
// When no upstream gives an answer, that is a Response with SERVFAIL, which is
// remembered for a second (RFC 9520). Besides the errors of this package,
// Resolve returns that of ctx.
func (r *Resolver) Resolve(ctx context.Context, q Question) (*Response, error) {
	key, ok := q.appendKey(nil)
	if !ok {
		return nil, ErrQuestion
	}
	resp := new(Response)
	if special(key[:len(q.Name)], q, resp) || r.fromCache(key, resp) {
		return resp, nil
	}
	f, err := r.board(ctx, q, string(key), resp)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return resp, nil
	}
	select {
	case <-f.done:
		*resp = f.resp
		return resp, f.err
	case <-ctx.Done():
		r.leave(f)
		return nil, ctx.Err()
	}
}
