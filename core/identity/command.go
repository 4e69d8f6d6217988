package identity

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/command"
)

func notFound(what string) error { return &command.NotFound{Message: what + " does not exist"} }

// The commands that store an entity. With New it must not exist; otherwise it must
// exist, and is replaced as a whole.
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
	// PutAccount stores the settings of an account, or deletes them if there are
	// none.
	PutAccount struct{ Account }
)

// The commands that delete an entity.
type (
	// DeleteUser deletes a user and its keys.
	DeleteUser struct{ Account, Name string }
	// DeleteGroup deletes a group without users.
	DeleteGroup struct{ Account, Name string }
	// DeleteRole deletes a role and ends its sessions.
	DeleteRole struct{ Account, Name string }
	// DeletePolicy deletes a policy that is not attached.
	DeletePolicy struct{ Account, Name string }
	// DeleteKey deletes an access key of an account.
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

// putRecord is the common part of the Put commands.
func putRecord[T any](s *State, k *kind[T], record T, isNew bool, what string, reads ...command.Read) (command.Decision, error) {
	exists := k.In(s).Has(k.Name(record))
	switch {
	case isNew && exists:
		return command.Decision{}, &command.AlreadyExists{Message: what + " already exists"}
	case !isNew && !exists:
		return command.Decision{}, notFound(what)
	}
	return command.Decision{Changes: []command.Change{k.Put(record)}, Reads: append(reads, k.Read(record, exists))}, nil
}

// deleteRecord is the common part of the Delete commands.
func deleteRecord[T any](s *State, k *kind[T], name, what string) (command.Decision, error) {
	record, ok := k.In(s).Get(name)
	if !ok {
		return command.Decision{}, notFound(what)
	}
	return command.Decision{Changes: []command.Change{k.Delete(record)}, Reads: []command.Read{k.Read(record, true)}}, nil
}

func checkName(account, name, what string, most int) error {
	if !command.AccountID(account).Valid() {
		return command.Invalid("%q is not the id of an account, which is twelve digits", account)
	}
	if err := ValidateName(name, most); err != nil {
		return command.Invalid("%s %q %s", what, name, err)
	}
	return nil
}

func (c *PutUser) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s := stateOf(v)
	if err := checkName(c.Account, c.Name, "user", maxUserName); err != nil {
		return command.Decision{}, err
	}
	if err := checkTags(c.Tags); err != nil {
		return command.Decision{}, err
	}
	reads, err := s.checkAttached(catalogOf(v), c.Account, &c.PolicyAttachments)
	if err != nil {
		return command.Decision{}, err
	}
	if len(c.Groups) > maxGroups {
		return command.Decision{}, command.Invalid("a user can be in %d groups at most", maxGroups)
	}
	for _, name := range c.Groups {
		g, ok := s.groups.Get(c.Account + "/" + name)
		if !ok {
			return command.Decision{}, notFound("group " + name)
		}
		reads = append(reads, groups.Read(g, true))
	}
	u := c.User
	u.UniqueID = uniqueID(userIDPrefix, m.Entropy[:])
	if existing, ok := s.users.Get(u.name()); ok {
		u.UniqueID = existing.UniqueID
	}
	return putRecord(s, users, &u, c.New, "user "+c.Name, reads...)
}

func (c *PutGroup) Decide(v command.View, _ *command.Meta) (command.Decision, error) {
	s := stateOf(v)
	if err := checkName(c.Account, c.Name, "group", maxGroupName); err != nil {
		return command.Decision{}, err
	}
	if c.Boundary != "" {
		return command.Decision{}, command.Invalid("a group has no permissions boundary")
	}
	reads, err := s.checkAttached(catalogOf(v), c.Account, &c.PolicyAttachments)
	if err != nil {
		return command.Decision{}, err
	}
	g := c.Group
	return putRecord(s, groups, &g, c.New, "group "+c.Name, reads...)
}

