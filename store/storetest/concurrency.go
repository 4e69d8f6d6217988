package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/cairn-discovery/cairn/store"
)

const (
	writers = 8
	rounds  = 15
)

var concurrencyTests = []contractTest{
	{"concurrent commits are all there", func(b *bench) {
		s, base := b.start()
		want := map[string]string{}
		var mu sync.Mutex
		revisions := map[store.Revision]bool{}
		var wg sync.WaitGroup
		for w := range writers {
			for i := range rounds {
				want[fmt.Sprint(w, "/", i)] = fmt.Sprint(i)
			}
			wg.Go(func() {
				for i := range rounds {
					r, err := s.Commit(b.Context(), store.Txn{Base: base, Writes: []store.Write{put(fmt.Sprint(w, "/", i), fmt.Sprint(i))}})
					if err != nil {
						b.Errorf("commit: %v", err)
					}
					mu.Lock()
					if revisions[r] {
						b.Errorf("revision %d came twice", r)
					}
					revisions[r] = true
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		b.holds(s, want)
		b.holds(b.reopen(s), want)
	}},
	{"no update is lost under contention", func(b *bench) {
		s, base := b.start()
		b.commit(s, base, put("counter", "0"))
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range rounds {
					if err := increment(b.Context(), s); err != nil {
						b.Errorf("increment: %v", err)
						return
					}
				}
			})
		}
		wg.Wait()
		b.holds(s, map[string]string{"counter": strconv.Itoa(writers * rounds)})
	}},
	{"what a watcher applies is what is loaded", func(b *bench) {
		s, base := b.start()
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range rounds {
					writes := []store.Write{put(fmt.Sprint(i%5), fmt.Sprint(w, i)), del(fmt.Sprint((i + 2) % 5))}
					if _, err := s.Commit(b.Context(), store.Txn{Base: base, Writes: writes}); err != nil {
						b.Errorf("commit: %v", err)
					}
				}
			})
		}
		wg.Wait()
		want, end := b.load(s)
		state, last := map[string]string{}, base
		for batch, err := range s.Watch(b.Context(), base) {
			if err != nil || batch.Revision <= last {
				b.Fatalf("watch: revision %d after %d, %v", batch.Revision, last, err)
			}
			apply(state, batch.Writes)
			if last = batch.Revision; last == end {
				break
			}
		}
		if !maps.Equal(state, want) {
			b.Fatalf("watched %s, loaded %s", brief(state), brief(want))
		}
	}},
}

// increment adds one to the counter, trying again while it conflicts.
func increment(ctx context.Context, s store.Store) error {
	for {
		state, base, err := Contents(ctx, s)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(state["counter"])
		if err != nil {
			return err
		}
		_, err = s.Commit(ctx, store.Txn{
			Base:          base,
			Preconditions: []store.Precondition{had("counter")},
			Writes:        []store.Write{put("counter", strconv.Itoa(n+1))},
		})
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

func apply(state map[string]string, writes []store.Write) {
	for _, w := range writes {
		if w.Delete {
			delete(state, w.Key)
		} else {
			state[w.Key] = string(w.Value)
		}
	}
}

// records yields a state as the records of one revision.
func records(state map[string]string, at store.Revision) iter.Seq[store.Record] {
	return func(yield func(store.Record) bool) {
		for _, key := range slices.Sorted(maps.Keys(state)) {
			if !yield(store.Record{Key: key, Value: []byte(state[key]), Revision: at}) {
				return
			}
		}
	}
}

var snapshotTests = []contractTest{
	{"a snapshot changes nothing", func(b *bench) {
		s, at := b.start()
		sn, ok := s.(store.Snapshotter)
		if !ok {
			b.Skip("this store looks after its log itself")
		}
		for i := range 20 {
			at = b.commit(s, at, put(fmt.Sprint(i%7), fmt.Sprint(i)), del(fmt.Sprint((i+3)%7)))
		}
		state, _ := b.load(s)
		if err := sn.Snapshot(b.Context(), at, records(state, at)); err != nil {
			b.Fatal(err)
		}
		b.holds(s, state)
		s = b.reopen(s)
		got, revision := b.load(s)
		if revision < at || !maps.Equal(got, state) {
			b.Fatalf("revision %d with %s, want %d with %s", revision, brief(got), at, brief(state))
		}
		at = b.commit(s, revision, put("after", "1"))
		state["after"] = "1"
		if _, revision := b.load(b.reopen(s)); revision < at {
			b.Fatalf("revision fell from %d to %d", at, revision)
		}
	}},
	{"commits go on during a snapshot", func(b *bench) {
		s, at := b.start()
		sn, ok := s.(store.Snapshotter)
		if !ok {
			b.Skip("this store looks after its log itself")
		}
		at = b.commit(s, at, put("a", "1"), put("b", "1"))
		state, _ := b.load(s)
		during := func(yield func(store.Record) bool) {
			for r := range records(state, at) {
				b.commit(s, at, put("c", r.Key), del("b"))
				if !yield(r) {
					return
				}
			}
		}
		if err := sn.Snapshot(b.Context(), at, during); err != nil {
			b.Fatal(err)
		}
		want := map[string]string{"a": "1", "c": "b"}
		b.holds(s, want)
		b.holds(b.reopen(s), want)
	}},
}
