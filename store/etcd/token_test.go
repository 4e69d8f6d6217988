package etcd

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// strictServer checks tokens as etcd 3.4 does: it refuses a request with a token that it
// does not know, also one for a new token.
type strictServer struct {
	pb.UnimplementedAuthServer
	pb.UnimplementedKVServer

	mu    sync.Mutex
	count int
	known map[string]bool
}

func (s *strictServer) check(ctx context.Context, needed bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	md, _ := metadata.FromIncomingContext(ctx)
	switch given := md.Get(rpctypes.TokenFieldNameGRPC); {
	case len(given) == 0 && needed:
		return rpctypes.ErrGRPCUserEmpty
	case len(given) != 0 && !s.known[given[0]]:
		return rpctypes.ErrGRPCInvalidAuthToken
	}
	return nil
}

func (s *strictServer) Authenticate(ctx context.Context, in *pb.AuthenticateRequest) (*pb.AuthenticateResponse, error) {
	if err := s.check(ctx, false); err != nil {
		return nil, err
	}
	if in.Name != "cairn" || in.Password != "secret" {
		return nil, rpctypes.ErrGRPCAuthFailed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	token := fmt.Sprint("token.", s.count)
	s.known[token] = true
	return &pb.AuthenticateResponse{Token: token}, nil
}

func (s *strictServer) Range(ctx context.Context, _ *pb.RangeRequest) (*pb.RangeResponse, error) {
	return &pb.RangeResponse{Header: &pb.ResponseHeader{}}, s.check(ctx, true)
}

// forget makes all tokens unknown, as when etcd starts again.
func (s *strictServer) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.known)
}

// etcd forgets tokens, and refuses a request for a new one that has the old one.
func TestTokens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, strict := grpc.NewServer(), &strictServer{known: map[string]bool{}}
	pb.RegisterAuthServer(server, strict)
	pb.RegisterKVServer(server, strict)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	defer serving.Wait()
	defer server.Stop()
	connect := func(password string) *clientv3.Client {
		users := &tokens{user: "cairn", password: password}
		c, err := clientv3.New(clientv3.Config{Endpoints: []string{"http://" + l.Addr().String()}, DialOptions: users.options(), Logger: zap.NewNop()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	c := connect("secret")
	for range 3 {
		for range 2 {
			if _, err := c.Get(t.Context(), "key"); err != nil {
				t.Fatal(err)
			}
		}
		strict.forget()
	}
	if strict.count != 3 {
		t.Errorf("%d tokens were made, want one each time that they were forgotten", strict.count)
	}
	if _, err := connect("wrong").Get(t.Context(), "key"); rpctypes.ErrorDesc(err) != rpctypes.ErrorDesc(rpctypes.ErrGRPCAuthFailed) {
		t.Errorf("with a wrong password: %v", err)
	}
}
