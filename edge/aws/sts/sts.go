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
	"time"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/edge/aws/query"
	"github.com/cairn-discovery/cairn/internal/oidc"
)

// Version is that of the API; Namespace is that of its XML.
const (
	Version   = "2011-06-15"
	Namespace = "https://sts.amazonaws.com/doc/2011-06-15/"
	// Service is the name in credential scopes.
	Service = "sts"
)

// Provider is an issuer of tokens that roles can trust.
type Provider struct {
	ARN      string
	Verifier *oidc.Verifier
}

// Config is what an API needs.
type Config struct {
	// Directory gives who there is now. Nil in open mode, where nobody is asked
	// who they are and there are no roles.
	Directory func() *identity.Directory
	// Sessions makes tokens. Nil: no role can be assumed.
	Sessions *Sessions
	// Providers gives the issuers in force.
	Providers func() []Provider
}

// API serves the actions.
type API struct{ cfg Config }

// New returns an API.
func New(cfg Config) *API { return &API{cfg} }

// Request is one call.
type Request struct {
	ID   string // of the request, for the answer
	Form query.Form
	// Caller is who signed the request. Nil in open mode, and for a request that
	// needs no signature.
	Caller *identity.Principal
	// Account is the caller's.
	Account string
	Now     time.Time
	// Context gives the condition keys of the request.
	Context access.Context
	// Target is set by Serve to what the call is about, for the log.
	Target string
}

// Actions lists what is served.
func Actions() []string {
	return []string{"AssumeRole", "AssumeRoleWithWebIdentity", "GetCallerIdentity"}
}

// Unsigned reports whether an action needs no signature, because the request
// proves in another way who the caller is.
func Unsigned(action string) bool { return action == "AssumeRoleWithWebIdentity" }

// Serve carries out a call and appends the body of the answer to out. An error
// is a *query.Error, or of ours.
func (a *API) Serve(ctx context.Context, r *Request, out []byte) ([]byte, error) {
	action := r.Form.Text("Action")
	if v := r.Form.Text("Version"); v != Version {
		return out, fault("InvalidAction", http.StatusBadRequest, "Could not find operation %s for version %s", shown(action), shown(v))
	}
	var result any
	var err error
	switch action {
	case "GetCallerIdentity":
		result = a.callerIdentity(r)
	case "AssumeRole":
		result, err = a.assumeRole(r)
	case "AssumeRoleWithWebIdentity":
		result, err = a.assumeRoleWithWebIdentity(ctx, r)
	default:
		err = fault("InvalidAction", http.StatusBadRequest, "Could not find operation %s for version %s", shown(action), Version)
	}
	if err != nil {
		return out, err
	}
	return query.AppendResponse(out, Namespace, action, result, r.ID)
}

type callerIdentity struct {
	Arn     string
	UserId  string
	Account string
}

// callerIdentity needs no permission, and no policy can forbid it.
func (a *API) callerIdentity(r *Request) *callerIdentity {
	if r.Caller == nil {
		return &callerIdentity{Arn: identity.RootARN(r.Account), UserId: r.Account, Account: r.Account}
	}
	return &callerIdentity{Arn: r.Caller.ARN, UserId: r.Caller.ID, Account: r.Caller.Account}
}

func fault(code string, status int, format string, args ...any) error {
	return &query.Error{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return fault("ValidationError", http.StatusBadRequest, format, args...)
}

// denied is the answer to whoever may not assume a role, whether there is one of
// that name or not.
func denied(caller, action, role string) error {
	return fault("AccessDenied", http.StatusForbidden, "User: %s is not authorized to perform: sts:%s on resource: %s", caller, action, shown(role))
}

func shown(s string) string {
	if len(s) > 200 {
		s = s[:197] + "..."
	}
	return strings.ToValidUTF8(s, "?")
}

// ready reports why no role can be assumed.
func (a *API) ready() error {
	if a.cfg.Directory == nil {
		return fault("AccessDenied", http.StatusForbidden, "Roles can be assumed with auth.mode sigv4 only")
	}
	if a.cfg.Sessions == nil {
		return errors.New("sts: a role was to be assumed, but there is no key to seal sessions with")
	}
	return nil
}
