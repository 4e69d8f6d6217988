package node_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

const (
	xdsMethod = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"
	noBody    = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// signed returns the metadata with which Envoy signs a stream for App Mesh.
func signed(t *testing.T, addr, secret, payload string, at time.Time) metadata.MD {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, "http://"+addr+xdsMethod, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Content-Sha256", payload)
	creds := aws.Credentials{AccessKeyID: "KEY1", SecretAccessKey: secret}
	if err := v4.NewSigner().SignHTTP(t.Context(), creds, r, payload, "appmesh", "us-east-1", at); err != nil {
		t.Fatal(err)
	}
	md := metadata.MD{}
	for key, values := range r.Header {
		md[strings.ToLower(key)] = values
	}
	return md
}

// TestXDSAuthentication: with auth.mode sigv4, a stream needs a signature as Envoy makes
// it for App Mesh, or a token.
func TestXDSAuthentication(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(func(c *node.Config) {
		c.Auth.Mode, c.Region = config.AuthSigV4, "us-east-1"
		c.Accounts = []config.Account{{ID: "111111111111", Users: []config.User{{
			Name: "proxy", AccessKeys: []config.AccessKey{{ID: "KEY1", Secret: "secret-of-proxy"}},
		}}}}
		c.XDS.Tokens = []config.XDSToken{{Account: "111111111111", File: token}}
	}))
	addr, now := n.Addrs().XDS, time.Now()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, c := range []struct {
		name string
		md   metadata.MD
		want codes.Code
	}{
		{"nothing", nil, codes.Unauthenticated},
		{"signature", signed(t, addr, "secret-of-proxy", noBody, now), codes.OK},
		{"unsigned payload", signed(t, addr, "secret-of-proxy", "UNSIGNED-PAYLOAD", now), codes.OK},
		{"wrong secret", signed(t, addr, "other", noBody, now), codes.Unauthenticated},
		{"old", signed(t, addr, "secret-of-proxy", noBody, now.Add(-time.Hour)), codes.Unauthenticated},
		{"token", metadata.Pairs("authorization", "Bearer 0123456789abcdef"), codes.OK},
		{"token, scheme in lower case", metadata.Pairs("authorization", "bearer 0123456789abcdef"), codes.OK},
		{"wrong token", metadata.Pairs("authorization", "Bearer 0123456789abcdeF"), codes.Unauthenticated},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(metadata.NewOutgoingContext(t.Context(), c.md), time.Minute)
			defer cancel()
			stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(ctx)
			if err != nil {
				t.Fatal(err)
			}
			_ = stream.Send(&discoveryv3.DiscoveryRequest{TypeUrl: "type.googleapis.com/envoy.config.cluster.v3.Cluster"})
			if _, err := stream.Recv(); status.Code(err) != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// TestXDSExposure: the listener refuses to be reachable from other machines without
// authentication and encryption.
func TestXDSExposure(t *testing.T) {
	cfg := nodetest.Config(t)
	cfg.XDSAddr = "0.0.0.0:0"
	if _, err := node.New(cfg); err == nil || !strings.Contains(err.Error(), "xds_addr") {
		t.Errorf("open: %v", err)
	}
	cfg.Auth.Mode = config.AuthSigV4
	if _, err := node.New(cfg); err == nil || !strings.Contains(err.Error(), "without TLS") {
		t.Errorf("without TLS: %v", err)
	}
	cfg.TLS.AllowPlainHTTP = true
	if _, err := node.New(cfg); err != nil {
		t.Error(err)
	}
}
