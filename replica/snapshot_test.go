package replica

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/embedded"
)

// counting counts the snapshots of a store.
type counting struct {
	*embedded.Store
	taken atomic.Int32
	fail  atomic.Bool
}

func (c *counting) Snapshot(ctx context.Context, at store.Revision, records iter.Seq[store.Record]) error {
	if c.fail.Load() {
		return errors.New("no")
	}
	err := c.Store.Snapshot(ctx, at, records)
	if err == nil {
		c.taken.Add(1)
	}
	return err
}

func openEmbedded(t *testing.T, dir string) *counting {
	t.Helper()
	s, err := embedded.Open(embedded.Config{Dir: dir, SegmentSize: 64 << 10, SnapshotBytes: 32 << 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &counting{Store: s}
}

// TestSnapshotsUnderLoad lets a store cut its log again and again while commands
// come, and loads what is left.
func TestSnapshotsUnderLoad(t *testing.T) {
	dir := t.TempDir()
	s := openEmbedded(t, dir)
	n := start(t, s)
	svc := n.service("web")
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 150 {
				n.do(register(svc, fmt.Sprintf("i-%d-%d", w, i%40)))
			}
		})
	}
	wg.Wait()
	for i := 0; s.taken.Load() < 3; i++ { // the writers may have been faster than the disk
		n.do(register(svc, fmt.Sprint("more-", i%40)))
	}
	want := contents(n.Current())
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := start(t, openEmbedded(t, dir))
	if got := contents(again.Current()); got != want {
		t.Errorf("after a restart:\n%s\nbefore:\n%s", got, want)
	}
}

// TestFailedSnapshotIsNoMatter: the log grows on, and the next one is tried.
func TestFailedSnapshotIsNoMatter(t *testing.T) {
	s := openEmbedded(t, t.TempDir())
	s.fail.Store(true)
	n := start(t, s)
	svc := n.service("web")
	for i := range 100 {
		n.do(register(svc, fmt.Sprint("i-", i)))
	}
	s.fail.Store(false)
	for i := 0; s.taken.Load() == 0; i++ {
		n.do(register(svc, fmt.Sprint("j-", i%40)))
	}
}
