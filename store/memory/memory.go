// Package memory is the simplest store that keeps the contract: everything in
// maps, nothing on disk. It is meant for tests, and for saying what a store
// should do when another one is in doubt. Share gives several replicas in one
// process the same data.
//
//	first := memory.New()
//	second := first.Share()
package memory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/cairn-discovery/cairn/store"
)

// Store is one user's handle on data that it may share with others. It must be
// made by New or Share.
type Store struct {
	data *data
	// held under data.mu
	loaded bool
	closed chan struct{} // closed by Close
}

var (
	_ store.Store  = (*Store)(nil)
	_ store.Linear = (*Store)(nil)
)

var errNotLoaded = errors.New("memory: Load must be called before Commit")

// New returns a store with empty data of its own.
func New() *Store {
	return &Store{data: newData(), closed: make(chan struct{})}
}

// Share returns another handle on the same data, as a second replica would open
// it. Each handle is loaded and closed by itself, and the data outlives a
// closed handle: Share works on a closed one too.
func (s *Store) Share() *Store {
	return &Store{data: s.data, closed: make(chan struct{})}
}

// Compact forgets the history up to and including the given revision, so that
// tests can see watchers and late commits cope. All history is kept otherwise.
func (s *Store) Compact(through store.Revision) {
	s.data.mu.Lock()
	defer s.data.mu.Unlock()
	s.data.compact(through)
}

// Load implements store.Store. Commits wait until it has returned.
func (s *Store) Load(ctx context.Context, visit func([]store.Change) error) (store.Revision, error) {
	s.data.mu.Lock()
	defer s.data.mu.Unlock()
	if s.isClosed() {
		return 0, store.ErrClosed
	}
	for chunk := range slices.Chunk(s.data.changes(), 256) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := visit(chunk); err != nil {
			return 0, err
		}
	}
	s.loaded = true
	return s.data.revision, ctx.Err()
}

// Newest implements store.Linear.
func (s *Store) Newest(context.Context) (store.Revision, error) {
	s.data.mu.Lock()
	defer s.data.mu.Unlock()
	return s.data.revision, nil
}

// Commit implements store.Store. It checks Exists of every precondition that holds. A wrong
// one is an error: a mistake in the caller that a store without the whole state cannot see.
func (s *Store) Commit(ctx context.Context, txn store.Txn) (store.Revision, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := txn.Check(); err != nil {
		return 0, err
	}
	s.data.mu.Lock()
	defer s.data.mu.Unlock()
	switch {
	case s.isClosed():
		return 0, store.ErrClosed
	case !s.loaded:
		return 0, errNotLoaded
	}
	if err := s.data.check(txn); err != nil {
		return 0, err
	}
	return s.data.apply(txn.Writes), nil
}

// Watch implements store.Store.
func (s *Store) Watch(ctx context.Context, after store.Revision) iter.Seq2[store.Batch, error] {
	return func(yield func(store.Batch, error) bool) {
		for {
			batch, more, err := s.next(ctx, after)
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
			case <-s.closed:
			case <-ctx.Done():
			}
		}
	}
}

// next returns the batch after the given revision, or a channel that is closed
// when there may be one.
func (s *Store) next(ctx context.Context, after store.Revision) (store.Batch, <-chan struct{}, error) {
	if err := ctx.Err(); err != nil {
		return store.Batch{}, nil, err
	}
	s.data.mu.Lock()
	defer s.data.mu.Unlock()
	if s.isClosed() {
		return store.Batch{}, nil, store.ErrClosed
	}
	return s.data.after(after)
}

// Close implements store.Store. The data stays for the other handles.
func (s *Store) Close() error {
	s.data.mu.Lock()
	defer s.data.mu.Unlock()
	if !s.isClosed() {
		close(s.closed)
	}
	return nil
}

func (s *Store) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// data is shared by all handles. mu guards its fields.
type data struct {
	mu       sync.Mutex
	revision store.Revision
	records  map[string]store.Record
	// written holds the last revision that wrote or deleted a key.
	written map[string]store.Revision
	// history holds the batches after compacted, one for each revision.
	history   []store.Batch
	compacted store.Revision
	more      chan struct{} // closed and replaced by every commit
}

func newData() *data {
	return &data{
		records: map[string]store.Record{},
		written: map[string]store.Revision{},
		more:    make(chan struct{}),
	}
}

func (d *data) changes() []store.Change {
	all := make([]store.Change, 0, len(d.records))
	for _, key := range slices.Sorted(maps.Keys(d.records)) {
		r := d.records[key]
		r.Value = slices.Clone(r.Value)
		all = append(all, store.Change{Record: r})
	}
	return all
}

func (d *data) check(txn store.Txn) error {
	if txn.Base > d.revision {
		return fmt.Errorf("memory: base %d is after the store's revision %d", txn.Base, d.revision)
	}
	if len(txn.Preconditions) > 0 && txn.Base < d.compacted {
		return store.ErrConflict
	}
	for _, p := range txn.Preconditions {
		if p.Value != nil {
			if r, ok := d.records[p.Key]; !ok || !bytes.Equal(r.Value, p.Value) {
				return store.ErrConflict
			}
			continue
		}
		if d.written[p.Key] > txn.Base {
			return store.ErrConflict
		}
		if _, exists := d.records[p.Key]; exists != p.Exists {
			return fmt.Errorf("memory: precondition on %q says exists=%t, which was wrong at its base %d", p.Key, p.Exists, txn.Base)
		}
	}
	return nil
}

func (d *data) apply(writes []store.Write) store.Revision {
	d.revision++
	own := slices.Clone(writes)
	for i := range own {
		own[i].Value = slices.Clone(own[i].Value)
		d.written[own[i].Key] = d.revision
		if own[i].Delete {
			own[i].Value = nil
			delete(d.records, own[i].Key)
			continue
		}
		d.records[own[i].Key] = store.Record{Key: own[i].Key, Value: own[i].Value, Revision: d.revision}
	}
	d.history = append(d.history, store.Batch{Revision: d.revision, Writes: own})
	close(d.more)
	d.more = make(chan struct{})
	return d.revision
}

func (d *data) after(revision store.Revision) (store.Batch, <-chan struct{}, error) {
	if revision < d.compacted {
		return store.Batch{}, nil, store.ErrCompacted
	}
	if i := int(revision - d.compacted); i < len(d.history) {
		return d.history[i], nil, nil
	}
	return store.Batch{}, d.more, nil
}

func (d *data) compact(through store.Revision) {
	through = min(through, d.revision)
	if through <= d.compacted {
		return
	}
	d.history = slices.Clone(d.history[through-d.compacted:])
	d.compacted = through
}
