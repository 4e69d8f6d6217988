package embedded

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cairn-discovery/cairn/internal/fsx/crashfs"
	"github.com/cairn-discovery/cairn/store"
)

// sim is a store on a disk that fails, and a model of its content. Everything is
// derived from one seed.
type sim struct {
	t   *testing.T
	rng *rand.Rand
	fs  *crashfs.FS
	cfg Config
	s   *Store

	model model
	// maybe is a batch whose outcome is unknown, or nil.
	maybe *store.Batch
	// snapshotting and unsettled put off Load, which waits for a snapshot.
	snapshotting, unsettled bool
	trace                   []string
}

// model has every state that there was.
type model struct {
	batches []store.Batch // batches[i] has revision i+1
	states  []map[string]store.Record
}

func newModel() model { return model{states: []map[string]store.Record{{}}} }

func (w *model) revision() store.Revision { return store.Revision(len(w.batches)) }

func (w *model) now() map[string]store.Record { return w.states[len(w.states)-1] }

func (w *model) apply(b store.Batch) {
	next := maps.Clone(w.now())
	for _, x := range b.Writes {
		if x.Delete {
			delete(next, x.Key)
		} else {
			next[x.Key] = store.Record{Key: x.Key, Value: x.Value, Revision: b.Revision}
		}
	}
	w.batches, w.states = append(w.batches, b), append(w.states, next)
}

// conflicts reports whether a precondition was written after base.
func (w *model) conflicts(txn store.Txn) bool {
	for _, b := range w.batches[min(txn.Base, w.revision()):] {
		for _, x := range b.Writes {
			if slices.ContainsFunc(txn.Preconditions, func(p store.Precondition) bool { return p.Key == x.Key }) {
				return true
			}
		}
	}
	return false
}

const simDir = "data"

func newSim(t *testing.T, seed uint64) *sim {
	rng := rand.New(rand.NewPCG(seed, 0))
	m := &sim{t: t, rng: rng, fs: crashfs.New(seed), model: newModel()}
	m.cfg = Config{
		Dir:           simDir,
		FS:            m.fs,
		SegmentSize:   int64(minSegment << rng.IntN(3)),
		SnapshotBytes: 8 << 10,
		HistoryBytes:  4 << 10,
	}
	return m
}

func (m *sim) fatalf(format string, args ...any) {
	m.t.Helper()
	for _, line := range m.trace {
		m.t.Log(line)
	}
	m.t.Fatalf(format, args...)
}

func (m *sim) note(format string, args ...any) {
	m.trace = append(m.trace, fmt.Sprintf("%3d  ", m.fs.Ops())+fmt.Sprintf(format, args...))
}

// crashed says whether the power went since the store was opened.
func (m *sim) crashed(err error) bool { return errors.Is(err, crashfs.ErrCrashed) }

// recover brings the machine up again after a crash.
func (m *sim) recover() {
	m.note("crash")
	m.fs.SetFault(nil)
	m.fs.Crash()
	m.s = nil
}

// up opens and loads the store until that works, and checks what it holds.
func (m *sim) up() {
	m.t.Helper()
	for attempt := 0; ; attempt++ {
		err := m.tryUp()
		if err == nil {
			return
		}
		if _, damaged := errors.AsType[*DamageError](err); damaged || attempt == 3 {
			m.fatalf("the store does not come up: %v", err)
		}
		m.note("up: %v", err)
		if m.crashed(err) {
			m.recover()
			continue
		}
		m.fs.SetFault(nil)
		m.fs.SetFree(1 << 40)
	}
}

