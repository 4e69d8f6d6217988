package identity

import (
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
)

// entity is a user, group, role or policy by its name.
type entity struct{ kind, account, name string }

// subject returns the entity of a command. Commands on keys and accounts have none:
// file and store cannot both have one of those.
func subject(c command.Command) (t entity, about bool) {
	switch c := c.(type) {
	case *identity.PutUser:
		return entity{"user", c.Account, c.Name}, true
	case *identity.DeleteUser:
		return entity{"user", c.Account, c.Name}, true
	case *identity.PutGroup:
		return entity{"group", c.Account, c.Name}, true
	case *identity.DeleteGroup:
		return entity{"group", c.Account, c.Name}, true
	case *identity.PutRole:
		return entity{"role", c.Account, c.Name}, true
	case *identity.DeleteRole:
		return entity{"role", c.Account, c.Name}, true
	case *identity.PutPolicy:
		return entity{"policy", c.Account, c.Name}, true
	case *identity.DeletePolicy:
		return entity{"policy", c.Account, c.Name}, true
	case *identity.Edit:
		return entity{c.Kind, c.Account, c.Name}, true
	}
	return entity{}, false
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

func inFile(s *identity.Source, t entity) bool {
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
