package member

import "slices"

// Ring spreads keys over nodes by rendezvous hashing: every node has a score for every
// key, and the one with the highest score owns it. A node that comes takes an equal part
// from all others; the keys of one that goes are spread over the rest; no other key moves.
type Ring struct {
	names []string
	seeds []uint64
}

// newRing returns a Ring of nodes with distinct names.
func newRing(names []string) *Ring {
	r := &Ring{names: names, seeds: make([]uint64, len(names))}
	for i, name := range names {
		r.seeds[i] = hash(name)
	}
	return r
}

// Owner returns the name of the node that owns a key. It is empty without nodes.
func (r *Ring) Owner(key string) string {
	if r == nil {
		return ""
	}
	h, best, score := hash(key), -1, uint64(0)
	for i, seed := range r.seeds {
		if s := mix(h ^ seed); best < 0 || s > score {
			best, score = i, s
		}
	}
	if best < 0 {
		return ""
	}
	return r.names[best]
}

// Top returns the k nodes that own a key first, or all nodes if there are fewer: the owner,
// then the one that would own it without the owner, and so on.
func (r *Ring) Top(key string, k int) []string {
	if r == nil {
		return nil
	}
	type scored struct {
		name  string
		score uint64
	}
	h, top := hash(key), make([]scored, 0, min(k, len(r.names))+1)
	for i, seed := range r.seeds {
		s := scored{r.names[i], mix(h ^ seed)}
		at := len(top)
		for at > 0 && top[at-1].score < s.score {
			at--
		}
		if at < k {
			top = slices.Insert(top, at, s)
			top = top[:min(len(top), k)]
		}
	}
	names := make([]string, len(top))
	for i := range top {
		names[i] = top[i].name
	}
	return names
}

// Rank returns the place of a node for a key: 0 for the owner, 1 for the node that would
// own it without the owner, and so on. It is -1 if there is no such node.
func (r *Ring) Rank(key, name string) int {
	if r == nil {
		return -1
	}
	h, own := hash(key), -1
	for i, n := range r.names {
		if n == name {
			own = i
		}
	}
	if own < 0 {
		return -1
	}
	rank, score := 0, mix(h^r.seeds[own])
	for i, seed := range r.seeds {
		if s := mix(h ^ seed); s > score || s == score && i < own {
			rank++
		}
	}
	return rank
}

// hash is FNV-1a: all nodes and versions must agree on it.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

// mix spreads each bit of the input over the output: the finalizer of SplitMix64.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
