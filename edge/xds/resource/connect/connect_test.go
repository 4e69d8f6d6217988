package connect_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/connect"
)

const account = command.AccountID("123456789012")

// fixture has the namespaces "shop" and "other", and a node with an Envoy.
type fixture struct {
	t     *testing.T
	state *state.State
	rules state.Rules
	n     uint64
}

func newFixture(t *testing.T) *fixture {
	w := &fixture{t: t, state: new(state.State), rules: state.Rules{
		Registry: registry.Rules{Region: "eu-west-1", DefaultTTL: 60}, Task: task.Rules{Region: "eu-west-1"},
		Quotas: command.Quotas{Limits: state.DefaultLimits(false)},
	}}
	for _, name := range []string{"shop", "other"} {
		w.do(&registry.CreateNamespace{Name: name, Type: registry.HTTP})
	}
	w.do(&task.CreateCluster{Name: "c"})
	w.do(&task.PutNode{Node: task.Node{Name: "a", Driver: "process", IPv4: "192.0.2.1", CPU: 4096, Memory: 8192, Proxy: true}})
	return w
}

func (w *fixture) do(c command.Command) {
	w.t.Helper()
	w.n++
	d, err := state.Decide(w.state, &w.rules, command.Meta{
		Account: account, Now: 1_795_000_000_000 + int64(w.n), Entropy: sha256.Sum256(binary.BigEndian.AppendUint64(nil, w.n)),
	}, c)
	if err != nil {
		w.t.Fatalf("%T: %v", c, err)
	}
	w.state = state.Apply(w.state, w.state.Revision+1, d.Changes...)
}

// service creates a service of a namespace with a task, whose alias has the name of the
// service and the port 8080.
func (w *fixture) service(namespace, name, protocol string) *task.Task {
	w.t.Helper()
	port := int64(80)
	w.do(&task.RegisterTaskDefinition{Definition: task.Definition{
		Family: name, NetworkMode: "awsvpc",
		ContainerDefinitions: []task.ContainerDefinition{{
			Name: "app", Image: "app", Memory: new(int64(64)), PortMappings: []task.PortMapping{{ContainerPort: &port, Name: "main", AppProtocol: protocol}},
		}},
	}})
	one := 1
	w.do(&task.CreateService{
		Cluster: "c", Name: name, ServiceSettings: task.ServiceSettings{DesiredCount: &one},
		Workload: task.Workload{
			Family:               name,
			NetworkConfiguration: &task.NetworkConfiguration{AwsvpcConfiguration: &task.AwsVpcConfiguration{Subnets: []string{"subnet-1"}}},
			ServiceConnect: &task.ServiceConnectConfiguration{
				Enabled: new(true), Namespace: namespace,
				AccessLogConfiguration: &task.ServiceConnectAccessLogConfiguration{Format: "JSON"},
				Services: []task.ServiceConnectService{{
					PortName: "main", DiscoveryName: name, ClientAliases: []task.ServiceConnectClientAlias{{Port: new(int64(8080)), DNSName: name}},
				}},
			},
		},
	})
	for range 10 {
		actions, _ := task.Plan(state.NewView(w.state, &w.rules), 1_795_000_100_000, 0)
		for _, a := range actions {
			w.do(a.Command)
		}
	}
	for x := range w.state.Task.TasksOfService(account, "c", name) {
		return x
	}
	w.t.Fatalf("service %s has no task", name)
	return nil
}

func (w *fixture) input() *resource.Input { return &resource.Input{State: w.state, Rules: &w.rules} }

