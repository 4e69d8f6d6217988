package node_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
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
