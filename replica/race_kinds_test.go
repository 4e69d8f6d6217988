package replica

import (
	"fmt"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/store/memory"
)

// oneEach are limits of one.
func oneEach() *state.Rules {
	limits := command.Limits{}
	for _, name := range []string{"namespaces_per_account", "services_per_namespace", "hosted_zones_per_account", "health_checks_per_account", "clusters_per_account"} {
		limits[name] = 1
	}
	return &state.Rules{Registry: registry.Rules{Region: "us-east-1"}, Quotas: command.Quotas{Limits: limits}, Shared: true}
}

func manyEach() *state.Rules {
	return &state.Rules{Registry: registry.Rules{Region: "us-east-1"}, Shared: true}
}

// TestRacesAcrossNodes lets two nodes decide at the same time, each on a state without what
// the other one does. Of what a quota or a reference allows once, one succeeds.
func TestRacesAcrossNodes(t *testing.T) {
	tcp := hostedzone.CheckConfig{Type: hostedzone.CheckTCP, IP: "192.0.2.1", Port: 80, Interval: 30, Threshold: 3}
	other := tcp
	other.Port = 81
	for _, c := range []struct {
		name  string
		rules func() *state.Rules
		op    func(n *node, side int) command.Command
	}{
		{"quota of namespaces", oneEach, func(_ *node, side int) command.Command { return httpNamespace(fmt.Sprint("ns-", side)) }},
		{"quota of hosted zones", oneEach, func(_ *node, side int) command.Command {
			return &hostedzone.Create{Name: fmt.Sprintf("z%d.example", side), CallerReference: fmt.Sprint(side)}
		}},
		{"quota of health checks", oneEach, func(_ *node, side int) command.Command {
			return &hostedzone.CreateCheck{CallerReference: fmt.Sprint(side), Config: tcp}
		}},
		{"quota of clusters", oneEach, func(_ *node, side int) command.Command {
			return &task.CreateCluster{Name: fmt.Sprint("c", side)}
		}},
		{"caller reference of a hosted zone", manyEach, func(_ *node, side int) command.Command {
			return &hostedzone.Create{Name: fmt.Sprintf("z%d.example", side), CallerReference: "same"}
		}},
		{"caller reference of a health check", manyEach, func(_ *node, side int) command.Command {
			cfg := tcp
			if side == 1 {
				cfg = other
			}
			return &hostedzone.CreateCheck{CallerReference: "same", Config: cfg}
		}},
		{"name of a namespace", manyEach, func(*node, int) command.Command { return httpNamespace("same") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 10 {
				data := memory.New()
				with := func(cfg *Config) { cfg.Rules = c.rules }
				a, b := start(t, data, with), start(t, data.Share(), with)
				if won := race(t, propose(a, c.op(a, 0)), propose(b, c.op(b, 1))); won != 1 {
					t.Fatalf("%d of 2 succeeded", won)
				}
				a.stop()
				b.stop()
			}
		})
	}
}

// TestQuotaOfServicesAcrossNodes: the last service of a namespace is made once.
func TestQuotaOfServicesAcrossNodes(t *testing.T) {
	for range 10 {
		data := memory.New()
		with := func(cfg *Config) { cfg.Rules = oneEach }
		a, b := start(t, data, with), start(t, data.Share(), with)
		ns := a.namespace("shop")
		b.waitFor(a.Current().Revision)
		create := func(name string) command.Command {
			return &registry.CreateService{Name: name, NamespaceRef: string(ns)}
		}
		if won := race(t, propose(a, create("x")), propose(b, create("y"))); won != 1 {
			t.Fatalf("%d of 2 succeeded", won)
		}
		a.stop()
		b.stop()
	}
}

// TestClientAliasAcrossNodes: a client alias of Service Connect is given once in a namespace.
func TestClientAliasAcrossNodes(t *testing.T) {
	for range 10 {
		data := memory.New()
		with := func(cfg *Config) { cfg.Rules = manyEach }
		a, b := start(t, data, with), start(t, data.Share(), with)
		a.do(httpNamespace("shop"))
		a.do(&task.CreateCluster{Name: "c"})
		a.do(&task.RegisterTaskDefinition{Definition: task.Definition{
			Family: "app", NetworkMode: "awsvpc",
			ContainerDefinitions: []task.ContainerDefinition{{
				Name: "app", Image: "app", CPU: new(int64(128)), Memory: new(int64(64)),
				PortMappings: []task.PortMapping{{ContainerPort: new(int64(80)), Name: "http"}},
			}},
		}})
		connect := func(name, alias string) *task.ServiceConnectConfiguration {
			return &task.ServiceConnectConfiguration{Enabled: new(true), Namespace: "shop", Services: []task.ServiceConnectService{{
				PortName: "http", DiscoveryName: name, ClientAliases: []task.ServiceConnectClientAlias{{DNSName: alias, Port: new(int64(80))}},
			}}}
		}
		for _, name := range []string{"x", "y"} {
			a.do(&task.CreateService{
				Cluster: "c", Name: name, ServiceSettings: task.ServiceSettings{DesiredCount: new(0)},
				Workload: task.Workload{
					Family:               "app",
					NetworkConfiguration: &task.NetworkConfiguration{AwsvpcConfiguration: &task.AwsVpcConfiguration{Subnets: []string{"subnet-1"}}},
					ServiceConnect:       connect(name, name),
				},
			})
		}
		b.waitFor(a.Current().Revision)
		update := func(name string) command.Command {
			return &task.UpdateService{Cluster: "c", Name: name, ServiceConnect: connect(name, "api")}
		}
		if won := race(t, propose(a, update("x")), propose(b, update("y"))); won != 1 {
			t.Fatalf("%d of 2 succeeded", won)
		}
		a.stop()
		b.stop()
	}
}

// TestRepeatedRequestAcrossNodes: a request that two nodes get with one CreatorRequestId is
// done once, and both answer with the same operation.
func TestRepeatedRequestAcrossNodes(t *testing.T) {
	for range 10 {
		data := memory.New()
		a, b := start(t, data), start(t, data.Share())
		ids := make(chan string, 2)
		request := func(n *node) func() error {
			return func() error {
				reply, err := n.Propose(t.Context(), account, &registry.CreateNamespace{Name: "shop", Type: registry.HTTP, CreatorRequestID: "r"})
				ids <- reply.ID
				return err
			}
		}
		if won := race(t, request(a), request(b)); won != 2 {
			t.Fatalf("%d of 2 succeeded", won)
		}
		if x, y := <-ids, <-ids; x != y || x == "" {
			t.Fatalf("operations %q and %q", x, y)
		}
		a.stop()
		b.stop()
	}
}
