package replica

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/cairn-discovery/cairn/store"
)

// feedBytes bounds the transactions that a node remembers for its followers.
const feedBytes = 16 << 20

// feed remembers the newest transactions, for nodes that follow this one.
//
// It remembers nothing before the first follower comes.
type feed struct {
	on      atomic.Bool
	mu      sync.Mutex
	start   store.Revision // the transactions after it are in batches
	batches []store.Batch
	bytes   int
	more    chan struct{} // closed and replaced when there is a new one
}

func newFeed() *feed { return &feed{more: make(chan struct{})} }

// openFeed makes the feed remember from now on. A transaction is added after it is
// published: so one that is not in the feed is in the state that is loaded here.
func (r *Replica) openFeed() {
	if r.feed.on.Swap(true) {
		return
	}
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	r.feed.start = max(r.feed.start, store.Revision(r.Current().Revision))
}

// reset forgets everything: the state was loaded at a revision.
func (f *feed) reset(at store.Revision) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.start, f.batches, f.bytes = at, nil, 0
	close(f.more)
	f.more = make(chan struct{})
}

// add adds a transaction that was published.
func (f *feed) add(b store.Batch) {
	if !f.on.Load() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batches = append(f.batches, b)
	f.bytes += size(b)
	for f.bytes > feedBytes && len(f.batches) > 1 {
		f.bytes -= size(f.batches[0])
		f.start = f.batches[0].Revision
		f.batches[0] = store.Batch{}
		f.batches = f.batches[1:]
	}
	close(f.more)
	f.more = make(chan struct{})
}

func size(b store.Batch) int {
	n := 64
	for _, w := range b.Writes {
		n += len(w.Key) + len(w.Value) + 64
	}
	return n
}

// after returns the first transaction after a revision, or a channel that is closed when
// there may be one.
func (f *feed) after(revision store.Revision) (store.Batch, <-chan struct{}, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if revision < f.start {
		return store.Batch{}, nil, store.ErrCompacted
	}
	lo, hi := 0, len(f.batches)
	for lo < hi {
		if mid := (lo + hi) / 2; f.batches[mid].Revision > revision {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	if lo < len(f.batches) {
		return f.batches[lo], nil, nil
	}
	return store.Batch{}, f.more, nil
}

// Changes yields the transactions after a revision as they are published, and waits for
// more until ctx ends. If the node does not remember them, it yields store.ErrCompacted:
// begin again with Records. They must not be modified.
func (r *Replica) Changes(ctx context.Context, after store.Revision) iter.Seq2[store.Batch, error] {
	return func(yield func(store.Batch, error) bool) {
		r.openFeed()
		for {
			batch, more, err := r.feed.after(after)
			if err != nil {
				yield(store.Batch{}, err)
				return
			}
			if more == nil {
				if !yield(batch, nil) {
					return
				}
				after = batch.Revision
				continue
			}
			select {
			case <-more:
			case <-ctx.Done():
				yield(store.Batch{}, ctx.Err())
				return
			}
		}
	}
}

// Records returns the records of the newest state and its revision.
func (r *Replica) Records() (store.Revision, iter.Seq[store.Record]) {
	r.openFeed()
	current := r.Current()
	return store.Revision(current.Revision), current.Records()
}
