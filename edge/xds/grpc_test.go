package xds_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/cairn-discovery/cairn/core/registry"
)

// backend is a gRPC server that says its name in each answer.
type backend struct {
	grpc_health_v1.UnimplementedHealthServer
	name string
	port int
}

func (b *backend) Check(ctx context.Context, _ *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	_ = grpc.SetHeader(ctx, metadata.Pairs("backend", b.name))
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, nil
}

// startBackend starts a backend on a free port of 127.0.0.1.
func startBackend(t testing.TB, name string) *backend {
	t.Helper()
	b := &backend{name: name}
	b.port = serveHealth(t, grpc.NewServer(), b)
	return b
}

// healthServer is what a gRPC server and one without a proxy have in common.
type healthServer interface {
	grpc.ServiceRegistrar
	Serve(net.Listener) error
	Stop()
}

// serveHealth serves the health service on a free port of 127.0.0.1 until the test ends.
func serveHealth(t testing.TB, server healthServer, service grpc_health_v1.HealthServer) (port int) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	grpc_health_v1.RegisterHealthServer(server, service)
	done := make(chan struct{})
	go func() { _ = server.Serve(ln); close(done) }()
	t.Cleanup(func() { server.Stop(); <-done })
	return ln.Addr().(*net.TCPAddr).Port
}

// dial returns a proxyless client of a target.
func (w *fixture) dial(target string) *grpc.ClientConn {
	w.t.Helper()
	return w.dialAs("grpc-go", target)
}

// call makes a call and returns the name of the backend.
func call(ctx context.Context, conn *grpc.ClientConn) (string, error) {
	var header metadata.MD
	_, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{}, grpc.Header(&header), grpc.WaitForReady(true))
	if err != nil {
		return "", err
	}
	return header.Get("backend")[0], nil
}

// until calls until only the wanted backends answer.
func until(t testing.TB, conn *grpc.ClientConn, want ...string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		got := map[string]bool{}
		for range 8 * len(want) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			name, err := call(ctx, conn)
			cancel()
			if err != nil {
				t.Fatal(err)
			}
			got[name] = true
		}
		all := len(got) == len(want)
		for _, name := range want {
			all = all && got[name]
		}
		if all {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the backends that answer are %v, want %v", got, want)
		}
	}
}

// TestProxylessClient runs a gRPC client without a proxy against the registry: it finds
// the instances by the name of the service, and follows health and registrations.
func TestProxylessClient(t *testing.T) {
	w := start(t)
	a, b := startBackend(t, "a"), startBackend(t, "b")
	svc := w.service(w.namespace("shop"), "web")
	w.register(svc, "a", "127.0.0.1", a.port)
	conn := w.dial("xds:///web.shop")
	until(t, conn, "a")
	w.register(svc, "b", "127.0.0.1", b.port, "AVAILABILITY_ZONE", "eu-west-1b")
	until(t, conn, "a", "b")
	w.health(svc, "a", registry.Unhealthy)
	until(t, conn, "b")
	w.health(svc, "a", registry.Healthy)
	until(t, conn, "a", "b")
	w.deregister(svc, "b")
	until(t, conn, "a")
}

// TestProxylessNames: each form of a name reaches the instances that it selects.
func TestProxylessNames(t *testing.T) {
	w := start(t)
	a, b := startBackend(t, "a"), startBackend(t, "b")
	svc := w.service(w.namespace("shop.local"), "web.v1")
	w.register(svc, "a", "127.0.0.1", a.port, "version", "1")
	w.do(&registry.RegisterInstance{ServiceRef: string(svc), ID: "b", Attributes: map[string]string{"AWS_INSTANCE_IPV4": "127.0.0.1", "version": "2"}})
	for _, c := range []struct {
		target string
		want   []string
	}{
		{"xds:///web.v1.shop.local", []string{"a"}},
		{fmt.Sprintf("xds:///web.v1.shop.local:%d", b.port), []string{"a", "b"}},
		{fmt.Sprintf("xds:///web.v1.shop.local:%d%%7Cversion=2", b.port), []string{"b"}},
		{"xds:///web.v1.shop.local%3Fversion=1", []string{"a"}},
	} {
		t.Run(c.target, func(t *testing.T) { until(t, w.dial(c.target), c.want...) })
	}
}
