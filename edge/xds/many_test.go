package xds_test

import (
	"flag"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

// envoys is how many Envoys run at once in the tests below: the gate has few processors. To
// run them as they are meant: -envoys 10 -requests 20000.
var envoys = flag.Int("envoys", 3, "Envoys in tests with many of them")

// total returns the sum of a metric of a registry, of the types that are named; of all
// without.
func total(t testing.TB, r *prometheus.Registry, name string, types ...resource.Type) (sum float64) {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			wanted := len(types) == 0
			for _, one := range types {
				wanted = wanted || m.GetLabel()[0].GetValue() == one.String()
			}
			if wanted {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// noRejection checks that no client has rejected anything.
func noRejection(t testing.TB, r *prometheus.Registry) {
	t.Helper()
	if n := total(t, r, "cairn_xds_rejected_total"); n != 0 {
		t.Errorf("%v answers were rejected", n)
	}
}

// shares checks that "a" has 30 % and "b" 70 % of some answers, within 2 % of all for 20,000.
func shares(t testing.TB, who string, got map[string]int) {
	t.Helper()
	sum := float64(got["a"] + got["b"])
	tolerance := max(2, 200/math.Sqrt(sum))
	if have := 100 * float64(got["a"]) / sum; math.IsNaN(have) || have < 30-tolerance || have > 30+tolerance {
		t.Errorf("%s: a has %.1f %% of %.0f, want 30 %%: %v", who, have, sum, got)
	}
	t.Logf("%s: %v", who, got)
}

// TestManyClients: all Envoys and three implementations of gRPC at once follow the weights of
// a route, each within 2 % of 20,000 requests, and reject nothing.
func TestManyClients(t *testing.T) {
	w := startGRPCMesh(t)
	a, b := app(t, "a"), app(t, "b")
	w.put(`mesh/shop/virtualRouter/web {"listeners": [{"portMapping": {"port": 80, "protocol": "http"}}]}
		mesh/shop/virtualService/web.local {"provider": {"virtualRouter": {"virtualRouterName": "web"}}}
		mesh/shop/virtualNode/browser {"backends": [{"virtualService": {"virtualServiceName": "web.local"}}]}`)
	ns := w.namespace("sites")
	for name, port := range map[string]int{"a": a, "b": b} {
		w.put(fmt.Sprintf(`mesh/shop/virtualNode/web-%s {"listeners": [{"portMapping": {"port": 80, "protocol": "http"}}],
			"serviceDiscovery": {"awsCloudMap": {"namespaceName": "sites", "serviceName": "%[1]s"}}}`, name))
		w.register(w.service(ns, name), name, "127.0.0.1", port)
	}
	w.put(`mesh/shop/virtualRouter/web/route/all {"httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": [
		{"virtualNode": "web-a", "weight": 30}, {"virtualNode": "web-b", "weight": 70}]}}}`)
	w.route("all", 30, 70, `"match": {}`)

	var group sync.WaitGroup
	conn := w.dialAs(meshClient, "xds:///calls.local")
	core := w.lineClient(t, exec.Command(python(t), "-c", coreClient, "xds:///calls.local"), meshClient)
	node := w.lineClient(t, nodeCommand(t, nodeClient, "xds:///calls.local:90"), meshClient)
	for who, calls := range map[string]func(int) map[string]int{
		"gRPC for Go": func(n int) map[string]int { return count(t, conn, n) }, "C core": core.call, "gRPC for Node": node.call,
	} {
		calls(10)
		group.Go(func() { shares(t, who, calls(*requests)) })
	}
	var loads []*load
	for range *envoys {
		e := w.proxy("mesh/shop/virtualNode/browser", len(loads)%2 == 1)
		e.untilRequests("web.local", "a", "b")
		loads = append(loads, newLoad(t, e.listen, "web.local", 1))
	}
	sum := map[string]int{}
	for _, l := range loads {
		for name, n := range l.count(*requests / len(loads)) {
			sum[name] += n
		}
	}
	group.Wait()
	for _, l := range loads {
		l.end()
	}
	shares(t, fmt.Sprint(len(loads), " Envoys"), sum)
	noRejection(t, w.metrics)
}

// abrupt is a listener whose connections can be ended as those of a process that is killed.
type abrupt struct {
	net.Listener
	mu     sync.Mutex
	killed bool // what connects now is refused
	all    []*net.TCPConn
}

func (a *abrupt) Accept() (net.Conn, error) {
	c, err := a.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.all = append(a.all, tcp)
		if a.killed {
			a.end(tcp)
		}
	}
	return c, err
}

// kill ends all connections without a word.
func (a *abrupt) kill() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.killed = true
	for _, c := range a.all {
		a.end(c)
	}
}

// end ends a connection with a reset. It may have ended already.
func (*abrupt) end(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// TestManyRotations: under the traffic of all Envoys with mutual TLS, certificates are
// renewed and the root is replaced; while proxies take the new root, all connections are
// cut and another server takes the place of the first. No request fails, nothing is rejected,
// and nothing but secrets is sent again.
func TestManyRotations(t *testing.T) {
	c := startCertified(t, leafLife)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "web") }))
	defer backend.Close()
	port := backend.Listener.Addr().(*net.TCPAddr).Port
	c.put(fmt.Sprintf(`mesh/shop {}
		mesh/shop/virtualNode/web {"listeners": [{"portMapping": {"port": %d, "protocol": "http"}, "tls": {"mode": "STRICT",
			"certificate": {"sds": {"secretName": "spiffe://shop/ns/local/sv/web"}},
			"validation": {"trust": {"sds": {"secretName": "spiffe://shop"}}, "subjectAlternativeNames": {"match": {"exact": ["spiffe://shop/virtualNode/client"]}}}}}],
			"serviceDiscovery": {"awsCloudMap": {"namespaceName": "local", "serviceName": "web"}}}
		mesh/shop/virtualService/web.local {"provider": {"virtualNode": {"virtualNodeName": "web"}}}
		mesh/shop/virtualNode/client {"backends": [{"virtualService": {"virtualServiceName": "web.local", "clientPolicy": {"tls": {
			"certificate": {"sds": {"secretName": "spiffe://shop/virtualNode/client"}},
			"validation": {"trust": {"sds": {"secretName": "spiffe://shop"}}, "subjectAlternativeNames": {"match": {"exact": ["spiffe://shop/ns/local/sv/web"]}}}}}}}]}`, port))
	c.addRoot()
	svc := c.service(c.namespace("local"), "web")
	server := c.proxy("mesh/shop/virtualNode/web", true)
	c.register(svc, "web", server.ip, port)
	cfg := c.cfg
	// The first server stops in order; the second one is the one that is killed.
	c.stop()
	inner, err := net.Listen("tcp", c.addr)
	if err != nil {
		t.Fatal(err)
	}
	ln := &abrupt{Listener: inner}
	first := prometheus.NewRegistry()
	cfg.Registerer = first
	c.serveOn(cfg, ln)
	var loads []*load
	for i := range max(*envoys-1, 1) {
		e := c.proxy("mesh/shop/virtualNode/client", i%2 == 1)
		e.untilRequests("web.local", "web")
		loads = append(loads, newLoad(t, e.listen, "web.local", 1))
	}
	each := func(n int) {
		for _, l := range loads {
			l.count(n)
		}
	}
	addr := fmt.Sprintf("%s:%d", server.ip, port)
	old := shown(t, addr)
	wait(t, "the certificate is renewed", func() bool { s := shown(t, addr); return s != nil && s.SerialNumber.Cmp(old.SerialNumber) != 0 })
	each(50)
	c.addRoot()
	ln.kill()
	c.stop()
	each(5)
	second := prometheus.NewRegistry()
	cfg.Registerer = second
	c.serve(cfg, c.addr)
	wait(t, "the new root signs", func() bool {
		s := shown(t, addr)
		return s != nil && string(s.AuthorityKeyId) != string(old.AuthorityKeyId)
	})
	wait(t, "the old certificates have expired", func() bool { return time.Now().After(old.NotAfter) })
	for i := range loads { // connections that begin now
		more := newLoad(t, strings.TrimSuffix(strings.TrimPrefix(loads[i].url, "http://"), "/"), "web.local", 4)
		more.count(20)
		more.end()
	}
	each(50)
	for _, l := range loads {
		l.end()
	}
	noRejection(t, first)
	noRejection(t, second)
	if n := total(t, second, "cairn_xds_answer_bytes_total", resource.Cluster, resource.Endpoints, resource.Listener, resource.Route); n != 0 {
		t.Errorf("after the restart %v bytes were sent again that had not changed", n)
	}
	if n := total(t, second, "cairn_xds_answer_bytes_total", resource.Secret); n == 0 {
		t.Error("after the restart no secret was sent")
	}
}
