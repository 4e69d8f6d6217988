package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// load sends requests to a service and counts what comes back. It finds the instances
// by DNS, as clients that honour TTLs do, or by the API.
type load struct {
	what   string // such as "inventory by DNS"
	finder finder
	target dependency
	watch  *watcher
	client *http.Client

	mu    sync.Mutex
	phase tally
}

// tally is what a client saw in one phase.
type tally struct {
	requests, failures int
	stale              int // answers with an instance that had left before the question
	firstError         string
	used               map[netip.Addr]bool // instances that answered
	firstUse           []time.Duration     // of new instances: from being registered to the first answer
	latencies          []time.Duration
}

func newLoad(what string, target dependency, f finder, w *watcher) *load {
	l := &load{what: what, finder: f, target: target, watch: w, client: &http.Client{Timeout: callLimit}}
	l.phase.used = map[netip.Addr]bool{}
	f.resolver.asked = func(at time.Time, addresses []netip.Addr) { l.answered(at, addresses) }
	return l
}

// run sends requests at a rate until ctx ends, and waits for those under way.
func (l *load) run(ctx context.Context, perSecond float64) {
	defer l.client.CloseIdleConnections()
	defer l.finder.close()
	atRate(ctx, perSecond, l.request, func(err error) { l.count(netip.Addr{}, 0, err) })
}

// atRate sends requests at a rate until ctx ends, each in a goroutine of its own, and waits
// for those under way. If there are too many it refuses further ones.
func atRate(ctx context.Context, perSecond float64, send func(context.Context), refuse func(error)) {
	var requests sync.WaitGroup
	defer requests.Wait()
	tick := time.NewTicker(time.Duration(float64(time.Second) / perSecond))
	defer tick.Stop()
	places := make(chan struct{}, maxUnderWay)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		select {
		case places <- struct{}{}:
			requests.Go(func() {
				send(context.WithoutCancel(ctx))
				<-places
			})
		default:
			refuse(fmt.Errorf("%d requests are under way", maxUnderWay))
		}
	}
}

// maxUnderWay bounds the requests of one client at a time.
const maxUnderWay = 256

// request finds an instance and sends one request to it.
func (l *load) request(ctx context.Context) {
	begin := time.Now()
	addresses, err := l.finder.find(ctx, l.target)
	if err != nil {
		l.count(netip.Addr{}, 0, err)
		return
	}
	if l.target.byAPI {
		plain := make([]netip.Addr, len(addresses))
		for i, a := range addresses {
			plain[i] = a.Addr()
		}
		l.answered(begin, plain)
	}
	at := addresses[rand.IntN(len(addresses))]
	_, err = get(ctx, l.client, at)
	l.count(at.Addr(), time.Since(begin), err)
}

// count adds a request to the tally.
func (l *load) count(instance netip.Addr, took time.Duration, err error) {
	since, isNew := l.watch.age(instance)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.phase.requests++
	if err != nil {
		l.phase.failures++
		if l.phase.firstError == "" {
			l.phase.firstError = err.Error()
		}
		return
	}
	l.phase.latencies = append(l.phase.latencies, took)
	if isNew && !l.phase.used[instance] {
		l.phase.firstUse = append(l.phase.firstUse, since)
	}
	l.phase.used[instance] = true
}

// answered checks an answer that was asked for at a time.
func (l *load) answered(at time.Time, addresses []netip.Addr) {
	stale := slices.ContainsFunc(addresses, func(a netip.Addr) bool { return l.watch.leftBefore(a, at) })
	if stale {
		l.mu.Lock()
		l.phase.stale++
		l.mu.Unlock()
	}
}

// next returns the tally and starts a new one.
func (l *load) next() tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	done := l.phase
	l.phase = tally{used: map[netip.Addr]bool{}}
	return done
}
