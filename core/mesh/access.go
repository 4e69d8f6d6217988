package mesh

import (
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

// A mesh can be shared with other accounts, its consumers; see "Working with shared
// meshes" in the user guide of App Mesh.
//
//	                                     owner   consumer
//	mesh: read                             y        y
//	mesh: change, delete                   y        -
//	virtual node, service, router, route:
//	  create                               y        y, without tags
//	  read                                 y        y
//	  change                            those it created
//	  delete                               y        those it created
//	virtual gateway, gateway route         y        read
//	tags                                   y        -

// visible returns the mesh of a Ref if the account may see it.
func visible(v command.View, account command.AccountID, r Ref) (*Resource, error) {
	s, rules := stateOf(v)
	return s.visible(rules, account, r)
}

// visible returns the mesh of a Ref if the account owns it or it is shared with the
// account.
func (s *State) visible(rules *Rules, account command.AccountID, r Ref) (*Resource, error) {
	mesh, ok := s.Get(r.meshRef())
	if !ok || !s.Visible(rules, account, mesh) {
		return nil, notPresent(r.meshRef(), account)
	}
	return mesh, nil
}

// Find returns a resource that the account may see.
func (s *State) Find(rules *Rules, account command.AccountID, r Ref) (*Resource, error) {
	mesh, err := s.visible(rules, account, r)
	if err != nil || r.Kind == KindMesh {
		return mesh, err
	}
	if r.Parent != "" {
		if _, ok := s.Get(r.ParentRef()); !ok {
			return nil, notPresent(r.ParentRef(), account)
		}
	}
	found, ok := s.Get(r)
	if !ok {
		return nil, notPresent(r, account)
	}
	return found, nil
}

// mayCreate returns an error if a consumer of the mesh may not create such a resource.
func (s *State) mayCreate(account command.AccountID, r Ref, tags []Tag) error {
	if account == r.Owner {
		return nil
	}
	switch {
	case r.Kind == KindVirtualGateway, r.Kind == KindGatewayRoute:
		return forbidden("Account %s cannot create a %s in mesh %s, which account %s shares with it: only the owner of a mesh can", account, r.Kind, r.Mesh, r.Owner)
	case len(tags) > 0:
		return forbidden("Account %s cannot tag resources in mesh %s: only the owner of a mesh can", account, r.Mesh)
	case r.Parent == "":
		return nil
	}
	if parent, ok := s.Get(r.ParentRef()); ok && parent.Account != account {
		return forbidden("%s %s belongs to account %s, which alone can create routes in it", parent.Ref.Kind, parent.Ref.Name, parent.Account)
	}
	return nil
}

// mayChange returns an error if the account did not create the resource.
func mayChange(account command.AccountID, r *Resource) error {
	if r.Account == account {
		return nil
	}
	return forbidden("%s %s belongs to account %s, which alone can change it", r.Ref.Kind, r.Ref.ShortName(), r.Account)
}

// mayDelete returns an error if the account neither created the resource nor owns the mesh.
func mayDelete(account command.AccountID, r *Resource) error {
	if r.Account == account || r.Ref.Owner == account {
		return nil
	}
	return forbidden("%s %s belongs to account %s: only that account and the owner of the mesh can delete it", r.Ref.Kind, r.Ref.ShortName(), r.Account)
}

// VisibleMeshes returns the meshes that an account owns or that are shared with it, in the
// order of their IDs, after one.
func (s *State) VisibleMeshes(rules *Rules, account command.AccountID, after string) []*Resource {
	all := slices.Collect(s.meshesOf(account, ""))
	for r := range s.SharedWith(rules, account) {
		if !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b *Resource) int { return strings.Compare(a.Ref.ID(), b.Ref.ID()) })
	i := slices.IndexFunc(all, func(r *Resource) bool { return r.Ref.ID() > after })
	if i < 0 {
		return nil
	}
	return all[i:]
}
