package forward

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Clients that ask the same question at the same time cause one query.
func TestCoalescing(t *testing.T) {
	release := make(chan struct{})
	up := upstreamOf(t, func(a *asked) {
		<-release
		a.give(a.reply(dns.RcodeSuccess, www("60")))
	})
	r := resolver(t, Config{}, up)
	const clients = 100
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			expect(t, resolve(t, r, "www.example.", dns.TypeA), dns.RcodeSuccess, "www.example. 60 IN A 192.0.2.1")
		})
	}
	eventually(t, "all clients wait", func() bool { return r.waiting.Load() == clients })
	close(release)
	wg.Wait()
	if n := up.udp.Load(); n != 1 {
		t.Errorf("%d queries", n)
	}
}

// A client that gives up returns at once, the others get their answer.
func TestGivingUp(t *testing.T) {
	release := make(chan struct{})
	up := upstreamOf(t, func(a *asked) {
		<-release
		a.give(a.reply(dns.RcodeSuccess, www("60")))
	})
	r := resolver(t, Config{}, up)
	q := question(t, "www.example.", dns.TypeA)
	impatient, giveUp := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { // the one that starts the query
		if _, err := r.Resolve(impatient, q); !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up got %v", err)
		}
	})
	eventually(t, "the first waits", func() bool { return r.waiting.Load() == 1 })
	wg.Go(func() {
		expect(t, resolve(t, r, "www.example.", dns.TypeA), dns.RcodeSuccess, "www.example. 60 IN A 192.0.2.1")
	})
	eventually(t, "both wait", func() bool { return r.waiting.Load() == 2 })
	giveUp()
	eventually(t, "one is gone", func() bool { return r.waiting.Load() == 1 })
	close(release)
	wg.Wait()
	if n := up.udp.Load(); n != 1 {
		t.Errorf("%d queries", n)
	}
}

// When all clients have given up, the question is resolved nevertheless: the
// answer is cached for those that ask again.
func TestAllGiveUp(t *testing.T) {
	release := make(chan struct{})
	up := upstreamOf(t, func(a *asked) {
		<-release
		a.give(a.reply(dns.RcodeSuccess, www("60")))
	})
	r := resolver(t, Config{}, up)
	ctx, giveUp := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if _, err := r.Resolve(ctx, question(t, "www.example.", dns.TypeA)); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	eventually(t, "the query is sent", func() bool { return r.waiting.Load() == 3 && up.udp.Load() == 1 })
	giveUp()
	wg.Wait()
	close(release)
	eventually(t, "the answer is cached", func() bool { return r.Cached(question(t, "www.example.", dns.TypeA), new(Response)) })
	expect(t, resolve(t, r, "www.example.", dns.TypeA), dns.RcodeSuccess, "www.example. 59 IN A 192.0.2.1")
	if n := up.udp.Load(); n != 1 {
		t.Errorf("%d queries", n)
	}
}

func TestMaxInFlight(t *testing.T) {
	release := make(chan struct{})
	up := upstreamOf(t, func(a *asked) {
		<-release
		a.give(a.reply(dns.RcodeSuccess, rr(a.Question[0].Name+" 60 IN A 192.0.2.1")))
	})
	r := resolver(t, Config{MaxInFlight: 2}, up)
	var wg sync.WaitGroup
	for _, name := range []string{"a.example.", "b.example.", "b.example."} {
		wg.Go(func() { expect(t, resolve(t, r, name, dns.TypeA), dns.RcodeSuccess, name+" 60 IN A 192.0.2.1") })
	}
	eventually(t, "two questions are in flight", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.waiting.Load() == 3 && r.resolving == 2
	})
	if _, err := r.Resolve(t.Context(), question(t, "c.example.", dns.TypeA)); !errors.Is(err, errBusy) {
		t.Errorf("the third question: %v", err)
	}
	close(release)
	wg.Wait()
	resolve(t, r, "c.example.", dns.TypeA)
}

// Run ends all calls and leaves no goroutine behind.
func TestShutdown(t *testing.T) {
	up := upstreamOf(t, func(*asked) {})
	r := resolver(t, Config{Timeout: time.Hour}, up)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	wg.Go(func() {
		if _, err := r.Resolve(t.Context(), question(t, "www.example.", dns.TypeA)); !errors.Is(err, errClosed) {
			t.Errorf("in flight: %v", err)
		}
	})
	eventually(t, "the query is sent", func() bool { return up.udp.Load() == 1 })
	stop()
	wg.Wait()
	if _, err := r.Resolve(t.Context(), question(t, "www.example.", dns.TypeA)); !errors.Is(err, errClosed) {
		t.Errorf("afterwards: %v", err)
	}
}
