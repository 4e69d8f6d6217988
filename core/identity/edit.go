package identity

import (
	"maps"
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
)

// Edit changes parts of a user, group or role of the store, and leaves the rest
// as it is. Whoever reads a thing and puts it back as a whole may undo what
// somebody else has done in between; this cannot.
type Edit struct {
	Account string
	Kind    string // user, group or role
	Name    string
	// Attach and Detach name policies, by name or ARN.
	Attach, Detach []string
	// Inline are policies to add, or to put in the place of those of the same
	// name; Drop names those to take away.
	Inline []Inline
	Drop   []string
	// Boundary is the new permissions boundary; empty takes it away.
	Boundary *string
	// Join and Leave name groups, of a user.
	Join, Leave []string
	// Tag and Untag are for tags of a user or role.
	Tag   map[string]string
	Untag []string
	// Trust and MaxSession are of a role.
	Trust      *string
	MaxSession *int64
}

func (c *Edit) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s := of(v)
	id := c.Account + "/" + c.Name
	if (c.Trust != nil || c.MaxSession != nil) && c.Kind != "role" {
		return command.Decision{}, command.Invalid("only a role has a trust policy and a longest session")
	}
	if len(c.Join)+len(c.Leave) > 0 && c.Kind != "user" {
		return command.Decision{}, command.Invalid("only a user is in groups")
	}
	switch c.Kind {
	case "user":
		if u, ok := s.users.Get(id); ok {
			return c.editUser(v, m, *u)
		}
	case "group":
		if g, ok := s.groups.Get(id); ok {
			return c.editGroup(v, m, *g)
		}
	case "role":
		if r, ok := s.roles.Get(id); ok {
			return c.editRole(v, m, *r)
		}
	default:
		return command.Decision{}, command.Invalid("%q is not a user, group or role", c.Kind)
	}
	return command.Decision{}, notFound(c.Kind + " " + c.Name)
}

func (c *Edit) editUser(v command.View, m *command.Meta, u User) (command.Decision, error) {
	if err := c.attached(&u.Attached); err != nil {
		return command.Decision{}, err
	}
	var err error
	if u.Groups, err = edited(u.Groups, c.Join, c.Leave, "group"); err != nil {
		return command.Decision{}, err
	}
	if u.Tags, err = c.tags(u.Tags); err != nil {
		return command.Decision{}, err
	}
	return (&PutUser{User: u}).Decide(v, m)
}

func (c *Edit) editGroup(v command.View, m *command.Meta, g Group) (command.Decision, error) {
	if len(c.Tag)+len(c.Untag) > 0 {
		return command.Decision{}, command.Invalid("a group has no tags")
	}
	if err := c.attached(&g.Attached); err != nil {
		return command.Decision{}, err
	}
	return (&PutGroup{Group: g}).Decide(v, m)
}

func (c *Edit) editRole(v command.View, m *command.Meta, r Role) (command.Decision, error) {
	if err := c.attached(&r.Attached); err != nil {
		return command.Decision{}, err
	}
	var err error
	if r.Tags, err = c.tags(r.Tags); err != nil {
		return command.Decision{}, err
	}
	if c.Trust != nil {
		r.Trust = *c.Trust
	}
	if c.MaxSession != nil {
		r.MaxSession = *c.MaxSession
	}
	return (&PutRole{Role: r}).Decide(v, m)
}

// attached edits what is attached, without touching what the slices hold now.
func (c *Edit) attached(a *Attached) error {
	var detach []string
	for _, ref := range c.Detach { // a name takes away what was attached by ARN, and the other way round
		i := slices.IndexFunc(a.Managed, func(m string) bool { return policyName(c.Account, m) == policyName(c.Account, ref) })
		if i < 0 {
			return notFound("policy " + ref + " of " + c.Kind + " " + c.Name)
		}
		detach = append(detach, a.Managed[i])
	}
	var err error
	if a.Managed, err = edited(a.Managed, c.Attach, detach, "policy"); err != nil {
		return err
	}
	if c.Boundary != nil {
		a.Boundary = *c.Boundary
	}
	a.Inline = slices.Clone(a.Inline)
	named := func(name string) int {
		return slices.IndexFunc(a.Inline, func(in Inline) bool { return in.Name == name })
	}
	for _, name := range c.Drop {
		i := named(name)
		if i < 0 {
			return notFound("policy " + name + " of " + c.Kind + " " + c.Name)
		}
		a.Inline = slices.Delete(a.Inline, i, i+1)
	}
	for _, in := range c.Inline {
		if i := named(in.Name); i >= 0 {
			a.Inline[i] = in
		} else {
			a.Inline = append(a.Inline, in)
		}
	}
	return nil
}

// edited returns names with some added, each once, and some taken away, which
// must be there.
func edited(names, add, drop []string, what string) ([]string, error) {
	names = slices.Clone(names)
	for _, name := range drop {
		i := slices.Index(names, name)
		if i < 0 {
			return nil, notFound(what + " " + name + " of this user, group or role")
		}
		names = slices.Delete(names, i, i+1)
	}
	for _, name := range add {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

func (c *Edit) tags(tags map[string]string) (map[string]string, error) {
	if len(c.Tag)+len(c.Untag) == 0 {
		return tags, nil
	}
	next := maps.Clone(tags)
	if next == nil {
		next = map[string]string{}
	}
	for _, key := range c.Untag {
		if _, ok := next[key]; !ok {
			return nil, notFound("tag " + key + " of " + c.Kind + " " + c.Name)
		}
		delete(next, key)
	}
	maps.Copy(next, c.Tag)
	return next, nil
}
