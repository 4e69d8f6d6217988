package identity

import (
	"iter"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/table"
)

// State is one immutable version of the stored identities. The zero value is empty. Two
// States are equal if nothing has changed between them.
type State struct {
	accounts table.Map[*Account]
	users    table.Map[*User]
	groups   table.Map[*Group]
	roles    table.Map[*Role]
	policies table.Map[*Policy]
	keys     table.Map[*AccessKey]
}

// Account has the stored settings of one account.
type Account struct {
	ID string
	// Quotas and Rates replace those of the configuration, by name.
	Quotas map[string]int
	Rates  map[string]command.Rate
}

func (a *Account) name() string   { return a.ID }
func (u *User) name() string      { return u.Account + "/" + u.Name }
func (g *Group) name() string     { return g.Account + "/" + g.Name }
func (r *Role) name() string      { return r.Account + "/" + r.Name }
func (p *Policy) name() string    { return p.Account + "/" + p.Name }
func (k *AccessKey) name() string { return k.ID }

// Source returns everything in the State as a Source.
func (s *State) Source() *Source {
	return &Source{
		Users: values(s.users), Groups: values(s.groups), Roles: values(s.roles), Policies: values(s.policies), Keys: values(s.keys),
	}
}

func values[T any](t table.Map[*T]) []T {
	list := make([]T, 0, t.Len())
	for _, p := range t.All() {
		list = append(list, *p)
	}
	return list
}

// Settings returns the settings of an account, if it has any.
func (s *State) Settings(account string) (*Account, bool) { return s.accounts.Get(account) }

// HasSettings reports whether any account has settings.
func (s *State) HasSettings() bool { return s.accounts.Len() > 0 }

// Users yields the users of an account, in order of their names.
func (s *State) Users(account string) iter.Seq[*User] { return table.Within(s.users, account+"/", "") }

// Groups yields the groups of an account, in order of their names.
func (s *State) Groups(account string) iter.Seq[*Group] {
	return table.Within(s.groups, account+"/", "")
}

// Roles yields the roles of an account, in order of their names.
func (s *State) Roles(account string) iter.Seq[*Role] { return table.Within(s.roles, account+"/", "") }

// Policies yields the policies of an account, in order of their names.
func (s *State) Policies(account string) iter.Seq[*Policy] {
	return table.Within(s.policies, account+"/", "")
}

// Accounts yields the settings of all accounts.
func (s *State) Accounts() iter.Seq2[string, *Account] { return s.accounts.All() }

// Keys yields the access keys of an account or, with a user, of that user.
func (s *State) Keys(account, user string) iter.Seq[*AccessKey] {
	return func(yield func(*AccessKey) bool) {
		for _, k := range s.keys.All() {
			if k.Account == account && (user == "" || k.User == user) && !yield(k) {
				return
			}
		}
	}
}
