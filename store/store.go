// Package store is the contract between a replica and whatever keeps its data.
//
// A store knows keys, bytes, revisions and preconditions; it does not know what
// they mean. Every committed transaction gets the next revision, and all of a
// transaction becomes durable or none of it does. Implementations live in one
// folder per technology below this one, and all of them must pass the suite in
// storetest.
package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Revision counts committed transactions. It rises by at least one with every
// commit and never falls, across restarts too. Zero is the empty store.
type Revision uint64

// Record is one live key with the revision of the transaction that last wrote it.
type Record struct {
	Key      string
	Value    []byte
	Revision Revision
}

// Write puts or deletes one key. Deleting an absent key is allowed.
type Write struct {
	Key    string
	Value  []byte
	Delete bool
}

// Precondition is one key that a transaction was decided on.
type Precondition struct {
	Key string
	// Exists says whether the key was present at the transaction's Base.
	Exists bool
	// Value is not nil if the decision rests on an earlier transaction of the same user
	// that may still be in flight, and so on no revision: then the key must have this
	// value, whenever it was written. Only for stores with Limits.InFlight above 1.
	Value []byte
}

// Cost is how much a precondition counts in Limits.Preconditions: 2 for a key that exists,
// since etcd compares its revision and that it exists, else 1.
func (p *Precondition) Cost() int {
	if p.Exists && p.Value == nil {
		return 2
	}
	return 1
}

// Txn is a set of writes that commit together.
type Txn struct {
	// Base is the revision of the state on which the writer decided.
	Base Revision
	// Preconditions are the keys the decision depends on. The transaction
	// conflicts if any of them was written or deleted after Base, or, for one with a
	// Value, has another value.
	Preconditions []Precondition
	// Writes are in the order in which they are to be applied. A key is written at
	// most once.
	Writes []Write
}

// Check returns an error that wraps ErrDuplicateKey if the transaction writes a key
// more than once.
func (t *Txn) Check() error {
	if len(t.Writes) < 2 {
		return nil
	}
	seen := make(map[string]struct{}, len(t.Writes))
	for i := range t.Writes {
		seen[t.Writes[i].Key] = struct{}{}
		if len(seen) <= i {
			return fmt.Errorf("%w: %q", ErrDuplicateKey, t.Writes[i].Key)
		}
	}
	return nil
}

// Batch is one committed transaction, or several that share a revision.
type Batch struct {
	Revision Revision
	Writes   []Write
}

// Errors that say what is known after a failed Commit, Load or Watch. Any other
// error from Commit means: not committed, and the store still works.
var (
	// ErrConflict: not committed, a precondition no longer holds. Decide again.
	ErrConflict = errors.New("store: a precondition no longer holds")
	// ErrUncertain: the transaction may or may not be durable. Call Load, which
	// resolves it, before the next answer and the next Commit.
	ErrUncertain = errors.New("store: the outcome of the commit is unknown")
	// ErrCompacted: the requested history was deleted. Call Load.
	ErrCompacted = errors.New("store: the history asked for is no longer kept")
	// ErrFull: not committed, no space is left. A later Commit succeeds when there
	// is space.
	ErrFull = errors.New("store: no space left")
	// ErrUnreachable: not committed, the store cannot be reached now, such as a
	// cluster without a majority. Load and Watch return it too. A later call may
	// succeed, and needs no Load before it.
	ErrUnreachable = errors.New("store: not reachable")
	// ErrReadOnly: not committed, the store takes no writes.
	ErrReadOnly = errors.New("store: read-only")
	// ErrDuplicateKey: not committed, the transaction writes a key more than once.
	ErrDuplicateKey = errors.New("store: a transaction writes a key more than once")
	// ErrTooLarge: not committed, the transaction exceeds a limit of the store.
	ErrTooLarge = errors.New("store: the transaction is too large")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store: closed")
)

