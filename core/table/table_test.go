package table_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/table"
	"github.com/cairn-discovery/cairn/internal/record"
)

type note struct{ account, title, text string }

func (n *note) name() string           { return n.account + "/" + n.title }
func (n *note) encode(b []byte) []byte { return record.AppendString(b, 1, n.text) }

func (n *note) decode(value []byte) error {
	r := record.NewReader(value)
	for f, ok := r.Next(); ok; f, ok = r.Next() {
		if f.Number == 1 {
			n.text = string(f.Bytes)
		}
	}
	return r.Err()
}

type state struct{ notes, drafts table.Map[*note] }

func newKind(prefix string, in func(*state) *table.Map[*note]) *table.Kind[state, *note] {
	return &table.Kind[state, *note]{Prefix: prefix, In: in, Name: (*note).name, Encode: (*note).encode, Decode: (*note).decode,
		New: func(name string) *note {
			n := new(note)
			n.account, n.title, _ = strings.Cut(name, "/")
			return n
		},
	}
}

var (
	notes  = newKind("nn/", func(s *state) *table.Map[*note] { return &s.notes })
	drafts = newKind("nd/", func(s *state) *table.Map[*note] { return &s.drafts })
	slice  = table.NewSlice("note", nil, notes, drafts)
)

// TestChanges: changes apply to a draft alone, as decided and as decoded, and those of
// another slice do not.
func TestChanges(t *testing.T) {
	first := new(state)
	var changed []string
	d := table.NewDraft(first)
	d.OnChange(func(old, new any) {
		for _, n := range []any{old, new} {
			if n := n.(*note); n != nil {
				changed = append(changed, n.text)
			}
		}
	})
	for _, c := range []command.Change{
		notes.Put(&note{"a", "x", "one"}), notes.Put(&note{"a", "y", "two"}), drafts.Put(&note{"a", "x", "three"}),
		notes.Put(&note{"a", "x", "four"}), notes.Delete(&note{"a", "y", ""}), notes.Delete(&note{"a", "z", ""}),
	} {
		value, put := c.Value([]byte{})
		if !put {
			value = nil
		}
		decoded, err := slice.Decode(c.Key(), value)
		if err != nil || decoded.Key() != c.Key() || !slice.Owns(decoded) || !d.Apply(1, decoded) {
			t.Fatalf("%s: %v", c.Key(), err)
		}
	}
	if want := []string{"one", "two", "three", "one", "four", "two"}; !slices.Equal(changed, want) {
		t.Errorf("changes of %v, want %v", changed, want)
	}
	if first.notes.Len() != 0 {
		t.Error("the first state has changed")
	}
	var all []string
	for stored := range slice.All(d.State()) {
		value, _ := stored.Change.Value(nil)
		all = append(all, stored.Change.Key()+" "+string(value[2:]))
	}
	if want := []string{"nn/a/x four", "nd/a/x three"}; !slices.Equal(all, want) {
		t.Errorf("records %v, want %v", all, want)
	}
	if d.Apply(1, foreign{}) || slice.Owns(foreign{}) {
		t.Error("a change of another slice was applied")
	}
	if r := notes.Read(&note{"a", "x", ""}, true); r != (command.Read{Key: "nn/a/x", Exists: true}) {
		t.Errorf("read %v", r)
	}
}

// foreign is a change of another slice.
type foreign struct{}

func (foreign) Key() string                   { return "nn/a/x" }
func (foreign) Value(b []byte) ([]byte, bool) { return b, false }

// TestMalformed: keys and values that the slice has not written are errors.
func TestMalformed(t *testing.T) {
	for _, tt := range []struct{ key, value, err string }{
		{"nn/a", "", "malformed"},
		{"nx/a/x", "", "record of note"},
		{"nn/a/x", "\xff", "record"},
	} {
		if _, err := slice.Decode(tt.key, []byte(tt.value)); err == nil || !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%q: %v, want %s", tt.key, err, tt.err)
		}
	}
}
