package task_test

import (
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/core/zone"
)

func connect(namespace string, change func(*task.ServiceConnectService)) *task.ServiceConnectConfiguration {
	on := true
	s := task.ServiceConnectService{PortName: "http", DiscoveryName: "orders", ClientAliases: []task.ServiceConnectClientAlias{{DNSName: "Orders", Port: new(int64(80))}}}
	if change != nil {
		change(&s)
	}
	return &task.ServiceConnectConfiguration{Enabled: &on, Namespace: namespace, Services: []task.ServiceConnectService{s}}
}

// answers returns the number of addresses of a name for a client of a VPC.
func answers(s *state.State, name, vpc string) int {
	text, _ := dnswire.ParseName(name)
	wire := []byte(dnswire.Lowered(text))
	r := s.Zones.Lookup(&zone.Query{Name: wire, Hash: zone.Hash(wire), View: zone.View{VPCs: []string{vpc}}})
	if r.State != zone.Hit || r.Node.Set() == nil {
		return 0
	}
	return r.Node.Set().Members()
}

// The names of Service Connect are answered in the VPC of the namespace, and follow the
// tasks; their instances are in Cloud Map.
func TestServiceConnect(t *testing.T) {
	w := newFixture(t)
	w.service(2, func(c *task.CreateService) {
		c.ServiceRegistries, c.ServiceConnect = nil, connect("shop.test", nil)
	})
	w.settle(5000, nil)
	check := func(when string, want int) {
		t.Helper()
		for _, name := range []string{"orders.shop.test", "orders"} {
			if got := answers(w.state, name, "vpc-1"); got != want {
				t.Errorf("%s: %d addresses of %s, want %d", when, got, name, want)
			}
			if got := answers(w.state, name, "vpc-2"); got != 0 {
				t.Errorf("%s: another VPC gets %d addresses of %s", when, got, name)
			}
		}
	}
	check("two tasks", 2)
	resource := w.current().Primary().ServiceConnectServices[0]
	svc, ok := w.state.Registry.Service(account, registry.ServiceID(resource.Service))
	if !ok || svc.Type != registry.ServiceHTTP || svc.InstanceCount() != 2 || svc.Description != "Managed by arn:aws:ecs:eu-west-1:123456789012:service/c/s" {
		t.Fatalf("service %+v", svc)
	}
	for _, inst := range svc.Instances("") {
		if port, _ := inst.Attributes().Get("AWS_INSTANCE_PORT"); port != "80" {
			t.Errorf("port %q", port)
		}
	}
	// A restart gives the same zones.
	again := state.NewDraft(new(state.State))
	for stored := range w.state.All() {
		again.Apply(stored.Revision, stored.Change)
	}
	loaded := again.Finish()
	if got := answers(loaded, "orders", "vpc-1"); got != 2 {
		t.Errorf("after a restart: %d addresses", got)
	}
	w.update(scale(1))
	w.plan()
	check("one task", 1)
	off := false
	w.update(task.UpdateService{ServiceConnect: &task.ServiceConnectConfiguration{Enabled: &off}})
	w.settle(60_000, nil)
	check("switched off", 0)
	w.update(scale(0))
	w.do(&task.DeleteService{Cluster: "c", Name: "s"})
	w.settle(60_000, nil)
	check("deleted", 0)
}

