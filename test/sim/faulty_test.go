package sim

import (
	"cmp"
	"context"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/cairn-discovery/cairn/store"
)

// faulty is one node's store. Commits and what watches tell wait until the
// history lets them go on, and commits may go wrong.
type faulty struct {
	store.Store
	*cluster
	dead chan struct{} // closed when the node crashes

	lock      sync.Mutex
	waiting   []*gate
	healed    bool
	uncertain bool // Load must come before the next commit
	stubborn  int  // that many loads cannot settle
}

// outcome is what becomes of something that waited.
type outcome int

const (
	pass outcome = iota
	lost
	kept
	full
	dead
)

// gate is a place where a goroutine of the node waits.
type gate struct {
	commit bool
	after  store.Revision // of a watch
	open   chan outcome
}

// wait waits until the history says how to go on.
func (f *faulty) wait(ctx context.Context, g *gate) outcome {
	g.open = make(chan outcome, 1)
	f.lock.Lock()
	if f.healed {
		f.lock.Unlock()
		return pass
	}
	f.waiting = append(f.waiting, g)
	f.lock.Unlock()
	select {
	case o := <-g.open:
		return o
	case <-f.dead:
		return dead
	case <-ctx.Done():
		f.lock.Lock()
		defer f.lock.Unlock()
		f.waiting = slices.DeleteFunc(f.waiting, func(w *gate) bool { return w == g })
		return dead
	}
}

// release lets one of those that wait go on.
func (f *faulty) release(rng *rand.Rand) bool {
	f.lock.Lock()
	defer f.lock.Unlock()
	if len(f.waiting) == 0 {
		return false
	}
	// Goroutines may have come here in any order.
	slices.SortFunc(f.waiting, func(a, b *gate) int {
		if a.commit != b.commit {
			return map[bool]int{true: -1, false: 1}[a.commit]
		}
		return cmp.Compare(a.after, b.after)
	})
	i := rng.IntN(len(f.waiting))
	g := f.waiting[i]
	f.waiting = slices.Delete(f.waiting, i, i+1)
	o := pass
	if g.commit {
		o = randomOutcome(rng)
		if (o == lost || o == kept) && rng.IntN(4) == 0 {
			f.stubborn = 1 + rng.IntN(2)
		}
	}
	g.open <- o
	return true
}

func randomOutcome(rng *rand.Rand) outcome {
	switch k := rng.IntN(100); {
	case k < 5:
		return lost
	case k < 10:
		return kept
	case k < 13:
		return full
	}
	return pass
}

// heal lets everything go on from now on.
func (f *faulty) heal() {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.healed, f.stubborn = true, 0
	for _, g := range f.waiting {
		g.open <- pass
	}
	f.waiting = nil
}

// Load implements store.Store.
func (f *faulty) Load(ctx context.Context, visit func([]store.Change) error) (store.Revision, error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	if f.stubborn > 0 {
		f.stubborn--
		return 0, store.ErrUncertain
	}
	f.uncertain = false
	return f.Store.Load(ctx, visit)
}

// Commit implements store.Store.
func (f *faulty) Commit(ctx context.Context, txn store.Txn) (store.Revision, error) {
	o := f.wait(ctx, &gate{commit: true})
	f.lock.Lock()
	if f.uncertain {
		o = lost
	}
	f.uncertain = o == lost || o == kept
	f.lock.Unlock()
	switch o {
	case dead:
		return 0, store.ErrClosed
	case lost:
		return 0, store.ErrUncertain
	case full:
		return 0, store.ErrFull
	}
	revision, err := f.commit(ctx, txn)
	if err == nil && o == kept {
		return 0, store.ErrUncertain
	}
	return revision, err
}

// commit commits, and keeps in mind what.
func (f *faulty) commit(ctx context.Context, txn store.Txn) (store.Revision, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	revision, err := f.Store.Commit(ctx, txn)
	if err == nil {
		f.log = append(f.log, store.Batch{Revision: revision, Writes: txn.Writes})
	}
	return revision, err
}

// Watch implements store.Store.
func (f *faulty) Watch(ctx context.Context, after store.Revision) iter.Seq2[store.Batch, error] {
	ctx, cancel := context.WithCancel(ctx)
	context.AfterFunc(ctx, cancel)
	return func(yield func(store.Batch, error) bool) {
		defer cancel()
		go func() { // a crash ends the wait for more, too
			select {
			case <-f.dead:
				cancel()
			case <-ctx.Done():
			}
		}()
		for batch, err := range f.Store.Watch(ctx, after) {
			if err == nil && f.wait(ctx, &gate{after: after}) == dead {
				err = store.ErrClosed
			}
			if !yield(batch, err) || err != nil {
				return
			}
			after = batch.Revision
		}
	}
}
