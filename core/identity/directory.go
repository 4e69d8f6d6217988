package identity

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
)

// Directory answers whose a key is and what they may do. It is immutable.
type Directory struct {
	keys       map[string]*Key
	principals map[string]*Principal // by ARN
}

// Key is an access key that can be used.
type Key struct {
	ID, Secret string
	Inactive   bool
	Owner      *Principal
}

// Kind is what a principal is.
type Kind int

// The kinds of principal.
const (
	UserKind Kind = iota
	RoleKind
	SessionKind
)

// String is as in the condition key aws:PrincipalType.
func (k Kind) String() string { return [...]string{"User", "Role", "AssumedRole"}[k] }

// Principal is who asks. It is immutable.
type Principal struct {
	Kind          Kind
	Account, Name string
	ARN           string
	// ID is the unique id, as in the condition key aws:userid.
	ID   string
	Tags map[string]string
	access.Subject

	// Trust and MaxSession (in seconds) are of a role.
	Trust      *access.Policy
	MaxSession int64
	// Session is set for a session, and Role is its role then.
	Session *Session
	Role    *Principal
}

// Caller is the principal as a trust policy sees it.
func (p *Principal) Caller() access.Caller {
	c := access.Caller{Account: p.Account, ARN: p.ARN}
	if p.Role != nil {
		c.RoleARN = p.Role.ARN
	}
	return c
}

// TagValues returns the value of a tag by its key, whose case does not matter.
func (p *Principal) TagValues(key string) []string {
	for k, v := range p.Tags {
		if strings.EqualFold(k, key) {
			return []string{v} // no two keys of a principal differ by case alone
		}
	}
	return nil
}

// Problem is something in a Source that cannot be used as it is.
type Problem struct {
	// ARN or key id that it is about, and what is wrong with it.
	About string
	Err   error
}

func (p *Problem) Error() string { return p.About + ": " + p.Err.Error() }

// Compile makes a Directory. Of two things with the same name the one of the
// earlier Source counts. open gives the secret of a sealed key.
//
// Whoever has a policy that cannot be found or read may do nothing at all: it
// might have been the policy that denies something. Such problems are returned
// beside the Directory.
func Compile(open func(*AccessKey) (string, error), sources ...*Source) (*Directory, []*Problem) {
	c := &compiler{
		open:     open,
		policies: map[string]*access.Policy{},
		groups:   map[string]*Group{},
		dir:      &Directory{keys: map[string]*Key{}, principals: map[string]*Principal{}},
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
	policies map[string]*access.Policy // the accounts' own, by ARN
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
		compiled, err := access.Parse(p.Name, access.IdentityPolicy, p.Text)
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
	p.ID = uniqueID("AIDA", p.ARN)
	if c.dir.principals[p.ARN] != nil {
		return
	}
	all := []*Attached{&u.Attached}
	for _, name := range u.Groups {
		g := c.groups[u.Account+"/"+name]
		if g == nil {
			c.problem(p.ARN, fmt.Errorf("group %q is not there", name))
			all = nil
			break
		}
		all = append(all, &g.Attached)
	}
	p.Subject = c.subject(p, all)
	c.dir.principals[p.ARN] = p
}

func (c *compiler) addRole(r *Role) {
	p := &Principal{Kind: RoleKind, Account: r.Account, Name: r.Name, ARN: RoleARN(r.Account, r.Name), Tags: r.Tags, MaxSession: r.MaxSession}
	p.ID = uniqueID("AROA", p.ARN)
	if p.MaxSession == 0 {
		p.MaxSession = MinSession
	}
	if c.dir.principals[p.ARN] != nil {
		return
	}
	trust, err := access.Parse("trust policy of "+r.Name, access.TrustPolicy, r.Trust)
	if err != nil {
		c.problem(p.ARN, err)
		return
	}
	p.Trust = trust
	p.Subject = c.subject(p, []*Attached{&r.Attached})
	c.dir.principals[p.ARN] = p
}

// subject compiles what is attached. With a problem it is one that may nothing.
func (c *compiler) subject(p *Principal, all []*Attached) access.Subject {
	var policies []*access.Policy
	for _, a := range all {
		for _, in := range a.Inline {
			compiled, err := access.Parse(in.Name, access.IdentityPolicy, in.Text)
			if err != nil {
				c.problem(p.ARN, fmt.Errorf("policy %s: %w", in.Name, err))
				return access.Subject{}
			}
			policies = append(policies, compiled)
		}
		for _, ref := range a.Managed {
			found, ok := c.find(p.Account, ref)
			if !ok {
				c.problem(p.ARN, fmt.Errorf("policy %q is not there", ref))
				return access.Subject{}
			}
			policies = append(policies, found)
		}
	}
	s := access.Subject{Identity: access.NewSet(policies...)}
	if len(all) > 0 && all[0].Boundary != "" {
		boundary, ok := c.find(p.Account, all[0].Boundary)
		if !ok {
			c.problem(p.ARN, fmt.Errorf("permissions boundary %q is not there", all[0].Boundary))
			return access.Subject{}
		}
		s.Boundary = access.NewSet(boundary)
	}
	return s
}

// find looks for a policy of the account, and then for one of AWS.
func (c *compiler) find(account, ref string) (*access.Policy, bool) {
	arn := ref
	if !strings.HasPrefix(ref, "arn:") {
		arn = PolicyARN(account, ref)
	}
	if p, ok := c.policies[arn]; ok && strings.HasPrefix(arn, PolicyARN(account, "")) {
		return p, true
	}
	return access.Managed(ref)
}

func (c *compiler) addKey(k *AccessKey) {
	owner := c.dir.principals[UserARN(k.Account, k.User)]
	if c.dir.keys[k.ID] != nil || owner == nil {
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

// Key returns an access key by its id, disabled ones too.
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
