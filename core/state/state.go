// Package state is the one State of a node, made of the states of the core
// packages, and the two functions that everything rests on:
//
//	Decide(state, rules, command) → changes, reads, reply | typed error
//	Apply(state, revision, changes) → state
//
// Followers, restarts and tests use the same Apply. Both are pure.
package state

import (
	"fmt"
	"iter"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/zone"
)

// State is one immutable version of everything. The zero value is empty.
type State struct {
	// Revision is that of the newest transaction in the State.
	Revision uint64
	Registry registry.State
	Identity identity.State
	// Zones are derived from Registry; they are not stored.
	Zones zone.Index
}

// Command is a request for a change.
type Command struct {
	Meta registry.Meta
	Op   any // a registry.Command or an identity.Command
}

// Change is one stored step between two States: a registry.Change or an
// identity.Change.
type Change interface {
	// Key is the key of the store that the change writes.
	Key() string
	// Value appends what is stored and returns true, or returns false if the
	// key is to be deleted.
	Value(b []byte) ([]byte, bool)
}

// Decision is what a command comes to; see registry.Decision.
type Decision struct {
	Changes []Change
	Reads   []registry.Read
	Reply   registry.Reply
}

// Decide says what a command comes to. It changes nothing.
func Decide(s *State, rules *registry.Rules, c Command) (Decision, error) {
	switch op := c.Op.(type) {
	case registry.Command:
		d, err := registry.Decide(&s.Registry, s.Rules(rules), c.Meta, op)
		return Decision{changesOf(d.Changes), d.Reads, d.Reply}, err
	case identity.Command:
		changes, reads, err := identity.Decide(&s.Identity, op)
		d := Decision{Changes: changesOf(changes)}
		for _, r := range reads {
			d.Reads = append(d.Reads, registry.Read(r))
		}
		return d, err
	}
	return Decision{}, fmt.Errorf("state: %T is not a command", c.Op)
}

// Rules are the given ones with the quotas that the State has for accounts.
func (s *State) Rules(given *registry.Rules) *registry.Rules {
	if !s.Identity.HasSettings() {
		return given
	}
	rules := *given
	rules.StoredQuotas = (*storedQuotas)(&s.Identity)
	return &rules
}

// storedQuotas are those that the settings of accounts have.
type storedQuotas identity.State

// Adjust implements registry.QuotaSource.
func (s *storedQuotas) Adjust(account command.AccountID, q registry.Quotas) registry.Quotas {
	if a, ok := (*identity.State)(s).Settings(string(account)); ok {
		for name, n := range a.Quotas {
			q.Set(name, n) // names were checked when they were stored
		}
	}
	return q
}

func changesOf[C Change](in []C) []Change {
	if len(in) == 0 {
		return nil
	}
	out := make([]Change, len(in))
	for i, c := range in {
		out[i] = c
	}
	return out
}

// Decode turns a stored key and value into a Change; a nil value is a deletion.
func Decode(key string, value []byte) (Change, error) {
	if identity.IsKey(key) {
		return identity.Decode(key, value)
	}
	return registry.Decode(key, value)
}

// Apply returns the State with the changes of one transaction.
func Apply(s *State, revision uint64, changes ...Change) *State {
	d := NewDraft(s)
	d.Apply(revision, changes...)
	return d.Finish()
}

// All yields the changes that make this State from the empty one.
func (s *State) All() iter.Seq[Stored] {
	return func(yield func(Stored) bool) {
		for stored := range s.Registry.All() {
			if !yield(Stored{stored.Change, stored.Revision}) {
				return
			}
		}
		for c := range s.Identity.All() {
			if !yield(Stored{Change: c}) {
				return
			}
		}
	}
}

// Stored is a change with the revision at which it was stored.
type Stored struct {
	Change   Change
	Revision uint64 // 0: unknown and of no importance
}

// Draft builds the State that follows another one. It is for one goroutine.
type Draft struct {
	revision uint64
	registry *registry.Draft
	identity *identity.Draft
	zones    *zone.Draft
	view     State // what State has returned
}

// NewDraft begins with s, which is not touched.
func NewDraft(s *State) *Draft {
	d := &Draft{revision: s.Revision, registry: registry.NewDraft(&s.Registry), identity: identity.NewDraft(&s.Identity), zones: zone.NewDraft(&s.Zones)}
	d.registry.Observe(d.zones)
	return d
}

// Apply adds the changes of a transaction with the given revision.
func (d *Draft) Apply(revision uint64, changes ...Change) {
	d.revision = max(d.revision, revision)
	for _, c := range changes {
		switch c := c.(type) {
		case registry.Change:
			d.registry.Apply(revision, c)
		case identity.Change:
			d.identity.Apply(c)
		}
	}
}

// State returns what the draft amounts to now. It is valid until the next Apply.
func (d *Draft) State() *State {
	d.view = State{d.revision, *d.registry.State(), *d.identity.State(), d.zones.Index()}
	return &d.view
}

// Finish returns the State and ends the draft.
func (d *Draft) Finish() *State {
	return &State{d.revision, *d.registry.Finish(), *d.identity.Finish(), d.zones.Finish()}
}
