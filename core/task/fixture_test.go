package task_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/task"
)

const account = command.AccountID("123456789012")

// fixture has a state with a namespace, a Cloud Map service "web", a cluster "c", two
// nodes, and the task definition "app:1" in awsvpc mode.
type fixture struct {
	t         *testing.T
	state     *state.State
	rules     state.Rules
	now       int64
	hold      int64 // see task.Plan
	commands  uint64
	namespace string
	web       *registry.Service
}

func newFixture(t *testing.T) *fixture {
	w := &fixture{t: t, state: new(state.State), now: 1_795_000_000_000, rules: state.Rules{
		Registry: registry.Rules{Region: "eu-west-1", DefaultTTL: 60},
		Task:     task.Rules{Region: "eu-west-1", MaxDrain: 60_000, HealthyAfter: 1000, StoppedRetention: 3600_000, StartTimeout: 180_000},
		Quotas:   command.Quotas{Limits: state.DefaultLimits(false)},
	}}
	w.do(&registry.CreateNamespace{Name: "shop.test", Type: registry.DNSPrivate, VPC: "vpc-1"})
	for id := range w.state.Registry.Namespaces(account, "") {
		w.namespace = string(id)
	}
	w.web = w.cloudMap("web", registry.RecordA, 10)
	w.do(task.PutCluster(&task.Cluster{Account: account, Name: "c", Status: task.Active}))
	w.node("a", "zone-a")
	w.node("b", "zone-b")
	w.define("app", "awsvpc", nil)
	return w
}

// do decides a command as the account of the fixture and applies it.
func (w *fixture) do(c command.Command) any {
	w.t.Helper()
	reply, err := w.try(account, c)
	if err != nil {
		w.t.Fatalf("%T: %v", c, err)
	}
	return reply
}

func (w *fixture) try(account command.AccountID, c command.Command) (any, error) {
	w.commands++
	d, err := state.Decide(w.state, &w.rules, command.Meta{
		Account: account, Now: w.now, Entropy: sha256.Sum256(binary.BigEndian.AppendUint64(nil, w.commands)),
	}, c)
	if err != nil {
		return nil, err
	}
	w.state = state.Apply(w.state, w.state.Revision+1, d.Changes...)
	return d.Reply.Value, nil
}

// cloudMap creates a Cloud Map service with custom health.
func (w *fixture) cloudMap(name string, record registry.RecordType, ttl int64) *registry.Service {
	c := &registry.CreateService{Name: name, NamespaceRef: w.namespace, CustomHealth: true, HTTPOnly: record == ""}
	if record != "" {
		c.DNS = &registry.DNSConfig{Records: []registry.DNSRecord{{Type: record, TTL: ttl}}}
	}
	return w.do(c).(*registry.Service)
}

func (w *fixture) node(name, zone string) {
	w.do(&task.PutNode{Node: task.Node{Name: name, Driver: "process", IPv4: "192.0.2.1", Zone: zone, CPU: 4096, Memory: 8192}})
}

// define stores revision 1 of a task definition with the container "app" on port 80.
func (w *fixture) define(family, mode string, change func(*task.Definition)) {
	cpu, memory, port := int64(128), int64(64), int64(80)
	d := &task.Definition{
		Account: account, Family: family, Revision: 1, Status: task.Active, NetworkMode: mode,
		ContainerDefinitions: []task.ContainerDefinition{{
			Name: "app", Image: "app", CPU: &cpu, Memory: &memory, PortMappings: []task.PortMapping{{ContainerPort: &port, Name: "http"}},
		}},
	}
	if change != nil {
		change(d)
	}
	w.do(task.PutDefinition(d))
}

func checked(d *task.Definition) {
	d.ContainerDefinitions[0].HealthCheck = &task.HealthCheck{Command: []string{"CMD", "true"}}
}

func vpc() *task.NetworkConfiguration {
	return &task.NetworkConfiguration{AwsvpcConfiguration: &task.AwsVpcConfiguration{Subnets: []string{"subnet-1"}}}
}

func block(namespace, service string) func(*task.Definition) {
	return func(d *task.Definition) {
		d.ContainerDefinitions[0].DockerLabels = map[string]string{"cairn.discovery.namespace-id": namespace, "cairn.discovery.service-name": service}
	}
}

// run runs one standalone task of a family in awsvpc mode.
func (w *fixture) run(family string) *task.Task {
	w.t.Helper()
	result := w.do(&task.RunTask{Cluster: "c", Family: family, Count: 1, NetworkConfiguration: vpc()}).(*task.RunResult)
	if len(result.Tasks) != 1 {
		w.t.Fatalf("failures %+v", result.Failures)
	}
	return result.Tasks[0]
}

func (w *fixture) task(id string) *task.Task {
	x, ok := w.state.Task.Task(account, "c", id)
	if !ok {
		w.t.Fatalf("task %s does not exist", id)
	}
	return x
}

// report reports as the runner of the task's node.
func (w *fixture) report(id string, change func(*task.Report)) *task.Task {
	w.t.Helper()
	x := w.task(id)
	r := &task.Report{Account: account, Cluster: "c", Task: id, Node: x.Node}
	change(r)
	w.do(r)
	return w.task(id)
}

// started reports the network and the containers of a task.
func (w *fixture) started(id string) *task.Task {
	w.t.Helper()
	w.report(id, func(r *task.Report) {
		r.Network = &task.Network{IPv4: fmt.Sprintf("10.0.%d.%d", w.commands/250, w.commands%250)}
	})
	return w.container(id, task.ContainerState{LastStatus: task.StatusRunning})
}

// container reports the state of the container app.
func (w *fixture) container(id string, c task.ContainerState) *task.Task {
	w.t.Helper()
	c.Name = "app"
	return w.report(id, func(r *task.Report) { r.Containers = []task.ContainerState{c} })
}

// instance returns the instance of a task in a Cloud Map service, or nil.
func (w *fixture) instance(service, id string) *registry.Instance {
	for _, svc := range w.state.Registry.Services(account, "") {
		if svc.Name == service {
			inst, _ := svc.Instance(registry.InstanceID(id))
			return inst
		}
	}
	return nil
}

func authorizer(f func(*task.Authorization) error) func(command.View, *task.Authorization) error {
	return func(_ command.View, a *task.Authorization) error { return f(a) }
}
