// Package chunkvec is a persistent vector for small values that are read by
// index far more often than they are changed: a change copies one chunk and the
// list of chunks, and a read follows one pointer, or two in a long vector.
//
//	v := chunkvec.Vec[int]{}
//	v2 := v.Push(nil, 7) // v is still empty
package chunkvec

import "slices"

// Chunk is how many values are copied at most when one is changed.
const Chunk = 64

// Owner identifies one builder of a new version; Clojure calls it a transient. A chunk that
// was copied under an owner is changed in place by further changes under the same owner. A
// nil owner copies always. Drop the owner before the resulting Vec is shared.
type Owner struct{ _ byte }

// Vec is a persistent vector. The zero value is empty.
type Vec[T any] struct {
	// first is separate: most vectors have no other chunk.
	first []T
	more  []*[Chunk]T
	n     int
	// owner may change more and the last chunk in place.
	owner *Owner
}

// Len returns the number of values.
func (v *Vec[T]) Len() int { return v.n }

// First returns the first values, all if there are no more than Chunk. They must
// not be changed.
func (v *Vec[T]) First() []T { return v.first }

// At returns a pointer to the i-th value, which must not be changed.
func (v *Vec[T]) At(i int) *T {
	if i < Chunk {
		return &v.first[i]
	}
	return &v.more[i/Chunk-1][i%Chunk]
}

// own copies what v may not change in place.
func (v *Vec[T]) own(t *Owner) {
	if t != nil && v.owner == t {
		return
	}
	v.owner = t
	if len(v.more) == 0 {
		v.first = cloneCap(v.first, 1)
		return
	}
	v.more = cloneCap(v.more, 1)
	v.copyChunk(len(v.more) - 1)
}

// cloneCap copies with room for as many more as are expected.
func cloneCap[T any](s []T, more int) []T {
	c := make([]T, len(s), len(s)+more)
	copy(c, s)
	return c
}

func (v *Vec[T]) copyChunk(i int) {
	c := *v.more[i]
	v.more[i] = &c
}

// Push returns the vector with a value at its end.
func (v Vec[T]) Push(t *Owner, val T) Vec[T] {
	v.own(t)
	if v.n < Chunk {
		v.first = append(v.first, val)
	} else {
		if v.n%Chunk == 0 {
			v.more = append(v.more, new([Chunk]T))
		}
		v.more[v.n/Chunk-1][v.n%Chunk] = val
	}
	v.n++
	return v
}

// Set returns the vector with another i-th value.
func (v Vec[T]) Set(t *Owner, i int, val T) Vec[T] {
	v.own(t)
	at := i/Chunk - 1
	switch {
	case at < 0 && len(v.more) > 0:
		v.first = slices.Clone(v.first)
	case at >= 0 && at < len(v.more)-1:
		v.copyChunk(at)
	}
	*v.At(i) = val
	return v
}

// Pop returns the vector without its last value.
func (v Vec[T]) Pop(t *Owner) Vec[T] {
	v.own(t)
	v.n--
	var none T // the value that is gone is not to be kept alive
	if v.n < Chunk {
		v.first[v.n] = none
		v.first = v.first[:v.n]
		return v
	}
	v.more[v.n/Chunk-1][v.n%Chunk] = none
	if v.n%Chunk == 0 {
		v.more[len(v.more)-1] = nil
		v.more, v.owner = v.more[:len(v.more)-1], nil
	}
	return v
}
