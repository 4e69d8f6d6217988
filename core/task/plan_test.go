package task_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/task"
)

// plan runs the planner until it has nothing to do, and returns when it is to be called
// again.
func (w *world) plan() int64 {
	w.t.Helper()
	for range 1000 {
		actions, next := task.Plan(state.NewView(w.state, &w.rules), w.now, w.hold)
		if len(actions) == 0 {
			return next
		}
		for _, a := range actions {
			if _, err := w.try(a.Account, a.Command); err != nil {
				w.t.Fatalf("%T: %v", a.Command, err)
			}
		}
	}
	w.t.Fatal("the planner does not come to rest")
	return 0
}

// runner plays the runner of all nodes: it starts and stops what it shall, except what
// skip names. It returns whether anything was done.
func (w *world) runner(skip func(*task.Task) bool) bool {
	w.t.Helper()
	did := false
	for _, x := range slices.Collect(w.state.Task.Tasks(account, "c", "")) {
		if skip != nil && skip(x) {
			continue
		}
		switch x.LastStatus {
		case task.StatusProvisioning, task.StatusPending:
			w.started(x.ID)
		case task.StatusStopping, task.StatusDeprovisioning:
			code := int64(0)
			w.container(x.ID, task.ContainerState{LastStatus: task.StatusStopped, ExitCode: &code})
			w.report(x.ID, func(r *task.Report) { r.Removed = true })
		default:
			continue
		}
		did = true
	}
	return did
}

// settle lets planner and runner work, and time pass, until all is quiet for some
// seconds or the limit in milliseconds is over.
func (w *world) settle(limit int64, skip func(*task.Task) bool) {
	w.t.Helper()
	end := w.now + limit
	for w.now < end {
		next := w.plan()
		if w.runner(skip) {
			continue
		}
		w.now = min(end, max(w.now+1, next))
	}
	w.plan()
}

// service creates the service "s" of family app with the registry web.
func (w *world) service(desired int, change func(*task.CreateService)) *task.Service {
	w.t.Helper()
	c := &task.CreateService{
		Cluster: "c", Name: "s",
		Workload: task.Workload{
			Family: "app", NetworkConfiguration: vpc(),
			ServiceRegistries: []task.ServiceRegistry{{RegistryARN: w.rules.Registry.ServiceARN(account, w.web.ID)}},
		},
		ServiceSettings: task.ServiceSettings{DesiredCount: &desired},
	}
	if change != nil {
		change(c)
	}
	return w.do(c).(*task.Service)
}

func (w *world) current() *task.Service {
	svc, ok := w.state.Task.Service(account, "c", "s")
	if !ok {
		w.t.Fatal("service s does not exist")
	}
	return svc
}

// tasks returns the tasks of service s in a state.
func (w *world) tasks(status string) []*task.Task {
	var all []*task.Task
	for x := range w.state.Task.TasksOfService(account, "c", "s") {
		if x.LastStatus == status {
			all = append(all, x)
		}
	}
	return all
}

// instances returns the number of instances of web.
func (w *world) instances() int {
	svc, _ := w.state.Registry.Service(account, w.web.ID)
	return svc.InstanceCount()
}

func (w *world) events() string {
	var lines []string
	for _, e := range w.state.Task.Events(account, "c", "s") {
		lines = append(lines, e.Message)
	}
	slices.Reverse(lines)
	return strings.Join(lines, "\n")
}

func (w *world) update(c task.UpdateService) *task.Service {
	w.t.Helper()
	c.Cluster, c.Name = "c", "s"
	return w.do(&c).(*task.Service)
}

func scale(n int) task.UpdateService {
	return task.UpdateService{ServiceSettings: task.ServiceSettings{DesiredCount: &n}}
}

