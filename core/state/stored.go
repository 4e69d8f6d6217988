package state

import (
	"bytes"
	"fmt"
	"iter"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
	"github.com/cairn-discovery/cairn/internal/record"
)

// newer is what a newer version of cairn has stored and this one does not know. It is
// kept, so that nodes of both versions can share a store.
type newer struct {
	// stored are records of this version that have fields of a newer one, as they were
	// stored, by their keys.
	stored ptree.Map[string, string]
	// records are those of kinds that this version does not have.
	records ptree.Map[string, string]
}

// ApplyStored adds a record as a store has it; a nil value means that the key was deleted.
// It keeps no part of value.
//
// Fields and kinds of records that this version does not know are kept. A newer version
// raises the format of the store if that is not enough.
func (d *Draft) ApplyStored(revision uint64, key string, value []byte) error {
	i := rowOf(key)
	if i < 0 {
		if key == "" {
			return fmt.Errorf("key %q belongs to no record", key)
		}
		d.Apply(revision, foreign{key, string(value), value != nil})
		return nil
	}
	c, err := Decode(key, value)
	if err != nil {
		return err
	}
	d.revision, d.stale = max(d.revision, revision), true
	d.draft(i).Apply(revision, c)
	return d.keepFields(key, value, c)
}

// rowOf returns the row of the table for a key, or -1.
func rowOf(key string) int {
	for i := range table {
		if table[i].hasKey(key) {
			return i
		}
	}
	return -1
}

// keepFields keeps a stored record if it has fields, at any depth, that the change which was
// made from it does not store again. Records in JSON keep their own.
func (d *Draft) keepFields(key string, value []byte, c command.Change) error {
	if value == nil || bytes.HasPrefix(value, []byte("{")) {
		d.forgetFields(key)
		return nil
	}
	d.encoded, _ = c.Value(d.encoded[:0])
	if bytes.Equal(d.encoded, value) {
		d.forgetFields(key)
		return nil
	}
	merged, err := record.Merge(value, d.encoded, d.encoded)
	switch {
	case err != nil:
		return fmt.Errorf("record %q: %w", key, err)
	case bytes.Equal(merged, d.encoded):
		d.forgetFields(key)
	default:
		n := d.ownNewer()
		n.stored = n.stored.Put(d.owner, key, string(value))
	}
	return nil
}

func (d *Draft) forgetFields(key string) {
	if d.knowsNewer().stored.Has(key) {
		n := d.ownNewer()
		n.stored = n.stored.Delete(d.owner, key)
	}
}

// applyNewer handles what a change means for what is kept: foreign records are all in it.
func (d *Draft) applyNewer(c command.Change) bool {
	if f, ok := c.(foreign); ok {
		n := d.ownNewer()
		if f.put {
			n.records = n.records.Put(d.owner, f.key, f.value)
		} else {
			n.records = n.records.Delete(d.owner, f.key)
		}
		return true
	}
	if d.knowsNewer().stored.Len() > 0 {
		if _, put := c.Value(nil); !put {
			d.forgetFields(c.Key())
		}
	}
	return false
}

func (d *Draft) knowsNewer() *newer {
	if d.newer != nil {
		return d.newer
	}
	return &d.base.newer
}

// ownNewer returns what the draft may change.
func (d *Draft) ownNewer() *newer {
	if d.newer == nil {
		d.newer, d.owner = new(d.base.newer), new(ptree.Owner)
	}
	return d.newer
}

// Value appends what is to be stored for a change that was decided on the State, and
// returns true; or false if the key is to be deleted. It is the value of the change and
// the fields of a newer version that the record has.
func (s *State) Value(c command.Change, b []byte) ([]byte, bool) {
	start := len(b)
	b, put := c.Value(b)
	if put && s.newer.stored.Len() > 0 {
		if stored, ok := s.newer.stored.Get(c.Key()); ok {
			b = append(b[:start], withNewer(c.Key(), stored, b[start:])...)
		}
	}
	return b, put
}

// withNewer returns a value with the fields of a newer version that the stored record has.
func withNewer(key, stored string, value []byte) []byte {
	old, err := Decode(key, []byte(stored))
	if err != nil {
		return value // not possible: it was decoded when it was stored
	}
	known, _ := old.Value(nil)
	merged, err := record.Merge([]byte(stored), known, value)
	if err != nil {
		return value // this version stores no malformed records
	}
	return merged
}

// foreign is a record of a kind that this version does not know, or its deletion.
type foreign struct {
	key, value string
	put        bool
}

func (f foreign) Key() string                   { return f.key }
func (f foreign) Value(b []byte) ([]byte, bool) { return append(b, f.value...), f.put }

func (n *newer) all() iter.Seq[command.Stored] {
	return func(yield func(command.Stored) bool) {
		for key, value := range n.records.All() {
			if !yield(command.Stored{Change: foreign{key, value, true}}) {
				return
			}
		}
	}
}
