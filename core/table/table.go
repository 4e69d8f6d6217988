// Package table makes slices of the state whose records are in tables, one for each
// kind of record, such as core/identity and core/task. A slice describes its kinds of
// records. The package provides the changes, the draft and the command.Slice.
//
//	type State struct{ notes table.Map[*Note] }
//
//	var notes = &table.Kind[State, *Note]{
//		Prefix: "nn/",
//		In:     func(s *State) *table.Map[*Note] { return &s.notes },
//		Name:   (*Note).name, New: newNote, Encode: (*Note).encode, Decode: (*Note).decode,
//	}
//
//	func Slice() command.Slice[State]           { return table.NewSlice("note", nil, notes) }
//	func NewDraft(s *State) *table.Draft[State] { return table.NewDraft(s) }
//
// The state reads its maps with Get and Within. A command reads the state. It returns
// notes.Put(n) or notes.Delete(n) as its change, and notes.Read(n, exists) as a read that
// the decision depends on.
package table

import (
	"fmt"
	"iter"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// Map maps names to the records of one kind, in order.
type Map[T any] = ptree.Map[string, T]

// Within yields the values whose names begin with the prefix and come after
// prefix+after, in the order of their names. The prefix is empty or ends with a slash.
func Within[V any](m Map[V], prefix, after string) iter.Seq[V] {
	all := m.After(after)
	if prefix != "" {
		end := len(prefix) - 1
		all = m.Between(prefix+after, prefix[:end]+string(prefix[end]+1))
	}
	return func(yield func(V) bool) {
		for _, v := range all {
			if !yield(v) {
				return
			}
		}
	}
}

// Kind is one kind of record in a slice with the state S. T is a pointer; a record is
// immutable once it is stored. All fields are required.
type Kind[S, T any] struct {
	// Prefix is what the keys of the records in the store begin with, such as "nn/". No
	// other kind of any slice has a prefix that begins with it. The name follows.
	Prefix string
	// In returns the place of the records in a state.
	In func(*S) *Map[T]
	// Name returns the name of a record, which is unique in its kind: the account and
	// what identifies the record in it, separated by slashes.
	Name func(T) string
	// New returns a record with the fields that its name has. The name comes from a
	// store and may be malformed.
	New func(name string) T
	// Encode appends the record as it is stored, without the fields in its name.
	Encode func(record T, b []byte) []byte
	// Decode reads a stored value into a record of New. It keeps no part of value.
	Decode func(record T, value []byte) error
}

// Put returns the change that stores a record.
func (k *Kind[S, T]) Put(record T) command.Change { return &put[S, T]{k, record} }

// Delete returns the change that deletes a record. Only the fields in its name count.
func (k *Kind[S, T]) Delete(record T) command.Change { return &remove[S, T]{k, k.Name(record)} }

// Read returns what a decision depends on if it depends on whether a record exists, and
// on its contents. Only the fields in its name count.
func (k *Kind[S, T]) Read(record T, exists bool) command.Read {
	return command.Read{Key: k.Prefix + k.Name(record), Exists: exists}
}

// change is a change of a slice with the state S.
type change[S any] interface {
	command.Change
	apply(d *Draft[S])
}

type put[S, T any] struct {
	kind   *Kind[S, T]
	record T
}

func (c *put[S, T]) Key() string                   { return c.kind.Prefix + c.kind.Name(c.record) }
func (c *put[S, T]) Value(b []byte) ([]byte, bool) { return c.kind.Encode(c.record, b), true }
func (c *put[S, T]) apply(d *Draft[S]) {
	m, name := c.kind.In(&d.state), c.kind.Name(c.record)
	old, _ := m.Get(name)
	*m = m.Put(d.owner, name, c.record)
	if d.changed != nil {
		d.changed(old, c.record)
	}
}

type remove[S, T any] struct {
	kind *Kind[S, T]
	name string
}

func (c *remove[S, T]) Key() string                   { return c.kind.Prefix + c.name }
func (c *remove[S, T]) Value(b []byte) ([]byte, bool) { return b, false }
func (c *remove[S, T]) apply(d *Draft[S]) {
	m := c.kind.In(&d.state)
	old, ok := m.Get(c.name)
	if !ok {
		return
	}
	*m = m.Delete(d.owner, c.name)
	if d.changed != nil {
		var none T
		d.changed(old, none)
	}
}

// Table is a Kind without the type of its records.
type Table[S any] interface {
	prefix() string
	decode(key string, value []byte) (command.Change, error)
	has(s *S, name string) bool
	all(s *S, yield func(command.Stored) bool) bool
}

func (k *Kind[S, T]) prefix() string { return k.Prefix }

func (k *Kind[S, T]) decode(key string, value []byte) (command.Change, error) {
	name := strings.TrimPrefix(key, k.Prefix)
	record := k.New(name)
	switch {
	case k.Name(record) != name:
		return nil, fmt.Errorf("key %q: the name is malformed", key)
	case value == nil:
		return k.Delete(record), nil
	}
	if err := k.Decode(record, value); err != nil {
		return nil, fmt.Errorf("record %q: %w", key, err)
	}
	return k.Put(record), nil
}

func (k *Kind[S, T]) has(s *S, name string) bool { return k.In(s).Has(name) }

func (k *Kind[S, T]) all(s *S, yield func(command.Stored) bool) bool {
	for _, record := range k.In(s).All() {
		if !yield(command.Stored{Change: k.Put(record)}) {
			return false
		}
	}
	return true
}

// slice implements command.Slice.
type slice[S any] struct {
	name   string
	quotas []*command.Quota
	tables []Table[S]
}

// NewSlice returns what core/state has to know of a slice. Quotas may be nil.
func NewSlice[S any](name string, quotas []*command.Quota, tables ...Table[S]) command.Slice[S] {
	return &slice[S]{name, quotas, tables}
}

func (s *slice[S]) Name() string             { return s.name }
func (s *slice[S]) Quotas() []*command.Quota { return s.quotas }

func (s *slice[S]) Prefixes() []string {
	var all []string
	for _, t := range s.tables {
		all = append(all, t.prefix())
	}
	return all
}

func (s *slice[S]) Owns(c command.Change) bool {
	_, ok := c.(change[S])
	return ok
}

func (s *slice[S]) Decode(key string, value []byte) (command.Change, error) {
	for _, t := range s.tables {
		if strings.HasPrefix(key, t.prefix()) {
			return t.decode(key, value)
		}
	}
	return nil, fmt.Errorf("key %q is not of a record of %s", key, s.name)
}

func (s *slice[S]) Has(state *S, key string) bool {
	for _, t := range s.tables {
		if name, ok := strings.CutPrefix(key, t.prefix()); ok {
			return t.has(state, name)
		}
	}
	return false
}

func (s *slice[S]) All(state *S) iter.Seq[command.Stored] {
	return func(yield func(command.Stored) bool) {
		for _, t := range s.tables {
			if !t.all(state, yield) {
				return
			}
		}
	}
}
