package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cairn-discovery/cairn/store"
)

var commitTests = []contractTest{
	{"an empty store loads as revision 0", func(b *bench) {
		s := b.open()
		state, revision := b.load(s)
		if len(state) != 0 || revision != 0 {
			b.Fatalf("got revision %d with %s", revision, brief(state))
		}
	}},
	{"revisions rise", func(b *bench) {
		s, revision := b.start()
		for i := range 20 {
			revision = b.commit(s, revision, put("key", fmt.Sprint(i)))
		}
		if _, at := b.load(s); at != revision {
			b.Fatalf("loaded revision %d, committed %d", at, revision)
		}
	}},
	{"a later transaction replaces and deletes", func(b *bench) {
		s, revision := b.start()
		revision = b.commit(s, revision, put("a", "1"), put("b", "1"), put("c", "1"))
		revision = b.commit(s, revision, put("a", "2"), del("b"), del("never"))
		b.commit(s, revision, put("d", "1"), del("e"))
		b.holds(s, map[string]string{"a": "2", "c": "1", "d": "1"})
	}},
	{"a transaction that writes a key twice is refused", func(b *bench) {
		s, base := b.start()
		base = b.commit(s, base, put("a", "1"))
		for _, writes := range [][]store.Write{
			{put("a", "2"), put("b", "1"), put("a", "3")},
			{put("b", "1"), del("b")},
			{del("a"), put("a", "1")},
			{del("a"), del("a")},
		} {
			if _, err := s.Commit(b.Context(), store.Txn{Base: base, Writes: writes}); !errors.Is(err, store.ErrDuplicateKey) {
				b.Errorf("commit of %v: %v, want ErrDuplicateKey", writes, err)
			}
		}
		b.holds(s, map[string]string{"a": "1"})
		b.commit(s, base, put("a", "2"))
		b.holds(b.reopen(s), map[string]string{"a": "2"})
	}},
	{"keys and values are bytes", func(b *bench) {
		s, revision := b.start()
		want := map[string]string{
			"\x00":              "\x00\x00",
			"a\x00b/\xff\xfe":   "\xff",
			"empty":             "",
			"zeros":             string(make([]byte, 5000)),
			"\xf0\x9f\x92\xa1é": "line\nline",
			"slash//":           strings.Repeat("\xff", 700),
		}
		for key, value := range want {
			revision = b.commit(s, revision, put(key, value))
		}
		b.holds(s, want)
		b.holds(b.reopen(s), want)
	}},
	{"large transactions", func(b *bench) {
		s, revision := b.start()
		want := map[string]string{"large": strings.Repeat("0123456789abcdef", 1<<16)}
		revision = b.commit(s, revision, put("large", want["large"]))
		var many []store.Write
		for i := range 100 {
			want[fmt.Sprint("many", i)] = strings.Repeat("x", i*20)
			many = append(many, put(fmt.Sprint("many", i), want[fmt.Sprint("many", i)]))
		}
		b.commit(s, revision, many...)
		b.holds(s, want)
		b.holds(b.reopen(s), want)
	}},
	{"a transaction with a thousand writes is whole", func(b *bench) {
		s, base := b.start()
		want := map[string]string{"guard": "1"}
		var first, second []store.Write
		for i := range 1000 {
			key := fmt.Sprint("many/", i)
			first, want[key] = append(first, put(key, "first")), "first"
		}
		base = b.commit(s, base, append(first, put("guard", "1"))...)
		b.holds(s, want)
		for i := range 1000 {
			key := fmt.Sprint("many/", i)
			if i%2 == 0 {
				second = append(second, del(key))
				delete(want, key)
			} else {
				second, want[key] = append(second, put(key, "second")), "second"
			}
		}
		b.commitTxn(s, store.Txn{Base: base, Preconditions: []store.Precondition{had("guard")}, Writes: append(second, put("guard", "2"))})
		want["guard"] = "2"
		b.holds(s, want)
		for batch, err := range s.Watch(b.Context(), base) {
			if err != nil || len(batch.Writes) != 1001 {
				b.Fatalf("watch yields %d writes, %v", len(batch.Writes), err)
			}
			break
		}
		_, err := s.Commit(b.Context(), store.Txn{Base: base, Preconditions: []store.Precondition{had("guard")}, Writes: first})
		if !errors.Is(err, store.ErrConflict) {
			b.Fatalf("commit on a written guard: %v", err)
		}
		b.holds(b.reopen(s), want)
	}},
	{"a transaction may be reused after commit", func(b *bench) {
		s, revision := b.start()
		value := []byte("before")
		writes := []store.Write{{Key: "key", Value: value}}
		b.commit(s, revision, writes...)
		copy(value, "AFTER!")
		writes[0] = put("other", "x")
		b.holds(s, map[string]string{"key": "before"})
		for batch, err := range s.Watch(b.Context(), revision) {
			if err != nil || len(batch.Writes) != 1 || batch.Writes[0].Key != "key" || string(batch.Writes[0].Value) != "before" {
				b.Fatalf("watch yields %v, %v", batch, err)
			}
			break
		}
	}},
	{"an ended context commits nothing", func(b *bench) {
		s, revision := b.start()
		ctx, cancel := context.WithCancel(b.Context())
		cancel()
		_, err := s.Commit(ctx, store.Txn{Base: revision, Writes: []store.Write{put("a", "1")}})
		if !errors.Is(err, context.Canceled) {
			b.Fatalf("commit: %v", err)
		}
		b.holds(s, map[string]string{})
	}},
}

var loadTests = []contractTest{
	{"commits survive reopening", func(b *bench) {
		s, revision := b.start()
		want := map[string]string{}
		for i := range 50 {
			key := fmt.Sprint(i % 7)
			want[key] = fmt.Sprint(i)
			revision = b.commit(s, revision, put(key, want[key]))
		}
		s = b.reopen(s)
		state, at := b.load(s)
		if at < revision {
			b.Fatalf("revision fell from %d to %d", revision, at)
		}
		b.commit(s, at, del("0"))
		delete(want, "0")
		b.holds(b.reopen(s), want)
		_ = state
	}},
	{"records carry the revision that wrote them", func(b *bench) {
		s, base := b.start()
		first := b.commit(s, base, put("a", "1"))
		second := b.commit(s, first, put("b", "1"))
		want := map[string]store.Revision{"a": first, "b": second}
		_, err := s.Load(b.Context(), func(changes []store.Change) error {
			for _, c := range changes {
				if c.Revision != want[c.Key] {
					b.Errorf("%q has revision %d, want %d", c.Key, c.Revision, want[c.Key])
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}},
	{"an error of visit ends Load", func(b *bench) {
		s, revision := b.start()
		b.commit(s, revision, put("a", "1"))
		mine := errors.New("mine")
		if _, err := s.Load(b.Context(), func([]store.Change) error { return mine }); !errors.Is(err, mine) {
			b.Fatalf("load: %v", err)
		}
		b.holds(s, map[string]string{"a": "1"})
	}},
	{"an ended context ends Load", func(b *bench) {
		s, revision := b.start()
		b.commit(s, revision, put("a", "1"))
		ctx, cancel := context.WithCancel(b.Context())
		cancel()
		if _, _, err := Contents(ctx, s); !errors.Is(err, context.Canceled) {
			b.Fatalf("load: %v", err)
		}
		b.holds(s, map[string]string{"a": "1"})
	}},
}
