package task_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/task"
)

// A service starts its tasks, registers them, becomes steady, and ends.
func TestServiceLife(t *testing.T) {
	w := newFixture(t)
	w.service(2, nil)
	w.settle(5000, nil)
	svc := w.current()
	if n := len(w.tasks(task.StatusRunning)); n != 2 || w.instances() != 2 || len(svc.Deployments) != 1 || svc.Primary().RolloutState != task.RolloutCompleted {
		t.Fatalf("%d tasks, %d instances, %+v", n, w.instances(), svc.Deployments)
	}
	d, _ := w.state.Task.ServiceDeployment(account, "c", "s", svc.Primary().ServiceDeployment)
	if d.Status != task.DeploymentSuccessful || d.FinalCount != 2 {
		t.Errorf("service deployment %+v", d)
	}
	for _, want := range []string{"(service s) has started 2 tasks: (task ", "(service s) registered 1 instances in (service-registry arn:aws:servicediscovery:", "deployment completed.", "(service s) has reached a steady state."} {
		if !strings.Contains(w.events(), want) {
			t.Errorf("no event %q in\n%s", want, w.events())
		}
	}
	zones := map[string]int{}
	for _, x := range w.tasks(task.StatusRunning) {
		zones[x.Zone]++
	}
	if zones["zone-a"] != 1 || zones["zone-b"] != 1 {
		t.Errorf("zones %v", zones)
	}
	w.update(scale(0))
	w.plan()
	if n := len(w.tasks(task.StatusDeactivating)); n != 2 || w.instances() != 0 {
		t.Errorf("leaving: %d tasks, %d instances", n, w.instances())
	}
	w.settle(60_000, nil)
	for _, x := range w.tasks(task.StatusStopped) {
		if x.StopCode != task.StopSchedulerInitiated || x.StoppedReason != "Scaling activity initiated by (deployment "+svc.Primary().ID()+")" || x.Stopping-x.DrainUntil < 0 {
			t.Errorf("stopped %+v", x)
		}
	}
	w.do(&task.DeleteService{Cluster: "c", Name: "s"})
	w.settle(1000, nil)
	if svc := w.current(); svc.Status != task.Inactive {
		t.Errorf("status %s", svc.Status)
	}
	w.settle(3700_000, nil)
	if _, ok := w.state.Task.Service(account, "c", "s"); ok || w.state.Task.Counts().Tasks != 0 || w.events() != "" {
		t.Errorf("after the retention: %+v", w.state.Task.Counts())
	}
}

// A task whose health check fails is replaced, the new one first; the grace period is
// kept.
func TestUnhealthy(t *testing.T) {
	w := newFixture(t)
	w.define("sick", "awsvpc", checked)
	grace := int64(30)
	w.service(1, func(c *task.CreateService) { c.Family, c.HealthCheckGracePeriodSeconds = "sick", &grace })
	w.settle(100, nil)
	id := w.tasks(task.StatusRunning)[0].ID
	w.container(id, task.ContainerState{LastStatus: task.StatusRunning, Health: task.HealthUnhealthy})
	w.settle(20_000, nil)
	if n := len(w.tasks(task.StatusRunning)); n != 1 {
		t.Fatalf("in the grace period: %d tasks", n)
	}
	w.settle(15_000, nil)
	if n := len(w.tasks(task.StatusRunning)); n != 2 {
		t.Fatalf("after the grace period: %d tasks", n)
	}
	for _, x := range w.tasks(task.StatusRunning) {
		if x.ID != id {
			w.container(x.ID, task.ContainerState{LastStatus: task.StatusRunning, Health: task.HealthHealthy})
		}
	}
	w.settle(5000, nil)
	if x := w.task(id); x.StoppedReason != "Task failed container health checks" || x.DesiredStatus != task.StatusStopped {
		t.Errorf("%s %q", x.DesiredStatus, x.StoppedReason)
	}
	if !strings.Contains(w.events(), "(task "+id+") failed container health checks.") {
		t.Errorf("events:\n%s", w.events())
	}
}

// A node whose lease ends loses its tasks: they leave Cloud Map and are replaced.
func TestNodeLost(t *testing.T) {
	w := newFixture(t)
	lease := func(name string, until int64) {
		w.do(&task.PutNode{Node: task.Node{Name: name, Driver: "process", IPv4: "192.0.2.1", Zone: "zone-" + name, CPU: 4096, Memory: 8192, Expires: until}})
	}
	lease("a", w.now+10_000)
	w.service(2, nil)
	w.settle(5000, nil)
	w.hold = w.now + 12_000
	w.settle(11_000, func(x *task.Task) bool { return x.Node == "a" })
	if n := len(w.tasks(task.StatusStopped)); n > 0 {
		t.Fatalf("%d tasks are lost while their node may not have been able to renew its lease", n)
	}
	w.settle(2000, func(x *task.Task) bool { return x.Node == "a" })
	var lost *task.Task
	for _, x := range w.tasks(task.StatusStopped) {
		lost = x
	}
	if lost == nil || lost.StopCode != task.StopTerminationNotice || !strings.HasPrefix(lost.StoppedReason, "Host EC2 (instance i-") {
		t.Fatalf("lost task %+v", lost)
	}
	if len(w.tasks(task.StatusRunning)) != 2 || w.instances() != 2 || w.instance("web", lost.ID) != nil {
		t.Errorf("%d tasks, %d instances", len(w.tasks(task.StatusRunning)), w.instances())
	}
	for i := range w.state.Task.InstancesOfNode("a") {
		if i.AgentConnected {
			t.Error("the instance of the lost node is connected")
		}
	}
	lease("a", w.now+10_000)
	w.plan()
	for i := range w.state.Task.InstancesOfNode("a") {
		if !i.AgentConnected {
			t.Error("the instance of the node that came back is not connected")
		}
	}
}

