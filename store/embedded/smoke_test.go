package embedded

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"cairn/store"
)

func TestSmoke(t *testing.T) {
	dir := t.TempDir()
	for round := range 3 {
		s, err := Open(Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		rev, err := s.Load(t.Context(), func(c []store.Change) error { n += len(c); return nil })
		fmt.Println(round, rev, n, err)
		for i := range 10 {
			rev, err = s.Commit(context.Background(), store.Txn{Base: rev, Writes: []store.Write{{Key: fmt.Sprint(i), Value: make([]byte, 1000)}}})
			if err != nil {
				t.Fatal(err)
			}
		}
		if round == 1 {
			if err := s.Snapshot(t.Context(), rev, slices.Values([]store.Record{{Key: "x", Revision: 3}})); err != nil {
				t.Fatal(err)
			}
		}
		s.Close()
	}
}
