package xds

import (
	"context"
	"crypto/tls"
	"net/netip"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

// Credentials are what a client shows when it opens a stream.
type Credentials struct {
	// Method is the path of the gRPC method.
	Method string
	// Header has the metadata of the call, with lower-case keys.
	Header metadata.MD
	// TLS is nil without TLS.
	TLS *tls.ConnectionState
	// Remote is the address of the client; it is not valid for a Unix socket.
	Remote netip.AddrPort
}

// Caller is who a client is.
type Caller struct {
	// Account is the account whose services the client sees.
	Account command.AccountID
	// Name is an ARN or another name, for the log.
	Name string
	// Allowed reports whether the caller may do an action of IAM with a resource.
	Allowed func(action, arn string) bool
	// Task is the task whose proxy the caller is; nil for all others.
	Task *resource.Task
	// Valid returns why the caller is no longer accepted, as a gRPC status. It is asked
	// when Config.Identities has changed. Nil means that the caller always is.
	Valid func() error
}

// connection is what is known of a client before its first request.
type connection struct {
	peer    string
	account command.AccountID
	allowed func(action, arn string) bool
	valid   func() error
	task    *resource.Task // that the client is the proxy of, or nil
	local   bool           // it is on this machine
	open    bool           // nobody is authenticated: the client says itself which account it means
}

// defaultAccount is the account of clients that are not authenticated.
const defaultAccount = command.AccountID("000000000000")

// connect authenticates the client of a stream. Known is who it is by the listener to which
// it is connected, or nil.
func (s *Server) connect(ctx context.Context, known *Caller) (*connection, error) {
	if known != nil {
		return &connection{peer: known.Name, account: known.Account, allowed: known.Allowed, valid: known.Valid, task: known.Task, local: true}, nil
	}
	c := &connection{account: defaultAccount, open: s.cfg.Authenticate == nil}
	creds := &Credentials{}
	creds.Method, _ = grpc.Method(ctx)
	creds.Header, _ = metadata.FromIncomingContext(ctx)
	if p, ok := peer.FromContext(ctx); ok {
		c.peer = p.Addr.String()
		creds.Remote, _ = netip.ParseAddrPort(c.peer)
		c.local = creds.Remote.Addr().Unmap().IsLoopback() || p.Addr.Network() == "unix"
		if info, ok := p.AuthInfo.(credentials.TLSInfo); ok {
			creds.TLS = &info.State
		}
	}
	if c.open {
		return c, nil
	}
	caller, err := s.cfg.Authenticate(ctx, creds)
	if err != nil {
		s.metrics.unauthenticated.Inc()
		s.cfg.Logger.Warn("stream refused", "peer", c.peer, "error", err)
		return nil, err
	}
	c.account, c.allowed, c.valid = caller.Account, caller.Allowed, caller.Valid
	return c, nil
}
