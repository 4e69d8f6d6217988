package hashtrie

import (
	"maps"
	"testing"

	"pgregory.net/rapid"
)

type version struct {
	trie  Map[int]
	model map[uint64]int
}

// Every version ever made must keep agreeing with its model, whatever was done
// to later ones.
func TestVersionsAgreeWithPlainMaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Hashes that share their low digits make deep paths.
		hashes := rapid.Map(rapid.IntRange(0, rapid.SampledFrom([]int{5, 100, 4000}).Draw(t, "span")),
			func(i int) uint64 { return uint64(i%7)<<60 | uint64(i) })
		versions := []version{{model: map[uint64]int{}}}
		for range rapid.IntRange(1, 8).Draw(t, "rounds") {
			versions = append(versions, changed(t, rapid.SampledFrom(versions).Draw(t, "from"), hashes))
		}
		for _, v := range versions {
			check(t, v, hashes)
		}
	})
}

func changed(t *rapid.T, v version, hashes *rapid.Generator[uint64]) version {
	v.model = maps.Clone(v.model)
	var token *Owner
	if rapid.Bool().Draw(t, "bulk") {
		token = new(Owner)
	}
	for i := range rapid.IntRange(0, 200).Draw(t, "changes") {
		h := hashes.Draw(t, "hash")
		if rapid.IntRange(0, 2).Draw(t, "delete") == 0 {
			v.trie = v.trie.Delete(token, h)
			delete(v.model, h)
		} else {
			v.trie = v.trie.Put(token, h, i+1)
			v.model[h] = i + 1
		}
	}
	return v
}

func check(t *rapid.T, v version, hashes *rapid.Generator[uint64]) {
	if got := maps.Collect(v.trie.All()); !maps.Equal(got, v.model) {
		t.Fatalf("%d entries, want %d", len(got), len(v.model))
	}
	for h, want := range v.model {
		if got := v.trie.Get(h); got != want {
			t.Fatalf("Get(%x) = %d, want %d", h, got, want)
		}
	}
	if h := hashes.Draw(t, "probe"); v.trie.Get(h) != v.model[h] {
		t.Fatalf("Get(%x) = %d, want %d", h, v.trie.Get(h), v.model[h])
	}
}

// Deleting everything leaves no nodes behind but the root.
func TestDeletingFolds(t *testing.T) {
	var m Map[int]
	for i := range uint64(2000) {
		m = m.Put(nil, i*0x9e3779b97f4a7c15, 1)
	}
	for i := range uint64(2000) {
		m = m.Delete(nil, i*0x9e3779b97f4a7c15)
	}
	for hash := range m.All() {
		t.Fatalf("%x is left", hash)
	}
	for i := range m.root.slots {
		if m.root.slots[i].kid != nil {
			t.Fatal("a node stayed")
		}
	}
}

func TestGetAllocatesNothing(t *testing.T) {
	var m Map[*int]
	v := 1
	for i := range uint64(1000) {
		m = m.Put(nil, i*0x9e3779b97f4a7c15, &v)
	}
	if n := testing.AllocsPerRun(100, func() { m.Get(0x9e3779b97f4a7c15) }); n != 0 {
		t.Error(n, "allocations")
	}
}
