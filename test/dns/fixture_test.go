// Package dns_test asks whole nodes by real programs and by hand-made packets:
// does DNS say what the API was told, and does everything that speaks DNS
// understand it?
package dns_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

// fixture is a node and its clients.
type fixture struct {
	*nodetest.Node
	dnsPort string
	http    *http.Client
}

// start runs a node in memory.
func start(t testing.TB, options ...nodetest.Option) *fixture {
	t.Helper()
	quiet := nodetest.With(func(c *node.Config) { c.LogLevel = "warn" })
	n := nodetest.Start(t, append([]nodetest.Option{nodetest.WithMemoryStore(), quiet}, options...)...)
	_, port, _ := strings.Cut(n.Addrs().DNS, ":")
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: true}, // the node is ours
		MaxIdleConnsPerHost: 100,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &fixture{Node: n, dnsPort: port, http: &http.Client{Transport: transport}}
}

// listenOn has DNS on an address.
func listenOn(addr string) nodetest.Option {
	return nodetest.With(func(c *node.Config) { c.DNSAddr = addr })
}

type object = map[string]any

// call calls a Cloud Map operation that must work.
func (w *fixture) call(t testing.TB, operation string, in object) object {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "Route53AutoNaming_v20170314."+operation)
	resp, err := w.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %s %v", operation, body, resp.Status, text, err)
	}
	out := object{}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// namespace makes a DNS namespace and returns its id.
func (w *fixture) namespace(t testing.TB, name string, public bool) string {
	t.Helper()
	operation, in := "CreatePrivateDnsNamespace", object{"Name": name, "Vpc": "vpc-1"}
	if public {
		operation, in = "CreatePublicDnsNamespace", object{"Name": name}
	}
	id := w.call(t, operation, in)["OperationId"]
	done := w.call(t, "GetOperation", object{"OperationId": id})["Operation"].(object)
	if done["Status"] != "SUCCESS" {
		t.Fatalf("%s %s: %v", operation, name, done)
	}
	return done["Targets"].(object)["NAMESPACE"].(string)
}

// service makes a service with records of these types, joined by "+", and
// returns its id.
func (w *fixture) service(t testing.TB, namespace, name, types, policy string, more ...object) string {
	t.Helper()
	var records []object
	for rrtype := range strings.SplitSeq(types, "+") {
		records = append(records, object{"Type": rrtype, "TTL": 10})
	}
	in := object{
		"Name": name, "NamespaceId": namespace,
		"DnsConfig": object{"RoutingPolicy": policy, "DnsRecords": records},
	}
	for _, m := range more {
		for k, v := range m {
			in[k] = v
		}
	}
	return w.call(t, "CreateService", in)["Service"].(object)["Id"].(string)
}

// checked is a service whose health is told by its users.
var checked = object{"HealthCheckCustomConfig": object{"FailureThreshold": 1}}

// register registers an instance; attributes are KEY=VALUE without AWS_INSTANCE_.
func (w *fixture) register(t testing.TB, service, id string, attributes ...string) {
	t.Helper()
	given := object{}
	for _, a := range attributes {
		key, value, _ := strings.Cut(a, "=")
		if slices.Contains([]string{"IPV4", "IPV6", "PORT", "CNAME"}, key) {
			key = "AWS_INSTANCE_" + key
		}
		given[key] = value
	}
	w.call(t, "RegisterInstance", object{"ServiceId": service, "InstanceId": id, "Attributes": given})
}

func (w *fixture) deregister(t testing.TB, service, id string) {
	t.Helper()
	w.call(t, "DeregisterInstance", object{"ServiceId": service, "InstanceId": id})
}

func (w *fixture) setHealth(t testing.TB, service, id, status string) {
	t.Helper()
	w.call(t, "UpdateInstanceCustomHealthStatus", object{"ServiceId": service, "InstanceId": id, "Status": status})
}

// shop is a namespace with something of each kind.
func (w *fixture) shop(t testing.TB) {
	t.Helper()
	ns := w.namespace(t, "shop.example", false)
	web := w.service(t, ns, "web", "A+AAAA", "MULTIVALUE")
	w.register(t, web, "i-1", "IPV4=10.0.0.1", "IPV6=2001:db8::1")
	w.register(t, web, "i-2", "IPV4=10.0.0.2")
	srv := w.service(t, ns, "_http._tcp", "SRV", "MULTIVALUE")
	w.register(t, srv, "a", "IPV4=10.0.1.1", "PORT=8001")
	w.register(t, srv, "b", "IPV4=10.0.1.2", "PORT=8002")
	alias := w.service(t, ns, "old", "CNAME", "WEIGHTED")
	w.register(t, alias, "x", "CNAME=web.shop.example")
	w.service(t, ns, "empty", "A", "MULTIVALUE")
	w.service(t, ns, "deep.er", "A", "MULTIVALUE")
	many := w.service(t, ns, "many", "A", "MULTIVALUE")
	for i := range 20 {
		w.register(t, many, fmt.Sprintf("m-%d", i), fmt.Sprintf("IPV4=10.0.2.%d", i+1))
	}
}

// ask asks over UDP with EDNS.
func (w *fixture) ask(t testing.TB, name string, qtype uint16) *dns.Msg {
	t.Helper()
	q := new(dns.Msg).SetQuestion(name, qtype)
	q.SetEdns0(1232, false)
	return w.exchange(t, new(dns.Client), q)
}

func (w *fixture) exchange(t testing.TB, c *dns.Client, q *dns.Msg) *dns.Msg {
	t.Helper()
	c.Timeout = 10 * time.Second
	answer, _, err := c.Exchange(q, w.Addrs().DNS)
	if err != nil {
		t.Fatalf("%v: %v", q.Question, err)
	}
	return answer
}

// addresses are the A and AAAA records of an answer, sorted.
func addresses(m *dns.Msg) []string {
	var addrs []string
	for _, rr := range m.Answer {
		switch rr := rr.(type) {
		case *dns.A:
			addrs = append(addrs, rr.A.String())
		case *dns.AAAA:
			addrs = append(addrs, rr.AAAA.String())
		}
	}
	slices.Sort(addrs)
	return addrs
}

// patience bounds every wait for another program.
const patience = time.Minute

// eventually waits until a program that knows nothing of the test has done
// something.
func eventually(t testing.TB, what string, try func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = try(); err == nil {
			return
		}
	}
	t.Fatalf("waited too long: %s: %v", what, err)
}

// example is an example from docs/dns.md, by the language of its block, with
// some texts in it replaced.
func example(t testing.TB, language string, replace ...string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/dns.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```"+language+"\n")
	block, _, _ := strings.Cut(rest, "```")
	if !found {
		t.Fatalf("docs/dns.md has no example for %s", language)
	}
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(block, replace[i]) {
			t.Fatalf("the example for %s does not have %q:\n%s", language, replace[i], block)
		}
		block = strings.ReplaceAll(block, replace[i], replace[i+1])
	}
	return block
}

var errNotYet = errors.New("not yet")