// A service starts its tasks, registers them, becomes steady, and ends.
func TestServiceLife(t *testing.T) {
	w := newWorld(t)
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

// During a deployment there are never fewer healthy instances than the floor, nor more
// tasks than the ceiling.
func TestRollingDeployment(t *testing.T) {
	for _, row := range []struct{ desired, low, high int }{{1, 100, 200}, {4, 100, 200}, {4, 50, 100}, {4, 100, 125}, {3, 0, 100}, {10, 80, 150}} {
		w := newWorld(t)
		low, high := int64(row.low), int64(row.high)
		w.service(row.desired, func(c *task.CreateService) {
			c.DeploymentConfiguration = &task.DeploymentConfiguration{MinimumHealthyPercent: &low, MaximumPercent: &high}
		})
		w.settle(5000, nil)
		first := w.current().Primary().Number
		w.update(task.UpdateService{ForceNewDeployment: true})
		floor, ceiling := (row.desired*row.low+99)/100, row.desired*row.high/100
		for range 400 {
			next := w.plan()
			live := 0
			for x := range w.state.Task.TasksOfService(account, "c", "s") {
				if x.DesiredStatus == task.StatusRunning {
					live++
				}
			}
			if w.instances() < floor || live > ceiling {
				t.Fatalf("%v: %d instances of %d, %d tasks of %d", row, w.instances(), floor, live, ceiling)
			}
			if !w.runner(nil) {
				w.now = max(w.now+1, min(next, w.now+1000))
			}
		}
		svc := w.current()
		if len(svc.Deployments) != 1 || svc.Primary().Number == first || len(w.tasks(task.StatusRunning)) != row.desired || svc.Primary().RolloutState != task.RolloutCompleted {
			t.Errorf("%v: %d deployments, %d tasks, %s", row, len(svc.Deployments), len(w.tasks(task.StatusRunning)), svc.Primary().RolloutState)
		}
	}
}

// A configuration that allows neither to stop nor to start is reported.
func TestBlockedDeployment(t *testing.T) {
	w := newWorld(t)
	high := int64(150)
	w.service(1, func(c *task.CreateService) {
		c.DeploymentConfiguration = &task.DeploymentConfiguration{MaximumPercent: &high}
	})
	w.settle(5000, nil)
	w.update(task.UpdateService{ForceNewDeployment: true})
	w.settle(5000, nil)
	if !strings.Contains(w.events(), "was unable to stop or start tasks during a deployment because of the service deployment configuration.") {
		t.Errorf("events:\n%s", w.events())
	}
}

// Tasks that fail to start are tried again with growing pauses; the circuit breaker
// ends the deployment and rolls back.
func TestCircuitBreaker(t *testing.T) {
	w := newWorld(t)
	on := true
	w.service(1, func(c *task.CreateService) {
		c.DeploymentConfiguration = &task.DeploymentConfiguration{DeploymentCircuitBreaker: &task.DeploymentCircuitBreaker{Enable: &on, Rollback: &on}}
	})
	w.settle(5000, nil)
	good := w.current().Primary().Number
	keeper := w.tasks(task.StatusRunning)[0].ID
	w.define("bad", "awsvpc", nil)
	w.update(task.UpdateService{Family: "bad"})
	bad := w.current().Primary()
	failing := func(x *task.Task) bool {
		if x.Family == "bad" && x.DesiredStatus == task.StatusRunning {
			w.report(x.ID, func(r *task.Report) { r.Failure = "CannotPullContainerError: no" })
		}
		return false
	}
	for range 100 {
		next := w.plan()
		if !w.runner(failing) {
			w.now = max(w.now+1, min(next, w.now+1000))
		}
	}
	svc := w.current()
	if svc.Primary().Number != good || svc.Primary().RolloutState != task.RolloutCompleted || len(svc.Deployments) != 1 {
		t.Errorf("deployments %+v", svc.Deployments)
	}
	if x := w.task(keeper); x.LastStatus != task.StatusRunning || w.instances() != 1 {
		t.Errorf("the old task is %s", x.LastStatus)
	}
	d, _ := w.state.Task.ServiceDeployment(account, "c", "s", bad.ServiceDeployment)
	if d.Status != task.DeploymentRollbackSuccessful || d.Rollback != good || d.FailureCount != 3 {
		t.Errorf("service deployment %+v", d)
	}
	for _, want := range []string{"deployment failed: tasks failed to start.", "rolling back to deployment ecs-svc/" + good, "is unable to consistently start tasks successfully.", "failed to start. Reason: CannotPullContainerError: no"} {
		if !strings.Contains(w.events(), want) {
			t.Errorf("no event %q in\n%s", want, w.events())
		}
	}
}

// The pauses grow to five minutes and a fifth more. Tasks that fail together are
// followed by one pause.
func TestBackOff(t *testing.T) {
	for _, tasks := range []int{1, 4} {
		t.Run(fmt.Sprint(tasks, " tasks"), func(t *testing.T) { testBackOff(t, tasks) })
	}
}

func testBackOff(t *testing.T, tasks int) {
	w := newWorld(t)
	w.service(tasks, nil)
	var starts []int64
	for range 2000 {
		next := w.plan()
		started := w.tasks(task.StatusProvisioning)
		if len(started) > 0 {
			starts = append(starts, w.now)
		}
		for _, x := range started {
			w.report(x.ID, func(r *task.Report) { r.Failure = "CannotPullContainerError: no" })
			w.report(x.ID, func(r *task.Report) { r.Removed = true })
		}
		w.now = max(w.now+1, min(next, w.now+10_000))
	}
	for i := 1; i < len(starts); i++ {
		want := int64(1000) << min(i-1, 20)
		want = min(want, 300_000)
		if pause := starts[i] - starts[i-1]; pause < want || pause > want*12/10+10_000 {
			t.Errorf("pause %d is %d, want about %d", i, pause, want)
		}
	}
	if len(starts) < 12 {
		t.Errorf("%d starts", len(starts))
	}
	w.update(scale(tasks))
	w.plan()
	if len(w.tasks(task.StatusProvisioning)) != tasks {
		t.Error("an update does not end the pause")
	}
}

// A task whose health check fails is replaced, the new one first; the grace period is
// kept.
func TestUnhealthy(t *testing.T) {
	w := newWorld(t)
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

// Scale-in keeps the zones balanced and protected tasks.
func TestScaleIn(t *testing.T) {
	w := newWorld(t)
	w.service(6, nil)
	w.settle(5000, nil)
	var protected []string
	for _, x := range w.tasks(task.StatusRunning) {
		if x.Zone == "zone-a" && len(protected) < 2 {
			protected = append(protected, x.ID)
		}
	}
	w.do(&task.UpdateTaskProtection{Cluster: "c", Tasks: protected, Enabled: true, Minutes: 1})
	w.update(scale(2))
	w.plan()
	zones := map[string]int{}
	for _, x := range w.tasks(task.StatusRunning) {
		zones[x.Zone]++
	}
	if zones["zone-a"] != 2 || zones["zone-b"] != 0 {
		t.Errorf("zones %v: protected are 2 in zone-a", zones)
	}
	w.update(scale(1))
	w.plan()
	if n := len(w.tasks(task.StatusRunning)); n != 2 {
		t.Errorf("%d tasks; 2 are protected", n)
	}
	w.settle(61_000, nil)
	if n := len(w.tasks(task.StatusRunning)); n != 1 {
		t.Errorf("%d tasks after the protection", n)
	}
}

// A daemon runs once on every instance.
func TestDaemon(t *testing.T) {
	w := newWorld(t)
	w.service(0, func(c *task.CreateService) { c.DesiredCount, c.SchedulingStrategy = nil, task.Daemon })
	w.settle(5000, nil)
	if n := len(w.tasks(task.StatusRunning)); n != 2 || w.current().DesiredCount != 2 {
		t.Fatalf("%d tasks, desired %d", n, w.current().DesiredCount)
	}
	w.node("c", "zone-c")
	w.settle(5000, nil)
	nodes := map[string]int{}
	for _, x := range w.tasks(task.StatusRunning) {
		nodes[x.Node]++
	}
	if len(nodes) != 3 || w.current().Primary().RolloutState != task.RolloutCompleted {
		t.Errorf("nodes %v, %s", nodes, w.current().Primary().RolloutState)
	}
	w.drain("a")
	w.settle(20_000, nil)
	if n := len(w.tasks(task.StatusRunning)); n != 2 {
		t.Errorf("%d tasks beside a draining node", n)
	}
	w.update(task.UpdateService{ForceNewDeployment: true})
	w.settle(60_000, nil)
	if svc := w.current(); len(svc.Deployments) != 1 || len(w.tasks(task.StatusRunning)) != 2 {
		t.Errorf("%d deployments, %d tasks", len(svc.Deployments), len(w.tasks(task.StatusRunning)))
	}
}

// drain makes the container instance of a node DRAINING.
func (w *world) drain(node string) {
	for i := range w.state.Task.InstancesOfNode(node) {
		w.do(&task.UpdateInstanceState{Cluster: i.Cluster, ID: i.ID, Status: task.Draining})
	}
}

// The tasks of a draining container instance move without a gap.
func TestDraining(t *testing.T) {
	w := newWorld(t)
	w.service(4, nil)
	w.settle(5000, nil)
	w.drain("a")
	for range 200 {
		next := w.plan()
		if w.instances() < 4 {
			t.Fatalf("%d instances", w.instances())
		}
		if !w.runner(nil) {
			w.now = max(w.now+1, min(next, w.now+1000))
		}
	}
	for _, x := range w.tasks(task.StatusRunning) {
		if x.Node == "a" {
			t.Errorf("task %s is still on node a", x.ID)
		}
	}
}

// The tasks of a deployment are spread among themselves, wherever those of the one before
// are.
func TestDeploymentIsSpread(t *testing.T) {
	w := newWorld(t)
	w.service(4, nil)
	w.settle(5000, nil)
	w.drain("a")
	w.settle(60_000, nil)
	for i := range w.state.Task.InstancesOfNode("a") {
		w.do(&task.UpdateInstanceState{Cluster: i.Cluster, ID: i.ID, Status: task.Active})
	}
	w.update(task.UpdateService{ForceNewDeployment: true})
	w.settle(60_000, nil)
	on := map[string]int{}
	for _, x := range w.tasks(task.StatusRunning) {
		on[x.Node]++
	}
	if on["a"] != 2 || on["b"] != 2 {
		t.Errorf("tasks by node: %v", on)
	}
}

// A node whose lease ends loses its tasks: they leave Cloud Map and are replaced.
func TestNodeLost(t *testing.T) {
	w := newWorld(t)
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
	w := newWorld(t)
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
	w.do(&registry.DeleteService{Ref: srv()})
	w.settle(30_000, nil)
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
	w := newWorld(t)
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

// Tasks that cannot be placed are reported once, and placed when there is room.
func TestNoRoom(t *testing.T) {
	w := newWorld(t)
	w.define("big", "awsvpc", func(d *task.Definition) { d.CPU, d.Memory = "4096", "512" })
	w.service(3, func(c *task.CreateService) { c.Family = "big" })
	w.settle(5000, nil)
	if n := len(w.tasks(task.StatusRunning)); n != 2 || strings.Count(w.events(), "was unable to place a task") != 1 ||
		!strings.Contains(w.events(), "has insufficient CPU units available.") {
		t.Fatalf("%d tasks, events\n%s", n, w.events())
	}
	w.node("c", "zone-c")
	w.settle(5000, nil)
	if n := len(w.tasks(task.StatusRunning)); n != 3 || w.current().Blocked != 0 {
		t.Errorf("%d tasks with a third node", n)
	}
}

// BenchmarkPlan: 10,000 tasks in 1,000 services.
func BenchmarkPlan(b *testing.B) {
	w := newWorld(new(testing.T))
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
