package identity

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
)

// Command is a request to change who there is: one of the exported structs of
// this package with a decide method.
type Command interface {
	decide(s *State) ([]Change, []Read, error)
}

// Read is a key of the store that a decision rests on: whether it was there.
type Read struct {
	Key    string
	Exists bool
}

// Decide says what a command comes to: changes that hold as long as none of
// the reads has changed, or one of the error types below. It changes nothing.
func Decide(s *State, c Command) ([]Change, []Read, error) { return c.decide(s) }

// Invalid means that a command breaks a rule.
type Invalid struct{ Message string }

func (e *Invalid) Error() string { return e.Message }

// Exists means that the name is taken.
type Exists struct{ What string }

func (e *Exists) Error() string { return e.What + " is there already" }

// NotFound means that there is no such thing.
type NotFound struct{ What string }

func (e *NotFound) Error() string { return e.What + " is not there" }

// Conflict means that something else has to go first.
type Conflict struct{ Message string }

func (e *Conflict) Error() string { return e.Message }

func invalid(format string, args ...any) error { return &Invalid{fmt.Sprintf(format, args...)} }

// The commands that store a thing. With New it must not be there yet; without
// it must be, and is replaced as a whole.
type (
	// PutUser stores a user.
	PutUser struct {
		User
		New bool
	}
	// PutGroup stores a group.
	PutGroup struct {
		Group
		New bool
	}
	// PutRole stores a role.
	PutRole struct {
		Role
		New bool
	}
	// PutPolicy stores a policy.
	PutPolicy struct {
		Policy
		New bool
	}
	// PutKey stores an access key, whose secret is sealed.
	PutKey struct {
		AccessKey
		New bool
	}
	// PutAccount stores the settings of an account; without any they go.
	PutAccount struct{ Account }
)

// The commands that take a thing away.
type (
	// DeleteUser takes a user away, and its keys.
	DeleteUser struct{ Account, Name string }
	// DeleteGroup takes a group away that has no users.
	DeleteGroup struct{ Account, Name string }
	// DeleteRole takes a role away, and ends its sessions.
	DeleteRole struct{ Account, Name string }
	// DeletePolicy takes a policy away that is attached to nobody.
	DeletePolicy struct{ Account, Name string }
	// DeleteKey takes an access key of an account away.
	DeleteKey struct{ Account, ID string }
)

// Limits of IAM.
const (
	maxKeysPerUser = 2
	maxManaged     = 20
	maxInline      = 20
	maxGroups      = 20
	maxTags        = 50
)

// store is the part that all Put commands share.
func store[T entity](t *table[T], in func(*State) *table[T], thing T, isNew bool, what string, reads ...Read) ([]Change, []Read, error) {
	_, there := t.Get(thing.name())
	switch {
	case isNew && there:
		return nil, nil, &Exists{what}
	case !isNew && !there:
		return nil, nil, &NotFound{what}
	}
	return []Change{put[T]{thing, in}}, append(reads, Read{thing.prefix() + thing.name(), there}), nil
}

// take is the part that all Delete commands share.
func take[T entity](t *table[T], in func(*State) *table[T], name, what string) ([]Change, []Read, error) {
	thing, ok := t.Get(name)
	if !ok {
		return nil, nil, &NotFound{what}
	}
	key := thing.prefix() + name
	return []Change{remove[T]{thing.prefix(), name, in}}, []Read{{key, true}}, nil
}

func checkName(account, name, what string, most int) error {
	if !IsAccountID(account) {
		return invalid("%q is not the id of an account, which is twelve digits", account)
	}
	if problem := NameProblem(name, most); problem != "" {
		return invalid("%s %q %s", what, name, problem)
	}
	return nil
}

func (c *PutUser) decide(s *State) ([]Change, []Read, error) {
	if err := checkName(c.Account, c.Name, "user", maxUserName); err != nil {
		return nil, nil, err
	}
	if err := checkTags(c.Tags); err != nil {
		return nil, nil, err
	}
	reads, err := s.checkAttached(c.Account, &c.Attached)
	if err != nil {
		return nil, nil, err
	}
	if len(c.Groups) > maxGroups {
		return nil, nil, invalid("a user can be in %d groups at the most", maxGroups)
	}
	for _, name := range c.Groups {
		g, ok := s.groups.Get(c.Account + "/" + name)
		if !ok {
			return nil, nil, &NotFound{"group " + name}
		}
		reads = append(reads, Read{g.prefix() + g.name(), true})
	}
	u := c.User
	return store(&s.users, usersOf, &u, c.New, "user "+c.Name, reads...)
}