func (c *PutRole) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s := stateOf(v)
	if err := checkName(c.Account, c.Name, "role", maxRoleName); err != nil {
		return command.Decision{}, err
	}
	if err := checkTags(c.Tags); err != nil {
		return command.Decision{}, err
	}
	if _, err := catalogOf(v).Parse("trust policy", access.TrustPolicy, c.Trust); err != nil {
		return command.Decision{}, command.Invalid("trust %s", err)
	}
	if c.MaxSession != 0 && (c.MaxSession < MinSession || c.MaxSession > MaxSession) {
		return command.Decision{}, command.Invalid("the longest session must be %d to %d seconds", MinSession, MaxSession)
	}
	reads, err := s.checkAttached(catalogOf(v), c.Account, &c.PolicyAttachments)
	if err != nil {
		return command.Decision{}, err
	}
	r := c.Role
	r.UniqueID = uniqueID(roleIDPrefix, m.Entropy[:])
	if existing, ok := s.roles.Get(r.name()); ok {
		r.UniqueID = existing.UniqueID
	}
	return putRecord(s, roles, &r, c.New, "role "+c.Name, reads...)
}

func (c *PutPolicy) Decide(v command.View, _ *command.Meta) (command.Decision, error) {
	s := stateOf(v)
	if err := checkName(c.Account, c.Name, "policy", maxPolicyName); err != nil {
		return command.Decision{}, err
	}
	if _, ok := catalogOf(v).Managed(c.Name); ok {
		return command.Decision{}, command.Invalid("%s is the name of an AWS managed policy", c.Name)
	}
	if _, err := catalogOf(v).Parse(c.Name, access.IdentityPolicy, c.Text); err != nil {
		return command.Decision{}, command.Invalid("%s", err)
	}
	p := c.Policy
	return putRecord(s, policies, &p, c.New, "policy "+c.Name)
}

func (c *PutKey) Decide(v command.View, _ *command.Meta) (command.Decision, error) {
	s := stateOf(v)
	if len(c.Sealed) == 0 || c.Secret != "" {
		return command.Decision{}, command.Invalid("the secret of an access key is stored sealed only")
	}
	u, ok := s.users.Get(c.Account + "/" + c.User)
	if !ok {
		return command.Decision{}, notFound("user " + c.User)
	}
	n := 0
	for range s.Keys(c.Account, c.User) {
		n++
	}
	if c.New && n >= maxKeysPerUser {
		return command.Decision{}, &command.Conflict{Message: fmt.Sprintf("user %s has %d access keys already: delete one first", c.User, n)}
	}
	k := c.AccessKey
	k.UserID = u.UniqueID
	if existing, ok := s.keys.Get(k.ID); ok {
		k.UserID = existing.UserID
	}
	return putRecord(s, keys, &k, c.New, "access key "+c.ID, users.Read(u, true))
}

func (c *PutAccount) Decide(v command.View, _ *command.Meta) (command.Decision, error) {
	s := stateOf(v)
	if !command.AccountID(c.ID).Valid() {
		return command.Decision{}, command.Invalid("%q is not the id of an account, which is twelve digits", c.ID)
	}
	if err := checkQuotas(v, c.Quotas); err != nil {
		return command.Decision{}, err
	}
	for class, r := range c.Rates {
		if _, ok := command.ParseRateClass(class); !ok || !r.Valid() {
			return command.Decision{}, command.Invalid("rate of %q: there are %v, each with requests per second and a burst", class, command.RateClassNames())
		}
	}
	a := c.Account
	_, exists := s.accounts.Get(a.ID)
	if len(a.Quotas)+len(a.Rates) == 0 {
		if !exists {
			return command.Decision{}, nil
		}
		return deleteRecord(s, accounts, a.ID, "account "+a.ID)
	}
	return putRecord(s, accounts, &a, !exists, "account "+a.ID)
}

func checkQuotas(v command.View, quotas map[string]int) error {
	var known []string
	for _, q := range v.Quotas() {
		known = append(known, q.Name)
	}
	for name, n := range quotas {
		if !slices.Contains(known, name) || n < 0 {
			return command.Invalid("quota %q with %d: there are %v, of 0 or more", name, n, known)
		}
	}
	return nil
}

func (c *DeleteUser) Decide(v command.View, _ *command.Meta) (command.Decision, error) {
	s := stateOf(v)
	d, err := deleteRecord(s, users, c.Account+"/"+c.Name, "user "+c.Name)
	if err != nil {
		return command.Decision{}, err
	}
	for k := range s.Keys(c.Account, c.Name) {
		d.Changes = append(d.Changes, keys.Delete(k))
	}
	return d, nil
}

