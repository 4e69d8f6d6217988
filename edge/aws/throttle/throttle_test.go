package throttle

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
)

// ask counts how many of n requests at one time pass.
func ask(b *Buckets, r *Rates, account command.AccountID, class command.RateClass, now time.Time, n int) int {
	passed := 0
	for range n {
		if b.Allow(r, account, class, now) {
			passed++
		}
	}
	return passed
}

func TestBuckets(t *testing.T) {
	tests := map[string]struct {
		rate        command.Rate
		first, then int // of 5000, and of 5000 a second later
	}{
		"AWS's of DiscoverInstances": {command.Rate{PerSecond: 1000, Burst: 2000}, 2000, 1000},
		"its revision's":             {command.Rate{PerSecond: 3000, Burst: 3000}, 3000, 3000},
		"no burst given":             {command.Rate{PerSecond: 10, Burst: 0}, 10, 10},
		"less than one a second":     {command.Rate{PerSecond: 0.5, Burst: 0}, 1, 0},
		"a burst and hardly a rate":  {command.Rate{PerSecond: 1e-6, Burst: 7}, 7, 0},
		"very many":                  {command.Rate{PerSecond: 1e9, Burst: 1e9}, 5000, 5000},
		"no limit":                   {command.Rate{PerSecond: 0, Burst: 5}, 5000, 5000},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var b Buckets
			r := &Rates{}
			r.Default[command.RateDiscover] = tt.rate
			r.Default[command.RateRead] = command.Rate{PerSecond: 1, Burst: 1}
			now := time.Now()
			if got := ask(&b, r, "1", command.RateDiscover, now, 5000); got != tt.first {
				t.Errorf("at first %d, want %d", got, tt.first)
			}
			if got := ask(&b, r, "1", command.RateDiscover, now.Add(time.Second), 5000); got != tt.then {
				t.Errorf("then %d, want %d", got, tt.then)
			}
			if got := ask(&b, r, "2", command.RateDiscover, now, 1); got != 1 {
				t.Error("another account pays")
			}
			if got := ask(&b, r, "1", command.RateWrite, now, 1); got != 1 {
				t.Error("another class pays")
			}
		})
	}
}

// A change of one account's rates neither fills nor empties the buckets of
// others.
func TestRatesChange(t *testing.T) {
	var b Buckets
	before := &Rates{}
	before.Default[command.RateRead], before.Default[command.RateWrite] = command.Rate{PerSecond: 1, Burst: 10}, command.Rate{PerSecond: 1, Burst: 10}
	now := time.Now()
	for _, account := range []command.AccountID{"1", "2"} {
		if got := ask(&b, before, account, command.RateRead, now, 20) + ask(&b, before, account, command.RateWrite, now, 20); got != 20 {
			t.Fatalf("%d", got)
		}
	}
	after := &Rates{Default: before.Default, Accounts: map[command.AccountID]Set{"1": before.Default}}
	own := after.Accounts["1"]
	own[command.RateRead] = command.Rate{PerSecond: 5, Burst: 5}
	after.Accounts["1"] = own
	for _, tt := range []struct {
		account command.AccountID
		class   command.RateClass
		want    int
	}{{"1", command.RateRead, 5}, {"1", command.RateWrite, 0}, {"2", command.RateRead, 0}, {"2", command.RateWrite, 0}} {
		if got := ask(&b, after, tt.account, tt.class, now, 20); got != tt.want {
			t.Errorf("account %s, %v: %d, want %d", tt.account, tt.class, got, tt.want)
		}
	}
	if got := ask(&b, nil, "1", command.RateRead, now, 20) + ask(&b, &Rates{}, "1", command.RateRead, now, 20); got != 40 {
		t.Errorf("without rates %d", got)
	}
}

// However many ask at once, no more pass than there are.
func TestConcurrentRequests(t *testing.T) {
	var b Buckets
	r := &Rates{}
	r.Default[command.RateDiscover] = command.Rate{PerSecond: 1, Burst: 1000}
	now := time.Now()
	var passed atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { passed.Add(int64(ask(&b, r, "1", command.RateDiscover, now, 500))) })
	}
	wg.Wait()
	if passed.Load() != 1000 {
		t.Errorf("%d passed", passed.Load())
	}
}

func TestClasses(t *testing.T) {
	for c := range command.NumRateClasses {
		if got, ok := command.ParseRateClass(c.String()); !ok || got != c {
			t.Errorf("%v is found as %v", c, got)
		}
	}
	if _, ok := command.ParseRateClass("other"); ok {
		t.Error("a class that is not there")
	}
}

func TestAllowDoesNotAllocate(t *testing.T) {
	var b Buckets
	r := &Rates{Default: Strict()}
	now := time.Now()
	b.Allow(r, "1", command.RateDiscover, now)
	if n := testing.AllocsPerRun(100, func() { b.Allow(r, "1", command.RateDiscover, now) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAllow(b *testing.B) {
	var buckets Buckets
	r := &Rates{}
	r.Default[command.RateDiscover] = command.Rate{PerSecond: 1e9, Burst: 1e9}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			buckets.Allow(r, "111111111111", command.RateDiscover, time.Now())
		}
	})
}
