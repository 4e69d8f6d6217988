package mesh

import (
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/table"
)

const sliceName = "mesh"

// Slice describes meshes to core/state.
func Slice() command.Slice[State] {
	return table.NewSlice(sliceName, quotas, meshes, resources, locks, authorities)
}

// Rules are the settings for meshes.
type Rules struct {
	// Shares are the meshes that other accounts may use.
	Shares []Share
	// Authority has the settings of built-in certificate authorities.
	Authority AuthorityRules
}

// AuthorityRules are the settings of built-in certificate authorities.
type AuthorityRules struct {
	// Meshes are the names of the meshes that have one; "*" means all.
	Meshes []string
	// LeafLife and RootLife are how long certificates of proxies and of authorities are
	// valid, in milliseconds. They are replaced at half of it.
	LeafLife, RootLife int64
}

// Covers reports whether a mesh has a built-in authority.
func (r *AuthorityRules) Covers(mesh string) bool {
	return slices.Contains(r.Meshes, mesh) || slices.Contains(r.Meshes, "*")
}

// Share shares a mesh with other accounts, its consumers.
type Share struct {
	Owner command.AccountID
	Mesh  string
	With  []command.AccountID
}

// visible reports whether an account may see a mesh by the rules: it owns it, or it is
// shared with it.
func (r *Rules) visible(account, owner command.AccountID, mesh string) bool {
	return account == owner || slices.ContainsFunc(r.Shares, func(s Share) bool {
		return s.Owner == owner && s.Mesh == mesh && slices.Contains(s.With, account)
	})
}

// stateOf returns the state of a view, and its rules.
func stateOf(v command.View) (*State, *Rules) {
	s, r := v.Slice(sliceName)
	return s.(*State), r.(*Rules)
}
