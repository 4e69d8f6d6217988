package sts

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/internal/oidc"
)

// assumeRoleWithWebIdentity gives a session to a caller that shows a token of an
// issuer that the role trusts.
func (a *api) assumeRoleWithWebIdentity(ctx context.Context, c *service.Call, in *webIdentityInput) (*webIdentityRole, error) {
	c.Target = in.role
	if err := a.ready(c); err != nil {
		return nil, err
	}
	if err := in.checkPolicies(c.Directory.Catalog()); err != nil {
		return nil, err
	}
	provider, claims, err := a.verifyToken(ctx, c, in)
	if err != nil {
		return nil, err
	}
	role, ok := c.Directory.Principal(in.role)
	if !ok || role.Kind != identity.RoleKind {
		return nil, webIdentityDenied()
	}
	s := &identity.Session{Provider: provider.ARN}
	req := &access.Request{Action: "sts:AssumeRoleWithWebIdentity", Context: &tokenContext{c.Access, in, claims, provider.ARN}}
	if !role.Trust.EvaluateTrust(access.Caller{Provider: provider.ARN}, req).Allowed {
		return nil, webIdentityDenied()
	}
	result, err := a.issue(c, &in.sessionInput, s, role, role.MaxSession)
	if err != nil {
		return nil, err
	}
	c.WebIdentity = &service.WebIdentity{Provider: provider.ARN, Audience: claims.Audience[0], Subject: claims.Subject, Account: role.Account}
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
func (a *api) verifyToken(ctx context.Context, c *service.Call, in *webIdentityInput) (*Provider, *oidc.Claims, error) {
	token := service.Value(in.token)
	issuer, err := oidc.Issuer(token)
	if err != nil {
		return nil, nil, invalidToken("The token cannot be accepted: %s", err)
	}
	role, _ := arn.Parse(in.role) // without an account no provider is found
	providers := a.cfg.Providers()
	i := slices.IndexFunc(providers, func(p Provider) bool { return p.ARN == identity.ProviderARN(string(role.Account), issuer) })
	if i < 0 {
		return nil, nil, invalidToken("No OpenIDConnect provider found in your account for %s", truncate(issuer))
	}
	claims, err := providers[i].Verifier.Verify(ctx, token, c.Now)
	switch {
	case errors.Is(err, oidc.ErrExpired):
		return nil, nil, fault("ExpiredTokenException", http.StatusBadRequest, "Token expired")
	case err != nil:
		return nil, nil, invalidToken("The token cannot be accepted: %s", err)
	}
	return &providers[i], claims, nil
}

// invalidToken is the answer to a caller whose token proves nothing.
func invalidToken(format string, args ...any) error {
	e := fault("InvalidIdentityToken", http.StatusBadRequest, format, args...)
	e.Unauthenticated = true
	return e
}
