package replica

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
	"github.com/cairn-discovery/cairn/store/storetest"
)

// only gives one commit an outcome and lets all others pass.
func only(commit int, outcome storetest.Outcome) func(int) storetest.Outcome {
	return func(n int) storetest.Outcome {
		if n == commit {
			return outcome
		}
		return storetest.Pass
	}
}

// TestFailedCommits: whatever happens to the second commit, its caller is told the
// truth, and the node goes on.
func TestFailedCommits(t *testing.T) {
	cases := []struct {
		name    string
		outcome storetest.Outcome
		want    error // nil: acknowledged
		kept    bool
	}{
		{"full", storetest.Full, store.ErrFull, false},
		{"uncertain and lost", storetest.Lost, ErrUnavailable, false},
		{"uncertain and kept", storetest.Kept, nil, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			n := start(t, storetest.NewFaulty(memory.New(), only(1, c.outcome)))
			n.namespace("first")
			_, err := n.Propose(t.Context(), account, httpNamespace("second"))
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			n.namespace("third")
			want := 2
			if c.kept {
				want = 3
			}
			if got := n.Current().Registry.Counts().Namespaces; got != want {
				t.Errorf("%d namespaces, want %d", got, want)
			}
		})
	}
}

// TestUncertainDeletion: a deletion leaves nothing behind by which it could be
// told from one that did not happen, but for its place in the history.
func TestUncertainDeletion(t *testing.T) {
	for _, outcome := range []storetest.Outcome{storetest.Lost, storetest.Kept} {
		n := start(t, storetest.NewFaulty(memory.New(), only(2, outcome)))
		svc := n.service("web")
		_, err := n.Propose(t.Context(), account, &registry.DeleteService{Ref: string(svc)})
		_, there := n.Current().Registry.Service(account, svc)
		if kept := outcome == storetest.Kept; (err == nil) != kept || there == kept {
			t.Errorf("kept %t: got %v, service is there: %t", kept, err, there)
		}
	}
}

// TestUncertainAmongOthers settles a commit after which another node has gone on.
func TestUncertainAmongOthers(t *testing.T) {
	for _, outcome := range []storetest.Outcome{storetest.Lost, storetest.Kept} {
		data := memory.New()
		other := start(t, data.Share())
		interfere := &spy{Store: storetest.NewFaulty(data, only(0, outcome))}
		interfere.after = func(_ store.Revision, err error) {
			if errors.Is(err, store.ErrUncertain) {
				other.namespace("others-1")
				other.namespace("others-2")
			}
		}
		n := start(t, interfere)
		_, err := n.Propose(t.Context(), account, httpNamespace("mine"))
		if (err == nil) != (outcome == storetest.Kept) {
			t.Errorf("outcome %d: got %v", outcome, err)
		}
		other.waitFor(n.Current().Revision)
		if a, b := contents(n.Current()), contents(other.Current()); a != b {
			t.Errorf("the nodes differ:\n%s\n%s", a, b)
		}
	}
}

// TestUncertainBeyondHistory: where the store has forgotten, the caller is told
// that nobody knows.
func TestUncertainBeyondHistory(t *testing.T) {
	data := memory.New()
	other := start(t, data.Share())
	s := &spy{Store: storetest.NewFaulty(data, only(1, storetest.Kept))}
	n := start(t, s)
	n.namespace("first")
	s.after = func(_ store.Revision, err error) {
		other.waitFor(1)
		other.namespace("others")
		data.Compact(2)
		s.after = nil
	}
	if _, err := n.Propose(t.Context(), account, httpNamespace("mine")); !errors.Is(err, ErrUncertain) {
		t.Errorf("got %v, want ErrUncertain", err)
	}
	n.namespace("after")
}

// unsettled is a store that cannot settle an uncertain commit for a while.
type unsettled struct {
	store.Store
	failures atomic.Int32 // of Load, to come
}

func (u *unsettled) Load(ctx context.Context, visit func([]store.Change) error) (store.Revision, error) {
	if u.failures.Add(-1) >= 0 {
		return 0, store.ErrUncertain
	}
	return u.Store.Load(ctx, visit)
}

// TestStoreThatCannotSettle: reads go on, commands are refused, and when the
// store is fit again so is the node.
func TestStoreThatCannotSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &unsettled{Store: storetest.NewFaulty(memory.New(), only(1, storetest.Kept))}
		n := start(t, s)
		n.namespace("first")
		s.failures.Store(3)
		if _, err := n.Propose(t.Context(), account, httpNamespace("second")); !errors.Is(err, ErrUncertain) {
			t.Errorf("got %v, want ErrUncertain", err)
		}
		if _, err := n.Propose(t.Context(), account, httpNamespace("third")); !errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
		if got := n.Current().Registry.Counts().Namespaces; got != 1 {
			t.Errorf("reads see %d namespaces", got)
		}
		n.waitFor(2)
		n.namespace("fourth")
		if got := n.Current().Registry.Counts().Namespaces; got != 3 {
			t.Errorf("%d namespaces, want 3: the uncertain one was kept", got)
		}
	})
}

func TestStopWhileTheStoreCannotSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &unsettled{Store: storetest.NewFaulty(memory.New(), only(0, storetest.Kept))}
		n := start(t, s)
		s.failures.Store(1 << 30)
		n.Propose(t.Context(), account, httpNamespace("first"))
		if err := n.stop(); !errors.Is(err, store.ErrUncertain) {
			t.Errorf("Run: %v, want ErrUncertain", err)
		}
	})
}

// broken is a store whose commits and loads fail from some moment on.
type broken struct {
	store.Store
	err atomic.Pointer[error]
}

func (b *broken) Load(ctx context.Context, visit func([]store.Change) error) (store.Revision, error) {
	if err := b.err.Load(); err != nil {
		return 0, *err
	}
	return b.Store.Load(ctx, visit)
}

func (b *broken) Commit(ctx context.Context, txn store.Txn) (store.Revision, error) {
	if b.err.Load() != nil {
		return 0, store.ErrUncertain
	}
	return b.Store.Commit(ctx, txn)
}

// TestDamagedStoreEndsTheReplica: there is nothing to wait for.
func TestDamagedStoreEndsTheReplica(t *testing.T) {
	damage := errors.New("damaged")
	s := &broken{Store: memory.New()}
	n := start(t, s)
	s.err.Store(&damage)
	if _, err := n.Propose(t.Context(), account, httpNamespace("first")); !errors.Is(err, ErrUncertain) {
		t.Errorf("got %v, want ErrUncertain", err)
	}
	<-n.stopped
	if err := n.stop(); !errors.Is(err, damage) {
		t.Errorf("Run: %v", err)
	}
}

func TestClosedStoreEndsTheReplica(t *testing.T) {
	s := memory.New()
	n := start(t, s)
	s.Close()
	<-n.stopped
	if err := n.stop(); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Run: %v", err)
	}
}

// TestUnreadableData: damaged data must not be half understood.
func TestUnreadableData(t *testing.T) {
	for name, write := range map[string]store.Write{
		"a malformed value": {Key: "1n/000000000000/x", Value: []byte{0xff}},
	} {
		data := memory.New()
		data.Load(t.Context(), func([]store.Change) error { return nil })
		if _, err := data.Commit(t.Context(), store.Txn{Writes: []store.Write{write}}); err != nil {
			t.Fatal(err)
		}
		n := run(t, newReplica(t, data.Share()))
		<-n.stopped
		if err := n.stop(); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
