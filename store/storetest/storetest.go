// Package storetest is the suite that every store must pass, and a store that
// fails on demand for the tests of those who use one.
//
//	func TestContract(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) storetest.Opener {
//			dir := t.TempDir()
//			return func() (store.Store, error) { return mystore.Open(dir) }
//		})
//	}
package storetest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/cairn-discovery/cairn/store"
)

// Opener opens the data of one test: the first time it is empty, later it is
// what the store before left, which was closed.
type Opener func() (store.Store, error)

// Run tests a store. fresh is called once per test and returns where new data lies.
func Run(t *testing.T, fresh func(t *testing.T) Opener) {
	for _, c := range slices.Concat(commitTests, loadTests, preconditionTests, watchTests, closeTests, concurrencyTests, snapshotTests) {
		t.Run(c.name, func(t *testing.T) { c.test(&bench{T: t, opener: fresh(t)}) })
	}
}

type contractTest struct {
	name string
	test func(b *bench)
}

// bench is one test's store with shorthands that fail the test.
type bench struct {
	*testing.T
	opener Opener
}

// open opens the store without loading it and closes it in the end.
func (b *bench) open() store.Store {
	b.Helper()
	s, err := b.opener()
	if err != nil {
		b.Fatalf("open: %v", err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Errorf("close: %v", err)
		}
	})
	return s
}

// start opens and loads the store.
func (b *bench) start() (store.Store, store.Revision) {
	b.Helper()
	s := b.open()
	_, revision := b.load(s)
	return s, revision
}

// reopen closes a store and opens its data again.
func (b *bench) reopen(s store.Store) store.Store {
	b.Helper()
	if err := s.Close(); err != nil {
		b.Fatalf("close: %v", err)
	}
	return b.open()
}

// load returns what the store holds.
func (b *bench) load(s store.Store) (map[string]string, store.Revision) {
	b.Helper()
	state, revision, err := Contents(b.Context(), s)
	if err != nil {
		b.Fatalf("load: %v", err)
	}
	return state, revision
}

// Contents loads a store and returns its records' values by key.
func Contents(ctx context.Context, s store.Store) (map[string]string, store.Revision, error) {
	state := map[string]string{}
	revision, err := s.Load(ctx, func(changes []store.Change) error {
		for _, c := range changes {
			if c.Delete {
				delete(state, c.Key)
			} else {
				state[c.Key] = string(c.Value)
			}
		}
		return nil
	})
	return state, revision, err
}

// commit commits writes with no preconditions.
func (b *bench) commit(s store.Store, base store.Revision, writes ...store.Write) store.Revision {
	b.Helper()
	return b.commitTxn(s, store.Txn{Base: base, Writes: writes})
}

func (b *bench) commitTxn(s store.Store, txn store.Txn) store.Revision {
	b.Helper()
	revision, err := s.Commit(b.Context(), txn)
	if err != nil {
		b.Fatalf("commit: %v", err)
	}
	if revision <= txn.Base {
		b.Fatalf("commit on revision %d got revision %d", txn.Base, revision)
	}
	return revision
}

func put(key, value string) store.Write { return store.Write{Key: key, Value: []byte(value)} }

func del(key string) store.Write { return store.Write{Key: key, Delete: true} }

// holds checks what a store holds.
func (b *bench) holds(s store.Store, want map[string]string) {
	b.Helper()
	if got, _ := b.load(s); !maps.Equal(got, want) {
		b.Fatalf("store holds %s, want %s", brief(got), brief(want))
	}
}

// brief shows a state without flooding the log.
func brief(state map[string]string) string {
	var out bytes.Buffer
	for i, key := range slices.Sorted(maps.Keys(state)) {
		if i == 20 {
			fmt.Fprintf(&out, " … %d keys in all", len(state))
			break
		}
		value := state[key]
		fmt.Fprintf(&out, " %q:%.40q", key, value)
	}
	return "{" + out.String() + " }"
}
