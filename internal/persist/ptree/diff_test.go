package ptree

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"
)

// TestDiff compares with two plain maps, after random changes.
func TestDiff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var old Map[int, int]
		before := map[int]int{}
		for range rapid.IntRange(0, 3000).Draw(t, "size") {
			k := rapid.IntRange(0, 5000).Draw(t, "key")
			old, before[k] = old.Put(nil, k, 1), 1
		}
		changed, after := old, maps.Clone(before)
		for range rapid.IntRange(0, 200).Draw(t, "changes") {
			k := rapid.IntRange(-5, 5005).Draw(t, "key")
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				changed = changed.Delete(nil, k)
				delete(after, k)
			default:
				v := rapid.IntRange(1, 2).Draw(t, "value")
				changed, after[k] = changed.Put(nil, k, v), v
			}
		}
		want := map[int][2]int{}
		for k, v := range before {
			if after[k] != v {
				want[k] = [2]int{v, after[k]}
			}
		}
		for k, v := range after {
			if before[k] != v {
				want[k] = [2]int{before[k], v}
			}
		}
		got, last := map[int][2]int{}, -100
		Diff(old, changed, func(k, a, b int) {
			if k <= last {
				t.Fatalf("%d after %d", k, last)
			}
			got[k], last = [2]int{a, b}, k
		})
		if !maps.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func BenchmarkDiffOneChange(b *testing.B) {
	for _, n := range []int{1000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var m Map[int, int]
			token := new(Owner)
			for i := range n {
				m = m.Put(token, i*7919%n, 1)
			}
			changed := m.Put(nil, n/2, 2)
			for b.Loop() {
				Diff(m, changed, func(int, int, int) {})
			}
		})
	}
}