// The texts of AWS for configurations that are not valid.
func TestServiceConnectErrors(t *testing.T) {
	w := newFixture(t)
	for _, row := range []struct {
		config *task.ServiceConnectConfiguration
		want   string
	}{
		{connect("", nil), "Namespace is missing"},
		{connect("none", nil), `The namespace "none" was not found.`},
		{connect("shop.test", func(s *task.ServiceConnectService) { s.PortName = "x" }), "portName(x) does not refer to any named PortMapping in the container definitions"},
		{connect("shop.test", func(s *task.ServiceConnectService) { s.ClientAliases = append(s.ClientAliases, s.ClientAliases[0]) }), "2 clientAliases exceeds the max limit of 1"},
		{connect("shop.test", func(s *task.ServiceConnectService) { s.ClientAliases[0].DNSName = "a b" }), "The DNS name that you provided is invalid."},
		{connect("shop.test", func(s *task.ServiceConnectService) { s.ClientAliases[0].DNSName = strings.Repeat("a.", 63) + "aa" }), "The dnsName of clientAliases has 128 characters; at most 127 are allowed."},
		{connect("shop.test", func(s *task.ServiceConnectService) { s.DiscoveryName = "UP er" }), `The discoveryName "UP er" must have 1 to 64 lower-case letters`},
		{connect("shop.test", func(s *task.ServiceConnectService) { s.DiscoveryName = "-a" }), `The discoveryName "-a" must have 1 to 64 lower-case letters`},
		{connect("shop.test", func(s *task.ServiceConnectService) { s.DiscoveryName = strings.Repeat("a", 65) }), `The discoveryName "aaaa`},
		{connect("shop.test", func(s *task.ServiceConnectService) { s.ClientAliases[0].Port = nil }), "The port 0 of clientAliases is not from 1 to 65535."},
		{connect("shop.test", func(s *task.ServiceConnectService) { s.IngressPortOverride = new(int64(70_000)) }), "The ingressPortOverride 70000 is not from 1 to 65535."},
		{connect("shop.test", func(s *task.ServiceConnectService) {
			s.Timeout = &task.TimeoutConfiguration{PerRequestTimeoutSeconds: new(int64(-1))}
		}), `The timeouts of the Service Connect service "http" must not be negative.`},
		{connect("shop.test", func(s *task.ServiceConnectService) { s.DiscoveryName = "web" }), "SC service is already used by arn:aws:servicediscovery:"},
	} {
		one := 1
		_, err := w.try(account, &task.CreateService{
			Cluster: "c", Name: "s", Workload: task.Workload{Family: "app", NetworkConfiguration: vpc(), ServiceConnect: row.config},
			ServiceSettings: task.ServiceSettings{DesiredCount: &one},
		})
		if err == nil || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("got %v, want %s", err, row.want)
		}
	}
}

// A name of Service Connect takes no name from another account: not one that is older, nor
// one that comes later, nor any below it.
func TestServiceConnectTakesNoNames(t *testing.T) {
	const victim = command.AccountID("210987654321")
	for _, tt := range []struct {
		alias string
		asked map[string]command.AccountID // by name, the account for which it is answered
	}{
		{"bank.test", map[string]command.AccountID{"bank.test": victim, "web.bank.test": victim}},
		{"web.bank.test", map[string]command.AccountID{"bank.test": victim, "web.bank.test": victim, "x.web.bank.test": victim}},
		{"late.test", map[string]command.AccountID{"late.test": victim}},
		{"web.late.test", map[string]command.AccountID{"web.late.test": victim}},
		{"free.test", map[string]command.AccountID{"free.test": account, "orders.shop.test": account}},
	} {
		w := newFixture(t)
		own := func(name string) {
			w.now += 60_000
			if _, err := w.try(victim, &registry.CreateNamespace{Name: name, Type: registry.DNSPrivate, VPC: "vpc-1"}); err != nil {
				t.Fatal(err)
			}
		}
		own("bank.test")
		w.service(2, func(c *task.CreateService) {
			c.ServiceRegistries, c.ServiceConnect = nil, connect("shop.test", func(s *task.ServiceConnectService) { s.ClientAliases[0].DNSName = tt.alias })
		})
		w.settle(5000, nil)
		own("late.test")
		for name, want := range tt.asked {
			for what, view := range map[string]zone.View{"in the VPC": {VPCs: []string{"vpc-1"}}, "trusted": {AllVPCs: true}} {
				text, _ := dnswire.ParseName(name)
				r := w.state.Zones.Lookup(&zone.Query{Name: []byte(text), Hash: zone.Hash([]byte(text)), View: view})
				if r.Zone == nil || r.Zone.Account != want {
					t.Errorf("alias %s: %s for a client that is %s: %+v, want account %s", tt.alias, name, what, r.Zone, want)
				}
			}
		}
	}
}

