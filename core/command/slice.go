package command

import "iter"

// Slice describes one slice to core/state. S is its immutable state.
type Slice[S any] interface {
	// Name identifies the slice in a View.
	Name() string
	// Prefixes returns the prefixes of the keys of the slice's records in the
	// store. No key of another slice has one of them.
	Prefixes() []string
	// Decode turns a stored record back into a Change. A nil value means that
	// the key was deleted. It keeps no part of value.
	Decode(key string, value []byte) (Change, error)
	// Owns reports whether c is a change of the slice.
	Owns(c Change) bool
	// All yields the changes that make the state from the empty one.
	All(*S) iter.Seq[Stored]
	// Has reports whether the state has the record of a key of the slice.
	Has(s *S, key string) bool
	// Quotas returns the rows that the slice adds to the table of quotas.
	Quotas() []*Quota
}

// Draft builds the next state of a slice. It is for one goroutine; the state it
// starts from is not changed.
type Draft interface {
	// Apply applies c, committed at the revision, and reports true. It reports
	// false and does nothing if c is a change of another slice. A change that was
	// returned by Decide or Decode always applies.
	Apply(revision uint64, c Change) bool
}

// Change is one stored step from a state to the next.
type Change interface {
	// Key returns the key of the store that the change writes.
	Key() string
	// Value appends what is stored and returns true, or returns false if the
	// key is to be deleted.
	Value(b []byte) ([]byte, bool)
}

// Unique is a Change whose value may be unlike that of every other change, such as by a
// random part of it. A decision that rests on such a record can name its value.
type Unique interface {
	Change
	// Unique reports whether the value is unlike that of every other change.
	Unique() bool
}

// Guarded is a Change whose record may need no precondition of its own. Each decision that
// writes it also writes another record, whose precondition is enough.
type Guarded interface {
	Change
	// Guarded reports whether no precondition is needed.
	Guarded() bool
}

// Bundled is a Change that may be stored in the record of an earlier change of its
// transaction, which saves records.
type Bundled interface {
	Change
	// Bundle names the changes that may share a record. It is empty if this one needs its own.
	Bundle() string
	// In returns the change as one in the record of another one with the same name, which
	// is before it in the transaction and may be a Part too.
	In(other Change) Part
}

// Part is a Change whose value is appended to the record that an earlier change of its
// transaction has put. Its Key is that of the record.
type Part interface {
	Change
	Part()
}

// Stored is a change with the revision at which it was stored. Revision 0 means
// that the revision is unknown and not needed.
type Stored struct {
	Change   Change
	Revision uint64
}
