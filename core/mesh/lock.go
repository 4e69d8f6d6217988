package mesh

import (
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/table"
	"github.com/cairn-discovery/cairn/internal/record"
)

// meshLock counts the changes in a mesh. Every change reads and writes it, so that two
// changes of one mesh are never decided on the same state: a virtual node is not deleted
// while a route to it is created on another node of the cluster.
type meshLock struct {
	mesh    string // the ID of the mesh
	changes uint64
	others  []byte // fields of newer versions
}

var locks = &table.Kind[State, *meshLock]{
	Prefix: "mc/", In: func(s *State) *table.Map[*meshLock] { return &s.locks },
	Name: func(l *meshLock) string { return l.mesh }, New: func(name string) *meshLock { return &meshLock{mesh: name} },
	Encode: (*meshLock).encode, Decode: (*meshLock).decode,
}

func (l *meshLock) encode(b []byte) []byte {
	return append(record.AppendUint(b, 1, l.changes), l.others...)
}

func (l *meshLock) decode(value []byte) error {
	fields := record.NewReader(value)
	for f, ok := fields.Next(); ok; f, ok = fields.Next() {
		if f.Number == 1 {
			l.changes = f.Uint
		} else {
			l.others = record.AppendField(l.others, f)
		}
	}
	return fields.Err()
}

// decided returns the decision of a change in the mesh of a resource, which the reply
// has. Change is nil if there is nothing to change.
func (s *State) decided(r *Resource, change command.Change) command.Decision {
	d := command.Decision{Reply: command.Reply{Value: r, Unchanged: change == nil}}
	if change == nil {
		return d
	}
	id := r.Ref.meshRef().ID()
	old, exists := s.locks.Get(id)
	next := &meshLock{mesh: id, changes: 1}
	if exists {
		next.changes, next.others = old.changes+1, old.others
	}
	d.Changes = []command.Change{change, locks.Put(next)}
	d.Reads = []command.Read{locks.Read(next, exists), r.Ref.records().Read(r, s.table(r.Ref.Kind).Has(r.Ref.ID()))}
	return d
}
