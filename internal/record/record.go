// Package record is the encoding of stored values: a sequence of numbered
// fields, each a number or a byte string. A reader skips fields that it does
// not know, so that an older program can read what a newer one wrote.
//
//	b = record.AppendString(b, 1, "web")
//	b = record.AppendUint(b, 2, 60)
package record

import (
	"encoding/binary"
	"errors"
)

// errMalformed means that the bytes are not a sequence of fields.
var errMalformed = errors.New("record: malformed field")

// bytesBit is set in the tag of a byte string and clear in that of a number.
const bytesBit = 1

// AppendUint appends field n with a number. Zero is left out: a reader sees an
// absent field as zero.
func AppendUint(b []byte, n int, v uint64) []byte {
	if v == 0 {
		return b
	}
	b = binary.AppendUvarint(b, uint64(n)<<1)
	return binary.AppendUvarint(b, v)
}

// AppendString appends field n with a string. The empty string is left out.
func AppendString[S ~string | ~[]byte](b []byte, n int, v S) []byte {
	if len(v) == 0 {
		return b
	}
	b = binary.AppendUvarint(b, uint64(n)<<1|bytesBit)
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}

// AppendNested appends field n holding what fill appends, even if that is nothing.
func AppendNested(b []byte, n int, fill func([]byte) []byte) []byte {
	inner := fill(nil)
	b = binary.AppendUvarint(b, uint64(n)<<1|bytesBit)
	b = binary.AppendUvarint(b, uint64(len(inner)))
	return append(b, inner...)
}

// Field is one field. Uint is set for a number, Bytes for a byte string; Bytes
// is a part of the input.
type Field struct {
	Number int
	Uint   uint64
	Bytes  []byte
}

// AppendField appends a field as it was read. So a program keeps the fields that it does
// not know.
func AppendField(b []byte, f Field) []byte {
	if f.Bytes == nil {
		b = binary.AppendUvarint(b, uint64(f.Number)<<1)
		return binary.AppendUvarint(b, f.Uint)
	}
	b = binary.AppendUvarint(b, uint64(f.Number)<<1|bytesBit)
	b = binary.AppendUvarint(b, uint64(len(f.Bytes)))
	return append(b, f.Bytes...)
}

// Reader takes fields off the front of a byte string.
type Reader struct {
	rest []byte
	err  error
}

// NewReader returns a Reader of b, which must not change while it is used.
func NewReader(b []byte) Reader { return Reader{rest: b} }

// Next returns the next field, or false at the end or at the first error.
func (r *Reader) Next() (Field, bool) {
	if len(r.rest) == 0 || r.err != nil {
		return Field{}, false
	}
	tag, ok := r.uvarint()
	if !ok || tag>>1 == 0 || tag>>1 > 1<<20 {
		return r.fail()
	}
	v, ok := r.uvarint()
	if !ok {
		return r.fail()
	}
	f := Field{Number: int(tag >> 1)}
	if tag&bytesBit == 0 {
		f.Uint = v
		return f, true
	}
	if v > uint64(len(r.rest)) {
		return r.fail()
	}
	f.Bytes, r.rest = r.rest[:v], r.rest[v:]
	return f, true
}

// Err returns an error if Next stopped at bytes that are not a field.
func (r *Reader) Err() error { return r.err }

// Each calls field with each field of b, up to the first error, which it returns.
func Each(b []byte, field func(Field) error) error {
	r := NewReader(b)
	for f, ok := r.Next(); ok; f, ok = r.Next() {
		if err := field(f); err != nil {
			return err
		}
	}
	return r.Err()
}

func (r *Reader) uvarint() (uint64, bool) {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		return 0, false
	}
	r.rest = r.rest[n:]
	return v, true
}

func (r *Reader) fail() (Field, bool) {
	r.err = errMalformed
	return Field{}, false
}
