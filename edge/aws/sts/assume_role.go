package sts

import (
	"context"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

type credentials struct {
	AccessKeyId     string
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

type assumedRoleUser struct {
	AssumedRoleId string
	Arn           string
}

type assumedRole struct {
	Credentials      credentials
	AssumedRoleUser  assumedRoleUser
	PackedPolicySize int    `xml:",omitempty"`
	SourceIdentity   string `xml:",omitempty"`
}

// assumeRole gives a session of a role to a user or to another session.
func (a *api) assumeRole(_ context.Context, c *service.Call, in *assumeRoleInput) (*assumedRole, error) {
	c.Target = in.role
	if err := a.ready(c); err != nil {
		return nil, err
	}
	if err := in.checkPolicies(c.Directory.Catalog()); err != nil {
		return nil, err
	}
	s := &identity.Session{Tags: in.tags, SourceIdentity: service.Value(in.sourceIdentity)}
	if chained := c.Caller.Session; chained != nil && chained.SourceIdentity != "" {
		if s.SourceIdentity != "" && s.SourceIdentity != chained.SourceIdentity {
			return nil, denied(c.Caller.ARN, "SetSourceIdentity", in.role)
		}
		s.SourceIdentity = chained.SourceIdentity // later sessions of the chain keep it
	}
	role, err := permittedRole(c, in, s)
	if err != nil {
		return nil, err
	}
	most := role.MaxSession
	if c.Caller.Kind == identity.SessionKind {
		most = min(most, maxChained)
	}
	return a.issue(c, &in.sessionInput, s, role, most)
}

// permittedRole returns the role if its trust policy and the caller's policies
// allow the call. The trust policy alone suffices where it names a principal of the
// role's own account.
func permittedRole(c *service.Call, in *assumeRoleInput, s *identity.Session) (*identity.Principal, error) {
	role, ok := c.Directory.Principal(in.role)
	if !ok || role.Kind != identity.RoleKind {
		return nil, denied(c.Caller.ARN, "AssumeRole", in.role)
	}
	actions := []string{"AssumeRole"}
	if len(s.Tags) > 0 {
		actions = append(actions, "TagSession")
	}
	if in.sourceIdentity != nil {
		actions = append(actions, "SetSourceIdentity")
	}
	for _, action := range actions {
		req := &access.Request{
			Action: "sts:" + action, Context: &assumeRoleContext{c.Access, in, s},
			Resources: []access.Resource{{ARN: role.ARN, Tags: role}},
		}
		if !allowed(c.Caller, role, req) {
			return nil, denied(c.Caller.ARN, action, in.role)
		}
	}
	return role, nil
}

func allowed(caller, role *identity.Principal, req *access.Request) bool {
	trust := role.Trust.EvaluateTrust(caller.Caller(), req)
	if !trust.Allowed {
		return false
	}
	own := caller.Evaluate(req)
	if own.Allowed || own.Why == access.ExplicitDeny || trust.ByAccount || caller.Account != role.Account {
		return own.Allowed
	}
	// The role's trust takes the place of what the identity's policies allow;
	// boundary and session policies still limit.
	return own.Layer == access.IdentityLayer && caller.Limits().Evaluate(req).Allowed
}

// issue makes the session's credentials.
func (a *api) issue(c *service.Call, in *sessionInput, s *identity.Session, role *identity.Principal, most int64) (*assumedRole, error) {
	if in.duration > most {
		if in.durationSeconds != nil {
			return nil, invalid("The requested DurationSeconds exceeds the %d seconds set for this role", most)
		}
		in.duration = most
	}
	s.Role, s.RoleID, s.Name, s.Policies, s.Managed = role.ARN, role.ID, in.name, in.policies, in.managed
	s.Issued, s.Expires = c.Now.Unix(), c.Now.Unix()+in.duration
	token, err := a.cfg.Sessions.issue(s)
	if err != nil {
		return nil, err
	}
	principal, err := c.Directory.Session(s)
	if err != nil {
		return nil, err
	}
	result := &assumedRole{
		Credentials: credentials{s.AccessKeyID, s.Secret, token, time.Unix(s.Expires, 0).UTC().Format("2006-01-02T15:04:05Z")},
		AssumedRoleUser: assumedRoleUser{
			AssumedRoleId: principal.ID, Arn: principal.ARN,
		},
		SourceIdentity: s.SourceIdentity,
	}
	if n := len(strings.Join(s.Policies, "")) + len(s.Tags); n > 0 {
		result.PackedPolicySize = max(1, len(token)*100/maxToken)
	}
	return result, nil
}
