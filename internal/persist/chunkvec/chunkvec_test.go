package chunkvec

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

type version struct {
	vec   Vec[int]
	model []int
}

// Every version ever made must keep agreeing with its model, whatever was done
// to later ones.
func TestVersionsAgreeWithPlainSlices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		versions := []version{{}}
		for range rapid.IntRange(1, 6).Draw(t, "rounds") {
			versions = append(versions, changed(t, rapid.SampledFrom(versions).Draw(t, "from")))
		}
		for _, v := range versions {
			check(t, v)
		}
	})
}

func changed(t *rapid.T, v version) version {
	v.model = slices.Clone(v.model)
	var token *Owner
	if rapid.Bool().Draw(t, "bulk") {
		token = new(Owner)
	}
	grow := rapid.IntRange(1, 9).Draw(t, "grow")
	for i := range rapid.IntRange(0, 200).Draw(t, "changes") {
		n := len(v.model)
		switch {
		case i%10 < grow || n == 0:
			v.vec, v.model = v.vec.Push(token, i), append(v.model, i)
		case i%2 == 0:
			v.vec, v.model = v.vec.Pop(token), v.model[:n-1]
		default:
			at := rapid.IntRange(0, n-1).Draw(t, "at")
			v.vec, v.model[at] = v.vec.Set(token, at, -i), -i
		}
	}
	return v
}

func check(t *rapid.T, v version) {
	if v.vec.Len() != len(v.model) {
		t.Fatalf("Len %d, want %d", v.vec.Len(), len(v.model))
	}
	for i, want := range v.model {
		if got := *v.vec.At(i); got != want {
			t.Fatalf("[%d] = %d, want %d", i, got, want)
		}
	}
	if got := v.vec.First(); !slices.Equal(got, v.model[:min(Chunk, len(v.model))]) {
		t.Fatalf("First = %v", got)
	}
}
