package state

import (
	"fmt"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// Draft builds the State that follows another one. It is for one goroutine. It begins
// the drafts of slices and of the zones with the first change that concerns them: most
// transactions change one slice.
type Draft struct {
	base     *State
	revision uint64
	drafts   [len(table)]command.Draft // in the order of the table; nil if nothing has changed
	zones    *zone.Draft               // nil if nothing has changed
	current  *State                    // the result of State; nil before the first change
	stale    bool                      // there are changes that current does not have
	newer    *newer                    // nil if nothing has changed
	owner    *ptree.Owner              // of the maps in newer
	encoded  []byte                    // for ApplyStored
}

// NewDraft returns a Draft that starts from s, which is not changed.
func NewDraft(s *State) *Draft { return &Draft{base: s, revision: s.Revision} }

// Apply adds the changes of a transaction with the given revision.
func (d *Draft) Apply(revision uint64, changes ...command.Change) {
	d.revision, d.stale = max(d.revision, revision), true
	for _, c := range changes {
		if !d.applyNewer(c) {
			d.draftOf(c).Apply(revision, c)
		}
	}
}

// draftOf returns the draft of the slice that a change belongs to.
func (d *Draft) draftOf(c command.Change) command.Draft {
	for i := range table {
		if table[i].owns(c) {
			return d.draft(i)
		}
	}
	panic(fmt.Sprintf("state: %T is a change of no slice", c))
}

// draft returns the draft of the slice in row i of the table.
func (d *Draft) draft(i int) command.Draft {
	if d.drafts[i] == nil {
		if table[i].feeds && d.zones == nil {
			d.zones = zone.NewDraft(&d.base.Zones)
		}
		d.drafts[i] = table[i].newDraft(d.base, d.zones)
	}
	return d.drafts[i]
}

// State returns the State with the changes applied so far. It is valid until the
// next Apply.
func (d *Draft) State() *State {
	switch {
	case !d.stale && d.current == nil:
		return d.base
	case d.current == nil:
		d.current = new(*d.base)
	}
	if d.stale {
		d.store(d.current)
		d.stale = false
	}
	return d.current
}

// Finish returns the State and ends the draft.
func (d *Draft) Finish() *State {
	s := d.current
	if s == nil {
		s = new(*d.base)
	}
	d.store(s)
	*d = Draft{}
	return s
}

// store copies what has changed into s.
func (d *Draft) store(s *State) {
	s.Revision = d.revision
	for i, draft := range d.drafts {
		if draft != nil {
			table[i].store(draft, s)
		}
	}
	if d.zones != nil {
		s.Zones = d.zones.Index()
	}
	if d.newer != nil {
		s.newer = *d.newer
	}
}
