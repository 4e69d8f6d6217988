package registry

import (
	"encoding/binary"
	"iter"
	"maps"
	"slices"
)

// Attributes is a compact immutable map of strings, sorted by key: one string
// and no pointers per entry, because a registry holds millions of them. The
// zero value is empty.
type Attributes string

// newAttributes returns the pairs of a map.
func newAttributes(m map[string]string) Attributes {
	if len(m) == 0 {
		return ""
	}
	keys := make([]string, 0, 32)
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b := make([]byte, 0, 512)
	for _, k := range keys {
		b = appendPacked(b, k)
		b = appendPacked(b, m[k])
	}
	return Attributes(b)
}

func appendPacked(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// All yields the pairs in order of their keys.
func (a Attributes) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for len(a) > 0 {
			var k, v string
			k, a = a.cut()
			v, a = a.cut()
			if !yield(k, v) {
				return
			}
		}
	}
}

// cut returns the first string and the rest.
func (a Attributes) cut() (string, Attributes) {
	n, size := uint64(a[0]), 1
	if n >= 0x80 {
		n = n&0x7f | uint64(a[1])<<7 // values have at most 4096 bytes: two digits
		size = 2
	}
	end := size + int(n)
	return string(a[size:end]), a[end:]
}

// get returns the value of a key.
func (a Attributes) get(key string) (string, bool) {
	for len(a) > 0 {
		var k, v string
		k, a = a.cut()
		v, a = a.cut()
		if k == key {
			return v, true
		}
	}
	return "", false
}

// Map unpacks into a new map, which is never nil.
func (a Attributes) Map() map[string]string { return maps.Collect(a.All()) }

// parseAttributes checks the packed bytes of a stored record.
func parseAttributes(b []byte) (Attributes, bool) {
	a := Attributes(b)
	for parts := 0; len(b) > 0; parts++ {
		n, size := binary.Uvarint(b)
		if size <= 0 || size > 2 || n > uint64(len(b)-size) {
			return "", false
		}
		b = b[size+int(n):]
		if len(b) == 0 && parts%2 == 0 {
			return "", false
		}
	}
	return a, true
}
