// Package sts is the part of the AWS Security Token Service, version 2011-06-15,
// that clients of the other APIs need: GetCallerIdentity, AssumeRole and
// AssumeRoleWithWebIdentity.
//
// The credentials of a session are not stored anywhere: the session token holds
// the session, sealed; see docs/adr/0021-sessions.md.
package sts

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/edge/aws/query"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
	"github.com/cairn-discovery/cairn/internal/oidc"
)

// apiName is the prefix of the API's actions in policies, and the service in
// credential scopes.
const apiName = "sts"

// namespace is that of the API's XML.
const namespace = "https://sts.amazonaws.com/doc/2011-06-15/"

// Provider is an issuer of tokens that roles can trust.
type Provider struct {
	ARN      string
	Verifier *oidc.Verifier
}

// Config is what the API needs.
type Config struct {
	// Sessions makes tokens. Nil: no role can be assumed.
	Sessions *Sessions
	// Providers gives the issuers in force.
	Providers func() []Provider
}

// api has the handlers of the operations.
type api struct{ cfg Config }

// New returns the API.
func New(cfg Config) (*service.API, error) {
	a := &api{cfg}
	return service.New(service.Definition{
		Name:     apiName,
		Version:  "2011-06-15",
		Protocol: &query.Protocol{Namespace: namespace},
		Operations: []service.Operation{
			{Name: "AssumeRole", Decode: decodeAssumeRole, Run: service.Run(a.assumeRole), Encode: encode("AssumeRole")},
			{Name: "AssumeRoleWithWebIdentity", Decode: decodeWebIdentity, Run: service.Run(a.assumeRoleWithWebIdentity), Encode: encode("AssumeRoleWithWebIdentity")},
			{Name: "GetCallerIdentity", Decode: decodeCallerIdentity, Run: service.Run(a.callerIdentity), Encode: encode("GetCallerIdentity")},
		},
		Policies: map[string]service.Policy{
			"AssumeRole":                {Access: access.Write, Class: new(command.RateSTS), Authorization: service.ByHandler, Record: recordAssumeRole},
			"AssumeRoleWithWebIdentity": {Access: access.Write, Class: new(command.RateSTS), Authorization: service.Unsigned, Record: recordWebIdentity},
			"GetCallerIdentity":         {Access: access.Read, Class: new(command.RateSTS), Authorization: service.ByHandler},
		},
		Actions:     []string{"SetSourceIdentity", "TagSession"},
		Keys:        conditionKeys,
		Resources:   auditResources,
		AlwaysAudit: true,
	})
}

// conditionKeys are those of "Actions, resources, and condition keys for AWS Security
// Token Service" in the Service Authorization Reference. Not all have a value here;
// see docs/identity.md. It is never changed.
var conditionKeys = []string{
	"sts:AWSServiceName", "sts:DurationSeconds", "sts:ExternalId", "sts:IdentityTokenAudience", "sts:RequestContext/",
	"sts:RequestContextProviders", "sts:RoleSessionName", "sts:SigningAlgorithm", "sts:SourceIdentity", "sts:TaskPolicyArn",
	"sts:TransitiveTagKeys",
}

func encode(operation string) func(*wire.Response, any) error {
	return func(w *wire.Response, out any) (err error) {
		w.Body, err = query.AppendResponse(w.Body, namespace, operation, out, w.RequestID)
		return err
	}
}

type callerIdentityInput struct{}

func decodeCallerIdentity(*wire.Request) (any, error) { return new(callerIdentityInput), nil }

type callerIdentity struct {
	Arn     string
	UserId  string
	Account string
}

// callerIdentity needs no permission, and no policy can forbid it.
func (a *api) callerIdentity(_ context.Context, c *service.Call, _ *callerIdentityInput) (*callerIdentity, error) {
	if c.Caller == nil {
		account := string(c.Account)
		return &callerIdentity{Arn: identity.RootARN(account), UserId: account, Account: account}, nil
	}
	return &callerIdentity{Arn: c.Caller.ARN, UserId: c.Caller.ID, Account: c.Caller.Account}, nil
}

func fault(code string, status int, format string, args ...any) *wire.Error {
	return &wire.Error{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return &wire.Fault{Kind: wire.Validation, Message: fmt.Sprintf(format, args...)}
}

// denied is the answer to a caller that may not assume a role, whether there is
// one of that name or not.
func denied(caller, action, role string) error {
	return fault("AccessDenied", http.StatusForbidden, "User: %s is not authorized to perform: sts:%s on resource: %s", caller, action, truncate(role))
}

// truncate cuts a text of a caller that is too long for a message.
func truncate(s string) string {
	if len(s) > 200 {
		s = s[:197] + "..."
	}
	return strings.ToValidUTF8(s, "?")
}

// ready returns why no role can be assumed, or nil.
func (a *api) ready(c *service.Call) error {
	if c.Directory == nil {
		return fault("AccessDenied", http.StatusForbidden, "Roles can be assumed with auth.mode sigv4 only")
	}
	if a.cfg.Sessions == nil {
		return errors.New("sts: a role was to be assumed, but there is no key to seal sessions with")
	}
	return nil
}
