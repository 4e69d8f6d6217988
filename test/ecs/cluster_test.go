package ecs

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/store/etcd/etcdtest"
)

// TestNodeIsKilled kills (kill -9) each of two nodes that share an etcd and run the tasks of
// a service, so also the one that plans them. The other one plans and runs what is wanted
// then. No task is planned twice, and the tasks that are lost leave Cloud Map and DNS.
func TestNodeIsKilled(t *testing.T) {
	etcd := etcdtest.Start(t)
	var nodes [2]*machine
	for i := range nodes {
		nodes[i] = startWith(t, options{subnet: fmt.Sprintf("10.%d.0.0/16", 216+i), runner: "  lease: 3s"},
			"store: etcd", "etcd_endpoints: ["+etcd.Endpoint+"]", fmt.Sprint("node_name: node", i), "nodes: {lease: 1s}")
	}
	s := newShop(t, nodes[0], nil)
	defer s.end()
	c := &crashes{shop: s, desired: 10, containers: map[string]string{}}
	c.check("with two nodes")
	for i, victim := range nodes {
		s.machine = nodes[1-i]
		lost, left := fmt.Sprint("10.", 216+i), fmt.Sprint("10.", 217-i)
		if on := c.subnets(); on[lost] != 5 || on[left] != 5 {
			t.Fatalf("tasks by subnet: %v", on)
		}
		before := taskIDs(c.tasks())
		watched := c.watch(12)
		victim.kill()
		killed := time.Now()
		s.must("UpdateService", object{"service": "orders", "desiredCount": 12})
		s.until("the other node plans", func() bool { return len(taskIDs(c.tasks())) > len(before) })
		t.Logf("node %d was killed: the other one plans after %v", i, time.Since(killed).Round(10*time.Millisecond))
		s.until("all tasks run on the other node", func() bool { return c.subnets()[left] == 12 && s.steady() })
		t.Logf("all tasks run on it after %v", time.Since(killed).Round(10*time.Millisecond))
		watched()
		for _, address := range c.addresses() {
			if !strings.HasPrefix(address, left+".") {
				t.Errorf("DNS has %s of the node that was killed", address)
			}
		}
		if on := c.subnets(); len(on) != 1 {
			t.Errorf("instances by subnet: %v", on)
		}

		victim.boot()
		s.until("the node has removed its old tasks", func() bool { return c.processes() == 12 })
		s.must("UpdateService", object{"service": "orders", "desiredCount": 10, "forceNewDeployment": true})
		s.settled("a deployment")
		c.check("with both nodes again")
	}
}

func taskIDs(tasks []any) map[string]bool {
	all := map[string]bool{}
	for _, x := range tasks {
		all[taskID(x)] = true
	}
	return all
}

// watch checks until the result is called that there are never more tasks that are to run
// than are wanted.
func (c *crashes) watch(most int) (stop func()) {
	done := make(chan struct{})
	var task sync.WaitGroup
	m := c.machine
	task.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
			}
			out, err := m.try("ecs", "ListTasks", object{"serviceName": "orders", "desiredStatus": "RUNNING"})
			if arns, _ := out["taskArns"].([]any); err != nil || len(arns) > most {
				c.Errorf("%d tasks are to run, %d are wanted: %v", len(arns), most, err)
				return
			}
		}
	})
	return func() { close(done); task.Wait() }
}

// addresses returns what DNS answers for the service.
func (c *crashes) addresses() (all []string) {
	c.Helper()
	query := new(dns.Msg).SetQuestion("orders.shop.internal.", dns.TypeA)
	answer, _, err := (&dns.Client{Net: "tcp"}).Exchange(query, c.dns)
	if err != nil {
		c.Fatal(err)
	}
	for _, record := range answer.Answer {
		if a, ok := record.(*dns.A); ok {
			all = append(all, a.A.String())
		}
	}
	if len(all) == 0 {
		c.Error("DNS has no address")
	}
	return all
}
