package zone

import (
	"math/bits"
	"math/rand/v2"
)

// Rand draws the instances of answers. It is not safe for concurrent use. The choice is no
// secret, so the generator is a fast one.
type Rand struct{ pcg rand.PCG }

// NewRand returns a generator with the given seed.
func NewRand(seed1, seed2 uint64) *Rand {
	return &Rand{*rand.NewPCG(seed1, seed2)}
}

// Seed restarts with a seed.
func (r *Rand) Seed(seed1, seed2 uint64) { r.pcg.Seed(seed1, seed2) }

// Below returns a number in [0, n), each as likely as any other.
func (r *Rand) Below(n uint64) uint64 { return r.below(n) }

// below returns a number in [0, n), each as likely as any other.
func (r *Rand) below(n uint64) uint64 {
	hi, lo := bits.Mul64(r.pcg.Uint64(), n)
	if lo < n {
		for least := -n % n; lo < least; {
			hi, lo = bits.Mul64(r.pcg.Uint64(), n)
		}
	}
	return hi
}

// draws fills out with numbers, out[i] in [0, n-i*step), independent of each
// other and exactly uniform. The product of the bounds must be below 2^64: they
// come out of one random word (Brackett-Rozinsky and Lemire, "Batched Ranged
// Random Integer Generation").
func (r *Rand) draws(out []uint32, n, step uint64) {
	product := uint64(1)
	for i := range uint64(len(out)) {
		product *= n - i*step
	}
	for {
		word := r.pcg.Uint64()
		for i := range out {
			hi, lo := bits.Mul64(word, n-uint64(i)*step)
			out[i], word = uint32(hi), lo
		}
		if word >= product || word >= -product%product {
			return
		}
	}
}

// shuffle puts up to MaxAnswer values into a new order: Fisher and Yates, with all draws
// from one random word as in draws.
func shuffle[T any](r *Rand, vals []T) {
	n := len(vals)
	if n < 2 {
		return
	}
	var at [MaxAnswer]uint8
	for {
		word := r.pcg.Uint64()
		for i := n; i > 1; i-- {
			hi, lo := bits.Mul64(word, uint64(i))
			at[(n-i)%MaxAnswer], word = uint8(hi), lo
		}
		// No factorial up to 8! is above 2^16, so the exact bound is hardly
		// ever needed.
		if word >= 1<<16 || word >= -factorial(n)%factorial(n) {
			break
		}
	}
	for i := range n - 1 {
		j := i + int(at[i%MaxAnswer])
		vals[i], vals[j] = vals[j], vals[i]
	}
}

func factorial(n int) uint64 {
	f := uint64(1)
	for i := 2; i <= n; i++ {
		f *= uint64(i)
	}
	return f
}
