package awsjson

import (
	"slices"
	"strconv"

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

// AppendTimestamp appends a time in AWS's form, seconds since 1970 with three
// decimals, from milliseconds: 1516925490.087.
func AppendTimestamp(b []byte, milliseconds int64) []byte {
	if milliseconds < 0 {
		b = append(b, '-')
	}
	seconds, rest := milliseconds/1000, milliseconds%1000
	b = strconv.AppendUint(b, magnitude(seconds), 10)
	r := magnitude(rest)
	return append(b, '.', byte('0'+r/100), byte('0'+r/10%10), byte('0'+r%10))
}

// magnitude is |n|. Nothing that is divided by 1000 can overflow here.
func magnitude(n int64) uint64 { return uint64(max(n, -n)) }

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
