package task_test

import (
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/task"
)

// A request that breaks a rule is refused with a text that names the member.
func TestRunTaskErrors(t *testing.T) {
	w := newFixture(t)
	over := func(o task.ContainerOverride) func(*task.RunTask) {
		o.Name = "app"
		return func(c *task.RunTask) {
			c.Overrides = &task.TaskOverride{ContainerOverrides: []task.ContainerOverride{o}}
		}
	}
	n := func(v int64) *int64 { return &v }
	for _, row := range []struct {
		change func(*task.RunTask)
		want   string
	}{
		{func(c *task.RunTask) { c.Count = 11 }, "The value of count is 11; it must be 1 to 10."},
		{func(c *task.RunTask) { c.Tags = []task.Tag{{Key: "aws:x"}} }, `The tag key "aws:x" is not allowed: the prefix aws: is reserved`},
		{func(c *task.RunTask) { c.Overrides = &task.TaskOverride{Memory: "abc"} }, `Invalid 'memory' setting for task. "abc" must be a number of MiB`},
		{func(c *task.RunTask) { c.Overrides = &task.TaskOverride{CPU: "-1"} }, `Invalid 'cpu' setting for task. "-1" must be a number of units of CPU`},
		{over(task.ContainerOverride{Memory: n(-1)}), "Invalid 'memory' setting for container 'app'. -1 MiB is not from 4"},
		{over(task.ContainerOverride{MemoryReservation: n(3)}), "Invalid 'memoryReservation' setting for container 'app'. 3 MiB is not from 4"},
		{over(task.ContainerOverride{CPU: n(-1)}), "Invalid 'cpu' setting for container 'app'. -1 is not from 0"},
		{over(task.ContainerOverride{Environment: []task.KeyValuePair{{Name: "A=B"}}}), `environment of container 'app' has the name "A=B"`},
		{over(task.ContainerOverride{Command: []string{"a\x00"}}), "command of container 'app' has"},
		{func(c *task.RunTask) {
			c.Overrides = &task.TaskOverride{ContainerOverrides: []task.ContainerOverride{{Name: "x"}}}
		},
			"Override for container named x is not a container in the TaskDefinition."},
	} {
		c := &task.RunTask{Cluster: "c", Family: "app", Count: 1, NetworkConfiguration: vpc()}
		row.change(c)
		_, err := w.try(account, c)
		if _, ok := err.(*command.InvalidInput); !ok || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("got %T %v, want %s", err, err, row.want)
		}
	}
}

// Overrides of the size of a task have the forms of task definitions.
func TestRunTaskSize(t *testing.T) {
	w := newFixture(t)
	c := &task.RunTask{Cluster: "c", Family: "app", Count: 1, NetworkConfiguration: vpc(), Overrides: &task.TaskOverride{CPU: "0.5 vCPU", Memory: "1 GB"}}
	x := w.do(c).(*task.RunResult).Tasks[0]
	if x.Needs.CPU != 512 || x.Needs.Memory != 1024 || x.Overrides.CPU != "512" {
		t.Errorf("needs %+v, overrides %+v", x.Needs, x.Overrides)
	}
}

// The provider with a base gets its tasks first, the others are shared by weight.
func TestCapacityProviders(t *testing.T) {
	n := func(v int64) *int64 { return &v }
	strategy := []task.CapacityProviderStrategyItem{
		{CapacityProvider: "FARGATE", Base: n(2), Weight: n(1)}, {CapacityProvider: "FARGATE_SPOT", Weight: n(3)},
	}
	w := newFixture(t)
	w.do(task.PutCluster(&task.Cluster{Account: account, Name: "c", Status: task.Active, CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"}}))
	used := func(all []*task.Task) (fargate, spot int) {
		for _, x := range all {
			if x.LaunchType != "FARGATE" {
				t.Errorf("launch type %s", x.LaunchType)
			}
			if x.CapacityProvider == "FARGATE" {
				fargate++
			} else {
				spot++
			}
		}
		return fargate, spot
	}
	c := &task.RunTask{Cluster: "c", Family: "app", Count: 10, NetworkConfiguration: vpc(), CapacityProviderStrategy: strategy}
	result := w.do(c).(*task.RunResult)
	if a, b := used(result.Tasks); a != 4 || b != 6 {
		t.Errorf("RunTask: %d FARGATE, %d FARGATE_SPOT", a, b)
	}
	for _, x := range result.Tasks {
		w.do(&task.StopTask{Cluster: "c", Task: x.ID})
		w.report(x.ID, func(r *task.Report) { r.Removed = true })
	}
	w.service(2, func(c *task.CreateService) { c.CapacityProviderStrategy = strategy })
	w.settle(5000, nil)
	if a, b := used(w.tasks(task.StatusRunning)); a != 2 || b != 0 {
		t.Errorf("the base: %d FARGATE, %d FARGATE_SPOT", a, b)
	}
	w.update(scale(10))
	w.settle(5000, nil)
	if a, b := used(w.tasks(task.StatusRunning)); a != 4 || b != 6 {
		t.Errorf("scaled out: %d FARGATE, %d FARGATE_SPOT", a, b)
	}
}
