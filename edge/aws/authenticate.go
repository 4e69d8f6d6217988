package aws

import (
	"errors"
	"net/http"
	"time"

	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/sigv4"
	"github.com/cairn-discovery/cairn/edge/aws/sts"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
	"github.com/cairn-discovery/cairn/internal/gencache"
)

// Auth authenticates every caller. Their policies decide what they may do.
type Auth struct {
	// Directory gives the identities that exist now. It is called once for every
	// request.
	Directory func() *identity.Directory
	// Sessions opens session tokens. Nil: there are none.
	Sessions *sts.Sessions
}

// keptPrincipals is how many principals of sessions are kept compiled, at least.
const keptPrincipals = 4096

// authenticator finds out who signed a request.
type authenticator struct {
	Auth
	verifier *sigv4.Verifier
	// sessions are the principals that sessions are, as long as the directory
	// has not changed.
	sessions *gencache.Cache[*identity.Session, sessionPrincipal]
}

type sessionPrincipal struct {
	directory *identity.Directory
	principal *identity.Principal
}

func newAuthenticator(a *Auth) *authenticator {
	if a == nil {
		return nil
	}
	return &authenticator{*a, sigv4.NewVerifier(), gencache.New[*identity.Session, sessionPrincipal](keptPrincipals)}
}

// signatureInput is what a request has to prove who sent it.
type signatureInput struct {
	request sigv4.Request
	claim   sigv4.Claim
	secret  string
	signed  bool // there is a claim, to be verified with the body
}

// identify finds out who a request claims to be from, without its body. It is not
// proven until verify.
func (a *authenticator) identify(x *request, r *http.Request) error {
	in := &x.signature
	in.request = sigv4.Request{
		Method: r.Method, Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery, Host: r.Host, Header: r.Header,
	}
	claim, err := sigv4.Parse(&in.request)
	if err != nil {
		if e, ok := errors.AsType[*sigv4.Error](err); ok && e.Kind == sigv4.Missing {
			return a.authenticateUnsigned(x, r, err)
		}
		return err
	}
	in.claim, in.signed = claim, true
	region := x.region
	if x.api.AnyRegion {
		region = in.claim.Region
	}
	if err := in.claim.Check(region, x.api.SigningName, x.start); err != nil {
		return err
	}
	x.call.Caller, in.secret, err = a.resolveKey(x.call.Directory, &in.claim, x.start)
	return err
}

// authenticateUnsigned handles a request without a signature: its client
// certificate may say who it is from, and an unsigned operation proves it by its
// input.
func (a *authenticator) authenticateUnsigned(x *request, r *http.Request, missing error) error {
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		for _, uri := range r.TLS.VerifiedChains[0][0].URIs {
			if found, ok := x.call.Directory.Principal(uri.String()); ok && found.Kind == identity.UserKind {
				x.call.Caller = found
				return nil
			}
		}
	}
	if x.form || x.op.Authorization == service.Unsigned {
		return nil // a form names its operation in the body; see routeForm
	}
	return missing
}

// resolveKey returns whose key a claim names, and the key's secret.
func (a *authenticator) resolveKey(directory *identity.Directory, c *sigv4.Claim, now time.Time) (*identity.Principal, string, error) {
	if c.Token == "" {
		key, ok := directory.Key(c.AccessKeyID)
		if !ok || key.Inactive {
			return nil, "", errUnknownKey
		}
		return key.Owner, key.Secret, nil
	}
	if a.Sessions == nil {
		return nil, "", errUnknownKey
	}
	session, err := a.Sessions.Open(c.Token)
	if err != nil || session.AccessKeyID != c.AccessKeyID {
		return nil, "", errUnknownKey
	}
	if now.Unix() >= session.Expires {
		return nil, "", errExpiredToken
	}
	if kept, ok := a.sessions.Get(session); ok && kept.directory == directory {
		return kept.principal, session.Secret, nil
	}
	principal, err := directory.Session(session)
	if err != nil {
		return nil, "", errUnknownKey // the role is gone
	}
	a.sessions.Put(session, sessionPrincipal{directory, principal})
	return principal, session.Secret, nil
}

// verify proves what identify found out, now that the body is read.
func (a *authenticator) verify(x *request) error {
	if !x.signature.signed {
		return nil
	}
	x.signature.request.Body = x.wire.Body
	return a.verifier.Verify(&x.signature.request, &x.signature.claim, x.signature.secret)
}

// authError is a failure to authenticate that sigv4 cannot know of.
type authError int

const (
	errUnknownKey authError = iota + 1
	errExpiredToken
)

func (e authError) Error() string {
	if e == errExpiredToken {
		return "The security token included in the request is expired"
	}
	return "The security token included in the request is invalid."
}

// signatureKinds are the common errors that failures of signatures are.
var signatureKinds = map[sigv4.Kind]wire.Kind{
	sigv4.Missing:     wire.MissingAuthentication,
	sigv4.Incomplete:  wire.IncompleteSignature,
	sigv4.Unsupported: wire.IncompleteSignature,
	sigv4.Expired:     wire.InvalidSignature,
	sigv4.NotYet:      wire.InvalidSignature,
	sigv4.Scope:       wire.InvalidSignature,
	sigv4.Mismatch:    wire.InvalidSignature,
}

// authFailure returns the answer to a failure to authenticate, or nil for other
// errors.
func authFailure(api *service.API, err error) *wire.Error {
	var kind wire.Kind
	switch e := err.(type) {
	case *sigv4.Error:
		kind = signatureKinds[e.Kind]
	case authError:
		kind = wire.UnrecognizedClient
		if e == errExpiredToken {
			kind = wire.ExpiredToken
		}
	default:
		return nil
	}
	return api.Fault(nil, kind, err.Error())
}
