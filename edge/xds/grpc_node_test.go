package xds_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/xds"
	"github.com/cairn-discovery/cairn/internal/testtool"
)

// nodeHealth describes the service of health checks to gRPC for Node.
const nodeHealth = `
const grpc = require('@grpc/grpc-js');
const xds = require('@grpc/grpc-js-xds');
const same = b => b;
const health = {check: {
	path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false,
	requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same,
}};
const argument = process.argv[process.argv.length - 1];
xds.register();
`

// nodeClient is a client with gRPC for Node. It does what coreClient does.
const nodeClient = nodeHealth + `
const Health = grpc.makeGenericClientConstructor(health);
const client = new Health(argument, grpc.credentials.createInsecure());
const call = () => new Promise(done => {
	let name = '?';
	const metadata = new grpc.Metadata({waitForReady: true});
	client.check(Buffer.alloc(0), metadata, {deadline: Date.now() + 30000}, error => done(error ? 'error ' + error.details : name))
		.on('metadata', m => name = m.get('backend')[0] || '?');
});
require('readline').createInterface({input: process.stdin}).on('line', async line => {
	const names = {};
	for (let i = 0; i < Number(line); i++) {
		const name = await call();
		names[name] = (names[name] || 0) + 1;
		if (name.startsWith('error')) break;
	}
	console.log(Object.keys(names).sort().map(n => n + '=' + names[n]).join(' '));
}).on('close', () => process.exit(0));
`

// nodeServer is a server with gRPC for Node, which says when it serves.
const nodeServer = nodeHealth + `
const server = new xds.XdsServer();
server.addService(health, {check: (call, done) => {
	const metadata = new grpc.Metadata();
	metadata.set('backend', 'node');
	call.sendMetadata(metadata);
	done(null, Buffer.alloc(0));
}});
server.bindAsync(argument, grpc.ServerCredentials.createInsecure(), error => console.log(error || 'serving'));
process.stdin.on('data', () => {}).on('end', () => process.exit(0));
`

// nodeCommand returns a command that runs a program of gRPC for Node.
func nodeCommand(t testing.TB, program string, arguments ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(testtool.Need(t, "node", "nodejs"), append([]string{"-e", program, "--"}, arguments...)...)
	cmd.Dir = filepath.Dir(testtool.NodeModules(t, "@grpc/grpc-js-xds"))
	return cmd
}

// nodeClient starts a client of gRPC for Node.
func (w *fixture) nodeClient(t testing.TB, target string) *lineClient {
	t.Helper()
	return w.lineClient(t, nodeCommand(t, nodeClient, target), "node")
}

// TestNodeClient runs a client of gRPC for Node, with the file of cairn grpc bootstrap.
func TestNodeClient(t *testing.T) {
	w := start(t, func(c *xds.Config) { c.Drain = patience })
	a, b := startBackend(t, "a"), startBackend(t, "b")
	svc := w.service(w.namespace("shop"), "web")
	w.register(svc, "a", "127.0.0.1", a.port, "weight", "3")
	c := w.nodeClient(t, "xds:///web.shop")
	c.until("a")
	w.register(svc, "b", "127.0.0.1", b.port, "AVAILABILITY_ZONE", "eu-west-1b", "version", "2")
	c.until("a b")
	w.health(svc, "a", registry.Unhealthy)
	c.until("b")
	w.health(svc, "a", registry.Healthy)
	c.until("a b")
	w.deregister(svc, "a") // is DRAINING for the rest of the test
	c.until("b")
	w.accepted(t, "node")
}

// TestNodeNames: gRPC for Node finds a name with a port and a filter. What precedes the
// filter must be an authority for it.
func TestNodeNames(t *testing.T) {
	w := start(t)
	b := startBackend(t, "b")
	svc := w.service(w.namespace("shop.local"), "web")
	w.do(&registry.RegisterInstance{ServiceRef: string(svc), ID: "b", Attributes: map[string]string{"AWS_INSTANCE_IPV4": "127.0.0.1", "version": "2"}})
	w.nodeClient(t, fmt.Sprintf("xds:///web.shop.local:%d/?version=2", b.port)).until("b")
	w.accepted(t, "node")
}

// TestNodeServer: a server of gRPC for Node gets a listener for its address and serves.
func TestNodeServer(t *testing.T) {
	w := start(t)
	w.serves(t, nodeCommand(t, nodeServer), "node")
}
