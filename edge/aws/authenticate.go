package aws

import (
	"errors"
	"net/http"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
	"github.com/cairn-discovery/cairn/edge/aws/cloudmap"
	"github.com/cairn-discovery/cairn/edge/aws/sigv4"
	"github.com/cairn-discovery/cairn/edge/aws/sts"
	"github.com/cairn-discovery/cairn/internal/gencache"
)

// Auth makes every caller prove who they are, and asks their policies what they
// may do.
type Auth struct {
	// Directory gives who there is now. It is called for every request.
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

// proof is what a request shows to prove who sent it.
type proof struct {
	request sigv4.Request
	claim   sigv4.Claim
	secret  string
	signed  bool // there is a claim, to be verified with the body
}

// identify finds out who a request says it is from, as far as that can be told
// without its body. It is not proven yet; see verify.
func (a *authenticator) identify(x *exchange, r *http.Request, region string) error {
	p := &x.proof
	p.request = sigv4.Request{
		Method: r.Method, Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery, Host: r.Host, Header: r.Header,
	}
	claim, err := sigv4.Parse(&p.request)
	if err != nil {
		if e, ok := errors.AsType[*sigv4.Error](err); ok && e.Kind == sigv4.Missing {
			return a.unsigned(x, r, err)
		}
		return err
	}
	p.claim, p.signed = claim, true
	if err := p.claim.Check(region, x.service(), x.start); err != nil {
		return err
	}
	x.principal, p.secret, err = a.owner(&p.claim, x.start)
	return err
}

// unsigned deals with a request without a signature: its client certificate may
// say who it is from, and an action may prove it in a way of its own.
func (a *authenticator) unsigned(x *exchange, r *http.Request, missing error) error {
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		for _, uri := range r.TLS.VerifiedChains[0][0].URIs {
			if found, ok := a.Directory().Principal(uri.String()); ok && found.Kind == identity.UserKind {
				x.principal = found
				return nil
			}
		}
	}
	if x.query {
		return nil // the action decides, once the body is read; see needsSignature
	}
	return missing
}

// owner returns whose key a claim names, and the key's secret.
func (a *authenticator) owner(c *sigv4.Claim, now time.Time) (*identity.Principal, string, error) {
	directory := a.Directory()
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
func (a *authenticator) verify(x *exchange, body []byte) error {
	if !x.proof.signed {
		return nil
	}
	x.proof.request.Body = body
	return a.verifier.Verify(&x.proof.request, &x.proof.claim, x.proof.secret)
}

// service is the name that a credential must be scoped to.
func (x *exchange) service() string {
	if x.query {
		return sts.Service
	}
	return cloudmap.SigningName
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

// wireCode is a code, with its HTTP status, of a protocol.
type wireCode struct {
	code   string
	status int
}

// authCodes is the table of "Common errors" of the JSON APIs beside that of STS.
// SDKs look at the code: by it they correct their clocks, and refresh what has
// expired.
var authCodes = map[sigv4.Kind][2]wireCode{
	sigv4.Missing:     {{"MissingAuthenticationTokenException", 400}, {"MissingAuthenticationToken", 403}},
	sigv4.Incomplete:  {{"IncompleteSignatureException", 400}, {"IncompleteSignature", 400}},
	sigv4.Unsupported: {{"IncompleteSignatureException", 400}, {"IncompleteSignature", 400}},
	sigv4.Expired:     {{"InvalidSignatureException", 400}, {"SignatureDoesNotMatch", 403}},
	sigv4.NotYet:      {{"InvalidSignatureException", 400}, {"SignatureDoesNotMatch", 403}},
	sigv4.Scope:       {{"InvalidSignatureException", 400}, {"SignatureDoesNotMatch", 403}},
	sigv4.Mismatch:    {{"InvalidSignatureException", 400}, {"SignatureDoesNotMatch", 403}},
}

// authFailure words a failure to authenticate, or returns nil for other errors.
func authFailure(err error, query bool) *awsjson.Error {
	var codes [2]wireCode
	switch e := err.(type) {
	case *sigv4.Error:
		codes = authCodes[e.Kind]
	case authError:
		codes = [2]wireCode{{"UnrecognizedClientException", 400}, {"InvalidClientTokenId", 403}}
		if e == errExpiredToken {
			codes = [2]wireCode{{"ExpiredTokenException", 400}, {"ExpiredToken", 403}}
		}
	default:
		return nil
	}
	c := codes[0]
	if query {
		c = codes[1]
	}
	return &awsjson.Error{Code: c.code, Status: c.status, Message: err.Error()}
}

// setAccount takes over the account of the principal.
func (x *exchange) setAccount() {
	if x.principal != nil {
		x.account = command.AccountID(x.principal.Account)
	}
}
