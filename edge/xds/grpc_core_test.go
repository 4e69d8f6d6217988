package xds_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	grpcxds "google.golang.org/grpc/xds"

	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/internal/xdsbootstrap"
)

// coreClient is a client with gRPC's C core. For each line that it reads it makes calls
// and says which backends have answered.
const coreClient = `
import sys, grpc
channel = grpc.insecure_channel(sys.argv[1])
check = channel.unary_unary("/grpc.health.v1.Health/Check")
for line in sys.stdin:
    names = set()
    for i in range(40):
        try:
            _, call = check.with_call(b"", timeout=30, wait_for_ready=True)
            names.add(dict(call.initial_metadata()).get("backend", "?"))
        except grpc.RpcError as e:
            names.add("error " + e.details())
    print(" ".join(sorted(names)), flush=True)
`

// python returns an interpreter that has gRPC.
func python(t testing.TB) string {
	t.Helper()
	for _, path := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(path, "-c", "import grpc").Run() == nil {
			return path
		}
	}
	testtool.Missing(t, "grpc for Python", "python3-grpcio")
	return ""
}

// TestCoreClient runs a client of gRPC's C core, with the file of cairn grpc bootstrap.
func TestCoreClient(t *testing.T) {
	interpreter := python(t)
	w := start(t)
	a, b := startBackend(t, "a"), startBackend(t, "b")
	svc := w.service(w.namespace("shop"), "web")
	w.register(svc, "a", "127.0.0.1", a.port, "weight", "3")
	text, err := xdsbootstrap.GRPC(&xdsbootstrap.Config{Server: w.addr, ID: "core"})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "grpc.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(interpreter, "-c", coreClient, "xds:///web.shop")
	cmd.Env = append(os.Environ(), "GRPC_XDS_BOOTSTRAP="+file)
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(out)
	t.Cleanup(func() { in.Close(); _, _ = io.Copy(io.Discard, answers); _ = cmd.Wait() })
	until := func(want string) {
		t.Helper()
		wait(t, "the backends that answer are "+want, func() bool {
			fmt.Fprintln(in)
			line, err := answers.ReadString('\n')
			if err != nil || strings.Contains(line, "error") {
				t.Fatalf("%q, %v", line, err)
			}
			return strings.TrimSpace(line) == want
		})
	}
	until("a")
	w.register(svc, "b", "127.0.0.1", b.port, "weight", "1", "AVAILABILITY_ZONE", "eu-west-1b")
	until("a b")
	w.deregister(svc, "a")
	until("b")
	report, _ := w.server.Explain("core")
	if strings.Contains(report, "REJECTED") || strings.Contains(report, "rejected") {
		t.Error(report)
	}
}

// TestProxylessServer: a gRPC server without a proxy gets a listener for its address and
// serves.
func TestProxylessServer(t *testing.T) {
	w := start(t)
	text, err := xdsbootstrap.GRPC(&xdsbootstrap.Config{Server: w.addr, ID: "server"})
	if err != nil {
		t.Fatal(err)
	}
	server, err := grpcxds.NewGRPCServer(grpcxds.BootstrapContentsForTesting(text))
	if err != nil {
		t.Fatal(err)
	}
	grpc_health_v1.RegisterHealthServer(server, &backend{name: "xds"})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = server.Serve(ln); close(done) }()
	t.Cleanup(func() { server.Stop(); <-done })
	conn, err := grpc.NewClient(ln.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	until(t, conn, "xds")
}

// TestWeights: a gRPC client spreads its calls by the weights of the instances, within
// 2 % of all calls.
func TestWeights(t *testing.T) {
	w := start(t)
	svc := w.service(w.namespace("shop"), "web")
	for name, weight := range map[string]string{"a": "70", "b": "20", "c": "10", "none": "0"} {
		w.register(svc, name, "127.0.0.1", startBackend(t, name).port, "weight", weight)
	}
	conn := w.dial("xds:///web.shop")
	until(t, conn, "a", "b", "c")
	const calls = 5000
	got := map[string]int{}
	for range calls {
		name, err := call(t.Context(), conn)
		if err != nil {
			t.Fatal(err)
		}
		got[name]++
	}
	for name, want := range map[string]float64{"a": 0.7, "b": 0.2, "c": 0.1, "none": 0} {
		if share := float64(got[name]) / calls; share < want-0.02 || share > want+0.02 {
			t.Errorf("%s got %.3f of the calls, want %.2f", name, share, want)
		}
	}
}
