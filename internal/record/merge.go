package record

import "bytes"

// Merge returns a record with the fields of a newer version of the program, which this one
// does not know, at any depth. stored is a record that the newer version has written, known
// is the same record as this version writes it, and now is what this version writes in its
// place. All are copied.
//
// A nested record is one whose fields are a part of those in the other. One that is repeated
// and has changed keeps its fields if it is known which it was: all others are unchanged.
func Merge(stored, known, now []byte) ([]byte, error) {
	from, err := parse(stored)
	if err != nil {
		return nil, err
	}
	to, err := parse(known)
	if err != nil {
		return nil, err
	}
	next, err := parse(now)
	if err != nil {
		return nil, err
	}
	var b []byte
	for _, f := range next.fields {
		if f.Bytes != nil {
			f.Bytes = from.merge(to, next, f)
		}
		b = AppendField(b, f)
	}
	for _, f := range from.fields {
		if len(to.of(f.Number)) == 0 {
			b = AppendField(b, f)
		}
	}
	return b, nil
}

// fields is a record in parts.
type fields struct{ fields []Field }

func parse(b []byte) (fields, error) {
	var all fields
	r := NewReader(b)
	for f, ok := r.Next(); ok; f, ok = r.Next() {
		all.fields = append(all.fields, f)
	}
	return all, r.err
}

// of returns the fields with a number.
func (all fields) of(number int) (some []Field) {
	for _, f := range all.fields {
		if f.Number == number {
			some = append(some, f)
		}
	}
	return some
}

// merge returns the bytes of a field of next, with what those have that it was made from.
func (all fields) merge(known, next fields, f Field) []byte {
	from, to := all.of(f.Number), known.of(f.Number)
	if len(from) != len(to) {
		return f.Bytes // it is not known which is which
	}
	for i := range to {
		if bytes.Equal(to[i].Bytes, f.Bytes) && isPart(to[i].Bytes, from[i].Bytes) {
			return from[i].Bytes
		}
	}
	i := changedAlone(to, next.of(f.Number))
	if i < 0 || !isPart(to[i].Bytes, from[i].Bytes) {
		return f.Bytes
	}
	merged, err := Merge(from[i].Bytes, to[i].Bytes, f.Bytes)
	if err != nil {
		return f.Bytes // it is no nested record
	}
	return merged
}

// changedAlone returns the place of the only field that differs, or -1.
func changedAlone(a, b []Field) int {
	if len(a) != len(b) {
		return -1
	}
	at := -1
	for i := range a {
		if a[i].Uint == b[i].Uint && bytes.Equal(a[i].Bytes, b[i].Bytes) {
			continue
		}
		if at >= 0 {
			return -1
		}
		at = i
	}
	return at
}

// isPart reports whether a record is another one without some of its fields, at any depth.
func isPart(part, whole []byte) bool {
	if bytes.Equal(part, whole) {
		return true
	}
	a, errA := parse(part)
	b, errB := parse(whole)
	if errA != nil || errB != nil {
		return false
	}
	for _, f := range a.fields {
		have, want := a.of(f.Number), b.of(f.Number)
		if len(have) != len(want) {
			return false
		}
		for i := range have {
			if have[i].Uint != want[i].Uint || (have[i].Bytes == nil) != (want[i].Bytes == nil) || !isPart(have[i].Bytes, want[i].Bytes) {
				return false
			}
		}
	}
	return true
}
