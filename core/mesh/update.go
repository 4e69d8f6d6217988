package mesh

import (
	"fmt"
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
)

// Update replaces the spec of a resource. The reply has the *Resource. A spec that is
// what is stored already changes nothing: Reply.Unchanged is set.
type Update struct {
	Ref   Ref
	Spec  Spec   // nil: it stays as it is
	Token string // empty: none
}

// Decide implements command.Command.
func (c *Update) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, rules := stateOf(v)
	old, err := s.Find(rules, m.Account, c.Ref)
	if err != nil {
		return command.Decision{}, err
	}
	if err := mayChange(m.Account, old); err != nil {
		return command.Decision{}, err
	}
	if c.Spec == nil {
		return s.decided(old, nil), nil
	}
	text := specText(c.Spec)
	hash := requestHash("update", m.Account, text, nil)
	first, err := old.repeated(c.Token, hash, m.Now, c.Spec, nil)
	switch {
	case err != nil:
		return command.Decision{}, err
	case first != nil:
		return s.decided(first, nil), nil
	case text == old.text:
		return s.decided(old, nil), nil
	}
	if err := s.checkSpec(v, c.Ref, c.Spec); err != nil {
		return command.Decision{}, err
	}
	next := *old
	next.Spec, next.text, next.Updated = c.Spec, text, m.Now
	next.Version++
	next.remember(c.Token, hash, m.Now)
	return s.decided(&next, c.Ref.records().Put(&next)), nil
}

// Delete deletes a resource that nothing uses. The reply has the *Resource as it was, with
// the version that AWS gives: one more, but for a mesh.
type Delete struct{ Ref Ref }

// Decide implements command.Command.
func (c *Delete) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, rules := stateOf(v)
	old, err := s.Find(rules, m.Account, c.Ref)
	if err != nil {
		return command.Decision{}, err
	}
	if c.Ref.Kind == KindMesh && c.Ref.Owner != m.Account {
		return command.Decision{}, forbidden("Mesh %s belongs to account %s, which alone can delete it", c.Ref.Mesh, c.Ref.Owner)
	}
	if err := mayDelete(m.Account, old); err != nil {
		return command.Decision{}, err
	}
	if err := s.unused(c.Ref); err != nil {
		return command.Decision{}, err
	}
	last := *old
	last.Updated = m.Now
	if c.Ref.Kind != KindMesh {
		last.Version++
	}
	d := s.decided(&last, c.Ref.records().Delete(old))
	if c.Ref.Kind == KindMesh {
		d.Changes[1] = locks.Delete(&meshLock{mesh: c.Ref.ID()})
		if a, ok := s.Authority(c.Ref); ok {
			d.Changes = append(d.Changes, authorities.Delete(a))
		} else {
			d.Reads = append(d.Reads, authorities.Read(&Authority{Mesh: c.Ref}, false))
		}
	}
	return d, nil
}

// unused returns an error if something is in the resource or names it.
func (s *State) unused(r Ref) error {
	switch r.Kind {
	case KindMesh:
		return s.empty(r)
	case KindVirtualNode:
		if list := s.named(r, KindRoute); len(list) > 0 {
			return inUse("VirtualNode with name %s cannot be deleted because it is the target of one or more routes.", r.Name).with("Route", list)
		}
		return s.noProvider(r)
	case KindVirtualRouter:
		if list := s.inside(r, KindRoute); len(list) > 0 {
			return inUse("VirtualRouter with name %s cannot be deleted because it has routes.", r.Name).with("Route", list)
		}
		return s.noProvider(r)
	case KindVirtualGateway:
		if list := s.inside(r, KindGatewayRoute); len(list) > 0 {
			return inUse("VirtualGateway with name %s cannot be deleted because it has gateway routes.", r.Name).with("GatewayRoute", list)
		}
	case KindVirtualService:
		// Being named as a backend does not count.
		if list := s.named(r, KindGatewayRoute); len(list) > 0 {
			return &command.Conflict{Message: fmt.Sprintf("VirtualService %s is being referenced in the following: GATEWAY_ROUTE: %s", r.Name, listed(list))}
		}
	}
	return nil
}

func (s *State) noProvider(r Ref) error {
	if list := s.named(r, KindVirtualService); len(list) > 0 {
		return inUse("%s with name %s cannot be deleted because it is a VirtualService provider", r.Kind, r.Name).with("VirtualService", list)
	}
	return nil
}

// empty returns an error if there is anything in a mesh.
func (s *State) empty(mesh Ref) error {
	for r := range s.all(mesh) {
		return inUse("Mesh with name %s cannot be deleted because it has resources.", mesh.Mesh).with(r.Ref.Kind.String(), s.inside(mesh, r.Ref.Kind))
	}
	return nil
}

// maxListed is how many resources a message names.
const maxListed = 5

// named returns the names of resources of a kind whose specs name a resource.
func (s *State) named(r Ref, k Kind) []string {
	var list []string
	for from := range s.referrersOf(r) {
		if from.Ref.Kind == k {
			list = append(list, from.Ref.Name)
		}
	}
	return list
}

// inside returns the names of the resources of a kind in a mesh, router or gateway.
func (s *State) inside(parent Ref, k Kind) []string {
	var list []string
	for r := range s.In(parent, k, "") {
		list = append(list, r.Ref.Name)
	}
	return list
}

// conflict is a command.Conflict that gets the names of what is in the way.
type conflict struct{ text string }

func inUse(format string, args ...any) conflict { return conflict{fmt.Sprintf(format, args...)} }

func (c conflict) with(kind string, names []string) error {
	return &command.Conflict{Message: fmt.Sprintf("%s %s: %s", c.text, kind, listed(names))}
}

// listed writes up to five names, and how many there are if there are more.
func listed(names []string) string {
	slices.Sort(names)
	if len(names) <= maxListed {
		return fmt.Sprintf("%v", names)
	}
	return fmt.Sprintf("%v and %d more", names[:maxListed], len(names)-maxListed)
}