func (m *sim) tryUp() (err error) {
	if m.s == nil {
		if m.s, err = Open(m.cfg); err != nil {
			m.s = nil
			return err
		}
	}
	got := map[string]store.Record{}
	revision, err := m.s.Load(m.t.Context(), func(changes []store.Change) error {
		for _, c := range changes {
			if c.Delete {
				delete(got, c.Key)
			} else {
				c.Value = slices.Clone(c.Value)
				got[c.Key] = c.Record
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	m.note("loaded revision %d", revision)
	m.settle(revision)
	m.check(revision, got)
	return nil
}

// settle resolves the batch with the unknown outcome.
func (m *sim) settle(revision store.Revision) {
	if m.maybe != nil && revision == m.model.revision()+1 {
		m.model.apply(*m.maybe)
	}
	m.maybe = nil
}

func (m *sim) check(revision store.Revision, got map[string]store.Record) {
	m.t.Helper()
	if revision != m.model.revision() {
		m.fatalf("loaded revision %d, want %d", revision, m.model.revision())
	}
	want := m.model.now()
	if len(got) != len(want) {
		m.fatalf("loaded %d records at revision %d, want %d", len(got), revision, len(want))
	}
	for key, r := range got {
		if w := want[key]; r.Revision != w.Revision || string(r.Value) != string(w.Value) {
			m.fatalf("%q is %.20q of revision %d, want %.20q of %d", key, r.Value, r.Revision, w.Value, w.Revision)
		}
	}
}

// commit commits transactions one after the other.
func (m *sim) commit(txns ...store.Txn) {
	m.t.Helper()
	for _, txn := range txns {
		m.commitOne(txn)
	}
}

// commitOne commits a transaction and checks the answer against the model.
func (m *sim) commitOne(txn store.Txn) {
	m.t.Helper()
	gone := m.s.history.gone
	revision, err := m.s.Commit(m.t.Context(), txn)
	m.note("commit: %v", err)
	conflict := m.model.conflicts(txn)
	switch {
	case errors.Is(err, store.ErrConflict):
		if !conflict && txn.Base >= gone {
			m.fatalf("a conflict without a cause")
		}
		return
	case conflict && !errors.Is(err, store.ErrUncertain):
		m.fatalf("a conflict was missed: %v", err)
	}
	b := store.Batch{Revision: m.model.revision() + 1, Writes: txn.Writes}
	switch {
	case err == nil:
		if revision != b.Revision {
			m.fatalf("commit got revision %d, want %d", revision, b.Revision)
		}
		m.model.apply(b)
	case m.crashed(err):
		m.maybe = &b
		m.recover()
		m.up()
	case errors.Is(err, store.ErrUncertain):
		m.maybe = &b
		m.refused()
		if m.unsettled = m.snapshotting; !m.unsettled {
			m.up()
		}
	}
}

// refused checks that an uncertain store takes no commits.
func (m *sim) refused() {
	m.t.Helper()
	if _, err := m.s.Commit(m.t.Context(), store.Txn{}); !errors.Is(err, store.ErrUncertain) {
		m.fatalf("an uncertain store answers a commit with %v", err)
	}
}

// snapshot takes a snapshot at an earlier revision, with commits meanwhile.
func (m *sim) snapshot(back int, meanwhile func()) {
	m.t.Helper()
	at := m.model.revision() - min(m.model.revision(), store.Revision(back))
	if at < m.s.snapshotAt {
		return
	}
	s, state := m.s, m.model.states[at]
	records := iter.Seq[store.Record](func(yield func(store.Record) bool) {
		for i, key := range slices.Sorted(maps.Keys(state)) {
			if i == 1 && m.s == s {
				meanwhile()
			}
			if !yield(state[key]) {
				return
			}
		}
	})
	m.snapshotting, m.unsettled = true, false
	err := s.Snapshot(m.t.Context(), at, records)
	m.snapshotting = false
	m.note("snapshot at %d: %v", at, err)
	switch {
	case m.s != s: // it crashed meanwhile, and is up again
	case m.crashed(err):
		m.recover()
		m.up()
	case m.unsettled:
		m.up()
	}
}

// watch checks what watchers would see from a revision on.
func (m *sim) watch(after store.Revision) {
	m.t.Helper()
	batches, _, err := m.s.history.after(after, make([]store.Batch, 0, 1000))
	if errors.Is(err, store.ErrCompacted) && after < m.s.history.gone {
		return
	}
	want := m.model.batches[after:]
	if err != nil || len(batches) != len(want) {
		m.fatalf("watch after %d yields %d batches, want %d, %v", after, len(batches), len(want), err)
	}
	for i, b := range batches {
		if b.Revision != want[i].Revision || !slices.EqualFunc(b.Writes, want[i].Writes, sameWrite) {
			m.fatalf("watch yields batch %v, want %v", b, want[i])
		}
	}
}

func sameWrite(a, b store.Write) bool {
	return a.Key == b.Key && a.Delete == b.Delete && string(a.Value) == string(b.Value)
}

// closeStore closes the store in good order.
func (m *sim) closeStore() {
	err := m.s.Close()
	m.note("close: %v", err)
	m.s = nil
	if m.crashed(err) {
		m.recover()
	}
}
