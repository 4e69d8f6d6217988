package mesh

import (
	"github.com/cairn-discovery/cairn/core/table"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// NewDraft returns a draft that starts from s, which is not changed.
func NewDraft(s *State) *table.Draft[State] {
	d := table.NewDraft(s)
	d.OnChange(func(old, new any) {
		if old, ok := old.(*Resource); ok {
			d.State().index(d.Owner(), old, new.(*Resource))
		}
	})
	return d
}

// index updates what is derived from a resource. Old or new may be nil.
func (s *State) index(owner *ptree.Owner, old, new *Resource) {
	if old != nil {
		for r := range old.References() {
			s.referrers = s.referrers.Delete(owner, r.ID()+"\x00"+old.Ref.ID())
		}
		for _, account := range old.sharedWith {
			s.consumers = s.consumers.Delete(owner, string(account)+"/"+old.Ref.ID())
		}
	}
	if new != nil {
		for r := range new.References() {
			s.referrers = s.referrers.Put(owner, r.ID()+"\x00"+new.Ref.ID(), struct{}{})
		}
		for _, account := range new.sharedWith {
			s.consumers = s.consumers.Put(owner, string(account)+"/"+new.Ref.ID(), struct{}{})
		}
	}
}

// The kinds of records. Keys of the store:
//
//	ma/OWNER/MESH    mesh        mb/OWNER/MESH/KIND/[PARENT/]NAME    any other resource
//	mc/OWNER/MESH    lock of the mesh
//	md/OWNER/MESH    certificate authority of the mesh
var (
	meshes    = newKind("ma/", func(s *State) *table.Map[*Resource] { return &s.meshes })
	resources = newKind("mb/", func(s *State) *table.Map[*Resource] { return &s.resources })
)

type kind = table.Kind[State, *Resource]

func newKind(prefix string, in func(*State) *table.Map[*Resource]) *kind {
	return &kind{
		Prefix: prefix, In: in, Name: func(r *Resource) string { return r.Ref.ID() },
		New:    func(name string) *Resource { return &Resource{Ref: parseID(name)} },
		Encode: (*Resource).encode, Decode: (*Resource).decode,
	}
}

// records returns the kind of record of a resource.
func (r Ref) records() *kind {
	if r.Kind == KindMesh {
		return meshes
	}
	return resources
}
