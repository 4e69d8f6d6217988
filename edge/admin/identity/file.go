package identity

import (
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
)

// thing is a user, group, role or policy by its name.
type thing struct{ kind, account, name string }

// subject returns what a command is about. Commands about keys and accounts are
// about nothing that the file and the store could both have.
func subject(c command.Command) (t thing, about bool) {
	switch c := c.(type) {
	case *identity.PutUser:
		return thing{"user", c.Account, c.Name}, true
	case *identity.DeleteUser:
		return thing{"user", c.Account, c.Name}, true
	case *identity.PutGroup:
		return thing{"group", c.Account, c.Name}, true
	case *identity.DeleteGroup:
		return thing{"group", c.Account, c.Name}, true
	case *identity.PutRole:
		return thing{"role", c.Account, c.Name}, true
	case *identity.DeleteRole:
		return thing{"role", c.Account, c.Name}, true
	case *identity.PutPolicy:
		return thing{"policy", c.Account, c.Name}, true
	case *identity.DeletePolicy:
		return thing{"policy", c.Account, c.Name}, true
	case *identity.Edit:
		return thing{c.Kind, c.Account, c.Name}, true
	}
	return thing{}, false
}

// ownedByFile refuses commands about what the configuration file has. The file
// counts before the store, so such a command would do nothing, or something
// that shows when the file changes.
func (h *Handler) ownedByFile(c command.Command) error {
	if t, ok := subject(c); ok && inFile(h.cfg.File(), t) {
		return ownedByFile(t.kind + " " + t.name)
	}
	return nil
}

func ownedByFile(what string) error {
	return &command.Conflict{Message: what + " is in the configuration file: change it there, and reload"}
}

func inFile(s *identity.Source, t thing) bool {
	switch t.kind {
	case "user":
		return slices.ContainsFunc(s.Users, func(u identity.User) bool { return u.Account == t.account && u.Name == t.name })
	case "group":
		return slices.ContainsFunc(s.Groups, func(g identity.Group) bool { return g.Account == t.account && g.Name == t.name })
	case "role":
		return slices.ContainsFunc(s.Roles, func(r identity.Role) bool { return r.Account == t.account && r.Name == t.name })
	case "policy":
		return slices.ContainsFunc(s.Policies, func(p identity.Policy) bool { return p.Account == t.account && p.Name == t.name })
	}
	return false
}
