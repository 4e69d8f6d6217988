package replica

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
)

// TestDurableThenVisibleThenAcknowledged stops the world at the moment when a
// commit is durable but has not returned.
func TestDurableThenVisibleThenAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &spy{Store: memory.New()}
		n := start(t, s)
		svc := n.service("web")
		var acknowledged atomic.Int32
		commits := 0
		s.after = func(revision store.Revision, err error) {
			commits++
			synctest.Wait() // all that could happen before the return has happened
			if n.Current().Revision >= uint64(revision) {
				t.Errorf("revision %d is visible before its commit returned", revision)
			}
			if k := acknowledged.Load(); int(k) != commits-1 {
				t.Errorf("%d commands acknowledged before commit %d returned", k, commits)
			}
		}
		for i := range 5 {
			id := fmt.Sprint("i-", i)
			n.do(register(svc, id))
			acknowledged.Add(1)
			if !has(n.Current(), svc, id) {
				t.Errorf("%s is acknowledged but not visible", id)
			}
		}
	})
}

// TestWhatWaitsCommitsTogether holds one commit back while more commands come.
func TestWhatWaitsCommitsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &spy{Store: memory.New()}
		n := start(t, s, func(c *Config) { c.BatchSize = 8 })
		svc := n.service("web")
		gate := make(chan struct{})
		var sizes []int
		s.before = func(txn store.Txn) {
			sizes = append(sizes, len(txn.Writes))
			if len(sizes) == 1 {
				<-gate
			}
		}
		var wg sync.WaitGroup
		propose := func(i int) { wg.Go(func() { n.do(register(svc, fmt.Sprint("i-", i))) }) }
		propose(0)
		synctest.Wait()
		for i := range 10 {
			propose(1 + i)
		}
		synctest.Wait()
		close(gate)
		wg.Wait()
		// An instance each, one record of all operations, and the last revision of the service.
		want := []int{1 + 2, 8 + 2, 2 + 2}
		if fmt.Sprint(sizes) != fmt.Sprint(want) {
			t.Errorf("commits have %v writes, want %v", sizes, want)
		}
	})
}

// TestLaterCommandsSeeEarlierOnesOfTheirBatch: of many that ask for the same
// name at once, one gets it, although all are decided before anything is
// committed.
func TestLaterCommandsSeeEarlierOnesOfTheirBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &spy{Store: memory.New()}
		n := start(t, s)
		gate := make(chan struct{})
		s.before = func(store.Txn) { <-gate }
		var made atomic.Int32
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := n.Propose(t.Context(), account, httpNamespace("one")); err == nil {
					made.Add(1)
				}
			})
		}
		synctest.Wait()
		close(gate)
		wg.Wait()
		if made.Load() != 1 || n.Current().Registry.Counts().Namespaces != 1 {
			t.Errorf("%d of 20 were acknowledged, %d namespaces", made.Load(), n.Current().Registry.Counts().Namespaces)
		}
	})
}
