package task_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/task"
)

// During a deployment there are never fewer healthy instances than the floor, nor more
// tasks than the ceiling.
func TestRollingDeployment(t *testing.T) {
	for _, row := range []struct{ desired, low, high int }{{1, 100, 200}, {4, 100, 200}, {4, 50, 100}, {4, 100, 125}, {3, 0, 100}, {10, 80, 150}} {
		w := newFixture(t)
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
	w := newFixture(t)
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
	w := newFixture(t)
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
	if d.Status != task.DeploymentRollbackSuccessful || d.StatusReason != d.RollbackReason || d.StatusReason == "" || d.Rollback != good || d.FailureCount != 3 {
		t.Errorf("service deployment %+v", d)
	}
	for _, want := range []string{"deployment failed: tasks failed to start.", "rolling back to deployment ecs-svc/" + good, "is unable to consistently start tasks successfully.", "failed to start. Reason: CannotPullContainerError: no"} {
		if !strings.Contains(w.events(), want) {
			t.Errorf("no event %q in\n%s", want, w.events())
		}
	}
}

// A rollback has a target too if the first deployment was replaced when its tasks ran, but
// not yet for as long as a healthy task has to.
func TestRollbackToReplacedDeployment(t *testing.T) {
	for _, row := range []struct {
		name   string
		starts bool // the tasks of the first deployment start
	}{{"tasks run", true}, {"tasks do not run", false}} {
		w := newFixture(t)
		on := true
		w.service(2, func(c *task.CreateService) {
			c.DeploymentConfiguration = &task.DeploymentConfiguration{DeploymentCircuitBreaker: &task.DeploymentCircuitBreaker{Enable: &on, Rollback: &on}}
		})
		w.plan()
		first := w.current().Primary()
		if row.starts {
			w.runner(nil)
		}
		if first.RolloutState != task.RolloutInProgress || len(w.tasks(task.StatusRunning)) != map[bool]int{true: 2}[row.starts] {
			t.Fatalf("%s: %s, %d tasks", row.name, first.RolloutState, len(w.tasks(task.StatusRunning)))
		}
		w.define("bad", "awsvpc", nil)
		w.update(task.UpdateService{Family: "bad"})
		for range 100 {
			next := w.plan()
			if !w.runner(func(x *task.Task) bool {
				if x.Family == "bad" && x.DesiredStatus == task.StatusRunning {
					w.report(x.ID, func(r *task.Report) { r.Failure = "CannotPullContainerError: no" })
				}
				return x.Family == "bad"
			}) {
				w.now = max(w.now+1, min(next, w.now+1000))
			}
		}
		if back := w.current().Primary().Number == first.Number; back != row.starts {
			t.Errorf("%s: rolled back: %v\n%s", row.name, back, w.events())
		}
	}
}

// The service says that it is steady again after each change of the number of its tasks.
func TestSteadyAfterScaling(t *testing.T) {
	w := newFixture(t)
	w.service(1, nil)
	for i, n := range []int{1, 3, 2, 0} {
		if n != 1 {
			w.update(scale(n))
		}
		w.settle(90_000, nil)
		if got := strings.Count(w.events(), "has reached a steady state."); got != i+1 {
			t.Errorf("%d tasks: %d events of a steady state, want %d\n%s", n, got, i+1, w.events())
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
	w := newFixture(t)
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
