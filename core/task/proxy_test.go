package task_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/task"
)

// proxied gives node "a" an Envoy, and makes it the only one.
func proxied(w *fixture) {
	w.do(&task.PutNode{Node: task.Node{Name: "a", Driver: "process", IPv4: "192.0.2.1", Zone: "zone-a", CPU: 4096, Memory: 8192, Proxy: true}})
	w.do(&task.PutNode{Node: task.Node{Name: "b", Driver: "process", Zone: "zone-b"}})
}

// member returns the first task of the service.
func (w *fixture) member() *task.Task {
	w.t.Helper()
	for x := range w.state.Task.TasksOfService(account, "c", "s") {
		return x
	}
	w.t.Fatal("the service has no task")
	return nil
}

// TestProxy: a task of a service with Service Connect has a proxy on a node that runs them.
// The others start after it; its health alone does not make the task healthy, and a proxy
// that fails makes it unhealthy.
func TestProxy(t *testing.T) {
	w := newFixture(t)
	proxied(w)
	w.service(1, func(c *task.CreateService) { c.ServiceRegistries, c.ServiceConnect = nil, connect("shop.test", nil) })
	w.plan()
	x := w.member()
	name := "ecs-service-connect-" + x.ID[:6]
	if x.Proxy != name || len(x.Containers) != 2 || x.Containers[1].Name != name || x.Containers[1].ID == "" {
		t.Fatalf("proxy %q, containers %+v", x.Proxy, x.Containers)
	}
	d, ok := w.state.Task.DefinitionOf(x)
	if !ok || len(d.ContainerDefinitions) != 2 {
		t.Fatalf("definition %+v", d)
	}
	if after := d.ContainerDefinitions[0].DependsOn; !slices.Equal(after, []task.ContainerDependency{{Condition: "HEALTHY", ContainerName: name}}) {
		t.Errorf("the container of the task depends on %v", after)
	}
	if plain, _ := w.state.Task.Definition(account, "app", 1); len(plain.ContainerDefinitions) != 1 || plain.ContainerDefinitions[0].DependsOn != nil {
		t.Errorf("the task definition has changed: %+v", plain.ContainerDefinitions)
	}
	proxy := func(health string) *task.Task {
		return w.report(x.ID, func(r *task.Report) {
			r.Containers = []task.ContainerState{{Name: name, LastStatus: task.StatusRunning, Health: health}}
		})
	}
	if x := proxy(task.HealthHealthy); x.LastStatus != task.StatusPending && x.LastStatus != task.StatusProvisioning || x.EverHealthy {
		t.Errorf("only the proxy runs: %s, was healthy: %t", x.LastStatus, x.EverHealthy)
	}
	if x := w.started(x.ID); x.LastStatus != task.StatusRunning || x.Health != task.HealthUnknown || !x.Answered {
		t.Errorf("all run: %s, %s, answered: %t", x.LastStatus, x.Health, x.Answered)
	}
	if x := proxy(task.HealthUnhealthy); x.Health != task.HealthUnhealthy {
		t.Errorf("the proxy is unhealthy: %s", x.Health)
	}
	w.now += 5000
	w.plan()
	if n := len(slices.Collect(w.state.Task.TasksOfService(account, "c", "s"))); n != 2 {
		t.Errorf("the proxy stays unhealthy: %d tasks, want one that replaces it", n)
	}
}

// TestNoProxy: tasks without Service Connect have no proxy.
func TestNoProxy(t *testing.T) {
	w := newFixture(t)
	proxied(w)
	w.service(1, nil)
	w.plan()
	if x := w.member(); x.Proxy != "" || len(x.Containers) != 1 {
		t.Errorf("a service without Service Connect: %+v", x)
	}
	if x := w.run("app"); x.Proxy != "" {
		t.Errorf("a task without a service: %+v", x)
	}
}

