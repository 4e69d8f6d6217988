package mesh

import (
	"iter"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/table"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// State is one immutable version of the slice. The zero value is empty.
type State struct {
	meshes    table.Map[*Resource] // by Ref.ID
	resources table.Map[*Resource] // all others, by Ref.ID
	locks     table.Map[*meshLock] // by the ID of the mesh

	authorities table.Map[*Authority] // by the ID of the mesh

	// referrers is derived: by the ID of a resource that is named, which need not exist,
	// a NUL, and the ID of the resource whose spec names it.
	referrers ptree.Map[string, struct{}]
	// consumers is derived: by the account with which ShareMesh shares a mesh, "/", and the
	// ID of the mesh.
	consumers ptree.Map[string, struct{}]
}

// table returns the place of the resources of a kind.
func (s *State) table(k Kind) *table.Map[*Resource] {
	if k == KindMesh {
		return &s.meshes
	}
	return &s.resources
}

// Get returns a resource.
func (s *State) Get(r Ref) (*Resource, bool) { return s.table(r.Kind).Get(r.ID()) }

// AllMeshes yields all meshes.
func (s *State) AllMeshes(yield func(*Resource) bool) {
	for _, r := range s.meshes.All() {
		if !yield(r) {
			return
		}
	}
}

// meshesOf yields the meshes of an account after a name, in the order of their names.
func (s *State) meshesOf(owner command.AccountID, after string) iter.Seq[*Resource] {
	return table.Within(s.meshes, string(owner)+"/", after)
}

// In yields the resources of a kind in a mesh, or the routes in a virtual router or
// gateway, after a name, in the order of their names.
func (s *State) In(parent Ref, k Kind, after string) iter.Seq[*Resource] {
	prefix := parent.meshRef().ID() + "/" + string(k) + "/"
	if parent.Kind != KindMesh {
		prefix += parent.Name + "/"
	}
	return table.Within(s.resources, prefix, after)
}

// all yields all resources of a mesh but the mesh, by kind.
func (s *State) all(mesh Ref) iter.Seq[*Resource] {
	return table.Within(s.resources, mesh.meshRef().ID()+"/", "")
}

// referrersOf yields the resources whose specs name a resource, whether it exists or not:
// of a virtual node, the routes and virtual services that send to it; of a virtual
// router, the virtual services; of a virtual service, the gateway routes, and the virtual
// nodes that have it as a backend.
func (s *State) referrersOf(r Ref) iter.Seq[*Resource] {
	prefix := r.ID() + "\x00"
	return func(yield func(*Resource) bool) {
		for key := range s.referrers.Between(prefix, r.ID()+"\x01") {
			if from, ok := s.Get(parseID(key[len(prefix):])); ok && !yield(from) {
				return
			}
		}
	}
}

// Diff calls changed for every resource that differs between two states: old is nil for
// a new one, now for a deleted one. Its cost grows with the number of changes.
func Diff(old, now *State, changed func(old, now *Resource)) {
	each := func(_ string, o, n *Resource) { changed(o, n) }
	ptree.Diff(old.meshes, now.meshes, each)
	ptree.Diff(old.resources, now.resources, each)
}
