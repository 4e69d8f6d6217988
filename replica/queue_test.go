package replica

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
)

func httpNamespace(name string) *registry.CreateNamespace {
	return &registry.CreateNamespace{Name: name, Type: registry.HTTP}
}

// held starts a node whose commits wait for the gate, with one of them waiting.
func held(t *testing.T, change ...func(*Config)) (n *node, gate chan struct{}, wg *sync.WaitGroup) {
	s := &spy{Store: memory.New()}
	n = start(t, s, change...)
	gate, wg = make(chan struct{}), new(sync.WaitGroup)
	s.before = func(store.Txn) { <-gate }
	wg.Go(func() { n.do(httpNamespace("held")) })
	synctest.Wait()
	return n, gate, wg
}

func TestFullQueueIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, gate, wg := held(t, func(c *Config) { c.QueueSize = 3 })
		for i := range 3 {
			wg.Go(func() { n.do(httpNamespace(fmt.Sprint("waits-", i))) })
		}
		synctest.Wait()
		if _, err := n.Propose(t.Context(), account, httpNamespace("one-too-many")); err != ErrBusy {
			t.Errorf("got %v, want ErrBusy", err)
		}
		close(gate)
		wg.Wait()
		if got := n.Current().Registry.Counts().Namespaces; got != 4 {
			t.Errorf("%d namespaces, want the 4 that were accepted", got)
		}
	})
}

func TestCallerThatLeavesBeforeTheDecision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, gate, wg := held(t)
		ctx, cancel := context.WithCancel(t.Context())
		wg.Go(func() {
			_, err := n.Propose(ctx, account, httpNamespace("left"))
			if !errors.Is(err, ErrUncertain) || !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(gate)
		wg.Wait()
		n.do(httpNamespace("after"))
		if got := n.Current().Registry.Counts().Namespaces; got != 2 {
			t.Errorf("%d namespaces, want 2: nobody waited for the third", got)
		}
	})
}

// A command that was accepted waits for WriteTimeout at most. If it was not decided by then,
// it never is.
func TestWriteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &spy{Store: memory.New()}
		n := start(t, s, func(c *Config) { c.WriteTimeout = time.Minute })
		gate := make(chan struct{})
		s.before = func(store.Txn) { <-gate }
		begin := time.Now()
		var wg sync.WaitGroup
		for _, name := range []string{"in-commit", "in-queue"} {
			wg.Go(func() {
				_, err := n.Propose(t.Context(), account, httpNamespace(name))
				if !errors.Is(err, ErrUncertain) || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: got %v", name, err)
				}
			})
			synctest.Wait()
		}
		wg.Wait()
		if took := time.Since(begin); took != time.Minute {
			t.Errorf("the callers waited %v", took)
		}
		close(gate)
		for i := range 3 { // timers are used again
			n.do(httpNamespace(fmt.Sprint("after-", i)))
			time.Sleep(40 * time.Second)
		}
		if got := n.Current().Registry.Counts().Namespaces; got != 4 {
			t.Errorf("%d namespaces, want 4: without the one in the queue", got)
		}
	})
}

func TestCallerThatLeavesDuringTheCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &spy{Store: memory.New()}
		n := start(t, s)
		gate := make(chan struct{})
		s.before = func(store.Txn) { <-gate }
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() {
			_, err := n.Propose(ctx, account, httpNamespace("left"))
			result <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-result; !errors.Is(err, ErrUncertain) {
			t.Errorf("got %v, want ErrUncertain", err)
		}
		close(gate)
		n.waitFor(1)
		if got := n.Current().Registry.Counts().Namespaces; got != 1 {
			t.Errorf("%d namespaces: what was being committed is done nevertheless", got)
		}
	})
}

func TestStopDoesWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, gate, wg := held(t, func(c *Config) { c.BatchSize = 2 })
		for i := range 5 {
			wg.Go(func() { n.do(httpNamespace(fmt.Sprint("waits-", i))) })
		}
		synctest.Wait()
		ended := make(chan error, 1)
		go func() { ended <- n.stop() }()
		synctest.Wait()
		close(gate)
		wg.Wait()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if _, err := n.Propose(t.Context(), account, httpNamespace("late")); err != ErrStopped {
			t.Errorf("after the end: %v, want ErrStopped", err)
		}
		if got := n.Current().Registry.Counts().Namespaces; got != 6 {
			t.Errorf("%d namespaces, want 6", got)
		}
	})
}

func TestStopWhileLoading(t *testing.T) {
	r := newReplica(t, loading{memory.New()})
	n := run(t, r)
	if err := n.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	select {
	case <-n.Loaded():
		t.Error("says that it has loaded")
	default:
	}
}

// loading is a store that never ends loading by itself.
type loading struct{ store.Store }

func (loading) Load(ctx context.Context, _ func([]store.Change) error) (store.Revision, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

// TestPanicHarmsNobodyElse puts a command that makes the core panic between others.
func TestPanicHarmsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, gate, wg := held(t)
		for i := range 6 {
			wg.Go(func() {
				var err error
				if i == 3 {
					_, err = n.Propose(t.Context(), account, (*registry.DeleteService)(nil))
				} else {
					_, err = n.Propose(t.Context(), account, httpNamespace(fmt.Sprint("beside-", i)))
				}
				if (err != nil) != (i == 3) {
					t.Errorf("command %d: %v", i, err)
				}
			})
			synctest.Wait()
		}
		close(gate)
		wg.Wait()
		if got := n.Current().Registry.Counts().Namespaces; got != 6 {
			t.Errorf("%d namespaces, want 6", got)
		}
	})
}
