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

// TestTwoNodesOverEtcd: what one node has acknowledged, the other answers soon. The
// delays are logged.
func TestTwoNodesOverEtcd(t *testing.T) {
	server := etcdtest.Start(t)
	a, b := nodetest.Start(t, overEtcd(server)), nodetest.Start(t, overEtcd(server))
	service := newService(t, a)
	var delays []time.Duration
	for i := range 200 {
		from, to := a, b
		if i%2 == 1 {
			from, to = b, a
		}
		body := fmt.Sprintf(`{"ServiceId":%q,"InstanceId":"i-%d","Attributes":{"AWS_INSTANCE_IPV4":"192.0.2.1"}}`, service, i)
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
	t.Logf("from the answer of one node to that of the other: median %v, 99%% %v, most %v", delays[100], delays[198], delays[199])
}
