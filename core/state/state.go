// Package state is the one State of a node, made of the states of the core
// packages, and the two functions that everything rests on:
//
//	Decide(state, rules, command) → changes, reads, reply | typed error
//	Apply(state, revision, changes) → state
//
// Followers, restarts and tests use the same Apply. Both are pure.
package state

import (
	"iter"

	"cairn/core/registry"
	"cairn/core/zone"
)

// State is one immutable version of everything. The zero value is empty.
type State struct {
	// Revision is that of the newest transaction in the State.
	Revision uint64
	Registry registry.State
	// Zones are derived from Registry; they are not stored.
	Zones zone.Index
}

// Command is a request for a change.
type Command struct {
	Meta registry.Meta
	Op   registry.Command
}

// Change is one stored step between two States.
type Change = registry.Change

// Decide says what a command comes to. It changes nothing.
func Decide(s *State, rules *registry.Rules, c Command) (registry.Decision, error) {
	return registry.Decide(&s.Registry, rules, c.Meta, c.Op)
}

// Decode turns a stored key and value into a Change; a nil value is a deletion.
func Decode(key string, value []byte) (Change, error) {
	return registry.Decode(key, value)
}

// Apply returns the State with the changes of one transaction.
func Apply(s *State, revision uint64, changes ...Change) *State {
	d := NewDraft(s)
	d.Apply(revision, changes...)
	return d.Finish()
}

// All yields the changes that make this State from the empty one.
func (s *State) All() iter.Seq[registry.Stored] { return s.Registry.All() }

// Draft builds the State that follows another one. It is for one goroutine.
type Draft struct {
	revision uint64
	registry *registry.Draft
	zones    *zone.Draft
}

// NewDraft begins with s, which is not touched.
func NewDraft(s *State) *Draft {
	d := &Draft{s.Revision, registry.NewDraft(&s.Registry), zone.NewDraft(&s.Zones)}
	d.registry.Observe(d.zones)
	return d
}

// Apply adds the changes of a transaction with the given revision.
func (d *Draft) Apply(revision uint64, changes ...Change) {
	d.revision = max(d.revision, revision)
	d.registry.Apply(revision, changes...)
}

// State returns what the draft amounts to now. It is valid until the next Apply.
func (d *Draft) State() *State {
	return &State{d.revision, *d.registry.State(), d.zones.Index()}
}

// Finish returns the State and ends the draft.
func (d *Draft) Finish() *State {
	return &State{d.revision, *d.registry.Finish(), d.zones.Finish()}
}
