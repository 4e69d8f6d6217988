package embedded

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/cairn-discovery/cairn/store"
)

// TestAllAtOnce commits from several goroutines while one follows and takes
// snapshots of what it has seen, as a replica does; then what was followed, what
// is loaded and what is loaded after reopening must be the same.
func TestAllAtOnce(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), SegmentSize: 16 << 10, SnapshotBytes: 40 << 10}
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, base := load(t, s)
	const writers, each = 8, 40
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				txn := put(fmt.Sprint("key", (w+i)%10), fmt.Sprint(w, i, string(make([]byte, 500))))
				txn.Writes = append(txn.Writes, store.Write{Key: fmt.Sprint("key", (w+i+3)%10), Delete: true})
				if _, err := s.Commit(t.Context(), txn); err != nil {
					t.Error(err)
				}
			}
		})
	}
	followed := followAll(t, s, base, writers*each)
	wg.Wait()
	if got, _ := load(t, s); !maps.Equal(got, followed) {
		t.Error("what was followed is not what is loaded")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(cfg); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got, at := load(t, s); !maps.Equal(got, followed) || at != base+writers*each {
		t.Errorf("reopened at revision %d with %d keys, want %d", at, len(got), len(followed))
	}
}

// followAll applies a number of batches and takes the snapshots that are due.
func followAll(t *testing.T, s *Store, base store.Revision, n int) map[string]string {
	state, snapshots := map[string]string{}, 0
	for batch, err := range s.Watch(t.Context(), base) {
		if err != nil {
			t.Error(err)
			break
		}
		for _, w := range batch.Writes {
			state[w.Key] = string(w.Value)
			if w.Delete {
				delete(state, w.Key)
			}
		}
		if s.SnapshotDue() {
			snapshots++
			if err := s.Snapshot(t.Context(), batch.Revision, records(state, batch.Revision)); err != nil {
				t.Error(err)
			}
		}
		if n--; n == 0 {
			break
		}
	}
	if snapshots == 0 {
		t.Error("no snapshot was taken")
	}
	return state
}

// A snapshot that takes long does not keep a Load waiting.
func TestSnapshotGivesWayToLoad(t *testing.T) {
	s, _ := opened(t)
	at := commit(t, s, put("a", "1"))
	var wg sync.WaitGroup
	loaded := make(chan struct{})
	endless := func(yield func(store.Record) bool) {
		wg.Go(func() { load(t, s); close(loaded) })
		for i := 0; yield(store.Record{Key: fmt.Sprint(i), Value: make([]byte, 10_000), Revision: at}); i++ {
			if t.Context().Err() != nil {
				return
			}
		}
	}
	if err := s.Snapshot(t.Context(), at, endless); !errors.Is(err, errGaveWay) {
		t.Fatalf("snapshot: %v", err)
	}
	<-loaded
	wg.Wait()
}

func TestCloseEndsWhatTakesLong(t *testing.T) {
	s, _ := opened(t)
	at := commit(t, s, put("a", "1"))
	var wg sync.WaitGroup
	endless := func(yield func(store.Record) bool) {
		wg.Go(func() { s.Close() })
		for yield(store.Record{Key: "a", Value: make([]byte, 10_000), Revision: at}) {
		}
	}
	if err := s.Snapshot(t.Context(), at, endless); !errors.Is(err, store.ErrClosed) {
		t.Fatalf("snapshot: %v", err)
	}
	wg.Wait()
}

// A watcher that fell behind what is kept is told so, and so is a late commit.
func TestOldHistoryIsCompacted(t *testing.T) {
	s, err := Open(Config{Dir: t.TempDir(), SegmentSize: 64 << 10, HistoryBytes: 2000})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, base := load(t, s)
	at := base
	for i := range 20 {
		at = commit(t, s, put(fmt.Sprint("key", i), string(make([]byte, 200))))
	}
	for _, err := range s.Watch(t.Context(), base) {
		if !errors.Is(err, store.ErrCompacted) {
			t.Fatalf("watch: %v", err)
		}
	}
	late := store.Txn{Base: base, Preconditions: []store.Precondition{{Key: "never written"}}}
	if _, err := s.Commit(t.Context(), late); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("commit: %v", err)
	}
	late.Base = at - 1
	if _, err := s.Commit(t.Context(), late); err != nil {
		t.Fatalf("commit: %v", err)
	}
	if n := len(s.history.written); n > 8 {
		t.Errorf("the history remembers %d keys of 20", n)
	}
}

// A watcher may be slower than the writers and still see all that is kept.
func TestSlowWatcherSeesAll(t *testing.T) {
	s, _ := opened(t)
	_, base := load(t, s)
	var seen []store.Revision
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 3 {
		commit(t, s, put("a", "1"))
	}
	for batch, err := range s.Watch(ctx, base) {
		if err != nil {
			break
		}
		if seen = append(seen, batch.Revision); len(seen) < 100 {
			commit(t, s, put("a", "1"))
			commit(t, s, put("b", "1"))
		} else {
			cancel()
		}
	}
	if !slices.IsSorted(seen) || seen[0] != base+1 || len(slices.Compact(seen)) != int(seen[len(seen)-1]-base) {
		t.Fatalf("saw %v", seen)
	}
}
