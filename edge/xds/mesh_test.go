package xds_test

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/mesh/meshtest"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/xds"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/mesh"
	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"
	"github.com/cairn-discovery/cairn/internal/testca"
	"github.com/cairn-discovery/cairn/internal/xdsbootstrap"
)

// requests is how many requests a test of weights makes for each weight.
var requests = flag.Int("requests", 2000, "requests of tests of weights, for each weight")

// withMesh serves meshes too.
func withMesh(c *xds.Config) {
	c.Sources = []resource.Source{&mesh.Source{Region: "eu-west-1"}, &plain.Source{Region: "eu-west-1"}}
	c.Drain = 300 * time.Millisecond
}

// stored is a command that stores changes.
type stored []command.Change

func (s stored) Decide(command.View, *command.Meta) (command.Decision, error) {
	return command.Decision{Changes: s}, nil
}

// put stores the resources of a text of package meshtest.
func (w *fixture) put(text string) {
	w.t.Helper()
	changes, err := meshtest.Parse(account, text)
	if err != nil {
		w.t.Fatal(err)
	}
	w.do(stored(changes))
}

// lastAddress makes each proxy listen at an address of its own.
var lastAddress atomic.Int64

// proxy starts the Envoy of a virtual node or gateway. Its id is the path of the resource.
func (w *fixture) proxy(id string, world bool) *envoy {
	w.t.Helper()
	n := int64(os.Getpid())*16 + lastAddress.Add(1)
	listen := fmt.Sprintf("127.%d.%d.%d", 1+n>>14&63, n>>7&127, 1+n&127)
	e := w.envoyWith(&xdsbootstrap.Config{
		Server: w.addr, ID: id, Cluster: listen, StateOfTheWorld: world, Metadata: map[string]any{"cairn.listen_address": listen},
	}, nil)
	e.ip, e.listen = listen, listen+":15001"
	return e
}

// app starts a web server at 127.0.0.1 that answers with its name.
func app(t testing.TB, name string) (port int) {
	_, port = web(t, name)
	return port
}

// load makes requests until it is stopped.
type load struct {
	t       testing.TB
	client  *http.Client
	url     string
	host    string
	stop    context.CancelFunc
	wait    sync.WaitGroup
	mu      sync.Mutex
	answers map[string]int
	failed  []string
}

// newLoad returns a load for a host at an address.
func newLoad(t testing.TB, addr, host string, workers int) *load {
	ctx, cancel := context.WithCancel(context.Background())
	transport := &http.Transport{MaxIdleConnsPerHost: workers}
	l := &load{t: t, client: &http.Client{Transport: transport, Timeout: patience}, url: "http://" + addr + "/", host: host, stop: cancel, answers: map[string]int{}}
	for range workers {
		l.wait.Go(func() {
			for ctx.Err() == nil {
				l.request(ctx)
			}
		})
	}
	t.Cleanup(func() { l.end(); transport.CloseIdleConnections() })
	return l
}

func (l *load) request(ctx context.Context) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url, nil)
	if err != nil {
		l.t.Error(err)
		return
	}
	r.Host = l.host
	var text string
	response, err := l.client.Do(r)
	if err == nil {
		var body []byte
		body, err = io.ReadAll(response.Body)
		response.Body.Close()
		text = string(body)
		if response.StatusCode != http.StatusOK {
			err = errors.New(response.Status + ": " + text)
		}
	}
	if ctx.Err() != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failed = append(l.failed, err.Error())
		return
	}
	l.answers[text]++
}

// count returns the number of answers of each backend since the last call, when there
// are n of them.
func (l *load) count(n int) map[string]int {
	l.t.Helper()
	l.reset()
	for done := 0; ; {
		var got map[string]int
		target := min(n, done+500) // so that the time for each 500 is bounded
		wait(l.t, fmt.Sprintf("there are %d answers", target), func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			got, done = maps.Clone(l.answers), 0
			for _, one := range got {
				done += one
			}
			return done >= target || len(l.failed) > 0
		})
		if done >= n || len(l.failures()) > 0 {
			return got
		}
	}
}

func (l *load) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.answers)
}

// until waits until only the wanted backends answer.
func (l *load) until(want ...string) {
	l.t.Helper()
	wait(l.t, fmt.Sprintf("%v answer", want), func() bool {
		got := slices.Sorted(maps.Keys(l.count(20 * len(want))))
		return slices.Equal(got, want) || len(l.failures()) > 0
	})
}

func (l *load) failures() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// end stops the load and fails the test if a request has failed.
func (l *load) end() {
	l.stop()
	l.wait.Wait()
	if failed := l.failures(); len(failed) > 0 {
		l.t.Errorf("%d requests failed, the first: %s", len(failed), failed[0])
		l.mu.Lock()
		l.failed = nil
		l.mu.Unlock()
	}
}

