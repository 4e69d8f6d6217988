package identity

import (
	"fmt"
	"iter"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// change is one step from a State to the next.
type change interface {
	command.Change
	apply(d *Draft)
}

// Draft builds the State that follows another one. It is for one goroutine; the State
// that it starts from is not changed.
type Draft struct {
	state State
	token *ptree.Owner
}

// NewDraft returns a Draft that starts from s.
func NewDraft(s *State) *Draft { return &Draft{state: *s, token: new(ptree.Owner)} }

// Apply implements command.Draft.
func (d *Draft) Apply(_ uint64, c command.Change) bool {
	own, ok := c.(change)
	if ok {
		own.apply(d)
	}
	return ok
}

// State returns the state with the changes applied so far. It is valid until the
// next Apply.
func (d *Draft) State() *State { return &d.state }

// Finish returns the State and ends the draft.
func (d *Draft) Finish() *State {
	s := d.state
	d.token = nil
	return &s
}

// Prefixes of the keys of the store:
//
//	ia/ACCOUNT        settings of an account
//	ig/ACCOUNT/NAME   group        ip/ACCOUNT/NAME   policy
//	ir/ACCOUNT/NAME   role         iu/ACCOUNT/NAME   user
//	ik/ID             access key
const (
	accountPrefix = "ia/"
	groupPrefix   = "ig/"
	keyPrefix     = "ik/"
	policyPrefix  = "ip/"
	rolePrefix    = "ir/"
	userPrefix    = "iu/"
)

func (a *Account) prefix() string   { return accountPrefix }
func (g *Group) prefix() string     { return groupPrefix }
func (k *AccessKey) prefix() string { return keyPrefix }
func (p *Policy) prefix() string    { return policyPrefix }
func (r *Role) prefix() string      { return rolePrefix }
func (u *User) prefix() string      { return userPrefix }

// put stores an entity.
type put[T entity] struct {
	entity T
	in     func(*State) *table[T]
}

func (c put[T]) Key() string                   { return c.entity.prefix() + c.entity.name() }
func (c put[T]) Value(b []byte) ([]byte, bool) { return c.entity.encode(b), true }
func (c put[T]) apply(d *Draft) {
	t := c.in(&d.state)
	*t = t.Put(d.token, c.entity.name(), c.entity)
}

// remove deletes an entity.
type remove[T entity] struct {
	prefix, name string
	in           func(*State) *table[T]
}

func (c remove[T]) Key() string                   { return c.prefix + c.name }
func (c remove[T]) Value(b []byte) ([]byte, bool) { return b, false }
func (c remove[T]) apply(d *Draft) {
	t := c.in(&d.state)
	*t = t.Delete(d.token, c.name)
}

func accountsOf(s *State) *table[*Account] { return &s.accounts }
func usersOf(s *State) *table[*User]       { return &s.users }
func groupsOf(s *State) *table[*Group]     { return &s.groups }
func rolesOf(s *State) *table[*Role]       { return &s.roles }
func policiesOf(s *State) *table[*Policy]  { return &s.policies }
func keysOf(s *State) *table[*AccessKey]   { return &s.keys }

// Decode implements command.Slice.
func (Slice) Decode(key string, value []byte) (command.Change, error) {
	kind, name, _ := strings.Cut(key, "/")
	account, rest, _ := strings.Cut(name, "/")
	switch kind + "/" {
	case accountPrefix:
		return decode(key, value, &Account{ID: name}, accountsOf)
	case userPrefix:
		return decode(key, value, &User{Account: account, Name: rest}, usersOf)
	case groupPrefix:
		return decode(key, value, &Group{Account: account, Name: rest}, groupsOf)
	case rolePrefix:
		return decode(key, value, &Role{Account: account, Name: rest}, rolesOf)
	case policyPrefix:
		return decode(key, value, &Policy{Account: account, Name: rest}, policiesOf)
	case keyPrefix:
		return decode(key, value, &AccessKey{ID: name}, keysOf)
	}
	return nil, fmt.Errorf("key %q is not one of identities", key)
}

func decode[T entity](key string, value []byte, e T, in func(*State) *table[T]) (command.Change, error) {
	if e.prefix()+e.name() != key {
		return nil, fmt.Errorf("key %q is not one of identities", key)
	}
	if value == nil {
		return remove[T]{e.prefix(), e.name(), in}, nil
	}
	if err := e.decode(value); err != nil {
		return nil, fmt.Errorf("record %q: %w", key, err)
	}
	return put[T]{e, in}, nil
}

// Has implements command.Slice.
func (Slice) Has(s *State, key string) bool {
	kind, name, _ := strings.Cut(key, "/")
	switch kind + "/" {
	case accountPrefix:
		return s.accounts.Has(name)
	case userPrefix:
		return s.users.Has(name)
	case groupPrefix:
		return s.groups.Has(name)
	case rolePrefix:
		return s.roles.Has(name)
	case policyPrefix:
		return s.policies.Has(name)
	case keyPrefix:
		return s.keys.Has(name)
	}
	return false
}

// All implements command.Slice.
func (Slice) All(s *State) iter.Seq[command.Stored] {
	return func(yield func(command.Stored) bool) {
		_ = yieldTable(yield, s.accounts, accountsOf) && yieldTable(yield, s.groups, groupsOf) && yieldTable(yield, s.keys, keysOf) &&
			yieldTable(yield, s.policies, policiesOf) && yieldTable(yield, s.roles, rolesOf) && yieldTable(yield, s.users, usersOf)
	}
}

func yieldTable[T entity](yield func(command.Stored) bool, t table[T], in func(*State) *table[T]) bool {
	for _, e := range t.All() {
		if !yield(command.Stored{Change: put[T]{e, in}}) {
			return false
		}
	}
	return true
}
