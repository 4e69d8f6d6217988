package memory_test

import (
	"errors"
	"testing"

	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
	"github.com/cairn-discovery/cairn/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Opener {
		s := memory.New()
		return func() (store.Store, error) { return s.Share(), nil }
	})
}

func load(t *testing.T, s store.Store) store.Revision {
	t.Helper()
	_, revision, err := storetest.Contents(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

func commit(t *testing.T, s store.Store, base store.Revision, key string) store.Revision {
	t.Helper()
	revision, err := s.Commit(t.Context(), store.Txn{Base: base, Writes: []store.Write{{Key: key}}})
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

func TestSharedHandlesSeeEachOther(t *testing.T) {
	first := memory.New()
	second := first.Share()
	base := load(t, first)
	load(t, second)
	at := commit(t, first, base, "a")
	for batch, err := range second.Watch(t.Context(), base) {
		if err != nil || batch.Revision != at {
			t.Fatalf("got %v, %v", batch, err)
		}
		break
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	commit(t, second, at, "b")
}

func TestCompact(t *testing.T) {
	s := memory.New()
	base := load(t, s)
	at := commit(t, s, base, "a")
	commit(t, s, at, "b")
	s.Compact(at)
	for _, err := range s.Watch(t.Context(), base) {
		if !errors.Is(err, store.ErrCompacted) {
			t.Fatalf("watch: %v", err)
		}
	}
	_, err := s.Commit(t.Context(), store.Txn{Base: base, Preconditions: []store.Precondition{{Key: "z"}}})
	if !errors.Is(err, store.ErrConflict) {
		t.Fatalf("commit: %v", err)
	}
	for batch, err := range s.Watch(t.Context(), at) {
		if err != nil || batch.Writes[0].Key != "b" {
			t.Fatalf("got %v, %v", batch, err)
		}
		break
	}
}

func TestWrongExistsIsAnError(t *testing.T) {
	s := memory.New()
	base := load(t, s)
	for _, p := range []store.Precondition{{Key: "absent", Exists: true}} {
		_, err := s.Commit(t.Context(), store.Txn{Base: base, Preconditions: []store.Precondition{p}})
		if err == nil || errors.Is(err, store.ErrConflict) {
			t.Fatalf("%v: %v", p, err)
		}
	}
}

func TestCommitNeedsLoad(t *testing.T) {
	if _, err := memory.New().Commit(t.Context(), store.Txn{}); err == nil {
		t.Fatal("commit works without Load")
	}
}

// The faulty wrapper is a store as well when it lets everything pass.
func TestFaultyContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Opener {
		s := memory.New()
		return func() (store.Store, error) {
			return storetest.NewFaulty(s.Share(), func(int) storetest.Outcome { return storetest.Pass }), nil
		}
	})
}

func TestFaultyStaysUncertainUntilLoad(t *testing.T) {
	data := memory.New()
	plan := []storetest.Outcome{storetest.Kept, storetest.Full, storetest.Lost, storetest.Pass}
	s := storetest.NewFaulty(data.Share(), func(n int) storetest.Outcome { return plan[n] })
	base := load(t, s)
	try := func(want error) {
		t.Helper()
		if _, err := s.Commit(t.Context(), store.Txn{Base: base, Writes: []store.Write{{Key: "a"}}}); !errors.Is(err, want) {
			t.Fatalf("got %v, want %v", err, want)
		}
	}
	try(store.ErrUncertain)
	try(store.ErrUncertain)
	if got := load(t, s); got != base+1 {
		t.Fatalf("loaded revision %d: the first commit was to be kept", got)
	}
	try(store.ErrFull)
	try(store.ErrUncertain)
	if got := load(t, s); got != base+1 {
		t.Fatalf("loaded revision %d: the last commit was to be lost", got)
	}
	try(nil)
}