// share checks that the backends get the wanted shares of requests, in percent: within
// 2 % of 20,000 requests, or four standard deviations of fewer.
func (l *load) share(want map[string]float64) {
	l.t.Helper()
	l.until(slices.Sorted(maps.Keys(want))...)
	got := l.count(*requests)
	sum := 0.0
	for _, n := range got {
		sum += float64(n)
	}
	tolerance := max(2, 200/math.Sqrt(sum))
	for name, percent := range want {
		if have := 100 * float64(got[name]) / sum; have < percent-tolerance || have > percent+tolerance {
			l.t.Errorf("%s has %.1f %% of %.0f requests, want %.0f %%", name, have, sum, percent)
		}
	}
	l.t.Logf("%v of %.0f requests", got, sum)
}

// certificates is a folder with the certificate of a node and the authority, which can be
// replaced at once.
type certificates struct {
	t    testing.TB
	dir  string
	ca   *testca.CA
	name string
	n    int
}

func newCertificates(t testing.TB, ca *testca.CA, name string) *certificates {
	c := &certificates{t: t, dir: t.TempDir(), ca: ca, name: name}
	c.renew()
	return c
}

// renew replaces the certificate as Kubernetes does: by another link.
func (c *certificates) renew() {
	c.t.Helper()
	c.n++
	next := filepath.Join(c.dir, fmt.Sprint("v", c.n))
	if err := os.Mkdir(next, 0o700); err != nil {
		c.t.Fatal(err)
	}
	chain, key := c.ca.Issue(c.t, testca.Names{DNS: []string{c.name}})
	for from, to := range map[string]string{chain: "tls.crt", key: "tls.key", c.ca.File: "ca.crt"} {
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(next, to), text, 0o600)
		}
		if err != nil {
			c.t.Fatal(err)
		}
	}
	link := filepath.Join(c.dir, "new")
	if err := os.Symlink(next, link); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Rename(link, filepath.Join(c.dir, "current")); err != nil {
		c.t.Fatal(err)
	}
	for _, file := range []string{"tls.crt", "tls.key", "ca.crt"} {
		if c.n == 1 {
			if err := os.Symlink(filepath.Join("current", file), filepath.Join(c.dir, file)); err != nil {
				c.t.Fatal(err)
			}
		}
	}
}

func (c *certificates) file() string {
	return fmt.Sprintf(`"file": {"certificateChain": "%[1]s/tls.crt", "privateKey": "%[1]s/tls.key"}`, c.dir)
}

func (c *certificates) trust() string {
	return fmt.Sprintf(`"trust": {"file": {"certificateChain": "%s/ca.crt"}}`, c.dir)
}

// hybrid is a mesh with two virtual nodes behind a router, and a client. All do TLS with
// each other.
type hybrid struct {
	*fixture
	client   *certificates
	backends []*certificates
	a, b     int // ports
	first    registry.ServiceID
}

func startHybrid(t testing.TB) *hybrid {
	ca := testca.New(t)
	h := &hybrid{fixture: start(t, withMesh), client: newCertificates(t, ca, "client.local"), a: app(t, "a"), b: app(t, "b")}
	ns := h.namespace("local")
	h.put(`mesh/shop {} mesh/shop/virtualService/web.local {"provider": {"virtualRouter": {"virtualRouterName": "web"}}}
		mesh/shop/virtualRouter/web {"listeners": [{"portMapping": {"port": 80, "protocol": "http"}}]}`)
	for i, name := range []string{"a", "b"} {
		c := newCertificates(t, ca, name+".local")
		h.backends = append(h.backends, c)
		h.put(fmt.Sprintf(`mesh/shop/virtualNode/%s {"listeners": [{"portMapping": {"port": %d, "protocol": "http"}, "tls": {"mode": "STRICT",
			"certificate": {%s}, "validation": {%s, "subjectAlternativeNames": {"match": {"exact": ["client.local"]}}}}}],
			"serviceDiscovery": {"awsCloudMap": {"namespaceName": "local", "serviceName": "web", "attributes": [{"key": "platform", "value": "%[1]s"}]}}}`,
			name, []int{h.a, h.b}[i], c.file(), c.trust()))
	}
	h.first = h.service(ns, "web")
	h.put(fmt.Sprintf(`mesh/shop/virtualNode/client {"backends": [{"virtualService": {"virtualServiceName": "web.local"}}],
		"backendDefaults": {"clientPolicy": {"tls": {"certificate": {%s}, "validation": {%s, "subjectAlternativeNames": {"match": {"exact": ["a.local", "b.local"]}}}}}}}`,
		h.client.file(), h.client.trust()))
	return h
}

