// Package chunkvec is a persistent vector for small values that are read by
// index far more often than they are changed: a change copies one chunk and the
// list of chunks, and a read follows one pointer, or two in a long vector.
//
//	v := chunkvec.Vec[int]{}
//	v2 := v.Push(7) // v is still empty
package chunkvec

// chunk is how many values are copied at the most when one is changed.
const chunk = 64

// Vec is a persistent vector. The zero value is empty.
type Vec[T any] struct {
	// first stands apart: most vectors have no other chunk.
	first []T
	more  [][]T // each but the last is full
}

// Len returns the number of values.
func (v *Vec[T]) Len() int {
	if len(v.more) == 0 {
		return len(v.first)
	}
	return len(v.more)*chunk + len(v.more[len(v.more)-1])
}

// First returns the first values, all if there are no more than the chunk's 64.
// They must not be changed.
func (v *Vec[T]) First() []T { return v.first }

// At returns a pointer to the i-th value, which must not be changed.
func (v *Vec[T]) At(i int) *T {
	if i < chunk {
		return &v.first[i]
	}
	return &v.more[i/chunk-1][i%chunk]
}

// Push returns the vector with a value at its end.
func (v Vec[T]) Push(val T) Vec[T] {
	n := v.Len()
	if n < chunk {
		v.first = pushed(v.first, val)
		return v
	}
	more := make([][]T, n/chunk)
	copy(more, v.more)
	more[n/chunk-1] = pushed(more[n/chunk-1], val)
	v.more = more
	return v
}

func pushed[T any](s []T, val T) []T {
	c := make([]T, len(s)+1)
	copy(c, s)
	c[len(s)] = val
	return c
}

// Set returns the vector with another i-th value.
func (v Vec[T]) Set(i int, val T) Vec[T] {
	if i < chunk {
		v.first = replaced(v.first, i, val)
		return v
	}
	more := make([][]T, len(v.more))
	copy(more, v.more)
	more[i/chunk-1] = replaced(more[i/chunk-1], i%chunk, val)
	v.more = more
	return v
}

func replaced[T any](s []T, i int, val T) []T {
	c := make([]T, len(s))
	copy(c, s)
	c[i] = val
	return c
}

// Pop returns the vector without its last value.
func (v Vec[T]) Pop() Vec[T] {
	n := v.Len() - 1
	if n < chunk {
		v.first, v.more = popped(v.first, n), nil
		return v
	}
	more := make([][]T, (n+chunk-1)/chunk-1)
	copy(more, v.more)
	if last := n % chunk; last != 0 {
		more[len(more)-1] = popped(more[len(more)-1], last)
	}
	v.more = more
	return v
}

// popped copies, so that the value that is gone is not kept alive.
func popped[T any](s []T, n int) []T {
	if n == len(s) {
		return s
	}
	c := make([]T, n)
	copy(c, s)
	return c
}
