package replica

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/store"
)

// freshness is what is known about the age of the state.
type freshness struct {
	origin      time.Time    // the times below count from it, by the monotonic clock
	confirmed   atomic.Int64 // the state is not older than this
	unreachable atomic.Bool  // the last call of the store did not reach it

	mu    sync.Mutex
	again chan struct{} // closed when the store is reached again
	since time.Time     // when it was reached again
}

// Confirm notes that the state is not older than a time: a commit that was begun then has
// succeeded, and is visible.
func (r *Replica) Confirm(at time.Time) {
	since := int64(at.Sub(r.freshness.origin))
	for {
		old := r.freshness.confirmed.Load()
		if since <= old || r.freshness.confirmed.CompareAndSwap(old, since) {
			return
		}
	}
}

// Reached returns since when the store is reached without a break. It is zero if it always
// was.
func (r *Replica) Reached() time.Time {
	r.freshness.mu.Lock()
	defer r.freshness.mu.Unlock()
	return r.freshness.since
}

// Staleness returns for how long the state may have been out of date. It is 0 while the
// store is reached and the last Confirm is younger than Config.StaleAfter, and always
// without StaleAfter.
func (r *Replica) Staleness(now time.Time) time.Duration {
	if r.cfg.StaleAfter == 0 {
		return 0
	}
	age := now.Sub(r.freshness.origin) - time.Duration(r.freshness.confirmed.Load())
	if remote, ok := r.cfg.Store.(store.Remote); ok {
		age = min(age, now.Sub(remote.LastContact()))
	}
	if age <= r.cfg.StaleAfter && !r.freshness.unreachable.Load() {
		return 0
	}
	return max(age, 1)
}

// reached notes whether a call reached the store.
func (f *freshness) reached(ok bool) {
	if f.unreachable.Load() == !ok {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.unreachable.Swap(!ok) == !ok {
		return
	}
	if ok {
		f.since = time.Now()
		close(f.again)
	} else {
		f.again = make(chan struct{})
	}
}

// whenReached returns a channel that is closed when the store is reached again, or nil if
// it is reached.
func (f *freshness) whenReached() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.unreachable.Load() {
		return nil
	}
	return f.again
}

// errUnreachable is the answer to commands while the store is known to be out of reach.
var errUnreachable = fmt.Errorf("%w: %w", ErrUnavailable, store.ErrUnreachable)

// proposeLater proposes a command as soon as the store is reached again, for the time
// that the configuration sets.
func (r *Replica) proposeLater(ctx context.Context, account command.AccountID, c command.Command) (command.Reply, error) {
	switch {
	case r.cfg.ReadOnly:
		return command.Reply{}, store.ErrReadOnly
	case r.cfg.WriteWait == 0:
		return command.Reply{}, errUnreachable
	}
	timer := time.NewTimer(r.cfg.WriteWait)
	defer timer.Stop()
	for {
		if again := r.freshness.whenReached(); again != nil {
			select {
			case <-again:
			case <-timer.C:
				return command.Reply{}, errUnreachable
			case <-ctx.Done():
				return command.Reply{}, ctx.Err()
			case <-r.stopped:
				return command.Reply{}, ErrStopped
			}
		}
		reply, err := r.decideOnNewest(ctx, account, c)
		if !errors.Is(err, store.ErrUnreachable) {
			return reply, err
		}
	}
}

// pause waits for a time and returns true, or returns false when ctx ends.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