// view returns what the proxy of a task sees that starts now.
func (w *fixture) view(s *connect.Source, x *task.Task) resource.View {
	w.t.Helper()
	ns, ok := w.state.Task.ConnectNamespace(&w.state.Registry, &w.rules.Registry, x)
	if !ok {
		w.t.Fatal("no namespace")
	}
	d, _ := w.state.Task.DefinitionOf(x)
	config, _ := w.state.Task.ConnectOf(x)
	settings, _ := task.ProxySettingsOf(d, config, w.state.Task.ConnectEndpoints(&w.state.Registry, ns))
	value, err := settings.Metadata()
	if err != nil {
		w.t.Fatal(err)
	}
	metadata, err := structpb.NewStruct(map[string]any{task.ProxyMetadata: value})
	if err != nil {
		w.t.Fatal(err)
	}
	v, err := s.View(w.input(), &resource.Proxy{
		Node: &corev3.Node{Id: "proxy", Metadata: metadata}, Account: account, Task: &resource.Task{Account: account, Cluster: "c", ID: x.ID},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// TestResources: a proxy has the ports of its task and the aliases of its namespace, no
// others; all of them are valid.
func TestResources(t *testing.T) {
	w, s := newFixture(t), &connect.Source{Region: "eu-west-1"}
	w.service("shop", "orders", "http")
	w.service("shop", "prices", "grpc")
	w.service("other", "hidden", "http")
	web := w.service("shop", "web", "")
	v := w.view(s, web)
	for kind, want := range map[resource.Type]string{
		resource.Listener: "egress egress_orders_8080 egress_prices_8080 egress_web_8080 ingress_main",
		resource.Cluster:  "ingress_main orders.shop prices.shop web.shop",
	} {
		names := v.Names(w.input(), kind)
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %s, want %s", kind, got, want)
		}
		for _, name := range names {
			m := v.Make(w.input(), kind, name)
			if m == nil {
				t.Errorf("there is no %s %s", kind, name)
				continue
			}
			if err := m.Proto.(interface{ ValidateAll() error }).ValidateAll(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for _, ref := range m.Refs {
				if v.Make(w.input(), ref.Type, ref.Name) == nil {
					t.Errorf("%s %s needs %s %s, which is not there", kind, name, ref.Type, ref.Name)
				}
			}
		}
	}
	for _, name := range []string{"egress_hidden_8080", "ingress_other", ""} {
		if m := v.Make(w.input(), resource.Listener, name); m != nil {
			t.Errorf("there is a listener %q", name)
		}
	}
	l := v.Make(w.input(), resource.Listener, "egress_prices_8080").Proto.(*listenerv3.Listener)
	if a := l.GetAddress().GetSocketAddress(); a.GetAddress() != "127.255.0.2" || a.GetPortValue() != 8080 {
		t.Errorf("the listener of prices is at %v", a)
	}
}

// TestSharing: proxies of one deployment share everything, those of a namespace the
// clusters and endpoints.
func TestSharing(t *testing.T) {
	w, s := newFixture(t), &connect.Source{}
	orders := w.service("shop", "orders", "http")
	web := w.service("shop", "web", "http")
	a, again, b := w.view(s, orders), w.view(s, orders), w.view(s, web)
	if a.Scope(resource.Listener, "egress_web_8080") != again.Scope(resource.Listener, "egress_web_8080") {
		t.Error("two proxies of one deployment have other scopes")
	}
	for _, kind := range []resource.Type{resource.Cluster, resource.Endpoints} {
		if a.Scope(kind, "web.shop") != b.Scope(kind, "web.shop") {
			t.Errorf("%s of one namespace has two scopes", kind)
		}
	}
}

// TestChanges: a new service changes the aliases of its namespace, an instance does not.
func TestChanges(t *testing.T) {
	w, s := newFixture(t), &connect.Source{}
	count := func(old *state.State) (n int) {
		s.Changes(old, w.state, func(resource.Dep) { n++ })
		return n
	}
	before := w.state
	x := w.service("shop", "orders", "http")
	if count(before) == 0 {
		t.Error("a service was created: nothing has changed")
	}
	before = w.state
	w.do(&task.Report{Account: account, Cluster: "c", Task: x.ID, Node: "a", Network: &task.Network{IPv4: "10.0.0.1"}})
	if n := count(before); n != 0 {
		t.Errorf("a task has an address: %d changes", n)
	}
}

// TestChangesOfInstances: what a change of an instance costs does not depend on the number of
// services, in any number of namespaces.
func TestChangesOfInstances(t *testing.T) {
	w, s := newFixture(t), &connect.Source{}
	a, b := w.view(s, w.service("shop", "orders", "http")), w.view(s, w.service("other", "stock", "http"))
	for i := range 20 {
		w.service("shop", fmt.Sprint("more-", i), "http")
	}
	states := []*state.State{w.state}
	w.do(&registry.CreateNamespace{Name: "third", Type: registry.HTTP})
	states = append(states, w.state)
	change := func() {
		s.Changes(states[0], states[1], func(resource.Dep) {})
		a.Make(&resource.Input{State: states[1], Rules: &w.rules}, resource.Endpoints, "orders.shop")
		b.Make(&resource.Input{State: states[1], Rules: &w.rules}, resource.Endpoints, "stock.other")
		slices.Reverse(states)
	}
	if n := testing.AllocsPerRun(2, change); n > 60 {
		t.Errorf("a change of endpoints of two services: %v allocations", n)
	}
	// A change of aliases is seen at once.
	// A change of aliases is seen at once.
	before := w.state
	w.do(&task.UpdateService{Cluster: "c", Name: "orders", ServiceConnect: &task.ServiceConnectConfiguration{Enabled: new(false)}})
	for range 10 {
		actions, _ := task.Plan(state.NewView(w.state, &w.rules), 1_795_000_200_000, 0)
		for _, action := range actions {
			w.do(action.Command)
		}
	}
	s.Changes(before, w.state, func(resource.Dep) {})
	if a.Make(w.input(), resource.Cluster, "orders.shop") != nil {
		t.Error("a service that has left Service Connect has a cluster")
	}
}

// TestOthers: who is not the proxy of a task has no view, whatever it says of itself.
func TestOthers(t *testing.T) {
	w, s := newFixture(t), &connect.Source{}
	x := w.service("shop", "orders", "http")
	node := &corev3.Node{Id: w.rules.Task.TaskARN(account, "c", x.ID)}
	if v, err := s.View(w.input(), &resource.Proxy{Node: node, Account: account}); v != nil || err != nil {
		t.Errorf("a client with the id of a proxy: %v, %v", v, err)
	}
	if _, err := s.View(w.input(), &resource.Proxy{Node: node, Account: account, Task: &resource.Task{Account: account, Cluster: "c", ID: "gone"}}); err == nil {
		t.Error("a task that does not exist has a view")
	}
}