// A deregistration by somebody else holds; a registry that is created again gets the
// tasks back.
func TestReconcile(t *testing.T) {
	w := newFixture(t)
	w.define("web", "awsvpc", block(w.namespace, "blocks"))
	w.service(1, func(c *task.CreateService) { c.Family, c.ServiceRegistries = "web", nil })
	w.settle(5000, nil)
	id := w.tasks(task.StatusRunning)[0].ID
	if w.instance("blocks", id) == nil {
		t.Fatal("not registered")
	}
	srv := func() string {
		for sid, svc := range w.state.Registry.Services(account, "") {
			if svc.Name == "blocks" {
				return string(sid)
			}
		}
		return ""
	}
	// Somebody else registers other attributes: they are put right.
	w.do(&registry.RegisterInstance{ServiceRef: srv(), ID: registry.InstanceID(id), Attributes: map[string]string{"AWS_INSTANCE_IPV4": "192.0.2.9"}})
	w.settle(10_000, nil)
	if v, _ := w.instance("blocks", id).Attributes().Get("ECS_CLUSTER_NAME"); v != "c" {
		t.Error("the attributes of somebody else stay")
	}
	w.do(&registry.DeregisterInstance{ServiceRef: srv(), ID: registry.InstanceID(id)})
	w.settle(30_000, nil)
	if x := w.task(id); w.instance("blocks", id) != nil || x.LastStatus != task.StatusRunning || !x.Registrations[0].Held {
		t.Fatalf("held: %s %+v", x.LastStatus, x.Registrations)
	}
	gone := "(task " + id + ") is not in Cloud Map any more: the service registry " + srv() + " does not exist."
	w.do(&registry.DeleteService{Ref: srv()})
	w.settle(30_000, nil)
	if n := strings.Count(w.events(), gone); n != 1 {
		t.Errorf("%d events %q in\n%s", n, gone, w.events())
	}
	if x := w.task(id); x.LastStatus != task.StatusRunning || srv() != "" {
		t.Fatalf("without the registry: %s, service %q", x.LastStatus, srv())
	}
	w.cloudMap("blocks", registry.RecordA, 10)
	w.settle(10_000, nil)
	if w.instance("blocks", id) == nil {
		t.Errorf("not registered again: %+v", w.task(id).Registrations)
	}
	// A hold ends with an update of the service.
	w.do(&registry.DeregisterInstance{ServiceRef: srv(), ID: registry.InstanceID(id)})
	w.plan()
	w.update(scale(1))
	w.plan()
	if w.instance("blocks", id) == nil {
		t.Error("an update of the service does not end the hold")
	}
	// A dead registry never stops a task.
	next := w.plan()
	if next == math.MaxInt64 {
		t.Error("nothing is due any more")
	}
}

// An instance of a task that does not exist is removed; instances of others stay.
func TestStrays(t *testing.T) {
	w := newFixture(t)
	w.service(1, nil)
	w.settle(5000, nil)
	register := func(id string, attributes map[string]string) {
		attributes["AWS_INSTANCE_IPV4"] = "192.0.2.9"
		w.do(&registry.RegisterInstance{ServiceRef: string(w.web.ID), ID: registry.InstanceID(id), Attributes: attributes})
	}
	gone := strings.Repeat("a", 32)
	register(gone, map[string]string{"ECS_CLUSTER_NAME": "c", "ECS_SERVICE_NAME": "s"})
	register(strings.Repeat("b", 32), map[string]string{})
	register("by-hand", map[string]string{"ECS_SERVICE_NAME": "s"})
	w.settle(5000, nil)
	if w.instance("web", gone) != nil || w.instances() != 3 {
		t.Errorf("stray %v, %d instances", w.instance("web", gone), w.instances())
	}
}

// BenchmarkPlan: 10,000 tasks in 1,000 services.
func BenchmarkPlan(b *testing.B) {
	w := newFixture(new(testing.T))
	for n := range 20 {
		w.node(fmt.Sprint("n", n), fmt.Sprint("zone-", n%3))
	}
	w.rules.Quotas.Limits = command.Limits{}
	w.define("tiny", "awsvpc", func(d *task.Definition) { d.CPU, d.Memory = "8", "8" })
	for n := range 1000 {
		web := w.cloudMap(fmt.Sprint("web", n), registry.RecordA, 10)
		w.service(10, func(c *task.CreateService) {
			c.Name, c.Family = fmt.Sprint("s", n), "tiny"
			c.ServiceRegistries[0].RegistryARN = w.rules.Registry.ServiceARN(account, web.ID)
		})
	}
	w.settle(5000, nil)
	if n := w.state.Task.Counts().Tasks; n != 10_000 {
		b.Fatalf("%d tasks", n)
	}
	b.ReportMetric(float64(w.state.Task.Counts().Tasks), "tasks")
	for b.Loop() {
		task.Plan(state.NewView(w.state, &w.rules), w.now, w.hold)
	}
}
