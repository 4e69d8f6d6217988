package record

import (
	"bytes"
	"testing"
)

// message is a record with a name, nested records, and a field of a newer version.
func message(name, newer string, nested ...[]byte) []byte {
	b := AppendString(nil, 1, name)
	for _, n := range nested {
		b = AppendNested(b, 2, func(b []byte) []byte { return append(b, n...) })
	}
	return AppendString(b, 9, newer)
}

func TestMerge(t *testing.T) {
	a, b, c := message("a", ""), message("b", ""), message("c", "")
	newA, newB := message("a", "x"), message("b", "y")
	for _, tt := range []struct {
		name               string
		stored, known, now []byte
		want               []byte
	}{
		{"nothing newer", message("m", "", a), message("m", "", a), message("n", "", b), message("n", "", b)},
		{"at the top", message("m", "x", a), message("m", "", a), message("n", "", b), message("n", "x", b)},
		{"nested", message("m", "", newA), message("m", "", a), message("n", "", a), message("n", "", newA)},
		{"nested and changed", message("m", "", newA), message("m", "", a), message("m", "", c), message("m", "", message("c", "x"))},
		{"nested twice", message("m", "", message("d", "", newA)), message("m", "", message("d", "", a)), message("m", "", message("e", "", c)),
			message("m", "", message("e", "", message("c", "x")))},
		{"one of two changed", message("m", "", newA, newB), message("m", "", a, b), message("m", "", a, c), message("m", "", newA, message("c", "y"))},
		{"removed", message("m", "", newA, newB), message("m", "", a, b), message("m", "", b), message("m", "", newB)},
		{"added", message("m", "", newA), message("m", "", a), message("m", "", c, a), message("m", "", c, newA)},
		{"other order", message("m", "", newA, newB), message("m", "", a, b), message("m", "", b, a), message("m", "", newB, newA)},
		{"all changed", message("m", "", newA, newB), message("m", "", a, b), message("m", "", c, c), message("m", "", c, c)},
		{"all removed", message("m", "x", newA), message("m", "", a), message("m", ""), message("m", "x")},
		{"a text that is written in another way", message("m", "", []byte("Text")), message("m", "", []byte("text")), message("m", "", []byte("text")), message("m", "", []byte("text"))},
	} {
		got, err := Merge(tt.stored, tt.known, tt.now)
		if err != nil || !bytes.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q (%v)", tt.name, got, tt.want, err)
		}
	}
	for i := range 3 {
		in := [3][]byte{a, a, a}
		in[i] = []byte("\x03\x05abc")
		if _, err := Merge(in[0], in[1], in[2]); err == nil {
			t.Errorf("input %d is malformed and accepted", i)
		}
	}
}

// FuzzMerge: a record that this version writes as it has read it is the stored one, if this
// version reads a part of it.
func FuzzMerge(f *testing.F) {
	f.Add(message("m", "x", message("a", "y")), message("m", "", message("a", "")))
	f.Fuzz(func(t *testing.T, stored, known []byte) {
		got, err := Merge(stored, known, known)
		if err != nil {
			return
		}
		if again, err := Merge(stored, known, got); err != nil || len(again) < len(got) {
			t.Errorf("%q, %q: %q, and then %q (%v)", stored, known, got, again, err)
		}
		if n, err := parse(got); err != nil || len(n.fields) > len(stored)+len(known) {
			t.Errorf("%q, %q: %q (%v)", stored, known, got, err)
		}
	})
}
