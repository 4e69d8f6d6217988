// Package throttle keeps accounts to request rates: a token bucket for each
// account and class of operations.
//
// Rates are a value (Rates), made when a setting changes; buckets (Buckets) are
// what is left of them. A request costs one look-up and one compare-and-swap; it
// takes no lock, and an account without rates costs nothing at all.
package throttle

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
)

// Class is a kind of operation with a rate of its own.
type Class int

// The classes; see docs/adr/0023-throttle-classes.md.
const (
	Discover Class = iota // DiscoverInstances
	Revision              // DiscoverInstancesRevision
	Read                  // what else changes nothing
	Write                 // what changes something
	STS                   // the calls of STS
	numClasses
)

var classNames = [numClasses]string{"discover", "revision", "read", "write", "sts"}

func (c Class) String() string { return classNames[c] }

// ClassOf returns the class of that name.
func ClassOf(name string) (Class, bool) {
	for c, n := range classNames {
		if n == name {
			return Class(c), true
		}
	}
	return 0, false
}

// Rate is a token bucket: it holds Burst requests and fills at PerSecond. The
// zero Rate is no limit.
type Rate struct {
	PerSecond float64
	Burst     int // 0: as many as come in a second, one at least
}

// Limited reports whether there is a limit.
func (r Rate) Limited() bool { return r.PerSecond > 0 }

// Set has a rate for each class.
type Set [numClasses]Rate

// Published are the rates that AWS publishes, per account and region; see "AWS
// Cloud Map quotas" in the developer guide. It publishes none for other calls.
func Published() Set {
	var s Set
	s[Discover] = Rate{1000, 2000}
	s[Revision] = Rate{3000, 3000}
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

// Unlimited reports whether nobody has a limit.
func (r *Rates) Unlimited() bool { return r.Default == Set{} && len(r.Accounts) == 0 }

// Buckets count the requests of accounts. The zero value is ready to use. It is
// safe for concurrent use; it keeps a few bytes for each account that is asked
// about, so ask about known ones only.
type Buckets struct {
	accounts atomic.Pointer[map[command.AccountID]*buckets]
	mu       sync.Mutex // held to change accounts
}

type buckets struct {
	rates *Rates // which the buckets were made for
	of    [numClasses]*bucket
}

// bucket is the generic cell rate algorithm (ITU-T I.371) in one number: the
// time at which the bucket would be full again.
type bucket struct {
	rate  Rate
	step  int64 // nanoseconds in which one request flows in
	depth int64 // nanoseconds in which the whole bucket does
	full  atomic.Int64
}

func newBucket(r Rate) *bucket {
	burst := float64(r.Burst)
	if r.Burst == 0 {
		burst = max(1, r.PerSecond)
	}
	step := max(1, min(float64(time.Second)/r.PerSecond, 1<<60))
	return &bucket{rate: r, step: int64(step), depth: int64(min(burst*step, 1<<60))}
}

// take takes one request out of the bucket, if there is one.
func (b *bucket) take(now int64) bool {
	for {
		full := b.full.Load()
		next := max(full, now) + b.step
		if next-now > b.depth {
			return false
		}
		if b.full.CompareAndSwap(full, next) {
			return true
		}
	}
}

// epoch is what times are counted from.
var epoch = time.Now()

// Allow reports whether the account may make one more request of a class at a
// time that was taken by time.Now.
func (b *Buckets) Allow(rates *Rates, account command.AccountID, class Class, now time.Time) bool {
	if rates == nil || rates.Unlimited() {
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

// Valid reports whether a rate can be used.
func (r Rate) Valid() bool {
	return r.PerSecond >= 0 && r.PerSecond <= 1e9 && !math.IsNaN(r.PerSecond) && r.Burst >= 0
}
