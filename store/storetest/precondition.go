package storetest

import (
	"errors"

	"github.com/cairn-discovery/cairn/store"
)

func had(key string) store.Precondition { return store.Precondition{Key: key, Exists: true} }

func hadNot(key string) store.Precondition { return store.Precondition{Key: key} }

// conflicts checks that a transaction conflicts and changes nothing.
func (b *bench) conflicts(s store.Store, base store.Revision, on ...store.Precondition) {
	b.Helper()
	before, _ := b.load(s)
	_, err := s.Commit(b.Context(), store.Txn{Base: base, Preconditions: on, Writes: []store.Write{put("stray", "x")}})
	if !errors.Is(err, store.ErrConflict) {
		b.Fatalf("commit on %v at %d: %v, want a conflict", on, base, err)
	}
	b.holds(s, before)
}

var preconditionTests = []contractTest{
	{"a precondition holds while its key is left alone", func(b *bench) {
		s, base := b.start()
		base = b.commit(s, base, put("a", "1"))
		b.commit(s, base, put("b", "1"), del("c"))
		b.commitTxn(s, store.Txn{
			Base:          base,
			Preconditions: []store.Precondition{had("a"), hadNot("absent")},
			Writes:        []store.Write{put("a", "2"), put("absent", "1")},
		})
		b.holds(s, map[string]string{"a": "2", "b": "1", "absent": "1"})
	}},
	{"a written key conflicts", func(b *bench) {
		s, base := b.start()
		base = b.commit(s, base, put("a", "1"))
		b.commit(s, base, put("a", "1"))
		b.conflicts(s, base, had("a"))
		b.conflicts(s, base, hadNot("other"), had("a"))
	}},
	{"a deleted key conflicts", func(b *bench) {
		s, base := b.start()
		base = b.commit(s, base, put("a", "1"))
		b.commit(s, base, del("a"))
		b.conflicts(s, base, had("a"))
	}},
	{"a created key conflicts", func(b *bench) {
		s, base := b.start()
		base = b.commit(s, base, put("other", "1"))
		b.commit(s, base, put("a", "1"))
		b.conflicts(s, base, hadNot("a"))
	}},
	{"a key written at the base does not conflict", func(b *bench) {
		s, base := b.start()
		base = b.commit(s, base, put("a", "1"))
		b.commitTxn(s, store.Txn{Base: base, Preconditions: []store.Precondition{had("a")}, Writes: []store.Write{del("a")}})
		b.holds(s, map[string]string{})
	}},
	{"preconditions hold across reopening", func(b *bench) {
		s, base := b.start()
		b.commit(s, base, put("a", "1"))
		s = b.reopen(s)
		_, now := b.load(s)
		b.conflicts(s, base, hadNot("a"))
		b.commitTxn(s, store.Txn{Base: now, Preconditions: []store.Precondition{had("a")}, Writes: []store.Write{put("a", "2")}})
		b.holds(s, map[string]string{"a": "2"})
	}},
	{"a precondition by value holds whenever the key was written", func(b *bench) {
		s, base := b.start()
		if l, ok := s.(store.Limited); !ok || l.Limits().InFlight <= 1 {
			b.Skip("the store has one commit in flight")
		}
		has := func(key, value string) store.Precondition {
			return store.Precondition{Key: key, Exists: true, Value: []byte(value)}
		}
		b.conflicts(s, base, has("a", "1"))
		b.commit(s, base, put("a", "1"))
		b.conflicts(s, base, has("a", "2"))
		b.commitTxn(s, store.Txn{Base: base, Preconditions: []store.Precondition{has("a", "1"), hadNot("b")}, Writes: []store.Write{put("a", "2")}})
		b.conflicts(s, base, has("a", "1"))
		b.commitTxn(s, store.Txn{Base: base, Preconditions: []store.Precondition{has("a", "2")}, Writes: []store.Write{del("a")}})
		b.conflicts(s, base, has("a", "2"))
		b.holds(s, map[string]string{})
	}},
	{"without preconditions the base does not matter", func(b *bench) {
		s, base := b.start()
		now := b.commit(s, base, put("a", "1"))
		if after, err := s.Commit(b.Context(), store.Txn{Base: base, Writes: []store.Write{put("a", "2")}}); err != nil || after <= now {
			b.Fatalf("commit: revision %d, %v", after, err)
		}
		b.holds(s, map[string]string{"a": "2"})
	}},
}
