package identity

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
)

// Directory finds the owners of access keys and their permissions. It is immutable.
type Directory struct {
	catalog    *access.Catalog
	keys       map[string]*Key
	principals map[string]*Principal // by ARN
}

// Key is an access key that can be used.
type Key struct {
	ID, Secret string
	Inactive   bool
	Owner      *Principal
}

// Kind is the kind of a principal.
type Kind int

// The kinds of principal.
const (
	UserKind Kind = iota
	RoleKind
	SessionKind
)

// String returns the value of the condition key aws:PrincipalType.
func (k Kind) String() string { return [...]string{"User", "Role", "AssumedRole"}[k] }

// Principal is the identity that makes a request. It is immutable.
type Principal struct {
	Kind          Kind
	Account, Name string
	ARN           string
	// ID is the unique id, as in the condition key aws:userid.
	ID   string
	Tags map[string]string
	access.Subject

	// Trust and MaxSession (in seconds) are set for a role.
	Trust      *access.Policy
	MaxSession int64
	// Session and Role are set for a session.
	Session *Session
	Role    *Principal
}

// Caller returns the principal in the form that trust policies use.
func (p *Principal) Caller() access.Caller {
	c := access.Caller{Account: p.Account, ARN: p.ARN}
	if p.Role != nil {
		c.RoleARN = p.Role.ARN
	}
	return c
}

// TagValues returns the value of a tag. The key ignores case.
func (p *Principal) TagValues(key string) []string {
	for k, v := range p.Tags {
		if strings.EqualFold(k, key) {
			return []string{v} // the keys of a principal differ by more than case
		}
	}
	return nil
}

// Problem is an invalid entry of a Source.
type Problem struct {
	// About is the ARN or the key id, Err the problem.
	About string
	Err   error
}

func (p *Problem) Error() string { return p.About + ": " + p.Err.Error() }

// Compile returns a Directory. Of two entries with the same name the one of the earlier
// Source counts. open decrypts the secret of a sealed key. The catalog has
// the actions that policies can name.
//
// A principal with a missing or invalid policy is denied everything, because that
// policy might contain a Deny. Compile returns such problems with the Directory.
func Compile(catalog *access.Catalog, open func(*AccessKey) (string, error), sources ...*Source) (*Directory, []*Problem) {
	c := &compiler{
		open:     open,
		policies: map[string]*access.Policy{},
		groups:   map[string]*Group{},
		dir:      &Directory{catalog: catalog, keys: map[string]*Key{}, principals: map[string]*Principal{}},
	}
	for _, s := range sources {
		c.readPolicies(s)
		c.readGroups(s)
	}
	for _, s := range sources {
		for i := range s.Users {
			c.addUser(&s.Users[i])
		}
		for i := range s.Roles {
			c.addRole(&s.Roles[i])
		}
		for i := range s.Keys {
			c.addKey(&s.Keys[i])
		}
	}
	return c.dir, c.problems
}

type compiler struct {
	open     func(*AccessKey) (string, error)
	policies map[string]*access.Policy // of accounts, by ARN
	groups   map[string]*Group         // by account and name
	dir      *Directory
	problems []*Problem
}

func (c *compiler) problem(about string, err error) {
	c.problems = append(c.problems, &Problem{about, err})
}

func (c *compiler) readPolicies(s *Source) {
	for _, p := range s.Policies {
		arn := PolicyARN(p.Account, p.Name)
		if _, ok := c.policies[arn]; ok {
			continue
		}
		compiled, err := c.dir.catalog.Parse(p.Name, access.IdentityPolicy, p.Text)
		if err != nil {
			c.problem(arn, err)
			continue
		}
		c.policies[arn] = compiled
	}
}

func (c *compiler) readGroups(s *Source) {
	for i := range s.Groups {
		g := &s.Groups[i]
		if key := g.Account + "/" + g.Name; c.groups[key] == nil {
			c.groups[key] = g
		}
	}
}

func (c *compiler) addUser(u *User) {
	p := &Principal{Kind: UserKind, Account: u.Account, Name: u.Name, ARN: UserARN(u.Account, u.Name), Tags: u.Tags}
	p.ID = cmp.Or(u.UniqueID, derivedID(userIDPrefix, p.ARN))
	if c.dir.principals[p.ARN] != nil {
		return
	}
	all := []*PolicyAttachments{&u.PolicyAttachments}
	for _, name := range u.Groups {
		g := c.groups[u.Account+"/"+name]
		if g == nil {
			c.problem(p.ARN, fmt.Errorf("group %q does not exist", name))
			all = nil
			break
		}
		all = append(all, &g.PolicyAttachments)
	}
	p.Subject = c.subject(p, all)
	c.dir.principals[p.ARN] = p
}