func (h *hybrid) weights(a, b int) {
	h.t.Helper()
	h.put(fmt.Sprintf(`mesh/shop/virtualRouter/web/route/all {"httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": [
		{"virtualNode": "a", "weight": %d}, {"virtualNode": "b", "weight": %d}]}}}`, a, b))
}

// TestMeshWeights moves the weights of a route under traffic, with mutual TLS between
// three Envoys, and renews all certificates: no request fails.
func TestMeshWeights(t *testing.T) {
	h := startHybrid(t)
	h.weights(100, 0)
	for i, name := range []string{"a", "b"} {
		e := h.proxy("mesh/shop/virtualNode/"+name, i == 0)
		h.register(h.first, name, e.ip, []int{h.a, h.b}[i], "platform", name)
	}
	e := h.proxy("mesh/shop/virtualNode/client", false)
	e.untilRequests("web.local", "a")
	l := newLoad(t, e.listen, "web.local", 4)
	l.share(map[string]float64{"a": 100})
	h.weights(50, 50)
	l.share(map[string]float64{"a": 50, "b": 50})
	h.weights(0, 100)
	l.share(map[string]float64{"b": 100})
	addr := h.hostOf(e, "cds_egress_shop_b_http_")
	old := serial(t, addr, h.client)
	for _, c := range append(h.backends, h.client) {
		c.renew()
		l.count(200)
	}
	wait(t, "Envoy shows the new certificate", func() bool { return serial(t, addr, h.client) != old })
	h.weights(10, 90)
	l.share(map[string]float64{"a": 10, "b": 90})
	l.end()
	if _, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true}); err == nil {
		// TLS 1.3 says so at the first read.
		conn, _ := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("a client without a certificate is served")
		}
	}
}

// hostOf returns an address of a cluster whose name begins with a text.
func (w *fixture) hostOf(e *envoy, prefix string) string {
	w.t.Helper()
	for line := range strings.Lines(e.get("/clusters")) {
		if parts := strings.Split(line, "::"); len(parts) > 2 && strings.HasPrefix(line, prefix) && strings.HasPrefix(parts[1], "127.") {
			return parts[1]
		}
	}
	w.t.Fatalf("no host of %s", prefix)
	return ""
}

