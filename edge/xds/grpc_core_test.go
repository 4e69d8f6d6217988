package xds_test

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	grpcxds "google.golang.org/grpc/xds"

	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/internal/xdsbootstrap"
)

// coreClient is a client with gRPC's C core. For each line that it reads, a number of
// calls, it makes these calls and says which backends have answered how often.
const coreClient = `
import sys, grpc
channel = grpc.insecure_channel(sys.argv[1])
check = channel.unary_unary("/grpc.health.v1.Health/Check")
for line in sys.stdin:
    names = {}
    for i in range(int(line)):
        try:
            _, call = check.with_call(b"", timeout=30, wait_for_ready=True)
            name = dict(call.initial_metadata()).get("backend", "?")
        except grpc.RpcError as e:
            name = "error " + e.details()
        names[name] = names.get(name, 0) + 1
        if name.startswith("error"):
            break
    print(" ".join(n + "=" + str(names[n]) for n in sorted(names)), flush=True)
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

// lineClient is a client like coreClient.
type lineClient struct {
	t       testing.TB
	in      io.Writer
	answers *bufio.Reader
}

// coreClient starts a client of gRPC's C core.
func (w *fixture) coreClient(t testing.TB, target string) *lineClient {
	t.Helper()
	return w.lineClient(t, exec.Command(python(t), "-c", coreClient, target), "core")
}

// lineClient starts a client as a node with an id.
func (w *fixture) lineClient(t testing.TB, cmd *exec.Cmd, id string) *lineClient {
	t.Helper()
	text, err := xdsbootstrap.GRPC(&xdsbootstrap.Config{Server: w.addr, ID: id})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "grpc.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
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
	t.Cleanup(func() { in.Close(); _ = cmd.Process.Kill(); _, _ = io.Copy(io.Discard, out); _ = cmd.Wait() })
	return &lineClient{t, in, bufio.NewReader(out)}
}

// begin makes the client call, and does not wait for the answers.
func (c *lineClient) begin(calls int) { fmt.Fprintln(c.in, calls) }

// call makes calls and returns how often each backend has answered.
func (c *lineClient) call(calls int) map[string]int {
	c.t.Helper()
	c.begin(calls)
	line, err := c.answers.ReadString('\n')
	if err != nil || strings.Contains(line, "error") {
		c.t.Fatalf("%q, %v", line, err)
	}
	counts := map[string]int{}
	for field := range strings.FieldsSeq(line) {
		name, count, _ := strings.Cut(field, "=")
		if counts[name], err = strconv.Atoi(count); err != nil {
			c.t.Fatalf("%q, %v", line, err)
		}
	}
	return counts
}

// until waits until the backends that answer are the wanted ones.
func (c *lineClient) until(want string) {
	c.t.Helper()
	wait(c.t, "the backends that answer are "+want, func() bool {
		return strings.Join(slices.Sorted(maps.Keys(c.call(40))), " ") == want
	})
}

// accepted checks that a node has accepted everything, on one stream.
func (w *fixture) accepted(t testing.TB, node string) {
	t.Helper()
	report, ok := w.server.Explain("", node)
	if !ok || strings.Contains(strings.ToLower(report), "rejected") || strings.Count(report, "stream from") != 1 {
		t.Error(report)
	}
}

// TestCoreClient runs a client of gRPC's C core, with the file of cairn grpc bootstrap.
func TestCoreClient(t *testing.T) {
	w := start(t)
	a, b := startBackend(t, "a"), startBackend(t, "b")
	svc := w.service(w.namespace("shop"), "web")
	w.register(svc, "a", "127.0.0.1", a.port, "weight", "3")
	until := w.coreClient(t, "xds:///web.shop").until
	until("a")
	w.register(svc, "b", "127.0.0.1", b.port, "weight", "1", "AVAILABILITY_ZONE", "eu-west-1b")
	until("a b")
	w.deregister(svc, "a")
	until("b")
	w.accepted(t, "core")
}

// coreServer is a server with gRPC's C core, which says when it was started.
const coreServer = `
import sys, grpc
from concurrent import futures
def check(request, context):
    context.send_initial_metadata((("backend", "core"),))
    return b""
server = grpc.server(futures.ThreadPoolExecutor(2), xds=True)
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
    "grpc.health.v1.Health", {"Check": grpc.unary_unary_rpc_method_handler(check)}),))
server.add_insecure_port(sys.argv[1])
server.start()
print("serving", flush=True)
sys.stdin.read()
`

// TestCoreServer: a server of gRPC's C core gets a listener for its address and serves.
func TestCoreServer(t *testing.T) {
	w := start(t)
	w.serves(t, exec.Command(python(t), "-c", coreServer), "core")
}

// serves starts a server that is also the name of a node and of a backend, and calls it.
func (w *fixture) serves(t testing.TB, cmd *exec.Cmd, name string) {
	t.Helper()
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	cmd.Args = append(cmd.Args, addr)
	c := w.lineClient(t, cmd, name)
	if line, err := c.answers.ReadString('\n'); line != "serving\n" {
		t.Fatalf("%q, %v", line, err)
	}
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	until(t, conn, name)
	w.accepted(t, name)
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
	port := serveHealth(t, server, &backend{name: "xds"})
	conn, err := grpc.NewClient(fmt.Sprintf("127.0.0.1:%d", port), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	until(t, conn, "xds")
}

// TestWeights: gRPC clients spread their calls by the weights of the instances, within
// 3 % of all calls.
func TestWeights(t *testing.T) {
	w := start(t)
	svc := w.service(w.namespace("shop"), "web")
	for name, weight := range map[string]string{"a": "70", "b": "20", "c": "10", "none": "0"} {
		w.register(svc, name, "127.0.0.1", startBackend(t, name).port, "weight", weight)
	}
	spread := func(t *testing.T, count func(calls int) map[string]int) {
		wait(t, "all backends answer", func() bool { return len(count(100)) == 3 })
		const calls = 4000
		got := count(calls)
		for name, want := range map[string]float64{"a": 0.7, "b": 0.2, "c": 0.1, "none": 0} {
			if share := float64(got[name]) / calls; share < want-0.03 || share > want+0.03 {
				t.Errorf("%s got %.3f of the calls, want %.2f", name, share, want)
			}
		}
	}
	t.Run("gRPC for Go", func(t *testing.T) {
		conn := w.dial("xds:///web.shop")
		spread(t, func(calls int) map[string]int { return count(t, conn, calls) })
	})
	t.Run("C core", func(t *testing.T) { spread(t, w.coreClient(t, "xds:///web.shop").call) })
	t.Run("gRPC for Node", func(t *testing.T) { spread(t, w.nodeClient(t, "xds:///web.shop").call) })
}