// The time since which a service has a name stays when the service is deployed again, so
// that another account cannot claim the name in between.
func TestServiceConnectClaims(t *testing.T) {
	w := newFixture(t)
	w.service(1, func(c *task.CreateService) { c.ServiceRegistries, c.ServiceConnect = nil, connect("shop.test", nil) })
	w.settle(5000, nil)
	first := w.current().Primary().ServiceConnectServices[0]
	w.now += 60_000
	w.update(task.UpdateService{ServiceConnect: connect("shop.test", func(s *task.ServiceConnectService) { s.ClientAliases[0].DNSName = "new" })})
	w.settle(60_000, nil)
	second := w.current().Primary().ServiceConnectServices[0]
	if len(first.Since) != 2 || len(second.Since) != 2 || second.Since[0] != first.Since[0] || second.Since[1] < first.Since[1]+60_000 {
		t.Errorf("first %v of %v, then %v of %v", first.Since, first.DNSNames, second.Since, second.DNSNames)
	}
}

// Each name and port of a client alias is unique within its namespace; see
// ServiceConnectService in the ECS API.
func TestServiceConnectAliases(t *testing.T) {
	w := newFixture(t)
	w.do(&registry.CreateNamespace{Name: "other.test", Type: registry.HTTP})
	alias := func(namespace, discovery, name string, port int64) *task.ServiceConnectConfiguration {
		return connect(namespace, func(s *task.ServiceConnectService) {
			s.DiscoveryName, s.ClientAliases[0] = discovery, task.ServiceConnectClientAlias{DNSName: name, Port: &port}
		})
	}
	create := func(name string, c *task.ServiceConnectConfiguration) error {
		_, err := w.try(account, &task.CreateService{
			Cluster: "c", Name: name, Workload: task.Workload{Family: "app", NetworkConfiguration: vpc(), ServiceConnect: c},
			ServiceSettings: task.ServiceSettings{DesiredCount: new(0)},
		})
		return err
	}
	want := func(err error, text string) {
		t.Helper()
		if (err == nil) != (text == "") || err != nil && !strings.HasPrefix(err.Error(), text) {
			t.Errorf("got %v, want %q", err, text)
		}
	}
	w.service(1, func(c *task.CreateService) { c.ServiceRegistries, c.ServiceConnect = nil, connect("shop.test", nil) })
	w.settle(5000, nil)
	const taken = "The client alias orders:80 is already used by arn:aws:ecs:eu-west-1:123456789012:service/c/s in the namespace arn:aws:servicediscovery:"
	want(create("two", alias("shop.test", "two", "ORDERS", 80)), taken)
	want(create("two", alias("shop.test", "two", "orders", 81)), "")
	want(create("three", alias("other.test", "three", "orders", 80)), "")
	want(create("four", alias("shop.test", "four", "orders.shop.test", 80)), "")
	want(create("five", alias("shop.test", "five", "four.shop.test", 80)), "")
	want(create("six", alias("shop.test", "six", "", 80)), "")
	want(create("seven", alias("shop.test", "seven", "six.shop.test", 80)), "The client alias six.shop.test:80 is already used by ")
	twice := alias("shop.test", "eight", "eight", 80)
	twice.Services = append(twice.Services, twice.Services[0])
	twice.Services[1].DiscoveryName = "nine"
	want(create("eight", twice), "The client alias eight:80 is used twice.")
	w.update(task.UpdateService{ServiceConnect: connect("shop.test", func(s *task.ServiceConnectService) { s.ClientAliases[0].DNSName = "late" })})
	want(create("ten", alias("shop.test", "ten", "orders", 80)), taken) // the first deployment still has tasks
	w.settle(60_000, nil)
	want(create("ten", alias("shop.test", "ten", "orders", 80)), "")
	_, err := w.try(account, &task.UpdateService{Cluster: "c", Name: "s", ServiceConnect: connect("shop.test", nil)})
	want(err, "The client alias orders:80 is already used by arn:aws:ecs:eu-west-1:123456789012:service/c/ten ")
	w.update(scale(0))
	w.do(&task.DeleteService{Cluster: "c", Name: "s"})
	w.settle(60_000, nil)
	want(create("eleven", alias("shop.test", "eleven", "late", 80)), "")
}
