package identity

import (
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/table"
)

const sliceName = "identity"

// Slice describes identities to core/state.
func Slice() command.Slice[State] {
	return table.NewSlice(sliceName, nil, accounts, groups, keys, policies, roles, users)
}

// NewDraft returns a draft that starts from s, which is not changed.
func NewDraft(s *State) *table.Draft[State] { return table.NewDraft(s) }

// kind is one kind of record.
type kind[T any] = table.Kind[State, T]

// The kinds of records. Keys of the store:
//
//	ia/ACCOUNT        settings of an account
//	ig/ACCOUNT/NAME   group        ip/ACCOUNT/NAME   policy
//	ir/ACCOUNT/NAME   role         iu/ACCOUNT/NAME   user
//	ik/ID             access key
var (
	accounts = &kind[*Account]{
		Prefix: "ia/", In: func(s *State) *table.Map[*Account] { return &s.accounts },
		Name: (*Account).name, New: func(name string) *Account { return &Account{ID: name} },
		Encode: (*Account).encode, Decode: (*Account).decode,
	}
	groups = &kind[*Group]{
		Prefix: "ig/", In: func(s *State) *table.Map[*Group] { return &s.groups },
		Name: (*Group).name, New: func(name string) *Group { g := new(Group); g.Account, g.Name, _ = strings.Cut(name, "/"); return g },
		Encode: (*Group).encode, Decode: (*Group).decode,
	}
	keys = &kind[*AccessKey]{
		Prefix: "ik/", In: func(s *State) *table.Map[*AccessKey] { return &s.keys },
		Name: (*AccessKey).name, New: func(name string) *AccessKey { return &AccessKey{ID: name} },
		Encode: (*AccessKey).encode, Decode: (*AccessKey).decode,
	}
	policies = &kind[*Policy]{
		Prefix: "ip/", In: func(s *State) *table.Map[*Policy] { return &s.policies },
		Name: (*Policy).name, New: func(name string) *Policy { p := new(Policy); p.Account, p.Name, _ = strings.Cut(name, "/"); return p },
		Encode: (*Policy).encode, Decode: (*Policy).decode,
	}
	roles = &kind[*Role]{
		Prefix: "ir/", In: func(s *State) *table.Map[*Role] { return &s.roles },
		Name: (*Role).name, New: func(name string) *Role { r := new(Role); r.Account, r.Name, _ = strings.Cut(name, "/"); return r },
		Encode: (*Role).encode, Decode: (*Role).decode,
	}
	users = &kind[*User]{
		Prefix: "iu/", In: func(s *State) *table.Map[*User] { return &s.users },
		Name: (*User).name, New: func(name string) *User { u := new(User); u.Account, u.Name, _ = strings.Cut(name, "/"); return u },
		Encode: (*User).encode, Decode: (*User).decode,
	}
)

// Rules are the settings for changes of identities.
type Rules struct {
	// Catalog has the actions and condition keys that policies can name. Nil: those
	// of no API are checked.
	Catalog *access.Catalog
}

// catalogOf returns the catalog of a view.
func catalogOf(v command.View) *access.Catalog {
	_, rules := v.Slice(sliceName)
	return rules.(*Rules).Catalog
}

// stateOf returns the identities of a view.
func stateOf(v command.View) *State {
	s, _ := v.Slice(sliceName)
	return s.(*State)
}
