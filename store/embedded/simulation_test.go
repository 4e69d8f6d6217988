package embedded

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/cairn-discovery/cairn/internal/fsx/crashfs"
	"github.com/cairn-discovery/cairn/store"
)

// txn makes up a transaction.
func (m *sim) txn() store.Txn {
	now := m.model.revision()
	txn := store.Txn{Base: now - min(now, store.Revision(m.rng.IntN(6)))}
	for range m.rng.IntN(3) {
		key := m.key()
		_, exists := m.model.states[txn.Base][key]
		txn.Preconditions = append(txn.Preconditions, store.Precondition{Key: key, Exists: exists})
	}
	for range 1 + m.rng.IntN(3) {
		w := store.Write{Key: m.key(), Delete: m.rng.IntN(4) == 0}
		if !w.Delete {
			w.Value = m.value()
		}
		if txn.Writes = append(txn.Writes, w); txn.Check() != nil { // the key again
			txn.Writes = txn.Writes[:len(txn.Writes)-1]
		}
	}
	return txn
}

func (m *sim) key() string { return fmt.Sprint("key", m.rng.IntN(12)) }

// value makes up a value; some are all zero, which looks like space not written.
func (m *sim) value() []byte {
	value := make([]byte, []int{0, 10, 100, 700, 3000}[m.rng.IntN(5)])
	if m.rng.IntN(3) > 0 {
		for i := range value {
			value[i] = byte(m.rng.Uint32())
		}
	}
	return value
}

// faultAt gives one operation its fate.
func faultAt(n int, verdict crashfs.Verdict, err error) crashfs.Fault {
	return func(op crashfs.Op) (crashfs.Verdict, error) {
		if op.N == n {
			return verdict, err
		}
		return crashfs.Proceed, nil
	}
}

// fates are what may become of an operation. A lack of space is told truly: what
// the system says it did not write, it did not.
var fates = []struct {
	name    string
	verdict crashfs.Verdict
	err     error
}{
	{"error", crashfs.Fail, syscall.EIO},
	{"no space", crashfs.Fail, syscall.ENOSPC},
	{"done but error", crashfs.FailDone, syscall.EIO},
	{"crash", crashfs.Crash, nil},
}

// step does one thing by chance.
func (m *sim) step() {
	switch m.rng.IntN(16) {
	case 0:
		m.closeStore()
		m.up()
	case 1:
		m.note("kill")
		m.fs.Kill()
		m.s = nil
		m.up()
	case 2:
		m.recover()
		m.up()
	case 3:
		m.up() // Load again
	case 4:
		m.snapshot(m.rng.IntN(3), func() { m.commit(m.txn()) })
	case 5:
		m.watch(m.model.revision() - min(m.model.revision(), store.Revision(m.rng.IntN(10))))
	case 6:
		m.note("little space")
		m.fs.SetFree(int64(m.rng.IntN(20_000)))
	case 7:
		m.note("much space")
		m.fs.SetFree(1 << 40)
	case 8, 9:
		fate := fates[m.rng.IntN(len(fates))]
		in := m.rng.IntN(12)
		m.note("%s in %d operations", fate.name, in)
		m.fs.SetFault(faultAt(m.fs.Ops()+in, fate.verdict, fate.err))
	default:
		m.commit(m.txn())
	}
}

// finish checks that the store is in order when all faults are over.
func (m *sim) finish() {
	m.fs.SetFault(nil)
	m.fs.SetFree(1 << 40)
	m.recover()
	m.up()
	m.commit(m.txn())
	m.closeStore()
	m.up()
	m.closeStore()
}

func TestSimulation(t *testing.T) {
	runs, steps := 1200, 30
	if testing.Short() {
		runs = 200
	}
	for seed := range uint64(runs) {
		m := newSim(t, seed)
		m.note("seed %d", seed)
		m.up()
		for range steps {
			m.step()
		}
		m.finish()
	}
}
