package xds_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/internal/xdsbootstrap"
)

// largeService is the number of endpoints of a large service.
const largeService = 10_000

// large registers a large service, at whose addresses nobody listens.
func (w *fixture) large() {
	w.t.Helper()
	svc := w.service(w.namespace("shop"), "large")
	for i := range largeService {
		w.register(svc, fmt.Sprint("i", i), fmt.Sprintf("127.9.%d.%d", i>>8, i&255), 1, "weight", fmt.Sprint(1+i%2))
	}
}

// TestLargeService: 10,000 endpoints of one service reach three implementations of gRPC
// and Envoy, and each needs one answer.
func TestLargeService(t *testing.T) {
	if testing.Short() {
		t.Skip("registers 10,000 instances")
	}
	w := start(t)
	w.large()
	accepted := func(t *testing.T, node string) {
		t.Helper()
		wait(t, node+" accepts the endpoints", func() bool {
			report, _ := w.server.Explain("", node)
			if strings.Contains(report, "REJECTED") || strings.Count(report, "stream from") > 1 {
				t.Fatal(report)
			}
			_, endpoints, found := strings.Cut(report, "endpoints: large.shop")
			return found && !strings.Contains(endpoints, "accepted none") && !strings.Contains(endpoints, "has not said yet")
		})
	}
	t.Run("one resource", func(t *testing.T) {
		c := w.connect(node("client"))
		c.want(resource.Endpoints, "large.shop")
		r := c.expectOnly(resource.Endpoints, "large.shop")
		if n := len(endpoints(t, r)); n != largeService {
			t.Errorf("%d endpoints", n)
		}
		if n := len(r.GetResources()[0].GetValue()); n > 1<<20 {
			t.Errorf("%d octets", n)
		}
	})
	t.Run("gRPC for Go", func(t *testing.T) {
		conn := w.dial("xds:///large.shop")
		conn.Connect()
		accepted(t, "grpc-go")
		conn.Close()
	})
	t.Run("C core", func(t *testing.T) {
		c := w.coreClient(t, "xds:///large.shop")
		c.begin(1)
		accepted(t, "core")
	})
	t.Run("gRPC for Node", func(t *testing.T) {
		c := w.nodeClient(t, "xds:///large.shop")
		c.begin(1)
		accepted(t, "node")
	})
	t.Run("Envoy", func(t *testing.T) {
		e := w.envoyWith(&xdsbootstrap.Config{Server: w.addr, ID: "envoy", StateOfTheWorld: true, Metadata: map[string]any{
			"cairn.services": []any{"large.shop"}, "cairn.listen": fmt.Sprintf("127.0.0.1:%d", freePort(t)),
		}}, nil)
		wait(t, "Envoy has all endpoints", func() bool {
			return strings.Contains(e.get("/stats?filter=cluster.large.shop.membership_total"), fmt.Sprintf(": %d\n", largeService))
		})
		accepted(t, "envoy")
	})
}

// TestLargeSet: the endpoints of many services, together more than gRPC clients accept,
// come in several answers of the state-of-the-world protocol.
func TestLargeSet(t *testing.T) {
	w := start(t)
	svc := w.service(w.namespace("shop"), "web")
	for i := range 1000 {
		w.register(svc, fmt.Sprint("i", i), fmt.Sprintf("127.9.%d.%d", i>>8, i&255), 1)
	}
	const names = 200 // of one service with 1000 endpoints, about 30 kB each
	c := w.connect(node("client"))
	var all []string
	for i := range names {
		all = append(all, fmt.Sprintf("web.shop:%d", 1000+i))
	}
	c.want(resource.Endpoints, all...)
	got, answers, total := map[string]bool{}, 0, 0
	for len(got) < names {
		_, r := c.receive()
		size := 0
		for _, name := range namesOf(t, r.GetResources()) {
			got[name] = true
		}
		for _, packed := range r.GetResources() {
			size += len(packed.GetValue())
		}
		if size > 2<<20 {
			t.Errorf("an answer of %d octets", size)
		}
		answers++
		total += size
		c.want(resource.Endpoints, all...)
	}
	if total < 4<<20 || answers < 4 {
		t.Errorf("%d octets in %d answers: the test has too few", total, answers)
	}
	w.health(svc, "i0", registry.Unhealthy) // all change, and come again
	for len(got) > 0 {
		_, r := c.receive()
		for _, name := range namesOf(t, r.GetResources()) {
			delete(got, name)
		}
		c.want(resource.Endpoints, all...)
	}
	w.accepted(t, "client")
}