func (c *DeleteGroup) Decide(v command.View, _ *command.Meta) (command.Decision, error) {
	s := stateOf(v)
	for u := range s.Users(c.Account) {
		if slices.Contains(u.Groups, c.Name) {
			return command.Decision{}, &command.Conflict{Message: fmt.Sprintf("group %s has users, such as %s", c.Name, u.Name)}
		}
	}
	return deleteRecord(s, groups, c.Account+"/"+c.Name, "group "+c.Name)
}

func (c *DeleteRole) Decide(v command.View, _ *command.Meta) (command.Decision, error) {
	s := stateOf(v)
	return deleteRecord(s, roles, c.Account+"/"+c.Name, "role "+c.Name)
}

func (c *DeletePolicy) Decide(v command.View, _ *command.Meta) (command.Decision, error) {
	s := stateOf(v)
	if who := s.attachedTo(c.Account, c.Name); who != "" {
		return command.Decision{}, &command.Conflict{Message: fmt.Sprintf("policy %s is attached, such as to %s", c.Name, who)}
	}
	return deleteRecord(s, policies, c.Account+"/"+c.Name, "policy "+c.Name)
}

func (c *DeleteKey) Decide(v command.View, _ *command.Meta) (command.Decision, error) {
	s := stateOf(v)
	if k, ok := s.keys.Get(c.ID); ok && k.Account != c.Account {
		return command.Decision{}, notFound("access key " + c.ID)
	}
	return deleteRecord(s, keys, c.ID, "access key "+c.ID)
}

// checkAttached checks that the policies are valid and exist. It returns the keys read.
func (s *State) checkAttached(catalog *access.Catalog, account string, a *PolicyAttachments) ([]command.Read, error) {
	if len(a.Inline) > maxInline || len(a.Managed) > maxManaged {
		return nil, command.Invalid("%d policies of its own, and %d by name, can be attached at most", maxInline, maxManaged)
	}
	names := map[string]bool{}
	for _, in := range a.Inline {
		if ValidateName(in.Name, maxPolicyName) != nil || names[in.Name] {
			return nil, command.Invalid("policy %q %s", in.Name, "must have a name of its own")
		}
		names[in.Name] = true
		if _, err := catalog.Parse(in.Name, access.IdentityPolicy, in.Text); err != nil {
			return nil, command.Invalid("policy %s: %s", in.Name, err)
		}
	}
	var reads []command.Read
	refs := slices.Clone(a.Managed)
	if a.Boundary != "" {
		refs = append(refs, a.Boundary)
	}
	for _, ref := range refs {
		if p, ok := s.policies.Get(account + "/" + policyName(account, ref)); ok {
			reads = append(reads, policies.Read(p, true))
		} else if _, ok := catalog.Managed(ref); !ok {
			return nil, notFound("policy " + ref)
		}
	}
	return reads, nil
}

// policyName returns the name of a policy of the account, given its name or ARN.
func policyName(account, ref string) string {
	if prefix := PolicyARN(account, ""); len(ref) > len(prefix) && ref[:len(prefix)] == prefix {
		return ref[len(prefix):]
	}
	return ref
}

// attachedTo returns a user, group or role that the policy is attached to, or "".
func (s *State) attachedTo(account, policy string) string {
	has := func(a *PolicyAttachments) bool {
		is := func(ref string) bool { return policyName(account, ref) == policy }
		return is(a.Boundary) || slices.ContainsFunc(a.Managed, is)
	}
	for u := range s.Users(account) {
		if has(&u.PolicyAttachments) {
			return "user " + u.Name
		}
	}
	for g := range s.Groups(account) {
		if has(&g.PolicyAttachments) {
			return "group " + g.Name
		}
	}
	for r := range s.Roles(account) {
		if has(&r.PolicyAttachments) {
			return "role " + r.Name
		}
	}
	return ""
}

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return command.Invalid("there can be %d tags at most", maxTags)
	}
	seen := map[string]bool{}
	for key, value := range tags {
		if key == "" || len(key) > 128 || len(value) > 256 || seen[strings.ToLower(key)] {
			return command.Invalid("tag %q must have 1 to 128 characters, differ from the others by more than case, and have a value of 256 at most", key)
		}
		seen[strings.ToLower(key)] = true
	}
	return nil
}