// TestConnectEndpoints: the client aliases of a namespace, with their protocols and time
// limits; what a proxy is told when its task starts.
func TestConnectEndpoints(t *testing.T) {
	w := newFixture(t)
	proxied(w)
	w.define("app", "awsvpc", func(d *task.Definition) { d.ContainerDefinitions[0].PortMappings[0].AppProtocol = "http2" })
	w.service(1, func(c *task.CreateService) {
		c.ServiceRegistries = nil
		c.ServiceConnect = connect("shop.test", func(s *task.ServiceConnectService) {
			s.ClientAliases[0].Port = new(int64(15000))
			s.Timeout = &task.TimeoutConfiguration{IdleTimeoutSeconds: new(int64(0))}
		})
	})
	w.plan()
	x := w.member()
	ns, ok := w.state.Task.ConnectNamespace(&w.state.Registry, &w.rules.Registry, x)
	if !ok || ns.Name != "shop.test" {
		t.Fatalf("namespace %+v", ns)
	}
	all := w.state.Task.ConnectEndpoints(&w.state.Registry, ns)
	if len(all) != 1 {
		t.Fatalf("endpoints %+v", all)
	}
	e := all[0]
	if got := fmt.Sprintf("%s:%d %s %s %d %d", e.Name, e.Port, e.DiscoveryName, e.Protocol, e.IdleTimeout, e.RequestTimeout); got != "orders:15000 orders http2 0 15" {
		t.Errorf("endpoint %s", got)
	}
	config, _ := w.state.Task.ConnectOf(x)
	d, _ := w.state.Task.DefinitionOf(x)
	settings, redirects := task.ProxySettingsOf(d, config, all)
	if !slices.Equal(redirects, []task.Redirect{{Port: 80, To: 15001}}) || settings.Ingress["http"] != 15001 || settings.Hosts["orders"] != "127.255.0.1" {
		t.Errorf("settings %+v, redirects %v", settings, redirects)
	}
	config.Services[0].IngressPortOverride = new(int64(9999))
	settings, redirects = task.ProxySettingsOf(d, config, all)
	if len(redirects) != 0 || settings.Ingress["http"] != 9999 {
		t.Errorf("with ingressPortOverride: settings %+v, redirects %v", settings, redirects)
	}
	value, err := settings.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := task.ParseProxySettings(value); err != nil || fmt.Sprint(again) != fmt.Sprint(settings) {
		t.Errorf("metadata gives %+v, %v", again, err)
	}
}

// TestIngressPortOverride: other proxies send to the port at which the proxy of the task
// listens; without a proxy, to that of the container.
func TestIngressPortOverride(t *testing.T) {
	for _, withProxy := range []bool{true, false} {
		w := newFixture(t)
		want := "80"
		if withProxy {
			proxied(w)
			want = "9999"
		}
		w.service(1, func(c *task.CreateService) {
			c.ServiceRegistries = nil
			c.ServiceConnect = connect("shop.test", func(s *task.ServiceConnectService) { s.IngressPortOverride = new(int64(9999)) })
		})
		w.plan()
		x := w.member()
		if withProxy {
			w.report(x.ID, func(r *task.Report) {
				r.Containers = []task.ContainerState{{Name: x.Proxy, LastStatus: task.StatusRunning, Health: task.HealthHealthy}}
			})
		}
		w.started(x.ID)
		resource := w.current().Primary().ServiceConnectServices[0]
		svc, ok := w.state.Registry.Service(account, registry.ServiceID(resource.Service))
		if !ok || svc.InstanceCount() != 1 {
			t.Fatalf("service %+v", svc)
		}
		for _, inst := range svc.Instances("") {
			if port, _ := inst.Attributes().Get("AWS_INSTANCE_PORT"); port != want {
				t.Errorf("with a proxy: %t: AWS_INSTANCE_PORT is %s, want %s", withProxy, port, want)
			}
		}
	}
}

// TestProxyHosts: each name has an address of its own, none of which ends with 0 or 255.
func TestProxyHosts(t *testing.T) {
	var all []task.ConnectEndpoint
	for i := range 600 {
		all = append(all, task.ConnectEndpoint{Name: fmt.Sprintf("s%03d", i), Port: 80}, task.ConnectEndpoint{Name: fmt.Sprintf("s%03d", i), Port: 81})
	}
	settings, _ := task.ProxySettingsOf(&task.Definition{}, &task.ServiceConnectConfiguration{}, all)
	used := map[string]bool{}
	for _, address := range settings.Hosts {
		used[address] = true
	}
	if len(used) != 600 || settings.Hosts["s253"] != "127.255.0.254" || settings.Hosts["s254"] != "127.255.1.1" {
		t.Errorf("%d addresses; s253 has %s, s254 %s", len(used), settings.Hosts["s253"], settings.Hosts["s254"])
	}
}