// serial returns the number of the certificate that a server shows.
func serial(t testing.TB, addr string, c *certificates) string {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(filepath.Join(c.dir, "tls.crt"), filepath.Join(c.dir, "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{cert}})
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// simple is a mesh with one node behind a service, without TLS.
const simple = `mesh/shop {}
	mesh/shop/virtualNode/web {"listeners": [{"portMapping": {"port": 80, "protocol": "http"}}], "serviceDiscovery": {"awsCloudMap": {"namespaceName": "local", "serviceName": "web"}}}
	mesh/shop/virtualService/web.local {"provider": {"virtualNode": {"virtualNodeName": "web"}}}
	mesh/shop/virtualNode/client {"backends": [{"virtualService": {"virtualServiceName": "web.local"}}]}`

// TestMeshInstanceLeaves: an instance leaves and stops, and no request fails.
func TestMeshInstanceLeaves(t *testing.T) {
	for _, world := range []bool{false, true} {
		t.Run(map[bool]string{false: "delta", true: "state of the world"}[world], func(t *testing.T) {
			w := start(t, withMesh)
			w.put(simple)
			svc := w.service(w.namespace("local"), "web")
			leaves := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a") }))
			defer leaves.Close()
			w.register(svc, "a", "127.0.0.1", leaves.Listener.Addr().(*net.TCPAddr).Port)
			w.register(svc, "b", "127.0.0.1", app(t, "b"))
			e := w.proxy("mesh/shop/virtualNode/client", world)
			e.untilRequests("web.local", "a", "b")
			l := newLoad(t, e.listen, "web.local", 4)
			l.until("a", "b")
			w.deregister(svc, "a")
			l.until("b")
			wait(t, "the instance is gone", func() bool { return len(e.hosts("cds_egress_shop_web_http_80")) == 1 })
			leaves.Close()
			l.count(500)
			l.end()
		})
	}
}

// TestMeshServerRestart: the server is away and comes back under traffic. No request
// fails, and nothing is sent that has not changed.
func TestMeshServerRestart(t *testing.T) {
	for _, world := range []bool{false, true} {
		t.Run(map[bool]string{false: "delta", true: "state of the world"}[world], func(t *testing.T) {
			var cfg xds.Config
			w := start(t, withMesh, func(c *xds.Config) { cfg = *c })
			w.put(simple)
			svc := w.service(w.namespace("local"), "web")
			w.register(svc, "a", "127.0.0.1", app(t, "a"))
			e := w.proxy("mesh/shop/virtualNode/client", world)
			e.untilRequests("web.local", "a")
			l := newLoad(t, e.listen, "web.local", 2)
			w.stop()
			wait(t, "Envoy notices", func() bool { return strings.Contains(e.get("/stats?filter=control_plane.connected_state"), ": 0") })
			l.count(200)
			cfg.Registerer = nil
			w.serve(cfg, w.addr)
			wait(t, "Envoy is back", func() bool {
				report, ok := w.server.Explain("", "mesh/shop/virtualNode/client")
				return ok && strings.Contains(report, "route:")
			})
			l.count(200)
			for line := range strings.Lines(e.get("/stats?filter=(cds|lds|rds).*update_success")) {
				t.Log(strings.TrimSpace(line))
			}
			report, _ := w.server.Explain("", "mesh/shop/virtualNode/client")
			// Delta has an empty answer for each wildcard.
			if n := strings.Count(report, "answers 1"); !world && n != 2 || world && n != 0 {
				t.Errorf("%d types were answered:\n%s", n, report)
			}
			w.register(svc, "b", "127.0.0.1", app(t, "b"))
			l.until("a", "b")
			l.end()
		})
	}
}

// TestMeshGateway: requests from outside go by gateway routes to services, with and
// without another path and host.
func TestMeshGateway(t *testing.T) {
	w := start(t, withMesh)
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s%s %s", r.Host, r.URL.Path, r.Header.Get("x-app-mesh-virtual-service"))
	}))
	defer echo.Close()
	w.put(simple + `
		mesh/shop/virtualGateway/front {"listeners": [{"portMapping": {"port": 8080, "protocol": "http"}}]}
		mesh/shop/virtualGateway/front/gatewayRoute/x {"httpRoute": {"match": {"prefix": "/x"}, "action": {"target": {"virtualService": {"virtualServiceName": "web.local"}}}}}
		mesh/shop/virtualGateway/front/gatewayRoute/keep {"httpRoute": {"match": {"prefix": "/keep"}, "action": {
			"rewrite": {"prefix": {"defaultPrefix": "DISABLED"}, "hostname": {"defaultTargetHostname": "DISABLED"}}, "target": {"virtualService": {"virtualServiceName": "web.local"}}}}}
		mesh/shop/virtualGateway/front/gatewayRoute/host {"httpRoute": {"match": {"hostname": {"suffix": ".example.com"}}, "action": {"rewrite": {"prefix": {"value": "/v/"}}, "target": {"port": 80, "virtualService": {"virtualServiceName": "web.local"}}}}}
		mesh/shop/virtualGateway/front/gatewayRoute/path {"httpRoute": {"match": {"path": {"regex": "/p.*"}}, "action": {"rewrite": {"path": {"exact": "/one"}}, "target": {"virtualService": {"virtualServiceName": "web.local"}}}}}`)
	w.register(w.service(w.namespace("local"), "web"), "a", "127.0.0.1", echo.Listener.Addr().(*net.TCPAddr).Port)
	e := w.proxy("mesh/shop/virtualGateway/front", false)
	for _, c := range []struct{ host, path, want string }{
		{"any", "/x/sub", "web.local/sub "},
		{"any", "/x", "web.local/ "},
		{"any", "/keep/it", "any/keep/it "},
		{"a.example.com", "/sub", "web.local:80/sub "},
		{"any", "/p/q", "web.local/one "},
		{"any", "/none", "404"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+e.ip+":8080"+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = c.host
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if got := string(body); got != c.want && fmt.Sprint(response.StatusCode) != c.want {
			t.Errorf("%s%s: %s %q, want %q", c.host, c.path, response.Status, got, c.want)
		}
	}
}

// BenchmarkMeshPropagation measures how long it takes from the answer to a registration
// until each of ten Envoys uses the instance, and until the last of them does.
func BenchmarkMeshPropagation(b *testing.B) {
	w := start(b, withMesh)
	w.put(simple)
	svc := w.service(w.namespace("local"), "web")
	w.register(svc, "a", "127.0.0.1", app(b, "a"))
	var all []*envoy
	for range 10 {
		all = append(all, w.proxy("mesh/shop/virtualNode/client", false))
	}
	var delays []time.Duration
	for i := 0; b.Loop(); i++ {
		w.register(svc, fmt.Sprint("n", i), "127.0.0.2", 1000+i)
		begin, want := time.Now(), fmt.Sprintf("membership_total: %d\n", i+2)
		for _, e := range all {
			wait(b, "Envoy has the instance", func() bool {
				return strings.Contains(e.get("/stats?filter=cluster.cds_egress_shop_web_http_80.membership_total"), want)
			})
			delays = append(delays, time.Since(begin))
		}
	}
	slices.Sort(delays)
	for name, of := range map[string]int{"p50-ms": 50, "p99-ms": 99} {
		b.ReportMetric(float64(delays[len(delays)*of/100].Microseconds())/1000, name)
	}
}
