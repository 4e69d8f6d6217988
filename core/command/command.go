// Package command holds the vocabulary that all slices of the state share: what
// a command, its decision and a stored change are, who asks and when, the errors
// that mean the same in every slice, and the rows of the tables of quotas and of
// rate classes.
//
// A slice is one part of the state with its own package, commands and stored
// records, such as core/registry. core/state has the table of all slices. See
// docs/adr/0024-slices.md.
package command

import (
	"fmt"
	"strings"
)

// AccountID is a 12-digit AWS account id. The zero value names no account.
type AccountID string

// Valid reports whether the id has twelve digits.
func (id AccountID) Valid() bool {
	return len(id) == 12 && strings.Trim(string(id), "0123456789") == ""
}

// Command is a request to change the state. Each slice exports its commands as
// structs.
type Command interface {
	// Decide evaluates the command against v. It returns changes, the keys read
	// and a reply, or a typed error. It has no side effects.
	//
	// The changes may belong to several slices: a command that changes two of
	// them calls Decide of a command of the other slice and adds its Decision.
	Decide(v View, m *Meta) (Decision, error)
}

// Meta comes with every command: who asks, when, and randomness for new ids.
type Meta struct {
	Account AccountID
	// Now is the time of the request in milliseconds since 1970.
	Now int64
	// Entropy is fresh randomness. Ids are cut from it, so no two commands may
	// share it.
	Entropy [32]byte
	// Writer is a number from 1 to MaxWriter of the node that decides, if several share the
	// store. So each can write a record of its own where all count the same thing. A node
	// has several, for commits that are in flight together. Two nodes with one number only
	// get more conflicts. A node alone is 0.
	Writer int
}

// UUID returns 16 random octets as a UUID of version 4: RFC 9562 section 5.4.
func UUID(random []byte) string {
	b := [16]byte(random)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// MaxWriter is the highest Meta.Writer.
const MaxWriter = 15

// View is the whole state that a decision reads, with the rules in force.
type View interface {
	// Slice returns a pointer to the state of the named slice and a pointer to
	// its rules, or nil for a slice without rules. The package of each slice has
	// a function with the right types.
	Slice(name string) (state, rules any)
	// Quota returns the limit of a quota for an account. Zero means no limit.
	Quota(account AccountID, q *Quota) int
	// Quotas returns the rows of all slices.
	Quotas() []*Quota
}

// Decision is the result of evaluating a command.
type Decision struct {
	// Changes make the next state. None means that nothing has to change.
	Changes []Change
	// Keys are the keys of Changes, in the same order. core/state sets them, not the
	// command.
	Keys []string
	// Reads are the keys on which the decision rests. It is valid only as long as
	// none of them has changed. It rests on the keys of Changes too, so a command lists
	// only what else it depends on.
	Reads []Read
	Reply Reply
}

// Read is a key of the store that a decision rests on, and whether it exists.
type Read struct {
	Key    string
	Exists bool
}

// Reply is the result that a command returns to its caller. Each command
// documents the fields that it sets; most set none.
type Reply struct {
	// ID is the id of what was created or started, such as an operation.
	ID string
	// Value is a resource of the slice, such as a *registry.Service.
	Value any
	// Count is the number of records that a command with a limit has changed.
	Count int
	// Unchanged means that the command repeated what is stored already. At most it
	// renewed a lease.
	Unchanged bool
	// Revision is that of a state of the node that has the effect of the command. The
	// replica sets it, not the command.
	Revision uint64
}
