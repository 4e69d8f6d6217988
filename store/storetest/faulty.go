package storetest

import (
	"context"
	"sync"

	"github.com/cairn-discovery/cairn/store"
)

// Outcome is the fate of a commit of a Faulty store.
type Outcome int

const (
	// Pass lets the commit through.
	Pass Outcome = iota
	// Lost answers ErrUncertain and commits nothing.
	Lost
	// Kept commits and answers ErrUncertain.
	Kept
	// Full answers ErrFull and commits nothing.
	Full
)

// Faulty is a store whose commits fail on demand, for the tests of those who use
// a store. After Lost and Kept it refuses commits with ErrUncertain until Load
// was called, as the contract has it.
type Faulty struct {
	store.Store
	plan func(n int) Outcome

	mu        sync.Mutex
	commits   int
	uncertain bool
}

// NewFaulty wraps a store. plan is asked about every commit that reaches the
// store, counted from 0, one at a time.
func NewFaulty(s store.Store, plan func(n int) Outcome) *Faulty {
	return &Faulty{Store: s, plan: plan}
}

// Load implements store.Store.
func (f *Faulty) Load(ctx context.Context, visit func([]store.Change) error) (store.Revision, error) {
	revision, err := f.Store.Load(ctx, visit)
	if err == nil {
		f.mu.Lock()
		f.uncertain = false
		f.mu.Unlock()
	}
	return revision, err
}

// Commit implements store.Store.
func (f *Faulty) Commit(ctx context.Context, txn store.Txn) (store.Revision, error) {
	outcome := f.next()
	switch outcome {
	case Lost:
		return 0, store.ErrUncertain
	case Full:
		return 0, store.ErrFull
	}
	revision, err := f.Store.Commit(ctx, txn)
	if outcome == Kept && err == nil {
		return 0, store.ErrUncertain
	}
	return revision, err
}

func (f *Faulty) next() Outcome {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.uncertain {
		return Lost
	}
	outcome := f.plan(f.commits)
	f.commits++
	f.uncertain = outcome == Lost || outcome == Kept
	return outcome
}
