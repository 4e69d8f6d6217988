package sts

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/internal/oidc"
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
func (a *API) assumeRole(r *Request) (*assumedRole, error) {
	if err := a.ready(); err != nil {
		return nil, err
	}
	p, err := readParameters(r)
	if err != nil {
		return nil, err
	}
	if err := refuse(r, "SerialNumber", "TokenCode", "TransitiveTagKeys", "ProvidedContexts"); err != nil {
		return nil, err
	}
	tags, err := readTags(r)
	if err != nil {
		return nil, err
	}
	s := &identity.Session{Tags: tags, SourceIdentity: r.Form.Text("SourceIdentity")}
	if s.SourceIdentity != "" && (len(s.SourceIdentity) < 2 || identity.NameProblem(s.SourceIdentity, maxSessionName) != "") {
		return nil, invalid("SourceIdentity must be 2 to %d letters, digits and _+=,.@-", maxSessionName)
	}
	if chained := r.Caller.Session; chained != nil && chained.SourceIdentity != "" {
		if s.SourceIdentity != "" && s.SourceIdentity != chained.SourceIdentity {
			return nil, denied(r.Caller.ARN, "SetSourceIdentity", p.role)
		}
		s.SourceIdentity = chained.SourceIdentity // it goes along the chain and cannot be changed
	}
	if len(r.Form.Text("ExternalId")) > maxExternalID {
		return nil, invalid("ExternalId has more than %d characters", maxExternalID)
	}
	role, err := a.permitted(r, p, s)
	if err != nil {
		return nil, err
	}
	most := role.MaxSession
	if r.Caller.Kind == identity.SessionKind {
		most = min(most, maxChained)
	}
	return a.issue(r, p, s, role, most)
}

// permitted finds the role and asks its trust policy and the caller's policies.
// The two suffice together; the trust policy alone does where it names a
// principal of the role's own account.
func (a *API) permitted(r *Request, p *parameters, s *identity.Session) (*identity.Principal, error) {
	role, ok := a.cfg.Directory().Principal(p.role)
	if !ok || role.Kind != identity.RoleKind {
		return nil, denied(r.Caller.ARN, "AssumeRole", p.role)
	}
	actions := []string{"AssumeRole"}
	if len(s.Tags) > 0 {
		actions = append(actions, "TagSession")
	}
	if r.Form.Text("SourceIdentity") != "" {
		actions = append(actions, "SetSourceIdentity")
	}
	for _, action := range actions {
		req := &access.Request{
			Action: "sts:" + action, Context: &assumeContext{r.Context, r, p, s},
			Resources: []access.Resource{{ARN: role.ARN, Tags: role}},
		}
		if !allowed(r.Caller, role, req) {
			return nil, denied(r.Caller.ARN, action, p.role)
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

// assumeRoleWithWebIdentity gives a session to whoever shows a token of an
// issuer that the role trusts.
func (a *API) assumeRoleWithWebIdentity(ctx context.Context, r *Request) (any, error) {
	if err := a.ready(); err != nil {
		return nil, err
	}
	p, err := readParameters(r)
	if err != nil {
		return nil, err
	}
	if err := refuse(r, "ProviderId"); err != nil { // for tokens of OAuth 2.0
		return nil, err
	}
	provider, claims, err := a.verifyToken(ctx, r, p)
	if err != nil {
		return nil, err
	}
	role, ok := a.cfg.Directory().Principal(p.role)
	if !ok || role.Kind != identity.RoleKind {
		return nil, webIdentityDenied()
	}
	s := &identity.Session{Provider: provider.ARN}
	req := &access.Request{Action: "sts:AssumeRoleWithWebIdentity", Context: &tokenContext{r.Context, p, claims, provider.ARN}}
	if !role.Trust.EvaluateTrust(access.Caller{Provider: provider.ARN}, req).Allowed {
		return nil, webIdentityDenied()
	}
	result, err := a.issue(r, p, s, role, role.MaxSession)
	if err != nil {
		return nil, err
	}
	return &webIdentityRole{*result, claims.Subject, claims.Audience[0], provider.ARN}, nil
}

type webIdentityRole struct {
	assumedRole
	SubjectFromWebIdentityToken string
	Audience                    string
	Provider                    string
}

func webIdentityDenied() error {
	return fault("AccessDenied", http.StatusForbidden, "Not authorized to perform sts:AssumeRoleWithWebIdentity")
}

// verifyToken tries the providers of the token's issuer in the role's account.
func (a *API) verifyToken(ctx context.Context, r *Request, p *parameters) (*Provider, *oidc.Claims, error) {
	token := r.Form.Text("WebIdentityToken")
	issuer := oidc.Issuer(token)
	account, _, _ := strings.Cut(strings.TrimPrefix(p.role, "arn:aws:iam::"), ":")
	providers := a.cfg.Providers()
	i := slices.IndexFunc(providers, func(p Provider) bool { return p.ARN == identity.ProviderARN(account, issuer) })
	if issuer == "" || i < 0 {
		return nil, nil, fault("InvalidIdentityToken", http.StatusBadRequest, "No OpenIDConnect provider found in your account for %s", shown(issuer))
	}
	claims, err := providers[i].Verifier.Verify(ctx, token, r.Now)
	switch {
	case errors.Is(err, oidc.ErrExpired):
		return nil, nil, fault("ExpiredTokenException", http.StatusBadRequest, "Token expired")
	case err != nil:
		return nil, nil, fault("InvalidIdentityToken", http.StatusBadRequest, "The token cannot be accepted: %s", err)
	}
	return &providers[i], claims, nil
}

// issue makes the session's credentials.
func (a *API) issue(r *Request, p *parameters, s *identity.Session, role *identity.Principal, most int64) (*assumedRole, error) {
	if p.duration > most {
		if r.Form.Has("DurationSeconds") {
			return nil, invalid("The requested DurationSeconds exceeds the %d seconds set for this role", most)
		}
		p.duration = most
	}
	s.Role, s.Name, s.Policies, s.Managed = role.ARN, p.name, p.policies, p.managed
	s.Issued, s.Expires = r.Now.Unix(), r.Now.Unix()+p.duration
	token, err := a.cfg.Sessions.issue(s)
	if err != nil {
		return nil, err
	}
	principal, err := a.cfg.Directory().Session(s)
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
