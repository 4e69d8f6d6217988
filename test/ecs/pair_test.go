package ecs

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/node/nodetest"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
)

// pair is two nodes that share a store and run tasks on this machine, each in a subnet of
// its own.
type pair struct {
	t       *testing.T
	options [2][]nodetest.Option
	nodes   [2]*nodetest.Node
}

// pairLease is the lease of the nodes of a pair. It is longer than a node may take to stop
// its runner: or the other node would take the tasks for lost before both are down.
const pairLease = 10 * time.Second

func newPair(t *testing.T) *pair {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("the process driver needs root")
	}
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{t: t}
	shared, root := memory.New(), image(t, dir)
	for i := range p.nodes {
		p.options[i] = []nodetest.Option{nodetest.WithDataDir(t.TempDir()), nodetest.With(func(c *node.Config) {
			c.OpenStore = func() (store.Store, error) { return shared.Share(), nil }
			c.LogLevel, c.NodeName, c.Shared = "info", fmt.Sprint("node", i+1), true
			c.Nodes.Lease.Duration, c.Runner.Lease.Duration = time.Second, pairLease
			c.Runner.Driver, c.Runner.Cgroups, c.Runner.Outbound = config.RunnerProcess, false, false
			c.Runner.DefaultSubnet.CIDR.Prefix = netip.MustParsePrefix(fmt.Sprintf("10.%d.0.0/16", 214+i))
			c.Runner.Images = map[string]config.RunnerImage{"httpd:2.4": {Root: root}}
		})}
		p.start(i)
	}
	return p
}

func (p *pair) start(i int) {
	p.t.Helper()
	p.nodes[i] = nodetest.Start(p.t, p.options[i]...)
}

// machine is what talks to a node.
func (p *pair) machine(i int) *machine {
	return &machine{T: p.t, url: p.nodes[i].URL, dns: p.nodes[i].Addrs().DNS}
}

// TestNodeIsLost stops one of two nodes that share a store. When its lease (runner.lease)
// has ended, its tasks have left Cloud Map and run on the other node; when it comes back,
// it removes what it still runs, and gets tasks again.
func TestNodeIsLost(t *testing.T) {
	nodes := newPair(t)
	s := newShop(t, nodes.machine(0), nil)
	defer s.end()
	c := &crashes{shop: s, desired: 10, containers: map[string]string{}}
	c.check("with two nodes")
	if on := c.subnets(); on["10.214"] != 5 || on["10.215"] != 5 {
		t.Fatalf("tasks by subnet: %v", on)
	}
	nodes.nodes[1].Stop(t) // its tasks go on, but nobody hears of them
	s.until("the tasks of the lost node run on the other one", func() bool { return c.subnets()["10.214"] == 10 && s.steady() })
	lost := 0
	for _, x := range c.tasks() {
		if text(x, "stopCode") != "TerminationNotice" {
			continue
		}
		lost++
		if reason := text(x, "stoppedReason"); !strings.HasPrefix(reason, "Host EC2 (instance i-") || !strings.HasSuffix(reason, ") terminated.") {
			t.Errorf("reason %q", reason)
		}
	}
	if lost != 5 || len(c.registered()) != 10 {
		t.Errorf("%d tasks were lost, and there are %d instances", lost, len(c.registered()))
	}
	for _, want := range []string{"false", "true"} {
		connected := 0
		all, _ := s.must("DescribeContainerInstances", object{"containerInstances": s.instances()})["containerInstances"].([]any)
		for _, i := range all {
			if text(i, "agentConnected") == want {
				connected++
			}
		}
		if connected != 1 {
			t.Errorf("agentConnected is %s for %d of %v", want, connected, all)
		}
	}

	nodes.start(1)
	s.until("the node has removed its old tasks", func() bool { return c.processes() == 10 })
	s.must("UpdateService", object{"service": "orders", "forceNewDeployment": true})
	s.settled("a deployment")
	c.check("with both nodes again")
	if on := c.subnets(); on["10.214"] != 5 || on["10.215"] != 5 {
		t.Errorf("tasks by subnet: %v", on)
	}
}

// TestAllNodesWereDown stops both nodes for longer than runner.lease. The one that starts
// first must not take the tasks of the other for lost before that had time to come back.
func TestAllNodesWereDown(t *testing.T) {
	nodes := newPair(t)
	s := newShop(t, nodes.machine(0), nil)
	defer func() { s.end() }()
	c := &crashes{shop: s, desired: 10, containers: map[string]string{}}
	c.check("before")
	var stops sync.WaitGroup
	for i := range nodes.nodes {
		stops.Go(func() { nodes.nodes[i].Stop(t) })
	}
	stops.Wait()
	time.Sleep(pairLease + time.Second) // the leases end: the point of the test
	for i := range nodes.nodes {
		nodes.start(i)
	}
	c.machine = nodes.machine(0)
	s.settled("the start")
	c.check("after")
	if len(c.containers) != c.desired {
		t.Errorf("tasks were replaced: %v", c.containers)
	}
}

// subnets counts the instances by the first two numbers of their addresses.
func (c *crashes) subnets() map[string]int {
	c.Helper()
	all := map[string]int{}
	for _, address := range c.registered() {
		all[strings.Join(strings.Split(address, ".")[:2], ".")]++
	}
	return all
}
