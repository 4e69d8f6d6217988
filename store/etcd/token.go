package etcd

import (
	"context"
	"errors"
	"sync"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// tokens authenticates the client to etcd: it gets a token for a user, and sends it with
// every request. The client of etcd can do that too, but it asks for a new token with a
// request that has the old one: etcd 3.4 refuses that if it does not know the old one,
// which it forgets when it is started again. So the client of etcd gets no user.
type tokens struct {
	user, password string

	mu    sync.Mutex
	token string
}

// options returns what makes a connection use the tokens. Without a user it is nothing.
func (t *tokens) options() []grpc.DialOption {
	if t.user == "" {
		return nil
	}
	return []grpc.DialOption{
		grpc.WithPerRPCCredentials(t), grpc.WithChainUnaryInterceptor(t.unary), grpc.WithChainStreamInterceptor(t.stream),
	}
}

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (t *tokens) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	request, ok := credentials.RequestInfoFromContext(ctx)
	token := t.current()
	if token == "" || ok && request.Method == pb.Auth_Authenticate_FullMethodName {
		return nil, nil
	}
	return map[string]string{rpctypes.TokenFieldNameGRPC: token}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials: etcd can be used
// without TLS, on one machine.
func (t *tokens) RequireTransportSecurity() bool { return false }

func (t *tokens) current() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.token
}

// unary makes a request, and makes it again with a new token if etcd refuses the token.
// etcd checks the token before it does anything.
func (t *tokens) unary(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	used := t.current()
	err := invoke(ctx, method, req, reply, conn, opts...)
	if method == pb.Auth_Authenticate_FullMethodName || !refusesToken(err) {
		return err
	}
	if err := t.renew(ctx, conn, used); err != nil {
		return err
	}
	return invoke(ctx, method, req, reply, conn, opts...)
}

// stream opens a stream with a new token: that of the last one may have expired.
func (t *tokens) stream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	if err := t.renew(ctx, conn, t.current()); err != nil {
		return nil, err
	}
	return open(ctx, desc, conn, method, opts...)
}

// renew gets a new token, unless another request has done so since the token used.
func (t *tokens) renew(ctx context.Context, conn *grpc.ClientConn, used string) error {
	if t.current() != used {
		return nil
	}
	reply, err := pb.NewAuthClient(conn).Authenticate(ctx, &pb.AuthenticateRequest{Name: t.user, Password: t.password})
	switch {
	case errors.Is(rpctypes.Error(err), rpctypes.ErrAuthNotEnabled):
		reply = &pb.AuthenticateResponse{} // etcd wants no token
	case err != nil:
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token = reply.Token
	return nil
}

// refusesToken reports whether an error says that a request needs another token.
func refusesToken(err error) bool {
	if err == nil {
		return false
	}
	e := rpctypes.Error(err)
	return errors.Is(e, rpctypes.ErrInvalidAuthToken) || errors.Is(e, rpctypes.ErrAuthOldRevision) || errors.Is(e, rpctypes.ErrUserEmpty)
}
