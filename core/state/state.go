// Package state is the one State of a node, made of the states of the slices,
// and the two functions on which everything rests:
//
//	Decide(state, rules, meta, command) → changes, reads, reply | typed error
//	Apply(state, revision, changes) → state
//
// Followers, restarts and tests use the same Apply. Both are pure. The slices
// are listed in slice.go.
package state

import (
	"fmt"
	"iter"
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/guard"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/member"
	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/core/probe"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/core/zone"
)

// State is one immutable version of everything. The zero value is empty.
type State struct {
	// Revision is the revision of the newest transaction in the State.
	Revision uint64
	Registry registry.State
	Identity identity.State
	Task     task.State
	Member   member.State
	// Probe is what probers of several nodes tell each other.
	Probe probe.State
	// HostedZones are those of Route 53.
	HostedZones hostedzone.State
	// Mesh has the resources of App Mesh.
	Mesh   mesh.State
	guards guard.State
	// Zones are derived from Registry, Task and HostedZones; they are not stored.
	Zones zone.Index

	newer newer
}

// Decide evaluates a command. It returns changes, the keys read and a reply, or a
// typed error. It has no side effects. What the decision depends on besides the keys
// that the command reads is in State.Reads.
func Decide(s *State, rules *Rules, m command.Meta, c command.Command) (command.Decision, error) {
	v := &view{state: s, rules: rules, meta: m}
	d, err := c.Decide(v, &v.meta)
	if err == nil && len(d.Changes) > 0 {
		for _, name := range v.guards {
			d.Changes = append(d.Changes, guard.Touch(name))
		}
		d.Keys = make([]string, len(d.Changes))
		for i, c := range d.Changes {
			d.Keys[i] = c.Key()
		}
	}
	return d, err
}

// manyReads is the number of reads from which a map finds one faster.
const manyReads = 16

// Reads returns all keys that a decision depends on, which was made on the State: those
// that the command reads, and every key that the changes write, but for those of
// command.Guarded. So no record of another node is overwritten unseen.
func (s *State) Reads(d command.Decision) []command.Read {
	reads := d.Reads
	if len(d.Changes)+len(reads) > manyReads {
		return readMany(s, d)
	}
	for i, key := range d.Keys {
		if !isGuarded(d.Changes[i]) && !slices.ContainsFunc(reads, func(r command.Read) bool { return r.Key == key }) {
			reads = append(reads, command.Read{Key: key, Exists: s.hasRecord(key)})
		}
	}
	return reads
}

func readMany(s *State, d command.Decision) []command.Read {
	reads := d.Reads
	known := make(map[string]bool, len(d.Changes)+len(reads))
	for _, r := range reads {
		known[r.Key] = true
	}
	for i, key := range d.Keys {
		if !known[key] && !isGuarded(d.Changes[i]) {
			known[key] = true
			reads = append(reads, command.Read{Key: key, Exists: s.hasRecord(key)})
		}
	}
	return reads
}

func isGuarded(c command.Change) bool {
	g, ok := c.(command.Guarded)
	return ok && g.Guarded()
}

// hasRecord reports whether the State has the record of a key.
func (s *State) hasRecord(key string) bool {
	i := rowOf(key)
	return i >= 0 && table[i].has(s, key)
}

// Decode turns a stored key and value into a Change; a nil value is a deletion.
// A key that belongs to no slice is an error.
func Decode(key string, value []byte) (command.Change, error) {
	if i := rowOf(key); i >= 0 {
		return table[i].decode(key, value)
	}
	return nil, fmt.Errorf("key %q belongs to no known kind of record", key)
}

// Apply returns the State with the changes of one transaction.
func Apply(s *State, revision uint64, changes ...command.Change) *State {
	d := NewDraft(s)
	d.Apply(revision, changes...)
	return d.Finish()
}

// All yields the changes that make this State from the empty one.
func (s *State) All() iter.Seq[command.Stored] {
	return func(yield func(command.Stored) bool) {
		for i := range table {
			for stored := range table[i].all(s) {
				if !yield(stored) {
					return
				}
			}
		}
		s.newer.all()(yield)
	}
}
