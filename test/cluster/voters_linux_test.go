package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// target is a host whose port is probed.
type target struct {
	*host
	t        *testing.T
	listener net.Listener
	tasks    sync.WaitGroup
}

func newTarget(t *testing.T, n *network) *target {
	t.Helper()
	x := &target{host: n.add("target"), t: t}
	x.open()
	t.Cleanup(x.close)
	return x
}

// open lets the target accept connections.
func (x *target) open() {
	x.t.Helper()
	var err error
	x.do(func() { x.listener, err = net.Listen("tcp", x.ip+":80") })
	if err != nil {
		x.t.Fatal(err)
	}
	l := x.listener
	x.tasks.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	})
}

func (x *target) close() {
	x.listener.Close()
	x.tasks.Wait()
}

// health returns the health of a service's instances as a node knows it: one word if all have
// the same.
func (m *machine) health(service string) string {
	a, err := m.call(context.Background(), "GetInstancesHealthStatus", fmt.Sprintf(`{"ServiceId":%q,"MaxResults":100}`, service), 0)
	if err != nil || a.status != http.StatusOK {
		return "none"
	}
	var out struct{ Status map[string]string }
	if err := json.Unmarshal(a.body, &out); err != nil {
		return err.Error()
	}
	all := ""
	for _, status := range out.Status {
		if all == "" {
			all = status
		}
		if status != all {
			return fmt.Sprint(out.Status)
		}
	}
	return all
}

// checked is instances on a target, which all nodes probe.
type checked struct {
	*fixture
	target  *target
	service string
}

// checkedInstances is enough for each node to own some checks, so that each fault hits a node
// that decides and one that votes.
const checkedInstances = 9

func newChecked(t *testing.T, share string) *checked {
	c := &checked{fixture: overEtcdWith(t, "", "health: {interval: 1s, initial_interval: 200ms, voters: 3, healthy_share: "+share+"}\n")}
	c.target = newTarget(t, c.net)
	m := c.nodes[0]
	m.must("CreateHttpNamespace", `{"Name":"checked"}`, &struct{}{})
	var list struct {
		Namespaces []struct{ Id, Name string }
	}
	m.must("ListNamespaces", `{"MaxResults":100}`, &list)
	var created struct{ Service struct{ Id string } }
	for _, ns := range list.Namespaces {
		if ns.Name == "checked" {
			m.must("CreateService", fmt.Sprintf(`{"Name":"web","NamespaceId":%q,"HealthCheckConfig":{"Type":"TCP","FailureThreshold":2}}`, ns.Id), &created)
		}
	}
	c.service = created.Service.Id
	m.must("UpdateServiceAttributes", fmt.Sprintf(`{"ServiceId":%q,"Attributes":{"cairn.health.timeout":"1s"}}`, c.service), &struct{}{})
	for i := range checkedInstances {
		m.must("RegisterInstance", fmt.Sprintf(`{"ServiceId":%q,"InstanceId":"i-%d","Attributes":{"AWS_INSTANCE_IPV4":%q,"AWS_INSTANCE_PORT":"80"}}`, c.service, i, c.target.ip), &struct{}{})
	}
	return c
}

// all waits until all nodes that run say the same.
func (c *checked) all(what, want string, nodes ...*machine) {
	c.t.Helper()
	start := time.Now()
	for _, m := range nodes {
		eventually(c.t, func() string { return m.health(c.service) }, want)
	}
	c.t.Logf("%s: %s after %v", what, want, time.Since(start).Round(10*time.Millisecond))
}

// stays lets something happen, and checks that no node changes a verdict meanwhile and for
// some intervals after it.
func (c *checked) stays(what, want string, happens func()) {
	c.t.Helper()
	done := make(chan struct{})
	var watchers sync.WaitGroup
	for _, m := range c.nodes {
		watchers.Go(func() {
			for {
				select {
				case <-done:
					return
				case <-time.After(20 * time.Millisecond):
				}
				if got := m.health(c.service); got != want && got != "none" {
					c.t.Errorf("%s: node %s says %s", what, m.name, got)
					return
				}
			}
		})
	}
	happens()
	time.Sleep(5 * time.Second) // probes are made every second, and two failures in a row count
	close(done)
	watchers.Wait()
}

// TestVotersInFaults: no verdict changes while voters are killed, cut off from etcd or cut
// off from what they probe. It changes when the target fails, also when voters are gone.
func TestVotersInFaults(t *testing.T) {
	t.Parallel()
	c := newChecked(t, "0.18")
	target := []*host{c.target.host}
	cut := func(from, to []*host) {
		c.net.set(link{cut: true}, from, to)
		c.net.set(link{cut: true}, to, from)
	}
	c.all("at first", "HEALTHY", c.nodes...)

	c.stays("kill -9 of a voter", "HEALTHY", func() {
		c.nodes[0].kill()
		time.Sleep(2 * lease)
		c.nodes[0].start()
		c.nodes[0].await()
	})
	c.stays("a voter without etcd", "HEALTHY", func() {
		cut(hosts(c.nodes[1]), hosts(c.members...))
		time.Sleep(2 * lease)
		c.repair()
		c.nodes[1].await()
	})
	c.stays("one of three voters reaches the target", "HEALTHY", func() { cut(hosts(c.nodes[:2]...), target) })
	c.repair()

	c.target.close()
	c.all("the target fails", "UNHEALTHY", c.nodes...)
	c.stays("a voter is killed while the target is down", "UNHEALTHY", func() {
		c.nodes[0].kill()
		time.Sleep(2 * lease)
	})
	c.target.open()
	c.all("the target is back, without a voter", "HEALTHY", c.nodes[1:]...)
	c.target.close()
	c.all("the target fails again, without a voter", "UNHEALTHY", c.nodes[1:]...)
	c.nodes[0].start()
	c.nodes[0].await()
	c.stays("the voter is back", "UNHEALTHY", func() {})
	c.target.open()
	c.all("the target is back", "HEALTHY", c.nodes...)
	// A change of members and a failure at once.
	c.nodes[1].kill()
	c.target.close()
	c.all("the target fails while a voter is killed", "UNHEALTHY", c.nodes[0], c.nodes[2])
	c.target.open()
}

// TestMajorityOfVoters: with a share of 0.5, one of three voters that reaches the target is
// not enough, two are.
func TestMajorityOfVoters(t *testing.T) {
	c := newChecked(t, "0.5")
	target := []*host{c.target.host}
	cut := func(nodes ...*machine) {
		c.net.set(link{cut: true}, hosts(nodes...), target)
		c.net.set(link{cut: true}, target, hosts(nodes...))
	}
	c.all("at first", "HEALTHY", c.nodes...)
	c.stays("two of three reach the target", "HEALTHY", func() { cut(c.nodes[0]) })
	cut(c.nodes[1])
	c.all("one of three reaches the target", "UNHEALTHY", c.nodes...)
	c.repair()
	c.all("all reach the target", "HEALTHY", c.nodes...)
}
