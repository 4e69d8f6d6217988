package task_test

import (
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/task"
)

// Scale-in keeps the zones balanced and protected tasks.
func TestScaleIn(t *testing.T) {
	w := newFixture(t)
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
	w := newFixture(t)
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
func (w *fixture) drain(node string) {
	for i := range w.state.Task.InstancesOfNode(node) {
		w.do(&task.UpdateInstanceState{Cluster: i.Cluster, ID: i.ID, Status: task.Draining})
	}
}

// The tasks of a draining container instance move without a gap.
func TestDraining(t *testing.T) {
	w := newFixture(t)
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
	w := newFixture(t)
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

// Tasks that cannot be placed are reported once, and placed when there is room.
func TestNoRoom(t *testing.T) {
	w := newFixture(t)
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
