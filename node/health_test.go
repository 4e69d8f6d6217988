package node_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

// answer sends one operation that must succeed and decodes what comes.
func answer[T any](t *testing.T, n *nodetest.Node, operation, body string) T {
	t.Helper()
	status, text := call(t, n, operation, body)
	var v T
	if status != http.StatusOK || json.Unmarshal([]byte(text), &v) != nil {
		t.Fatalf("%s: %d %s", operation, status, text)
	}
	return v
}

type created struct{ Service struct{ Id string } }

// checkedService makes hm.internal/web with A records and a check, and returns
// its id.
func checkedService(t *testing.T, n *nodetest.Node, check string) string {
	t.Helper()
	answer[struct{}](t, n, "CreatePrivateDnsNamespace", `{"Name":"hm.internal","Vpc":"vpc-1"}`)
	spaces := answer[struct{ Namespaces []struct{ Id string } }](t, n, "ListNamespaces", `{}`)
	return answer[created](t, n, "CreateService", fmt.Sprintf(`{"Name":"web","NamespaceId":%q,
		"DnsConfig":{"DnsRecords":[{"Type":"A","TTL":5}]},"HealthCheckConfig":%s}`, spaces.Namespaces[0].Id, check)).Service.Id
}

func registerAt(t *testing.T, n *nodetest.Node, service, id string, at netip.AddrPort) {
	t.Helper()
	answer[struct{}](t, n, "RegisterInstance", fmt.Sprintf(`{"ServiceId":%q,"InstanceId":%q,
		"Attributes":{"AWS_INSTANCE_IPV4":%q,"AWS_INSTANCE_PORT":"%d"}}`, service, id, at.Addr(), at.Port()))
}

// seen is what the three ways to see health say of two instances: what
// DiscoverInstances gives, the statuses, and the addresses of the DNS answer.
type seen struct {
	discovered, dns []string
	statuses        map[string]string
}

func look(t *testing.T, n *nodetest.Node, service string) seen {
	t.Helper()
	var s seen
	found := answer[struct{ Instances []struct{ InstanceId string } }](t, n, "DiscoverInstances", `{"NamespaceName":"hm.internal","ServiceName":"web"}`)
	for _, i := range found.Instances {
		s.discovered = append(s.discovered, i.InstanceId)
	}
	s.statuses = answer[struct{ Status map[string]string }](t, n, "GetInstancesHealthStatus", fmt.Sprintf(`{"ServiceId":%q}`, service)).Status
	_, s.dns = ask(t, new(dns.Client), n.Addrs().DNS, "web.hm.internal.", dns.TypeA)
	slices.Sort(s.discovered)
	slices.Sort(s.dns)
	return s
}

// await looks until what is seen is what is wanted. All three ways must reach
// it by one look after the first has.
func await(t *testing.T, n *nodetest.Node, service string, statuses map[string]string, discovered, addrs []string) {
	t.Helper()
	var s seen
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if s = look(t, n, service); fmt.Sprint(s.statuses) == fmt.Sprint(statuses) {
			s = look(t, n, service)
			break
		}
	}
	if fmt.Sprint(s.statuses) != fmt.Sprint(statuses) || !slices.Equal(s.discovered, discovered) || !slices.Equal(s.dns, addrs) {
		t.Fatalf("seen %v, want %v, discovered %v, DNS %v", s, statuses, discovered, addrs)
	}
}

func fast(c *node.Config) {
	c.Health.Interval.Duration = 100 * time.Millisecond
	c.Health.InitialInterval.Duration = 100 * time.Millisecond
}

// backendAt is an HTTP server on a loopback address of its own, which answers
// with a status that can be changed.
func backendAt(t *testing.T, addr string) (netip.AddrPort, *atomic.Int64) {
	t.Helper()
	status := new(atomic.Int64)
	status.Store(200)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" || !strings.HasPrefix(r.Host, "web.hm.internal:") {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.WriteHeader(int(status.Load()))
	}))
	_ = server.Listener.Close()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	server.Listener = ln
	server.Start()
	t.Cleanup(server.Close)
	return ln.Addr().(*net.TCPAddr).AddrPort(), status
}

