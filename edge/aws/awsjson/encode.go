package awsjson

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
	"github.com/cairn-discovery/cairn/internal/floattext"
	"github.com/cairn-discovery/cairn/internal/jsontext"
)

// AppendName appends the name of a member, which must need no escapes, and the
// comma before it unless the object has just been opened.
func AppendName(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

// AppendString appends s in quotes. It escapes what RFC 8259 §7 demands and
// nothing else; bytes that are not UTF-8 become U+FFFD.
func AppendString[T ~string](b []byte, s T) []byte { return jsontext.AppendString(b, s) }

// AppendInt appends a whole number.
func AppendInt(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }

// AppendFloat appends a number. NaN and the infinities, which JSON does not have, are
// strings.
func AppendFloat(b []byte, n float64) []byte {
	if isNumber(n) {
		return floattext.Append(b, n)
	}
	return append(floattext.Append(append(b, '"'), n), '"')
}

// AppendBool appends a boolean.
func AppendBool(b []byte, v bool) []byte { return strconv.AppendBool(b, v) }

// AppendTime appends a time: a number if it is in seconds since 1970, otherwise a
// string.
func AppendTime(b []byte, t timestamp.Milliseconds, f timestamp.Format) []byte {
	if f == timestamp.Epoch {
		return timestamp.Append(b, t, f)
	}
	return append(timestamp.Append(append(b, '"'), t, f), '"')
}

// AppendBlob appends bytes as a string in base64.
func AppendBlob(b, value []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(b, '"'), value), '"')
}

// AppendDocument appends JSON text.
func AppendDocument(b []byte, text json.RawMessage) []byte { return append(b, text...) }

// AppendList appends a list.
func AppendList[T any](b []byte, list []T, element func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, e := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = element(b, e)
	}
	return append(b, ']')
}

// AppendStructs appends a list of structures.
func AppendStructs[T any](b []byte, list []T, element func(*T, []byte) []byte) []byte {
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = element(&list[i], b)
	}
	return append(b, ']')
}

// AppendPointers appends a list of structures, of which none is nil.
func AppendPointers[T any](b []byte, list []*T, element func(*T, []byte) []byte) []byte {
	b = append(b, '[')
	for i, e := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = element(e, b)
	}
	return append(b, ']')
}

// AppendEntries appends a map in the order of its keys.
func AppendEntries[K ~string, T any](b []byte, m map[K]T, value func([]byte, T) []byte) []byte {
	b = append(b, '{')
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(AppendString(b, k), ':')
		b = value(b, m[k])
	}
	return append(b, '}')
}

// AppendStrings appends a list of strings.
func AppendStrings[T ~string](b []byte, list []T) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, s)
	}
	return append(b, ']')
}

// AppendMap appends a map of strings in the order of its keys, so that equal
// values give equal bytes.
func AppendMap[K, V ~string](b []byte, m map[K]V) []byte {
	var buf [32]K // more keys than this cost an allocation
	keys := buf[:0]
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)

	b = append(b, '{')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, k)
		b = append(b, ':')
		b = AppendString(b, m[k])
	}
	return append(b, '}')
}
