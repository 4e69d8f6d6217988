package identity

import (
	"iter"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// State is one immutable version of what the store knows. The zero value is
// empty. Two States are equal if nothing has changed between them.
type State struct {
	accounts table[*Account]
	users    table[*User]
	groups   table[*Group]
	roles    table[*Role]
	policies table[*Policy]
	keys     table[*AccessKey]
}

// table is one kind of thing by its name, see entity.name.
type table[T entity] = ptree.Map[string, T]

// entity is a thing that is kept in the store. It is immutable.
type entity interface {
	*Account | *User | *Group | *Role | *Policy | *AccessKey
	// name is unique among its kind: ACCOUNT/NAME, or the id alone.
	name() string
	prefix() string
	encode(b []byte) []byte
	decode(value []byte) error
}

// Account has the settings of one account that are kept in the store.
type Account struct {
	ID string
	// Quotas and Rates stand instead of those of the configuration, by name.
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

func values[T any](t ptree.Map[string, *T]) []T {
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

// Users, Groups, Roles, Policies and Keys list what one account has, in order.
func (s *State) Users(account string) iter.Seq[*User] { return inAccount(s.users, account) }

// Groups lists groups.
func (s *State) Groups(account string) iter.Seq[*Group] { return inAccount(s.groups, account) }

// Roles lists roles.
func (s *State) Roles(account string) iter.Seq[*Role] { return inAccount(s.roles, account) }

// Policies lists policies.
func (s *State) Policies(account string) iter.Seq[*Policy] { return inAccount(s.policies, account) }

// Accounts lists settings of accounts.
func (s *State) Accounts() iter.Seq2[string, *Account] { return s.accounts.All() }

// Keys lists the access keys of an account, or of one user of it.
func (s *State) Keys(account, user string) iter.Seq[*AccessKey] {
	return func(yield func(*AccessKey) bool) {
		for _, k := range s.keys.All() {
			if k.Account == account && (user == "" || k.User == user) && !yield(k) {
				return
			}
		}
	}
}

func inAccount[T entity](t table[T], account string) iter.Seq[T] {
	return func(yield func(T) bool) {
		for name, v := range t.After(account + "/") {
			if !strings.HasPrefix(name, account+"/") || !yield(v) {
				return
			}
		}
	}
}

// Counts are the numbers of things in a State.
func (s *State) Counts() (users, roles, keys int) {
	return s.users.Len(), s.roles.Len(), s.keys.Len()
}
