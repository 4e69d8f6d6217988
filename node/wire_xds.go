package node

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	model "github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/aws/sigv4"
	"github.com/cairn-discovery/cairn/edge/aws/sts"
	"github.com/cairn-discovery/cairn/edge/xds"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/connect"
	"github.com/cairn-discovery/cairn/edge/xds/resource/mesh"
	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"
	"github.com/cairn-discovery/cairn/internal/connlimit"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/worker/authority"
)

// xdsStopTimeout is how long the streams of xDS have to end.
const xdsStopTimeout = 500 * time.Millisecond

func (w *wiring) xdsComponent() (component, error) {
	if w.listeners.xds == nil {
		return component{}, nil
	}
	cfg := xds.Config{
		Replica:          w.rep,
		Rules:            w.currentRules,
		Sources:          []resource.Source{&connect.Source{Region: w.cfg.Region}, w.meshSource(), &plain.Source{Region: w.cfg.Region}},
		Logger:           w.log.With("part", "xds"),
		Changed:          w.xdsChanged,
		Drain:            w.cfg.XDS.Drain.Duration,
		MaxSubscriptions: w.cfg.XDS.MaxSubscriptions,
		MaxStreams:       w.cfg.XDS.MaxStreams,
		Registerer:       w.metrics,
		Limits: connlimit.Limits{
			Total: w.cfg.Limits.MaxConnections, PerClient: w.cfg.Limits.MaxConnectionsPerClient, Unauthenticated: w.cfg.Limits.MaxUnauthenticatedConnections,
		},
	}
	if w.apiCert != nil {
		cfg.TLS = w.apiCert.TLS("h2")
	}
	if w.cfg.Auth.Mode != config.AuthOpen {
		a, err := w.newXDSAuth()
		if err != nil {
			return component{}, err
		}
		cfg.Authenticate = a.authenticate
		cfg.Identities = func() any { return w.directory.current() }
	}
	server, err := xds.New(cfg)
	if err != nil {
		return component{}, err
	}
	w.xds.Store(server)
	serve := func(ctx context.Context) error { return server.Serve(ctx, w.listeners.xds) }
	return component{name: "xds", run: w.edge("xds", serve), stopTimeout: xdsStopTimeout}, nil
}

// meshSource returns the source of what proxies of meshes get.
func (w *wiring) meshSource() *mesh.Source {
	log := w.log.With("part", "xds")
	return &mesh.Source{Region: w.cfg.Region, Seal: w.sealKey, Failed: func(m model.Ref, err error) {
		log.Error("a certificate cannot be issued", "mesh", m.ID(), "error", err)
	}}
}

// authorityComponent keeps the certificate authorities of meshes.
func (w *wiring) authorityComponent() (component, error) {
	if w.follows() {
		return component{}, nil
	}
	worker, err := authority.New(authority.Config{
		Replica: w.rep, Rules: w.currentRules, Seal: w.sealKey, Logger: w.log.With("part", "authority"), Owns: w.owns(),
	})
	if err != nil {
		return component{}, err
	}
	return component{name: "authority", run: worker.Run, stopTimeout: workerStopTimeout}, nil
}

// explainProxy answers /xds/explain. It is nil if xDS is not served.
func (w *wiring) explainProxy() func(context.Context, string, string) (fmt.Stringer, error) {
	if w.listeners.xds == nil {
		return nil
	}
	return func(_ context.Context, account, id string) (fmt.Stringer, error) {
		if id == "" {
			return nil, errors.New("node is missing: /xds/explain?node=ID")
		}
		server := w.xds.Load()
		if server == nil {
			return nil, errors.New("xDS is not served yet")
		}
		report, ok := server.Explain(command.AccountID(account), id)
		if !ok {
			return nil, fmt.Errorf("no client with the node id %q has connected to this node of cairn", id)
		}
		return explanation(report), nil
	}
}

// explanation is a text as a fmt.Stringer.
type explanation string

func (e explanation) String() string { return string(e) }

// xdsAuth authenticates clients of xDS: by a client certificate of a user, a token of
// the configuration, or a signature as Envoy makes it for App Mesh.
type xdsAuth struct {
	node     *Node
	region   string
	tokens   map[[sha256.Size]byte]command.AccountID // by hash, so that the time of a look-up says nothing
	verifier *sigv4.Verifier
}