func (c *PutGroup) decide(s *State) ([]Change, []Read, error) {
	if err := checkName(c.Account, c.Name, "group", maxGroupName); err != nil {
		return nil, nil, err
	}
	if c.Boundary != "" {
		return nil, nil, invalid("a group has no permissions boundary")
	}
	reads, err := s.checkAttached(c.Account, &c.Attached)
	if err != nil {
		return nil, nil, err
	}
	g := c.Group
	return store(&s.groups, groupsOf, &g, c.New, "group "+c.Name, reads...)
}

func (c *PutRole) decide(s *State) ([]Change, []Read, error) {
	if err := checkName(c.Account, c.Name, "role", maxRoleName); err != nil {
		return nil, nil, err
	}
	if err := checkTags(c.Tags); err != nil {
		return nil, nil, err
	}
	if _, err := access.Parse("trust policy", access.TrustPolicy, c.Trust); err != nil {
		return nil, nil, invalid("trust %s", err)
	}
	if c.MaxSession != 0 && (c.MaxSession < MinSession || c.MaxSession > MaxSession) {
		return nil, nil, invalid("the longest session must be %d to %d seconds", MinSession, MaxSession)
	}
	reads, err := s.checkAttached(c.Account, &c.Attached)
	if err != nil {
		return nil, nil, err
	}
	r := c.Role
	return store(&s.roles, rolesOf, &r, c.New, "role "+c.Name, reads...)
}

func (c *PutPolicy) decide(s *State) ([]Change, []Read, error) {
	if err := checkName(c.Account, c.Name, "policy", maxPolicyName); err != nil {
		return nil, nil, err
	}
	if _, ok := access.Managed(c.Name); ok {
		return nil, nil, invalid("%s is the name of an AWS managed policy", c.Name)
	}
	if _, err := access.Parse(c.Name, access.IdentityPolicy, c.Text); err != nil {
		return nil, nil, invalid("%s", err)
	}
	p := c.Policy
	return store(&s.policies, policiesOf, &p, c.New, "policy "+c.Name)
}

func (c *PutKey) decide(s *State) ([]Change, []Read, error) {
	if len(c.Sealed) == 0 || c.Secret != "" {
		return nil, nil, invalid("the secret of an access key is stored sealed only")
	}
	u, ok := s.users.Get(c.Account + "/" + c.User)
	if !ok {
		return nil, nil, &NotFound{"user " + c.User}
	}
	n := 0
	for range s.Keys(c.Account, c.User) {
		n++
	}
	if c.New && n >= maxKeysPerUser {
		return nil, nil, &Conflict{fmt.Sprintf("user %s has %d access keys already: delete one first", c.User, n)}
	}
	k := c.AccessKey
	return store(&s.keys, keysOf, &k, c.New, "access key "+c.ID, Read{u.prefix() + u.name(), true})
}

// QuotaNames and RateClasses are what the settings of an account can name.
func QuotaNames() []string {
	return []string{"namespaces_per_account", "services_per_namespace", "instances_per_service", "instances_per_namespace", "operations_per_account"}
}

func (c *PutAccount) decide(s *State) ([]Change, []Read, error) {
	if !IsAccountID(c.ID) {
		return nil, nil, invalid("%q is not the id of an account, which is twelve digits", c.ID)
	}
	for name, n := range c.Quotas {
		if !slices.Contains(QuotaNames(), name) || n < 0 {
			return nil, nil, invalid("quota %q with %d: there are %v, of 0 or more", name, n, QuotaNames())
		}
	}
	for class, r := range c.Rates {
		if !slices.Contains(RateClasses(), class) || !(r.PerSecond >= 0 && r.PerSecond <= 1e9) || math.IsNaN(r.PerSecond) || r.Burst < 0 {
			return nil, nil, invalid("rate of %q: there are %v, each with requests per second and a burst", class, RateClasses())
		}
	}
	a := c.Account
	_, there := s.accounts.Get(a.ID)
	if len(a.Quotas)+len(a.Rates) == 0 {
		if !there {
			return nil, nil, nil
		}
		return take(&s.accounts, accountsOf, a.ID, "account "+a.ID)
	}
	return store(&s.accounts, accountsOf, &a, !there, "account "+a.ID)
}

