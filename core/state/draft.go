package state

import (
	"fmt"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/zone"
)

// Draft builds the State that follows another one. It is for one goroutine.
type Draft struct {
	revision uint64
	drafts   []sliceDraft // in the order of the table
	zones    *zone.Draft
	current  State // the result of State
}

// NewDraft returns a Draft that starts from s, which is not changed.
func NewDraft(s *State) *Draft {
	d := &Draft{revision: s.Revision, drafts: make([]sliceDraft, len(table)), zones: zone.NewDraft(&s.Zones)}
	for i := range table {
		d.drafts[i] = table[i].newDraft(s, d.zones)
	}
	return d
}

// Apply adds the changes of a transaction with the given revision.
func (d *Draft) Apply(revision uint64, changes ...command.Change) {
	d.revision = max(d.revision, revision)
	for _, c := range changes {
		d.apply(revision, c)
	}
}

func (d *Draft) apply(revision uint64, c command.Change) {
	for i := range d.drafts {
		if d.drafts[i].Apply(revision, c) {
			return
		}
	}
	panic(fmt.Sprintf("state: %T is a change of no slice", c))
}

// State returns the State with the changes applied so far. It is valid until the
// next Apply.
func (d *Draft) State() *State {
	d.current.Revision, d.current.Zones = d.revision, d.zones.Index()
	for i := range d.drafts {
		d.drafts[i].current(&d.current)
	}
	return &d.current
}

// Finish returns the State and ends the draft.
func (d *Draft) Finish() *State {
	s := &State{Revision: d.revision, Zones: d.zones.Finish()}
	for i := range d.drafts {
		d.drafts[i].finish(s)
	}
	return s
}