// TestHealthIsSeenEverywhere: a verdict shows in DNS, DiscoverInstances and
// GetInstancesHealthStatus at once, and a restart changes none.
func TestHealthIsSeenEverywhere(t *testing.T) {
	dir := t.TempDir()
	n := nodetest.Start(t, nodetest.WithDataDir(dir), nodetest.With(fast))
	service := checkedService(t, n, `{"Type":"HTTP","ResourcePath":"/health","FailureThreshold":2}`)
	one, _ := backendAt(t, "127.0.0.2:0")
	two, status := backendAt(t, "127.0.0.3:0")
	registerAt(t, n, service, "one", one)
	registerAt(t, n, service, "two", two)
	both := map[string]string{"one": "HEALTHY", "two": "HEALTHY"}
	await(t, n, service, both, []string{"one", "two"}, []string{"127.0.0.2", "127.0.0.3"})
	status.Store(503)
	down := map[string]string{"one": "HEALTHY", "two": "UNHEALTHY"}
	await(t, n, service, down, []string{"one"}, []string{"127.0.0.2"})
	explained(t, n, "web.hm.internal", "two: out", "http://"+two.String()+"/health answered 503", "failure in a row", "HEALTHY → UNHEALTHY", "one: in")

	// Slow checks, so that nothing can be found out again before it is looked at.
	n.Stop(t)
	n = nodetest.Start(t, nodetest.WithDataDir(dir))
	if got := look(t, n, service); fmt.Sprint(got.statuses) != fmt.Sprint(down) || !slices.Equal(got.dns, []string{"127.0.0.2"}) {
		t.Errorf("after a restart: %v", got)
	}
	n.Stop(t)
	n = nodetest.Start(t, nodetest.WithDataDir(dir), nodetest.With(fast))
	status.Store(200)
	await(t, n, service, both, []string{"one", "two"}, []string{"127.0.0.2", "127.0.0.3"})
}

// explained asks /explain and wants some words in it.
func explained(t *testing.T, n *nodetest.Node, query string, words ...string) {
	t.Helper()
	status, text := get(t, n, "/explain?name="+query)
	if status != http.StatusOK {
		t.Fatalf("explain: %d %s", status, text)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("the explanation has no %q:\n%s", w, text)
		}
	}
}

// TestUnhealthyAllFailsOpen is row 9 of the decisions.
func TestAllUnhealthyFailsOpen(t *testing.T) {
	n := nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(fast))
	service := checkedService(t, n, `{"Type":"TCP","FailureThreshold":1}`)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := ln.Addr().(*net.TCPAddr).AddrPort()
	_ = ln.Close() // nothing listens there now
	registerAt(t, n, service, "one", at)
	await(t, n, service, map[string]string{"one": "UNHEALTHY"}, nil, []string{"127.0.0.1"})
	explained(t, n, "web.hm.internal", "one: in (DNS), out (DiscoverInstances)", "fails open", "nothing listens on port")
}

// TestAdminIsNeverProbed: who may register must not make the node call itself.
func TestAdminIsNeverProbed(t *testing.T) {
	n := nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(fast))
	service := checkedService(t, n, `{"Type":"HTTP","ResourcePath":"/livez"}`)
	registerAt(t, n, service, "admin", netip.MustParseAddrPort(n.Addrs().Admin))
	registerAt(t, n, service, "metadata", netip.MustParseAddrPort("169.254.169.254:80"))
	good, _ := backendAt(t, "127.0.0.2:0")
	_ = good
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if _, text := get(t, n, "/metrics"); strings.Contains(text, `cairn_health_probes_total{outcome="forbidden"} 2`) {
			break
		}
	}
	explained(t, n, "web.hm.internal", "NODATA", "is not allowed (the address must not be probed", "health.allow")
	if got := look(t, n, service); fmt.Sprint(got.statuses) != "map[admin:UNKNOWN metadata:UNKNOWN]" {
		t.Errorf("seen %v", got)
	}
}

func TestExplainQuestions(t *testing.T) {
	n := nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(func(c *node.Config) {
		c.VPCs = []config.VPC{{ID: "vpc-1", CIDRs: []config.Prefix{{Prefix: netip.MustParsePrefix("10.1.0.0/16")}}}}
	}))
	service := checkedService(t, n, `{"Type":"HTTP"}`)
	registerAt(t, n, service, "one", netip.MustParseAddrPort("127.0.0.1:9"))
	explained(t, n, "web.hm.internal&from=192.0.2.1", "REFUSED", "not in VPC vpc-1", "dns.trusted")
	explained(t, n, "web.hm.internal&from=10.1.2.3", "is in vpc-1", "one: out")
	explained(t, n, "WEB.hm.internal.", "is trusted", "MULTIVALUE")
	explained(t, n, "wbe.hm.internal", "NXDOMAIN", "these services: web")
	explained(t, n, "hm.internal", "NODATA", "the zone itself")
	explained(t, n, "other.example", "REFUSED", "no zone has this name")
	explained(t, n, "hm.internal/web&where=version=2", "filtered by version=2")
	explained(t, n, "hm.internal/none", "no service none")
	for _, bad := range []string{"", "a&from=nowhere", "a&where=x"} {
		if status, _ := get(t, n, "/explain?name="+bad); status != http.StatusBadRequest {
			t.Errorf("%q: %d", bad, status)
		}
	}
	_, text := get(t, n, "/explain?format=json&name=web.hm.internal")
	var a struct {
		Outcome   string
		Instances []struct{ ID string }
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil || a.Outcome != "NODATA" || a.Instances[0].ID != "one" {
		t.Errorf("JSON: %v %s", err, text)
	}
}
