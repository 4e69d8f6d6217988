package table

import (
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// Draft builds the state that follows another one. It implements command.Draft. It is
// for one goroutine.
type Draft[S any] struct {
	state   S
	owner   *ptree.Owner
	changed func(old, new any)
}

// NewDraft returns a Draft that starts from s, which is not changed.
func NewDraft[S any](s *S) *Draft[S] { return &Draft[S]{state: *s, owner: new(ptree.Owner)} }

// OnChange sets a function that is called after each change of a record, to update what
// is derived from records. Both arguments have the type of the records of that kind.
// Old is nil for a new record, new for a deleted one.
func (d *Draft[S]) OnChange(changed func(old, new any)) { d.changed = changed }

// Apply implements command.Draft.
func (d *Draft[S]) Apply(_ uint64, c command.Change) bool {
	own, ok := c.(change[S])
	if ok {
		own.apply(d)
	}
	return ok
}

// State returns the state with the changes so far. It is valid until the next Apply. A
// function of OnChange may change what is derived in it.
func (d *Draft[S]) State() *S { return &d.state }

// Owner returns the owner of the maps in State.
func (d *Draft[S]) Owner() *ptree.Owner { return d.owner }
