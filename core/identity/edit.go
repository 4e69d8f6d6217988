package identity

import (
	"maps"
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
)

// Edit changes parts of a user, group or role of the store. Unlike a read and a Put of
// the whole, it cannot undo a concurrent change of another part.
type Edit struct {
	Account string
	Kind    string // user, group or role
	Name    string
	// Attach and Detach name policies, by name or ARN.
	Attach, Detach []string
	// Inline are policies to add or, if the name exists, to replace. DeleteInline
	// are names of policies to delete.
	Inline       []Inline
	DeleteInline []string `json:"Drop"`
	// Boundary is the new permissions boundary; empty removes it.
	Boundary *string
	// AddGroups and RemoveGroups are names of groups of a user.
	AddGroups    []string `json:"Join"`
	RemoveGroups []string `json:"Leave"`
	// Tag and Untag change the tags of a user or role.
	Tag   map[string]string
	Untag []string
	// Trust and MaxSession change a role.
	Trust      *string
	MaxSession *int64
}

func (c *Edit) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s := stateOf(v)
	id := c.Account + "/" + c.Name
	if (c.Trust != nil || c.MaxSession != nil) && c.Kind != "role" {
		return command.Decision{}, command.Invalid("only a role has a trust policy and a longest session")
	}
	if len(c.AddGroups)+len(c.RemoveGroups) > 0 && c.Kind != "user" {
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
	if err := c.attached(&u.PolicyAttachments); err != nil {
		return command.Decision{}, err
	}
	var err error
	if u.Groups, err = edited(u.Groups, c.AddGroups, c.RemoveGroups, "group"); err != nil {
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
	if err := c.attached(&g.PolicyAttachments); err != nil {
		return command.Decision{}, err
	}
	return (&PutGroup{Group: g}).Decide(v, m)
}

func (c *Edit) editRole(v command.View, m *command.Meta, r Role) (command.Decision, error) {
	if err := c.attached(&r.PolicyAttachments); err != nil {
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

// attached edits policy attachments. It does not change the elements of the present
// slices.
func (c *Edit) attached(a *PolicyAttachments) error {
	var detach []string
	for _, ref := range c.Detach { // a name detaches what was attached by ARN, and the reverse
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
	for _, name := range c.DeleteInline {
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

// edited returns names with some added, each once, and some removed, which must
// exist.
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
