package replica

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cairn-discovery/cairn/store"
)

const (
	// feedBytes bounds the transactions that a node remembers for followers that may come
	// back.
	feedBytes = 16 << 20
	// busyFeedBytes bounds those that it remembers while followers load, or have not taken
	// them yet: to load ten million instances may take a follower longer than feedBytes last,
	// and then it would begin again and again.
	busyFeedBytes = 256 << 20
	// afterLoad is how long a follower may take to ask for the transactions after a load.
	afterLoad = 30 * time.Second
	// maxLoad is how long a load may take.
	maxLoad = time.Hour
)

// feed remembers the newest transactions, for nodes that follow this one.
//
// It remembers nothing before the first follower comes.
type feed struct {
	on      atomic.Bool
	mu      sync.Mutex
	start   store.Revision // the transactions after it are in batches
	batches []store.Batch
	bytes   int
	// readers are followers that still need the transactions after a revision.
	readers map[*feedReader]struct{}
	// stateBytes is the size of the state when it was last sent.
	stateBytes int
	more       chan struct{} // closed and replaced when there is a new one
}

// feedReader is a follower that loads, or that takes transactions.
type feedReader struct {
	after store.Revision
	until time.Time // when it has given up; zero: it has not
}

func newFeed() *feed {
	return &feed{more: make(chan struct{}), readers: map[*feedReader]struct{}{}}
}

// join notes a reader.
func (f *feed) join(r *feedReader) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.readers[r] = struct{}{}
}

// leave forgets a reader at a time; the zero time is at once.
func (f *feed) leave(r *feedReader, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.until = at; at.IsZero() {
		delete(f.readers, r)
	}
}

// loaded notes that a reader has all records, of so many bytes in all, and waits for it to
// ask for the transactions after them.
func (f *feed) loaded(r *feedReader, bytes int) {
	f.mu.Lock()
	f.stateBytes = bytes
	f.mu.Unlock()
	f.leave(r, time.Now().Add(afterLoad))
}

// needed reports whether a reader still needs a transaction. The caller holds mu.
func (f *feed) needed(revision store.Revision, now time.Time) bool {
	found := false
	for r := range f.readers {
		if !r.until.IsZero() && now.After(r.until) {
			delete(f.readers, r)
			continue
		}
		found = found || r.after < revision
	}
	return found
}

// trim forgets the oldest transactions. The caller holds mu.
func (f *feed) trim() {
	now := time.Now()
	for f.bytes > feedBytes && len(f.batches) > 1 {
		first := f.batches[0]
		if f.bytes <= max(busyFeedBytes, f.stateBytes/4) && f.needed(first.Revision, now) {
			return
		}
		f.bytes -= size(first)
		f.start = first.Revision
		f.batches[0] = store.Batch{}
		f.batches = f.batches[1:]
	}
}

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
	f.trim()
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
// there may be one. It notes that the reader has got so far.
func (f *feed) after(revision store.Revision, r *feedReader) (store.Batch, <-chan struct{}, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r.after = revision
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
		reader := &feedReader{after: after}
		r.feed.join(reader)
		defer r.feed.leave(reader, time.Time{})
		for {
			batch, more, err := r.feed.after(after, reader)
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

// Records returns the records of the newest state and its revision. While the records are
// read, and for some time after it, the transactions after them are remembered.
func (r *Replica) Records() (store.Revision, iter.Seq[store.Record]) {
	r.openFeed()
	// Joined before the state is read, so that no transaction after it is forgotten.
	reader := &feedReader{after: store.Revision(r.Current().Revision), until: time.Now().Add(afterLoad)}
	r.feed.join(reader)
	current := r.Current()
	return store.Revision(current.Revision), func(yield func(store.Record) bool) {
		r.feed.leave(reader, time.Now().Add(maxLoad))
		bytes := 0
		for record := range current.Records() {
			if bytes += len(record.Key) + len(record.Value); !yield(record) {
				r.feed.leave(reader, time.Time{})
				return
			}
		}
		r.feed.loaded(reader, bytes)
	}
}
