package ptree

import "iter"

// All yields every entry in ascending order of keys.
func (m Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		if m.root != nil {
			m.root.ascend(yield)
		}
	}
}

// After yields the entries whose keys are greater than key, ascending.
func (m Map[K, V]) After(key K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		if m.root != nil {
			m.root.ascendAfter(key, yield)
		}
	}
}

// Between yields the entries whose keys are greater than after and less than before,
// ascending. It compares few keys: most leaves are in the range as a whole.
func (m Map[K, V]) Between(after, before K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		if m.root != nil {
			m.root.ascendBetween(after, before, yield)
		}
	}
}

// Backward yields every entry in descending order of keys.
func (m Map[K, V]) Backward() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		if m.root != nil {
			m.root.descend(yield)
		}
	}
}

// Before yields the entries whose keys are less than key, descending.
func (m Map[K, V]) Before(key K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		if m.root != nil {
			m.root.descendBefore(key, yield)
		}
	}
}

func (n *node[K, V]) ascend(yield func(K, V) bool) bool {
	for _, kid := range n.kids {
		if !kid.ascend(yield) {
			return false
		}
	}
	return n.yieldFrom(0, yield)
}

func (n *node[K, V]) yieldFrom(i int, yield func(K, V) bool) bool {
	for ; i < len(n.vals); i++ {
		if !yield(n.keys[i], n.vals[i]) {
			return false
		}
	}
	return true
}

func (n *node[K, V]) ascendAfter(key K, yield func(K, V) bool) bool {
	if n.kids == nil {
		i, found := n.search(key)
		if found {
			i++
		}
		return n.yieldFrom(i, yield)
	}
	i := n.child(key)
	if !n.kids[i].ascendAfter(key, yield) {
		return false
	}
	for _, kid := range n.kids[i+1:] {
		if !kid.ascend(yield) {
			return false
		}
	}
	return true
}

func (n *node[K, V]) ascendBetween(after, before K, yield func(K, V) bool) bool {
	if n.kids == nil {
		i, found := n.search(after)
		if found {
			i++
		}
		return n.yieldUntil(i, before, yield)
	}
	i := n.child(after)
	if !n.kids[i].ascendBetween(after, before, yield) {
		return false
	}
	return n.ascendUntil(i+1, before, yield)
}

// ascendUntil yields from the i-th kid on.
func (n *node[K, V]) ascendUntil(i int, before K, yield func(K, V) bool) bool {
	for ; i < len(n.kids); i++ {
		kid := n.kids[i]
		switch {
		case n.keys[i] >= before:
			return false
		case kid.kids != nil && !kid.ascendUntil(0, before, yield):
			return false
		case kid.kids == nil && !kid.yieldUntil(0, before, yield):
			return false
		}
	}
	return true
}

// yieldUntil yields from the i-th entry of a leaf on. It returns false at the end.
func (n *node[K, V]) yieldUntil(i int, before K, yield func(K, V) bool) bool {
	last := len(n.keys) - 1
	if last < 0 || n.keys[last] < before {
		return n.yieldFrom(i, yield)
	}
	end, _ := n.search(before)
	for ; i < end; i++ {
		if !yield(n.keys[i], n.vals[i]) {
			break
		}
	}
	return false
}

func (n *node[K, V]) descend(yield func(K, V) bool) bool {
	for i := len(n.kids) - 1; i >= 0; i-- {
		if !n.kids[i].descend(yield) {
			return false
		}
	}
	return n.yieldDown(len(n.vals), yield)
}

func (n *node[K, V]) yieldDown(end int, yield func(K, V) bool) bool {
	for i := end - 1; i >= 0; i-- {
		if !yield(n.keys[i], n.vals[i]) {
			return false
		}
	}
	return true
}

func (n *node[K, V]) descendBefore(key K, yield func(K, V) bool) bool {
	if n.kids == nil {
		i, _ := n.search(key)
		return n.yieldDown(i, yield)
	}
	i := n.child(key)
	if !n.kids[i].descendBefore(key, yield) {
		return false
	}
	for i--; i >= 0; i-- {
		if !n.kids[i].descend(yield) {
			return false
		}
	}
	return true
}
