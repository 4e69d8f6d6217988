// Package throttle keeps accounts to request rates: a token bucket for each
// account and class of operations.
//
// Rates are a value (Rates), made when a setting changes; buckets (Buckets) are
// what is left of them. A request costs one look-up and one compare-and-swap; it
// takes no lock, and an account without rates costs nothing at all.
package throttle

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/gcra"
)

// Set has a rate for each class.
type Set [command.NumRateClasses]command.Rate

// Strict returns the rates of strict mode.
func Strict() Set {
	var s Set
	for class := range s {
		s[class] = command.RateClass(class).Strict()
	}
	return s
}

// Rates say what each account may do. It is immutable.
type Rates struct {
	Default  Set
	Accounts map[command.AccountID]Set // those that differ
}

// Of returns the rates of an account.
func (r *Rates) Of(account command.AccountID) Set {
	if s, ok := r.Accounts[account]; ok {
		return s
	}
	return r.Default
}

// unlimited reports whether nobody has a limit.
func (r *Rates) unlimited() bool { return r.Default == Set{} && len(r.Accounts) == 0 }

// Buckets count the requests of accounts. The zero value is ready to use. It is
// safe for concurrent use; it keeps a few bytes for each account that is asked
// about, so ask about known ones only.
type Buckets struct {
	accounts atomic.Pointer[map[command.AccountID]*buckets]
	mu       sync.Mutex // held to change accounts
}

type buckets struct {
	rates *Rates // which the buckets were made for
	of    [command.NumRateClasses]*bucket
}

// bucket is a token bucket that is used without a lock.
type bucket struct {
	rate  command.Rate
	limit gcra.Limit
	full  atomic.Int64
}

func newBucket(r command.Rate) *bucket {
	return &bucket{rate: r, limit: gcra.NewLimit(r.PerSecond, r.Burst)}
}

// take takes one request out of the bucket, if there is one.
func (b *bucket) take(now int64) bool {
	for {
		full := b.full.Load()
		next, ok := b.limit.Take(full, now)
		if !ok {
			return false
		}
		if b.full.CompareAndSwap(full, next) {
			return true
		}
	}
}

// epoch is the moment from which times are counted.
var epoch = time.Now()

// Allow reports whether the account may make one more request of a class at a
// time that was taken by time.Now.
func (b *Buckets) Allow(rates *Rates, account command.AccountID, class command.RateClass, now time.Time) bool {
	if rates == nil || rates.unlimited() {
		return true
	}
	found := b.find(rates, account).of[class]
	return found == nil || found.take(now.Sub(epoch).Nanoseconds())
}

func (b *Buckets) find(rates *Rates, account command.AccountID) *buckets {
	if all := b.accounts.Load(); all != nil {
		if found := (*all)[account]; found != nil && found.rates == rates {
			return found
		}
	}
	return b.refresh(rates, account)
}

// refresh makes the buckets of an account under new rates. Those whose rate has
// not changed stay, so that a setting of something else fills none.
func (b *Buckets) refresh(rates *Rates, account command.AccountID) *buckets {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[command.AccountID]*buckets{}
	if old := b.accounts.Load(); old != nil {
		for id, kept := range *old {
			all[id] = kept
		}
	}
	before := all[account]
	if before != nil && before.rates == rates {
		return before
	}
	next := &buckets{rates: rates}
	for class, rate := range rates.Of(account) {
		switch {
		case !rate.Limited():
		case before != nil && before.of[class] != nil && before.of[class].rate == rate:
			next.of[class] = before.of[class]
		default:
			next.of[class] = newBucket(rate)
		}
	}
	all[account] = next
	b.accounts.Store(&all)
	return next
}