func (c *compiler) addRole(r *Role) {
	p := &Principal{Kind: RoleKind, Account: r.Account, Name: r.Name, ARN: RoleARN(r.Account, r.Name), Tags: r.Tags, MaxSession: r.MaxSession}
	p.ID = cmp.Or(r.UniqueID, derivedID(roleIDPrefix, p.ARN))
	if p.MaxSession == 0 {
		p.MaxSession = MinSession
	}
	if c.dir.principals[p.ARN] != nil {
		return
	}
	trust, err := c.dir.catalog.Parse("trust policy of "+r.Name, access.TrustPolicy, r.Trust)
	if err != nil {
		c.problem(p.ARN, err)
		return
	}
	p.Trust = trust
	p.Subject = c.subject(p, []*PolicyAttachments{&r.PolicyAttachments})
	c.dir.principals[p.ARN] = p
}

// subject compiles the attached policies. After a problem it returns a subject that is
// denied everything.
func (c *compiler) subject(p *Principal, all []*PolicyAttachments) access.Subject {
	var policies []*access.Policy
	for _, a := range all {
		for _, in := range a.Inline {
			compiled, err := c.dir.catalog.Parse(in.Name, access.IdentityPolicy, in.Text)
			if err != nil {
				c.problem(p.ARN, fmt.Errorf("policy %s: %w", in.Name, err))
				return access.DeniedSubject()
			}
			policies = append(policies, compiled)
		}
		for _, ref := range a.Managed {
			found, ok := c.find(p.Account, ref)
			if !ok {
				c.problem(p.ARN, fmt.Errorf("policy %q does not exist", ref))
				return access.DeniedSubject()
			}
			policies = append(policies, found)
		}
	}
	s := access.Subject{Identity: c.dir.catalog.NewSet(policies...)}
	if len(all) > 0 && all[0].Boundary != "" {
		boundary, ok := c.find(p.Account, all[0].Boundary)
		if !ok {
			c.problem(p.ARN, fmt.Errorf("permissions boundary %q does not exist", all[0].Boundary))
			return access.DeniedSubject()
		}
		s.Boundary = c.dir.catalog.NewSet(boundary)
	}
	return s
}

// find returns a policy of the account or, if it has none, an AWS managed policy.
func (c *compiler) find(account, ref string) (*access.Policy, bool) {
	arn := ref
	if !strings.HasPrefix(ref, "arn:") {
		arn = PolicyARN(account, ref)
	}
	if p, ok := c.policies[arn]; ok && strings.HasPrefix(arn, PolicyARN(account, "")) {
		return p, true
	}
	return c.dir.catalog.Managed(ref)
}

func (c *compiler) addKey(k *AccessKey) {
	owner := c.dir.principals[UserARN(k.Account, k.User)]
	if c.dir.keys[k.ID] != nil || owner == nil || k.UserID != "" && k.UserID != owner.ID {
		return
	}
	secret := k.Secret
	if len(k.Sealed) > 0 {
		var err error
		if secret, err = c.open(k); err != nil {
			c.problem("access key "+k.ID, err)
			return
		}
	}
	c.dir.keys[k.ID] = &Key{ID: k.ID, Secret: secret, Inactive: k.Inactive || secret == "", Owner: owner}
}

// Catalog returns the actions that the policies of the Directory can name.
func (d *Directory) Catalog() *access.Catalog { return d.catalog }

// Key returns an access key by its id, even if it is inactive.
func (d *Directory) Key(id string) (*Key, bool) {
	k, ok := d.keys[id]
	return k, ok
}

// Principal returns a user or role by its ARN.
func (d *Directory) Principal(arn string) (*Principal, bool) {
	p, ok := d.principals[arn]
	return p, ok
}

// Principals lists the ARNs of all users and roles, in order.
func (d *Directory) Principals() []string {
	arns := make([]string, 0, len(d.principals))
	for arn := range d.principals {
		arns = append(arns, arn)
	}
	slices.Sort(arns)
	return arns
}
