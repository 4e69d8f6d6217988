package awsxml

import "github.com/cairn-discovery/cairn/edge/aws/timestamp"

// OptionalText reads a string or an enum.
func OptionalText[T ~string](r *Reader) *T { return new(T(r.text())) }

// OptionalInt64 reads a whole number.
func OptionalInt64(r *Reader) *int64 { return new(r.Int64()) }

// OptionalFloat64 reads a number.
func OptionalFloat64(r *Reader) *float64 { return new(r.Float64()) }

// OptionalBool reads a boolean.
func OptionalBool(r *Reader) *bool { return new(r.Bool()) }

// OptionalTime reads a time.
func OptionalTime(r *Reader, f timestamp.Format) *timestamp.Milliseconds { return new(r.Time(f)) }

// Element reads a string or an enum that is part of a list or map.
func Element[T ~string](r *Reader) T { return T(r.text()) }

// List reads a list, whose elements have the given name. It is not nil.
func List[T any](r *Reader, name string, element func(*Reader) T) []T {
	list := []T{}
	for r.Begin(); r.NextChild(); {
		if r.Name() == name {
			list = append(list, element(r))
		}
	}
	return list
}

// Map reads a map, whose entries, keys and values have the given names. It is not
// nil.
func Map[K ~string, T any](r *Reader, entry, key, value string, read func(*Reader) T) map[K]T {
	m := map[K]T{}
	for r.Begin(); r.NextChild(); {
		if r.Name() == entry {
			m = AddEntry(r, m, key, value, read)
		}
	}
	return m
}

// AddEntry reads one entry of a map into m, which is made if it is nil. A
// flattened map is a number of such entries.
func AddEntry[K ~string, T any](r *Reader, m map[K]T, key, value string, read func(*Reader) T) map[K]T {
	var k K
	var v T
	for r.Begin(); r.NextChild(); {
		switch r.Name() {
		case key:
			k = K(r.text())
		case value:
			v = read(r)
		}
	}
	if m == nil {
		m = map[K]T{}
	}
	m[k] = v
	return m
}
