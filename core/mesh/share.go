package mesh

import (
	"iter"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

// ShareMesh starts or ends sharing a mesh of the account with others, its consumers. The
// configuration can share meshes too (Rules.Shares).
type ShareMesh struct {
	Mesh string
	With []command.AccountID
	// Stop ends the sharing.
	Stop bool
}

// Decide implements command.Command. The mesh keeps its version, because App Mesh does not
// show shares in it.
func (c *ShareMesh) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, _ := stateOf(v)
	old, ok := s.Get(MeshRef(m.Account, c.Mesh))
	if !ok {
		return command.Decision{}, notPresent(MeshRef(m.Account, c.Mesh), m.Account)
	}
	with, err := command.Consumers("a mesh", old.sharedWith, m.Account, c.With, c.Stop)
	if err != nil {
		return command.Decision{}, err
	}
	if slices.Equal(with, old.sharedWith) {
		return s.decided(old, nil), nil
	}
	next := *old
	next.sharedWith = with
	return s.decided(&next, meshes.Put(&next)), nil
}

// Shares yields the meshes of an account that are shared by ShareMesh, with their
// consumers.
func (s *State) Shares(owner command.AccountID) iter.Seq2[*Resource, []command.AccountID] {
	return func(yield func(*Resource, []command.AccountID) bool) {
		for r := range s.meshesOf(owner, "") {
			if len(r.sharedWith) > 0 && !yield(r, slices.Clone(r.sharedWith)) {
				return
			}
		}
	}
}

// SharedWith yields the meshes of other accounts that an account may use, some of them
// perhaps twice.
func (s *State) SharedWith(rules *Rules, account command.AccountID) iter.Seq[*Resource] {
	return func(yield func(*Resource) bool) {
		for _, share := range rules.Shares {
			if share.Owner == account || !slices.Contains(share.With, account) {
				continue
			}
			if r, ok := s.Get(MeshRef(share.Owner, share.Mesh)); ok && !yield(r) {
				return
			}
		}
		prefix := string(account) + "/"
		for key := range s.consumers.Between(prefix, string(account)+"0") { // "0" is what follows "/"
			if r, ok := s.Get(parseID(strings.TrimPrefix(key, prefix))); ok && !yield(r) {
				return
			}
		}
	}
}

// Visible reports whether an account may see a mesh: it owns it, or it is shared with it.
func (s *State) Visible(rules *Rules, account command.AccountID, mesh *Resource) bool {
	return rules.visible(account, mesh.Ref.Owner, mesh.Ref.Mesh) || slices.Contains(mesh.sharedWith, account)
}
