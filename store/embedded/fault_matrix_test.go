package embedded

import (
	"fmt"
	"testing"

	"github.com/cairn-discovery/cairn/internal/fsx/crashfs"
	"github.com/cairn-discovery/cairn/store"
)

// scenario goes once through everything a store does with its files: the first
// segment, commits, a new segment, snapshots that remove segments and an older
// snapshot, reopening, a torn tail, a transaction larger than a segment.
func (m *sim) scenario() {
	put := func(key string, size int) store.Txn {
		value := make([]byte, size)
		for i := range value {
			value[i] = byte(i * size)
		}
		return store.Txn{Base: m.model.revision(), Writes: []store.Write{{Key: key, Value: value}}}
	}
	m.up()
	m.commit(put("a", 10), put("b", 600))
	m.commit(put("c", 1500))
	m.commit(put("d", 1500), put("a", 900))
	m.snapshot(1, func() { m.commit(put("e", 100)) })
	m.commit(put("f", 3000))
	m.closeStore()
	m.up()
	m.commit(store.Txn{Base: m.model.revision(), Writes: []store.Write{{Key: "a", Delete: true}}})
	m.snapshot(0, func() { m.commit(put("g", 2000)) })
	m.commit(put("zeros", 0), put("large", 6000))
	m.recover()
	m.up()
	m.commit(put("h", 1), put("i", 1))
}

// TestFaultMatrix gives each operation of the scenario each fate that there is.
// Whatever happens, what was acknowledged must be there, whole, and revisions
// never fall; the model checks that at every load.
func TestFaultMatrix(t *testing.T) {
	clean := newMatrixSim(t, 0)
	clean.scenario()
	ops := clean.fs.Ops()
	seeds := uint64(2)
	if testing.Short() {
		seeds = 1
	}
	for _, fate := range fates {
		t.Run(fate.name, func(t *testing.T) {
			for n := range ops {
				for seed := range seeds {
					m := newMatrixSim(t, seed)
					m.note("seed %d, operation %d of %d", seed, n, ops)
					m.fs.SetFault(m.describe(faultAt(n, fate.verdict, fate.err)))
					m.scenario()
					m.finish()
				}
			}
		})
	}
}

// TestEverythingFailsFromThenOn lets every operation from one on fail, until the
// machine is restarted with a good disk.
func TestEverythingFailsFromThenOn(t *testing.T) {
	clean := newMatrixSim(t, 0)
	clean.scenario()
	for _, fate := range fates[:3] {
		for n := range clean.fs.Ops() {
			m := newMatrixSim(t, uint64(n))
			m.note("%s from operation %d on", fate.name, n)
			m.fs.SetFault(func(op crashfs.Op) (crashfs.Verdict, error) {
				if op.N >= n {
					return fate.verdict, fate.err
				}
				return crashfs.Proceed, nil
			})
			m.scenario()
			m.finish()
		}
	}
}

func newMatrixSim(t *testing.T, seed uint64) *sim {
	m := newSim(t, seed)
	m.cfg.SegmentSize = minSegment
	return m
}

// describe notes which operation met its fate.
func (m *sim) describe(f crashfs.Fault) crashfs.Fault {
	return func(op crashfs.Op) (crashfs.Verdict, error) {
		verdict, err := f(op)
		if verdict != crashfs.Proceed {
			m.trace = append(m.trace, fmt.Sprintf("%3d  %s %s: fate %d, %v", op.N, op.Kind, op.Name, verdict, err))
		}
		return verdict, err
	}
}
