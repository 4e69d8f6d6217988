// Package gcra is the generic cell rate algorithm (ITU-T I.371, annex A): a token
// bucket in one number, the time at which the bucket is full again.
//
//	limit := gcra.NewLimit(10, 20) // 10 a second, 20 at once
//	full, ok := limit.Take(full, now)
//
// It keeps no state and reads no clock: callers keep the number in an atomic value
// or behind a lock, and pass the time in nanoseconds since any fixed moment.
package gcra

import "time"

// Limit is a rate. Make one with NewLimit.
type Limit struct {
	step  int64 // nanoseconds in which one token is added
	depth int64 // nanoseconds in which an empty bucket becomes full
}

// maxNanoseconds keeps sums of two values below the largest int64.
const maxNanoseconds = 1 << 60

// NewLimit returns a limit of perSecond, which must be more than 0, and of burst at
// once. A burst of 0 means the tokens of one second, at least one.
func NewLimit(perSecond float64, burst int) Limit {
	depth := float64(burst)
	if burst == 0 {
		depth = max(1, perSecond)
	}
	step := max(1, min(float64(time.Second)/perSecond, maxNanoseconds))
	return Limit{step: int64(step), depth: int64(min(depth*step, maxNanoseconds))}
}

// Take takes a token from a bucket that is full at the time full; 0 is a bucket that
// was never used. It returns the next value of full and true, or full and false if
// the bucket is empty.
func (l Limit) Take(full, now int64) (next int64, ok bool) {
	next = max(full, now) + l.step
	if next-now > l.depth {
		return full, false
	}
	return next, true
}
