package node_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/node/nodetest"
	"github.com/cairn-discovery/cairn/store/etcd/etcdtest"
)

// overEtcd keeps the registry of a node in an etcd.
func overEtcd(servers ...*etcdtest.Server) nodetest.Option {
	return nodetest.With(func(c *node.Config) {
		c.Store, c.LogLevel = config.StoreEtcd, "info"
		for _, s := range servers {
			c.EtcdEndpoints = append(c.EtcdEndpoints, s.Endpoint)
		}
	})
}

// newService creates a service on a node and returns its id.
func newService(t *testing.T, n *nodetest.Node) string {
	t.Helper()
	if status, body := createNamespace(t, n, "shop"); status != http.StatusOK {
		t.Fatal(body)
	}
	_, body := call(t, n, "ListNamespaces", "{}")
	var list struct{ Namespaces []struct{ Id string } }
	if err := json.Unmarshal([]byte(body), &list); err != nil || len(list.Namespaces) != 1 {
		t.Fatal(err, body)
	}
	_, body = call(t, n, "CreateService", fmt.Sprintf(`{"Name":"web","NamespaceId":%q}`, list.Namespaces[0].Id))
	var created struct{ Service struct{ Id string } }
	if err := json.Unmarshal([]byte(body), &created); err != nil || created.Service.Id == "" {
		t.Fatal(err, body)
	}
	return created.Service.Id
}

// maxPropagation is the bar for the time from the answer of one node to that of another.
const maxPropagation = 250 * time.Millisecond

// TestTwoNodesOverEtcd: what one node has acknowledged, the other answers within
// maxPropagation: 100 writes each way, none later. The machine may be busy, so one of three
// series has to be that fast.
func TestTwoNodesOverEtcd(t *testing.T) {
	server := etcdtest.Start(t)
	a, b := nodetest.Start(t, overEtcd(server)), nodetest.Start(t, overEtcd(server))
	service := newService(t, a)
	for series := range 3 {
		delays := propagation(t, a, b, service, series)
		t.Logf("from the answer of one node to that of the other: median %v, 99%% %v, most %v", delays[100], delays[198], delays[199])
		if delays[199] <= maxPropagation {
			return
		}
	}
	t.Errorf("in each of three series a write took more than %v to the other node", maxPropagation)
}

// propagation writes to two nodes in turn and returns, sorted, how long after the answer
// each of 200 writes was visible on the other node.
func propagation(t *testing.T, a, b *nodetest.Node, service string, series int) (delays []time.Duration) {
	t.Helper()
	for i := range 200 {
		from, to := a, b
		if i%2 == 1 {
			from, to = b, a
		}
		body := fmt.Sprintf(`{"ServiceId":%q,"InstanceId":"i-%d-%d","Attributes":{"AWS_INSTANCE_IPV4":"192.0.2.1"}}`, service, series, i)
		if status, answer := call(t, from, "RegisterInstance", body); status != http.StatusOK {
			t.Fatal(answer)
		}
		acknowledged := time.Now()
		for {
			status, answer := call(t, to, "GetInstance", body)
			if status == http.StatusOK {
				break
			}
			if time.Since(acknowledged) > time.Minute {
				t.Fatalf("instance %d has not arrived: %s", i, answer)
			}
		}
		delays = append(delays, time.Since(acknowledged))
	}
	slices.Sort(delays)
	return delays
}

// TestPausedEtcd: while etcd hangs, every write gets 503, the first one too, and reads go
// on. Afterwards writes work again.
func TestPausedEtcd(t *testing.T) {
	server := etcdtest.Start(t)
	n := nodetest.Start(t, overEtcd(server), nodetest.With(func(c *node.Config) { c.Etcd.Timeout.Duration = time.Second }))
	service := newService(t, n)
	register := func(id string) (int, string) {
		return call(t, n, "RegisterInstance", fmt.Sprintf(`{"ServiceId":%q,"InstanceId":%q,"Attributes":{"AWS_INSTANCE_IPV4":"192.0.2.1"}}`, service, id))
	}
	server.Pause()
	for i := range 5 {
		status, answer := register(fmt.Sprint("i-", i))
		if status != http.StatusServiceUnavailable || !strings.Contains(answer, "ServiceUnavailable") {
			t.Errorf("write %d while etcd hangs: %d %s", i, status, answer)
		}
	}
	if status, answer := call(t, n, "ListNamespaces", "{}"); status != http.StatusOK {
		t.Errorf("a read while etcd hangs: %d %s", status, answer)
	}
	server.Resume()
	for deadline := time.Now().Add(time.Minute); ; {
		status, answer := register("after")
		if status == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no write after etcd went on: %d %s", status, answer)
		}
	}
}

// TestLargeBatchOverEtcd: Route 53's largest batch is one transaction, over an etcd with the
// limits that it has by default.
func TestLargeBatchOverEtcd(t *testing.T) {
	if testing.Short() {
		t.Skip("starts an etcd")
	}
	document := func(action string) string {
		var changes strings.Builder
		for i := range 1000 {
			fmt.Fprintf(&changes, `<Change><Action>%s</Action><ResourceRecordSet><Name>n%d.large.test.</Name><Type>A</Type><TTL>60</TTL>`+
				`<ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change>`, action, i)
		}
		return `<ChangeResourceRecordSetsRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeBatch><Changes>` + changes.String() +
			`</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>`
	}
	n := nodetest.Start(t, overEtcd(etcdtest.Start(t)))
	status, answer := post(t, n, "/2013-04-01/hostedzone", `<CreateHostedZoneRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/">`+
		`<Name>large.test</Name><CallerReference>1</CallerReference></CreateHostedZoneRequest>`)
	_, id, _ := strings.Cut(answer, "<Id>/hostedzone/")
	id, _, ok := strings.Cut(id, "</Id>")
	if !ok {
		t.Fatal(status, answer)
	}
	for _, action := range []string{"CREATE", "DELETE"} {
		if status, answer = post(t, n, "/2013-04-01/hostedzone/"+id+"/rrset/", document(action)); status != http.StatusOK || !strings.Contains(answer, "INSYNC") {
			t.Errorf("%s: %d %.600s", action, status, answer)
		}
	}
}

// post sends a document of Route 53.
func post(t *testing.T, n *nodetest.Node, path, body string) (int, string) {
	t.Helper()
	resp, err := http.Post(strings.TrimSuffix(n.URL, "/")+path, "application/xml", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
