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