// SizeError means that a transaction has more operations than the store accepts. It wraps
// ErrTooLarge.
type SizeError struct {
	Have, Limit int
	// Setting is what an operator changes to raise the limit.
	Setting string
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("%v: %d operations, %d are allowed by %s", ErrTooLarge, e.Have, e.Limit, e.Setting)
}

func (e *SizeError) Unwrap() error { return ErrTooLarge }

// FormatError means that a newer version has written the store.
type FormatError struct {
	// Have is the format of the store, Known the newest one that this version reads.
	Have, Known int
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("store: its format is %d and this version of cairn knows formats up to %d: use the newer version", e.Have, e.Known)
}

// Store keeps records durably.
//
// All methods may be called from several goroutines.
type Store interface {
	// Load passes all records to visit, in chunks, and returns their revision. If
	// a key comes twice, the later Change wins; a Change with Delete removes the
	// key. Records come in the order of their keys, or in the order in which they
	// were given to Snapshot and then committed. The chunk and its values are valid
	// until visit returns. An error of visit ends Load and is returned.
	//
	// Load must be called once before the first Commit, and again after
	// ErrUncertain or ErrCompacted.
	Load(ctx context.Context, visit func([]Change) error) (Revision, error)

	// Commit makes the transaction durable and returns its revision. When it
	// has returned nil the writes survive kill -9 and power loss. It keeps no
	// reference to the transaction. It calls Check and returns its error.
	Commit(ctx context.Context, txn Txn) (Revision, error)

	// Watch yields every batch committed after the given revision, in order and without
	// gaps. It waits for more until the caller stops or ctx ends; then it yields ctx's
	// error. A revision whose successors are gone yields ErrCompacted. The batch must not
	// be modified.
	Watch(ctx context.Context, after Revision) iter.Seq2[Batch, error]

	// Close releases the store's resources. Commits in flight end first.
	Close() error
}

// The interfaces below are for stores that have more to offer. The user of a store finds
// out with a type assertion.

// Runner is a store with work of its own. Run does it until ctx ends.
type Runner interface {
	Run(ctx context.Context) error
}

// Limits are the sizes up to which a transaction is accepted.
type Limits struct {
	// Writes is the number of writes, Preconditions the sum of their Cost.
	Writes, Preconditions int
	// Bytes are the keys and values together.
	Bytes int
	// InFlight is how many commits a user should have in flight. Zero means one: then
	// more are no faster.
	InFlight int
}

// Limited is a store that refuses large transactions with ErrTooLarge, or that is faster
// with several commits in flight.
type Limited interface {
	// Limits returns limits within which a transaction is accepted. They are known
	// after Load.
	Limits() Limits
}

// Change is one step of Load: a record, or the removal of one.
type Change struct {
	Record
	Delete bool
}

// Snapshotter is a store with a log that needs a snapshot of the whole state from
// time to time, so that it can delete the log. The owner of the state calls Snapshot.
type Snapshotter interface {
	// SnapshotDue reports whether the log is large enough for a snapshot. It is
	// cheap enough to call after every commit.
	SnapshotDue() bool
	// Snapshot replaces all history up to and including revision at by the
	// given records, which must be the exact state at that revision. Commits go
	// on meanwhile. A crash or an error at any point loses nothing.
	Snapshot(ctx context.Context, at Revision, records iter.Seq[Record]) error
}

// Exclusive is a store that has one user, whose commits come one after the other. So what
// that user has decided on its newest state holds, and needs no preconditions.
type Exclusive interface {
	// Exclusive reports whether the store is one. It is always the same.
	Exclusive() bool
}

// Linear is a store that others commit to as well.
type Linear interface {
	// Newest returns a revision that is not lower than that of any commit that was
	// acknowledged before the call, to any user of the store. Watch reaches it.
	Newest(ctx context.Context) (Revision, error)
}

// Remote is a store that knows when it was last in contact with what has the data.
type Remote interface {
	// LastContact returns the latest time at which this node is known to have had all
	// that was committed before. It is zero before the first contact.
	LastContact() time.Time
}
