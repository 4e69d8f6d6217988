package xds_test

import (
	"context"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	grpcxds "google.golang.org/grpc/xds"

	"github.com/cairn-discovery/cairn/internal/xdsbootstrap"
)

// grpcMesh is a mesh in which the virtual node client calls calls.local, a router with the
// targets a and b.
const grpcMesh = `mesh/shop {}
	mesh/shop/virtualNode/client {"backends": [{"virtualService": {"virtualServiceName": "calls.local"}}]}
	mesh/shop/virtualNode/a {"listeners": [{"portMapping": {"port": 90, "protocol": "grpc"}}], "serviceDiscovery": {"awsCloudMap": {"namespaceName": "local", "serviceName": "a"}}}
	mesh/shop/virtualNode/b {"listeners": [{"portMapping": {"port": 90, "protocol": "grpc"}}], "serviceDiscovery": {"awsCloudMap": {"namespaceName": "local", "serviceName": "b"}}}
	mesh/shop/virtualRouter/calls {"listeners": [{"portMapping": {"port": 90, "protocol": "grpc"}}]}
	mesh/shop/virtualService/calls.local {"provider": {"virtualRouter": {"virtualRouterName": "calls"}}}
`

// startGRPCMesh starts a server with the mesh, and a backend for each target.
func startGRPCMesh(t *testing.T) *fixture {
	w := start(t, withMesh)
	w.put(grpcMesh)
	ns := w.namespace("local")
	for _, name := range []string{"a", "b"} {
		w.register(w.service(ns, name), name, "127.0.0.1", startBackend(t, name).port)
	}
	return w
}

// route puts a route of the router, with weights of a and b.
func (w *fixture) route(name string, a, b int, more string) {
	w.t.Helper()
	w.put(fmt.Sprintf(`mesh/shop/virtualRouter/calls/route/%s {"grpcRoute": {%s, "action": {"weightedTargets": [
		{"virtualNode": "a", "weight": %d}, {"virtualNode": "b", "weight": %d}]}}}`, name, more, a, b))
}

// meshClient is the id of the virtual node that calls.
const meshClient = "mesh/shop/virtualNode/client"

// TestMeshProxyless: three implementations of gRPC without a proxy follow the routes of
// their virtual node.
func TestMeshProxyless(t *testing.T) {
	for _, c := range []struct {
		name    string
		command func(t testing.TB) *exec.Cmd // nil: gRPC for Go
	}{
		{"gRPC for Go", nil},
		{"C core", func(t testing.TB) *exec.Cmd { return exec.Command(python(t), "-c", coreClient, "xds:///calls.local") }},
		{"gRPC for Node", func(t testing.TB) *exec.Cmd { return nodeCommand(t, nodeClient, "xds:///calls.local:90") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := startGRPCMesh(t)
			w.route("all", 50, 50, `"match": {}`)
			var calls func(n int) map[string]int
			if c.command != nil {
				calls = w.lineClient(t, c.command(t), meshClient).call
			} else {
				conn := w.dialAs(meshClient, "xds:///calls.local")
				calls = func(n int) map[string]int { return count(t, conn, n) }
			}
			until := func(want ...string) {
				t.Helper()
				wait(t, fmt.Sprintf("calls reach %v", want), func() bool { return slices.Equal(slices.Sorted(maps.Keys(calls(40))), want) })
			}
			until("a", "b")
			w.route("all", 0, 100, `"match": {}`)
			until("b")
			w.route("check", 1, 0, `"match": {"serviceName": "grpc.health.v1.Health", "methodName": "Check"}`)
			until("a")
			w.route("check", 0, 1, `"match": {"serviceName": "other.Service"}`)
			w.route("all", 20, 80, `"match": {}`)
			until("a", "b")
			const total = 2000
			if share := float64(calls(total)["a"]) / total; share < 0.16 || share > 0.24 {
				t.Errorf("a has %.3f of the calls, want 0.2", share)
			}
			w.accepted(t, meshClient)
		})
	}
}

// count makes calls and returns how often each backend has answered.
func count(t testing.TB, conn *grpc.ClientConn, calls int) map[string]int {
	t.Helper()
	got := map[string]int{}
	for range calls {
		name, err := call(t.Context(), conn)
		if err != nil {
			t.Fatal(err)
		}
		got[name]++
	}
	return got
}

// fickle is a backend that answers each second call with UNAVAILABLE, and a call for the
// service "slow" only when the client has given up.
type fickle struct {
	grpc_health_v1.UnimplementedHealthServer
	calls atomic.Int64
}

func (f *fickle) Check(ctx context.Context, r *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	if r.GetService() == "slow" {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if f.calls.Add(1)%2 == 1 {
		return nil, status.Error(codes.Unavailable, "try again")
	}
	return &grpc_health_v1.HealthCheckResponse{}, nil
}

// TestMeshProxylessServer: a gRPC server without a proxy is the target of a route, whose
// retries and time limit its client observes.
func TestMeshProxylessServer(t *testing.T) {
	w := start(t, withMesh)
	w.put(grpcMesh)
	text, err := xdsbootstrap.GRPC(&xdsbootstrap.Config{Server: w.addr, ID: "mesh/shop/virtualNode/a"})
	if err != nil {
		t.Fatal(err)
	}
	server, err := grpcxds.NewGRPCServer(grpcxds.BootstrapContentsForTesting(text))
	if err != nil {
		t.Fatal(err)
	}
	target := &fickle{}
	w.register(w.service(w.namespace("local"), "a"), "a", "127.0.0.1", serveHealth(t, server, target))
	w.route("all", 1, 0, `"match": {}, "timeout": {"perRequest": {"unit": "ms", "value": 300}},
		"retryPolicy": {"maxRetries": 2, "perRetryTimeout": {"unit": "s", "value": 1}, "grpcRetryEvents": ["unavailable"]}`)
	client := grpc_health_v1.NewHealthClient(w.dialAs(meshClient, "xds:///calls.local"))
	for range 3 {
		// The first attempt of each call fails. The time limit of the route could end a call
		// that waits for its first connection, so that is not checked before.
		wait(t, "a call is repeated and answered", func() bool {
			before := target.calls.Load()
			_, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}, grpc.WaitForReady(true))
			if err != nil && !strings.Contains(err.Error(), "DeadlineExceeded") {
				t.Fatal(err)
			}
			return err == nil && target.calls.Load()-before == 2
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "slow"}); status.Code(err) != codes.DeadlineExceeded || ctx.Err() != nil {
		t.Errorf("got %v, want the time limit of the route", err)
	}
	w.accepted(t, meshClient)
	w.accepted(t, "mesh/shop/virtualNode/a")
}

// dialAs returns a proxyless client of a target, with the id of a node.
func (w *fixture) dialAs(id, target string) *grpc.ClientConn {
	w.t.Helper()
	text, err := xdsbootstrap.GRPC(&xdsbootstrap.Config{Server: w.addr, ID: id})
	if err != nil {
		w.t.Fatal(err)
	}
	builder, err := grpcxds.NewXDSResolverWithConfigForTesting(text)
	if err != nil {
		w.t.Fatal(err)
	}
	conn, err := grpc.NewClient(target, grpc.WithResolvers(builder), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	return conn
}
