package replica

import (
	"iter"
	"strconv"

	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/store"
)

// Snapshot is one published state. It never changes.
type Snapshot struct {
	*state.State
	superseded chan struct{}
	revision   [1]string
}

// NewSnapshot returns a snapshot of a state that no Replica has published.
func NewSnapshot(s *state.State) *Snapshot {
	return &Snapshot{State: s, superseded: make(chan struct{}), revision: [1]string{strconv.FormatUint(s.Revision, 10)}}
}

// RevisionHeader returns the revision as the values of a field of an HTTP header. It is
// formatted once for all answers; the caller must not change it.
func (s *Snapshot) RevisionHeader() []string { return s.revision[:] }

// Superseded returns a channel that is closed when a newer Snapshot is published. A
// reader that follows the state loops: use it, wait, load again.
func (s *Snapshot) Superseded() <-chan struct{} { return s.superseded }

// Records yields the records of the snapshot. A value is valid until the next one is
// yielded.
func (s *Snapshot) Records() iter.Seq[store.Record] {
	return func(yield func(store.Record) bool) {
		var buf []byte
		for stored := range s.All() {
			buf, _ = s.Value(stored.Change, buf[:0])
			if !yield(store.Record{Key: stored.Change.Key(), Value: buf, Revision: store.Revision(stored.Revision)}) {
				return
			}
		}
	}
}

// publish replaces the current state.
func (r *Replica) publish(s *state.State) {
	old := r.current.Swap(NewSnapshot(s))
	close(old.superseded)
}