// RateClasses are the kinds of operation that have a rate each; see
// docs/adr/0023-throttle-classes.md.
func RateClasses() []string { return []string{"discover", "revision", "read", "write", "sts"} }

func (c *DeleteUser) decide(s *State) ([]Change, []Read, error) {
	changes, reads, err := take(&s.users, usersOf, c.Account+"/"+c.Name, "user "+c.Name)
	if err != nil {
		return nil, nil, err
	}
	for k := range s.Keys(c.Account, c.Name) {
		changes = append(changes, remove[*AccessKey]{k.prefix(), k.ID, keysOf})
	}
	return changes, reads, nil
}

func (c *DeleteGroup) decide(s *State) ([]Change, []Read, error) {
	for u := range s.Users(c.Account) {
		if slices.Contains(u.Groups, c.Name) {
			return nil, nil, &Conflict{fmt.Sprintf("group %s has users, such as %s", c.Name, u.Name)}
		}
	}
	return take(&s.groups, groupsOf, c.Account+"/"+c.Name, "group "+c.Name)
}

func (c *DeleteRole) decide(s *State) ([]Change, []Read, error) {
	return take(&s.roles, rolesOf, c.Account+"/"+c.Name, "role "+c.Name)
}

func (c *DeletePolicy) decide(s *State) ([]Change, []Read, error) {
	if who := s.holder(c.Account, c.Name); who != "" {
		return nil, nil, &Conflict{fmt.Sprintf("policy %s is attached, such as to %s", c.Name, who)}
	}
	return take(&s.policies, policiesOf, c.Account+"/"+c.Name, "policy "+c.Name)
}

func (c *DeleteKey) decide(s *State) ([]Change, []Read, error) {
	if k, ok := s.keys.Get(c.ID); ok && k.Account != c.Account {
		return nil, nil, &NotFound{"access key " + c.ID}
	}
	return take(&s.keys, keysOf, c.ID, "access key "+c.ID)
}

// checkAttached makes sure that policies can be read and are there.
func (s *State) checkAttached(account string, a *Attached) ([]Read, error) {
	if len(a.Inline) > maxInline || len(a.Managed) > maxManaged {
		return nil, invalid("%d policies of its own, and %d by name, can be attached at the most", maxInline, maxManaged)
	}
	names := map[string]bool{}
	for _, in := range a.Inline {
		if problem := NameProblem(in.Name, maxPolicyName); problem != "" || names[in.Name] {
			return nil, invalid("policy %q %s", in.Name, "must have a name of its own")
		}
		names[in.Name] = true
		if _, err := access.Parse(in.Name, access.IdentityPolicy, in.Text); err != nil {
			return nil, invalid("policy %s: %s", in.Name, err)
		}
	}
	var reads []Read
	refs := slices.Clone(a.Managed)
	if a.Boundary != "" {
		refs = append(refs, a.Boundary)
	}
	for _, ref := range refs {
		if p, ok := s.policies.Get(account + "/" + policyName(account, ref)); ok {
			reads = append(reads, Read{p.prefix() + p.name(), true})
		} else if _, ok := access.Managed(ref); !ok {
			return nil, &NotFound{"policy " + ref}
		}
	}
	return reads, nil
}

// policyName takes a name or the ARN of a policy of the account.
func policyName(account, ref string) string {
	if prefix := PolicyARN(account, ""); len(ref) > len(prefix) && ref[:len(prefix)] == prefix {
		return ref[len(prefix):]
	}
	return ref
}

// holder names somebody that a policy is attached to.
func (s *State) holder(account, policy string) string {
	has := func(a *Attached) bool {
		is := func(ref string) bool { return policyName(account, ref) == policy }
		return is(a.Boundary) || slices.ContainsFunc(a.Managed, is)
	}
	for u := range s.Users(account) {
		if has(&u.Attached) {
			return "user " + u.Name
		}
	}
	for g := range s.Groups(account) {
		if has(&g.Attached) {
			return "group " + g.Name
		}
	}
	for r := range s.Roles(account) {
		if has(&r.Attached) {
			return "role " + r.Name
		}
	}
	return ""
}

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return invalid("there can be %d tags at the most", maxTags)
	}
	seen := map[string]bool{}
	for key, value := range tags {
		if key == "" || len(key) > 128 || len(value) > 256 || seen[strings.ToLower(key)] {
			return invalid("tag %q must have 1 to 128 characters, differ from the others by more than case, and have a value of 256 at the most", key)
		}
		seen[strings.ToLower(key)] = true
	}
	return nil
}
