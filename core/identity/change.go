package identity

import (
	"fmt"
	"iter"
	"strings"

	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// Change is one step from a State to the next. It is stored under Key: its
// Value, or for a removal nothing.
type Change interface {
	Key() string
	Value(b []byte) ([]byte, bool)

	apply(d *Draft)
}

// Draft builds the State that follows another one. It is not safe for
// concurrent use; the State it began with is not touched.
type Draft struct {
	state State
	token *ptree.Token
}

// NewDraft begins with s.
func NewDraft(s *State) *Draft { return &Draft{state: *s, token: new(ptree.Token)} }

// Apply adds changes.
func (d *Draft) Apply(changes ...Change) {
	for _, c := range changes {
		c.apply(d)
	}
}

// State returns what the draft amounts to, to be read until the next Apply.
func (d *Draft) State() *State { return &d.state }

// Finish returns the State and ends the draft.
func (d *Draft) Finish() *State {
	s := d.state
	d.token = nil
	return &s
}

// Keys of the store. All begin with an i, which no key of core/registry does.
//
//	ia/ACCOUNT        settings of an account
//	ig/ACCOUNT/NAME   group        ip/ACCOUNT/NAME   policy
//	ir/ACCOUNT/NAME   role         iu/ACCOUNT/NAME   user
//	ik/ID             access key
func (a *Account) prefix() string   { return "ia/" }
func (g *Group) prefix() string     { return "ig/" }
func (k *AccessKey) prefix() string { return "ik/" }
func (p *Policy) prefix() string    { return "ip/" }
func (r *Role) prefix() string      { return "ir/" }
func (u *User) prefix() string      { return "iu/" }

// IsKey reports whether a key of the store is of this package.
func IsKey(key string) bool { return strings.HasPrefix(key, "i") }

// put stores one thing.
type put[T entity] struct {
	thing T
	in    func(*State) *table[T]
}

func (c put[T]) Key() string                   { return c.thing.prefix() + c.thing.name() }
func (c put[T]) Value(b []byte) ([]byte, bool) { return c.thing.encode(b), true }
func (c put[T]) apply(d *Draft) {
	t := c.in(&d.state)
	*t = t.Put(d.token, c.thing.name(), c.thing)
}

// remove takes one thing away.
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

// Decode turns what is stored back into a Change. A nil value means that the
// key was deleted.
func Decode(key string, value []byte) (Change, error) {
	if len(key) < 4 {
		return nil, fmt.Errorf("key %q is not one of identities", key)
	}
	prefix, name := key[:3], key[3:]
	account, rest, _ := strings.Cut(name, "/")
	switch prefix {
	case "ia/":
		return decode(prefix, name, value, &Account{ID: name}, accountsOf)
	case "iu/":
		return decode(prefix, name, value, &User{Account: account, Name: rest}, usersOf)
	case "ig/":
		return decode(prefix, name, value, &Group{Account: account, Name: rest}, groupsOf)
	case "ir/":
		return decode(prefix, name, value, &Role{Account: account, Name: rest}, rolesOf)
	case "ip/":
		return decode(prefix, name, value, &Policy{Account: account, Name: rest}, policiesOf)
	case "ik/":
		return decode(prefix, name, value, &AccessKey{ID: name}, keysOf)
	}
	return nil, fmt.Errorf("key %q is not one of identities", key)
}

func decode[T entity](prefix, name string, value []byte, thing T, in func(*State) *table[T]) (Change, error) {
	if value == nil {
		return remove[T]{prefix, name, in}, nil
	}
	if err := thing.decode(value); err != nil {
		return nil, fmt.Errorf("record %q: %w", prefix+name, err)
	}
	return put[T]{thing, in}, nil
}

// All yields the changes that make this State from the empty one.
func (s *State) All() iter.Seq[Change] {
	return func(yield func(Change) bool) {
		_ = each(yield, s.accounts, accountsOf) && each(yield, s.groups, groupsOf) && each(yield, s.keys, keysOf) &&
			each(yield, s.policies, policiesOf) && each(yield, s.roles, rolesOf) && each(yield, s.users, usersOf)
	}
}

func each[T entity](yield func(Change) bool, t table[T], in func(*State) *table[T]) bool {
	for _, thing := range t.All() {
		if !yield(put[T]{thing, in}) {
			return false
		}
	}
	return true
}
