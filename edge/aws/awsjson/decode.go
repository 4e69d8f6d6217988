package awsjson

import (
	"encoding/base64"
	"encoding/json"
	"sync"

	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
)

// NullElement is what Element returns for null. No JSON text can have it, since
// it is not UTF-8. So a list or map keeps its nulls, without a pointer for each
// element, up to the validation that refuses them.
const NullElement = "\xff"

// readers are reused: a small request allocates nothing but its values.
var readers = sync.Pool{New: func() any { return new(Reader) }}

// Decode reads a body into in, which is fresh. An empty body is an empty
// structure. An error is a *SerializationError.
func Decode[T any](body []byte, in *T, decode func(*T, *Reader)) error {
	r := readers.Get().(*Reader)
	defer readers.Put(r)
	r.reset(body)
	defer r.reset(nil)
	decode(in, r)
	return r.End()
}

// OptionalText reads a string, or nil for null.
func OptionalText[T ~string](r *Reader) *T {
	if r.Null() {
		return nil
	}
	return new(T(r.Text()))
}

// OptionalInt64 reads a whole number, or nil for null.
func OptionalInt64(r *Reader) *int64 {
	if r.Null() {
		return nil
	}
	return new(r.Int64())
}

// OptionalFloat64 reads a number, or nil for null.
func OptionalFloat64(r *Reader) *float64 {
	if r.Null() {
		return nil
	}
	return new(r.Float64())
}

// OptionalBool reads a boolean, or nil for null.
func OptionalBool(r *Reader) *bool {
	if r.Null() {
		return nil
	}
	return new(r.Bool())
}

// OptionalTime reads a time, or nil for null. One in seconds since 1970 is a
// number, the others are strings.
func OptionalTime(r *Reader, f timestamp.Format) *timestamp.Milliseconds {
	if r.Null() {
		return nil
	}
	return new(r.Time(f))
}

// Time reads a time.
func (r *Reader) Time(f timestamp.Format) timestamp.Milliseconds {
	start := r.pos
	var text string
	if c := r.peek(); f == timestamp.Epoch && (c == '-' || isDigit(c)) {
		text = string(r.scanNumber())
	} else if f != timestamp.Epoch {
		text = r.Text()
	} else {
		r.failType("a Timestamp")
	}
	if r.err != nil {
		return 0
	}
	t, err := timestamp.Parse(text, f)
	if err != nil {
		r.pos = start
		r.peek() // so that the error looks at the value
		r.failType("a Timestamp")
	}
	return t
}

// Blob reads bytes, which are a string in base64, or nil for null.
func (r *Reader) Blob() []byte {
	if r.Null() {
		return nil
	}
	start := r.pos
	b, err := base64.StdEncoding.DecodeString(r.Text())
	if err != nil && r.err == nil {
		r.pos = start
		r.peek()
		r.failType("a Blob")
	}
	if b == nil {
		b = []byte{}
	}
	return b
}

// Document reads a value of any kind as JSON text, or nil for null.
func (r *Reader) Document() json.RawMessage {
	if r.Null() {
		return nil
	}
	start := r.pos // behind white space, which Null has passed
	r.Skip()
	if r.err != nil {
		return nil
	}
	return append(json.RawMessage{}, r.data[start:r.pos]...)
}

// Element reads a string or an enum, or NullElement for null.
func Element[T ~string](r *Reader) T {
	if r.Null() {
		return NullElement
	}
	return T(r.Text())
}

// List reads an array, or nil for null. An empty array is not nil.
func List[T any](r *Reader, element func(*Reader) T) []T {
	if r.Null() {
		return nil
	}
	list := []T{}
	for r.beginArray(); r.nextElement(); {
		list = append(list, element(r))
	}
	return list
}

// Map reads an object as a map, or nil for null. An empty object is not nil.
func Map[K ~string, T any](r *Reader, value func(*Reader) T) map[K]T {
	if r.Null() {
		return nil
	}
	m := map[K]T{}
	for r.BeginObject(); r.NextMember(); {
		key := K(r.Name())
		m[key] = value(r)
	}
	return m
}
