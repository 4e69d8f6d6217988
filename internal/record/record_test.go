package record

import (
	"errors"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	b := AppendUint(nil, 1, 300)
	b = AppendString(b, 2, "héllo\x00")
	b = AppendUint(b, 3, 0)
	b = AppendString(b, 4, "")
	b = AppendNested(b, 5, func(b []byte) []byte { return AppendUint(b, 1, 7) })
	b = AppendNested(b, 6, func(b []byte) []byte { return b })
	r := NewReader(b)
	var got []Field
	for f, ok := r.Next(); ok; f, ok = r.Next() {
		got = append(got, f)
	}
	if r.Err() != nil || len(got) != 4 {
		t.Fatalf("fields %v, error %v", got, r.Err())
	}
	if got[0].Uint != 300 || string(got[1].Bytes) != "héllo\x00" || got[2].Number != 5 || got[3].Number != 6 {
		t.Errorf("fields %v", got)
	}
}

func TestMalformed(t *testing.T) {
	for _, in := range []string{"\x00\x01", "\x02", "\x03\x05abc", "\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\xff"} {
		r := NewReader([]byte(in))
		for _, ok := r.Next(); ok; _, ok = r.Next() {
		}
		if !errors.Is(r.Err(), errMalformed) {
			t.Errorf("%q: error %v", in, r.Err())
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(AppendString(AppendUint(nil, 1, 5), 2, "x"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := NewReader(in)
		total := 0
		for field, ok := r.Next(); ok; field, ok = r.Next() {
			total += 1 + len(field.Bytes)
		}
		if total > len(in) {
			t.Errorf("%d bytes of fields out of %d", total, len(in))
		}
	})
}
