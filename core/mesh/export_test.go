package mesh

import "github.com/cairn-discovery/cairn/core/command"

type change = command.Change

// NewResource returns a resource as it is stored.
func NewResource(ref Ref, spec Spec) *Resource {
	return &Resource{Ref: ref, UID: "u", Version: 1, Created: 1, Updated: 1, Account: ref.Owner, Spec: spec, text: specText(spec)}
}

// Put returns the changes that store resources.
func Put(all ...*Resource) []change {
	var changes []change
	for _, r := range all {
		changes = append(changes, r.Ref.records().Put(r))
	}
	return changes
}

// Remove returns the change that deletes a resource.
func Remove(r *Resource) change { return r.Ref.records().Delete(r) }

// Names for the tests of the package.
var (
	ParseID     = parseID
	ReferrersOf = (*State).referrersOf
	AllOf       = (*State).all
	MeshesOf    = (*State).meshesOf
	Authorities = authorities
)