func (n *Node) newXDSAuth() (*xdsAuth, error) {
	tokens, err := n.cfg.XDS.ReadTokens()
	if err != nil {
		return nil, err
	}
	a := &xdsAuth{node: n, region: n.cfg.Region, tokens: map[[sha256.Size]byte]command.AccountID{}, verifier: sigv4.NewVerifier()}
	for token, account := range tokens {
		a.tokens[sha256.Sum256([]byte(token))] = command.AccountID(account)
	}
	return a, nil
}

func (a *xdsAuth) authenticate(_ context.Context, c *xds.Credentials) (*xds.Caller, error) {
	if values := c.Header.Get("authorization"); len(values) > 0 {
		text := values[0]
		if scheme, token, ok := strings.Cut(text, " "); ok && strings.EqualFold(scheme, "Bearer") { // RFC 9110 section 11.1
			if account, ok := a.tokens[sha256.Sum256([]byte(token))]; ok {
				return &xds.Caller{Account: account, Name: "token"}, nil
			}
			return nil, status.Error(codes.Unauthenticated, "the token is not valid")
		}
		return a.bySignature(c)
	}
	if c.TLS != nil && len(c.TLS.VerifiedChains) > 0 {
		for _, uri := range c.TLS.VerifiedChains[0][0].URIs {
			if p, ok := a.node.directory.current().Principal(uri.String()); ok && p.Kind == identity.UserKind {
				return a.caller(p, func() (*identity.Principal, bool) { return a.node.directory.current().Principal(p.ARN) }), nil
			}
		}
	}
	return nil, status.Error(codes.Unauthenticated, "Missing Authentication Token")
}

// bySignature verifies the signature of a stream. Its body is not part of it.
func (a *xdsAuth) bySignature(c *xds.Credentials) (*xds.Caller, error) {
	r := sigv4.Request{Method: http.MethodPost, Path: c.Method, Header: http.Header{}, Stream: true}
	for key, values := range c.Header {
		switch key {
		case ":authority":
			r.Host = values[0]
		case "authorization":
			r.Header["Authorization"] = values
		default:
			if strings.HasPrefix(key, "x-amz-") {
				r.Header[http.CanonicalHeaderKey(key)] = values
			}
		}
	}
	claim, err := sigv4.Parse(&r)
	if err != nil {
		return nil, status.Error(codes.Unauthenticated, err.Error())
	}
	principal, secret, ok := a.owner(&claim)
	if !ok {
		return nil, errToken
	}
	if err := claim.Check(a.region, "appmesh", time.Now()); err != nil {
		return nil, status.Error(codes.Unauthenticated, err.Error())
	}
	if err := a.verifier.Verify(&r, &claim, secret); err != nil {
		return nil, status.Error(codes.Unauthenticated, err.Error())
	}
	return a.caller(principal, func() (*identity.Principal, bool) {
		p, _, ok := a.owner(&claim)
		return p, ok
	}), nil
}

var errToken = status.Error(codes.Unauthenticated, "The security token included in the request is invalid.")

// owner returns whose key a claim names, and the secret of the key.
func (a *xdsAuth) owner(c *sigv4.Claim) (*identity.Principal, string, bool) {
	directory := a.node.directory.current()
	if c.Token == "" {
		key, ok := directory.Key(c.AccessKeyID)
		if !ok || key.Inactive {
			return nil, "", false
		}
		return key.Owner, key.Secret, true
	}
	if a.node.sealKey == nil {
		return nil, "", false
	}
	session, err := sts.NewSessions(a.node.sealKey).Open(c.Token)
	if err != nil || session.AccessKeyID != c.AccessKeyID || time.Now().Unix() >= session.Expires {
		return nil, "", false
	}
	principal, err := directory.Session(session)
	return principal, session.Secret, err == nil
}

// caller returns a principal as a caller. look finds the principal as it is now; it
// returns false if its key or itself is gone.
func (a *xdsAuth) caller(p *identity.Principal, look func() (*identity.Principal, bool)) *xds.Caller {
	return &xds.Caller{
		Account: command.AccountID(p.Account), Name: p.ARN,
		Allowed: func(action, arn string) bool {
			p, ok := look()
			return ok && p.Evaluate(&access.Request{
				Action: action, Resources: []access.Resource{{ARN: arn}},
				Context: access.MapContext{"aws:principalarn": {p.ARN}, "aws:principalaccount": {p.Account}},
			}).Allowed
		},
		Valid: func() error {
			if _, ok := look(); !ok {
				return errToken
			}
			return nil
		},
	}
}
