// Package guard has records that make decisions of several nodes exclude each other.
//
// A decision can depend on records that do not exist yet: "fewer than 50 namespaces", or
// "no hosted zone has this caller reference". It cannot name them as reads. So all
// decisions of one kind write one record, a guard. Two of them on two nodes conflict then,
// and the second is made again on what the first has written. core/state adds the guard of
// the quotas that a decision has asked for.
package guard

import (
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/table"
)

// State has the guards. The zero value has none.
type State struct{ guards table.Map[*record] }

// record is one guard. Only that it was written matters.
type record struct{ name string }

var guards = &table.Kind[State, *record]{
	Prefix: "guard/",
	In:     func(s *State) *table.Map[*record] { return &s.guards },
	Name:   func(r *record) string { return r.name },
	New:    func(name string) *record { return &record{name} },
	Encode: func(_ *record, b []byte) []byte { return b },
	Decode: func(*record, []byte) error { return nil },
}

// Slice describes guards to core/state.
func Slice() command.Slice[State] { return table.NewSlice("guard", nil, guards) }

// NewDraft returns a draft of a state.
func NewDraft(s *State) *table.Draft[State] { return table.NewDraft(s) }

// Touch returns the change that writes a guard.
func Touch(name string) command.Change { return guards.Put(&record{name}) }
