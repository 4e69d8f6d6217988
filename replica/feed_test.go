package replica

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
)

// fill adds transactions of a mebibyte each, from a revision on.
func (f *feed) fill(from store.Revision, count int) {
	value := make([]byte, 1<<20)
	for i := range count {
		f.add(store.Batch{Revision: from + store.Revision(i), Writes: []store.Write{{Key: "k", Value: value}}})
	}
}

// has reports whether the transactions after a revision are remembered.
func (f *feed) has(after store.Revision) bool {
	_, _, err := f.after(after, new(feedReader))
	return !errors.Is(err, store.ErrCompacted)
}

// TestFeedIsBounded: without a reader a node remembers so many bytes and no more.
func TestFeedIsBounded(t *testing.T) {
	f := newFeed()
	f.on.Store(true)
	f.fill(1, 40)
	if f.has(0) || f.has(20) || !f.has(30) {
		t.Errorf("remembered: %v %v %v", f.has(0), f.has(20), f.has(30))
	}
}

// TestFeedWaitsForReaders: what a follower needs that loads, or that takes transactions, is
// remembered until it has them or is gone, or there is too much of it.
func TestFeedWaitsForReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed()
		f.on.Store(true)
		loading, slow := &feedReader{after: 0}, &feedReader{after: 10}
		f.join(loading)
		f.join(slow)
		f.fill(1, 40)
		if !f.has(0) {
			t.Error("what a follower needs that loads is forgotten")
		}
		f.loaded(loading, 1000)
		time.Sleep(afterLoad / 2)
		f.fill(41, 10)
		if !f.has(0) {
			t.Error("it is forgotten before the follower has asked for it")
		}
		time.Sleep(afterLoad)
		f.fill(51, 10)
		if f.has(0) || !f.has(10) {
			t.Errorf("after a while: %v, and for the slow one %v", f.has(0), f.has(10))
		}
		f.fill(61, 260)
		if f.has(10) {
			t.Error("a slow follower makes the node remember more than the limit")
		}
		f.leave(slow, time.Time{})
		f.fill(321, 1)
		if f.has(300) || len(f.readers) != 0 {
			t.Errorf("%d readers are left", len(f.readers))
		}
	})
}

// TestChangesAfterALongLoad: a follower that needs long to load gets the transactions after
// the revision that it has loaded, however many there were meanwhile.
func TestChangesAfterALongLoad(t *testing.T) {
	n := start(t, memory.New())
	revision, records := n.Records()
	first := true
	for range records {
		if first {
			n.feed.fill(revision+1, 40)
		}
		first = false
	}
	if first {
		n.feed.fill(revision+1, 40) // there are no records
	}
	for batch, err := range n.Changes(t.Context(), revision) {
		if err != nil || batch.Revision != revision+1 {
			t.Errorf("got revision %d, %v; want %d", batch.Revision, err, revision+1)
		}
		break
	}
	if len(n.feed.readers) != 1 {
		t.Errorf("%d readers, want that of the load", len(n.feed.readers))
	}
}
