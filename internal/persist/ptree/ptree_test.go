package ptree

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// version is one Map and what a plain map says it should hold.
type version struct {
	tree  Map[int, int]
	model map[int]int
}

// Every version ever made must keep agreeing with its model, whatever was done
// to later ones: that is what persistent means.
func TestVersionsAgreeWithPlainMaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		versions := []version{{model: map[int]int{}}}
		keys := rapid.IntRange(0, rapid.SampledFrom([]int{5, 100, 5000}).Draw(t, "span"))
		for range rapid.IntRange(1, 8).Draw(t, "rounds") {
			from := rapid.SampledFrom(versions).Draw(t, "from")
			versions = append(versions, changed(t, from, keys))
		}
		for _, v := range versions {
			check(t, v, keys.Draw(t, "probe"))
		}
	})
}

func changed(t *rapid.T, v version, keys *rapid.Generator[int]) version {
	v.model = maps.Clone(v.model)
	var token *Owner
	if rapid.Bool().Draw(t, "bulk") {
		token = new(Owner)
	}
	start, sorted := keys.Draw(t, "start"), rapid.Bool().Draw(t, "sorted")
	for i := range rapid.IntRange(0, 300).Draw(t, "changes") {
		k := start + i
		if !sorted {
			k = keys.Draw(t, "key")
		}
		if rapid.IntRange(0, 2).Draw(t, "delete") == 0 {
			v.tree = v.tree.Delete(token, k)
			delete(v.model, k)
		} else {
			v.tree = v.tree.Put(token, k, i)
			v.model[k] = i
		}
	}
	return v
}

func check(t *rapid.T, v version, probe int) {
	want := slices.Sorted(maps.Keys(v.model))
	if v.tree.Len() != len(want) {
		t.Fatalf("Len %d, want %d", v.tree.Len(), len(want))
	}
	split, found := slices.BinarySearch(want, probe)
	above := want[split:]
	if found {
		above = want[split+1:]
	}
	wantSame(t, "All", v.tree.All(), want, v.model)
	wantSame(t, "After", v.tree.After(probe), above, v.model)
	for _, before := range []int{probe - 1, probe + 1, probe + 5, probe + 300} {
		end, _ := slices.BinarySearch(above, before)
		wantSame(t, "Between", v.tree.Between(probe, before), above[:end], v.model)
	}
	wantSame(t, "Backward", v.tree.Backward(), reversed(want), v.model)
	wantSame(t, "Before", v.tree.Before(probe), reversed(want[:split]), v.model)
	if got, ok := v.tree.Get(probe); ok != found || got != v.model[probe] {
		t.Fatalf("Get(%d) = %d, %v", probe, got, ok)
	}
}

func wantSame(t *rapid.T, what string, got iter.Seq2[int, int], want []int, model map[int]int) {
	var keys []int
	for k, v := range got {
		if v != model[k] {
			t.Fatalf("%s: value of %d is %d, want %d", what, k, v, model[k])
		}
		keys = append(keys, k)
	}
	if !slices.Equal(keys, want) {
		t.Fatalf("%s = %v, want %v", what, keys, want)
	}
}

func reversed(s []int) []int {
	s = slices.Clone(s)
	slices.Reverse(s)
	return s
}

func TestIterationStopsWhenAsked(t *testing.T) {
	m := Map[int, int]{}
	for i := range 1000 {
		m = m.Put(nil, i, i)
	}
	for name, seq := range map[string]iter.Seq2[int, int]{
		"All": m.All(), "After": m.After(10), "Backward": m.Backward(), "Before": m.Before(990),
		"Between": m.Between(10, 990),
	} {
		n := 0
		for range seq {
			if n++; n == 70 {
				break
			}
		}
		if n != 70 {
			t.Errorf("%s stopped after %d", name, n)
		}
	}
}

func BenchmarkPut(b *testing.B) {
	for _, size := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			m := Map[int, int]{}
			token := new(Owner)
			for i := range size {
				m = m.Put(token, i, i)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m.Put(nil, (i*7919)%size, i)
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	m := Map[string, int]{}
	for i := range 1000 {
		m = m.Put(nil, fmt.Sprintf("srv-%016d", i), i)
	}
	for b.Loop() {
		m.Get("srv-0000000000000500")
	}
}
