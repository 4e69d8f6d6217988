package runner

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-discovery/cairn/core/task"
)

func ptr[T any](v T) *T { return &v }

func depends(on, condition string) []task.ContainerDependency {
	return []task.ContainerDependency{{ContainerName: on, Condition: condition}}
}

func up(name string) *task.ContainerState {
	return &task.ContainerState{Name: name, LastStatus: task.StatusRunning, RuntimeID: "r-" + name, Started: 1000}
}

func down(name string, code int64) *task.ContainerState {
	return &task.ContainerState{Name: name, LastStatus: task.StatusStopped, RuntimeID: "r-" + name, Started: 1000, Finished: 400_000, ExitCode: &code}
}

func healthy(name string) *task.ContainerState {
	s := up(name)
	s.Health = task.HealthHealthy
	return s
}

// text describes a plan in one line.
func (p plan) text() string {
	var parts []string
	for _, s := range p.steps {
		part := s.action.String()
		if s.container != "" {
			part += " " + s.container
		}
		if s.timeout != 0 {
			part += " " + s.timeout.String()
		}
		parts = append(parts, part)
	}
	if p.failure != "" {
		parts = append(parts, "fail: "+p.failure)
	}
	if p.removed {
		parts = append(parts, "removed")
	}
	if p.wake != 0 {
		parts = append(parts, fmt.Sprint("wake at ", p.wake))
	}
	return strings.Join(parts, ", ")
}

func TestNext(t *testing.T) {
	const image = "image"
	two := func(condition string) []task.ContainerDefinition {
		return []task.ContainerDefinition{
			{Name: "app", Image: image, DependsOn: depends("db", condition)},
			{Name: "db", Image: image, StartTimeout: ptr(int64(60)), StopTimeout: ptr(int64(7)), Essential: ptr(condition == "START" || condition == "HEALTHY")},
		}
	}
	one := []task.ContainerDefinition{{Name: "app", Image: image}}
	restarting := func(p task.ContainerRestartPolicy) []task.ContainerDefinition {
		p.Enabled = ptr(true)
		return []task.ContainerDefinition{{Name: "app", Image: image, RestartPolicy: &p}}
	}
	running, stopping, draining, stopped := "PENDING", "STOPPING", "DEACTIVATING", "STOPPED"
	tests := []struct {
		name       string
		status     string // of the task; "": the state does not have it
		containers []task.ContainerDefinition
		noNetwork  bool
		cleared    bool
		seen       []*task.ContainerState
		notPulled  bool
		known      []task.ContainerState // in the state
		broken     string
		want       string
	}{
		{name: "a new task", status: "PROVISIONING", containers: one, noNetwork: true, want: "prepare"},
		{name: "its images", status: running, containers: one, notPulled: true, want: "pull app"},
		{name: "one pull for two containers", status: running, containers: []task.ContainerDefinition{{Name: "a", Image: image}, {Name: "b", Image: image}}, notPulled: true, want: "pull a"},
		{name: "its containers", status: running, containers: one, want: "start app"},
		{name: "two at once", status: running, containers: []task.ContainerDefinition{{Name: "a", Image: image}, {Name: "b", Image: image}}, want: "start a, start b"},
		{name: "it runs", status: running, containers: one, seen: []*task.ContainerState{up("app")}, want: ""},

		{name: "START waits", status: running, containers: two("START"), want: "start db"},
		{name: "START holds", status: running, containers: two("START"), seen: []*task.ContainerState{up("db")}, want: "start app"},
		{name: "START holds after the end", status: running, containers: two("START"), seen: []*task.ContainerState{down("db", 1)}, want: "start app"},
		{name: "COMPLETE waits until its timeout", status: running, containers: two("COMPLETE"), seen: []*task.ContainerState{up("db")}, want: "wake at 61000"},
		{name: "COMPLETE holds", status: running, containers: two("COMPLETE"), seen: []*task.ContainerState{down("db", 1)}, want: "start app"},
		{name: "SUCCESS holds", status: running, containers: two("SUCCESS"), seen: []*task.ContainerState{down("db", 0)}, want: "start app"},
		{name: "SUCCESS fails", status: running, containers: two("SUCCESS"), seen: []*task.ContainerState{down("db", 3)}, want: "fail: TaskDependencyError: container app was not started: container db, which has to end with exit code 0, ended with exit code 3"},
		{name: "HEALTHY waits", status: running, containers: two("HEALTHY"), seen: []*task.ContainerState{up("db")}, want: "wake at 61000"},
		{name: "HEALTHY holds", status: running, containers: two("HEALTHY"), seen: []*task.ContainerState{healthy("db")}, want: "start app"},
		{name: "HEALTHY fails", status: running, containers: two("HEALTHY"), seen: []*task.ContainerState{down("db", 0)}, want: "fail: TaskDependencyError: container app was not started: container db, which has to be healthy, ended with exit code 0"},

		{name: "restart", status: running, containers: restarting(task.ContainerRestartPolicy{}), seen: []*task.ContainerState{down("app", 1)}, want: "start app"},
		{name: "restart of a container that ran too short", status: running, containers: restarting(task.ContainerRestartPolicy{RestartAttemptPeriod: ptr(int64(400))}), seen: []*task.ContainerState{down("app", 1)}, want: ""},
		{name: "ignored exit code", status: running, containers: restarting(task.ContainerRestartPolicy{IgnoredExitCodes: []int64{0, 1}}), seen: []*task.ContainerState{down("app", 1)}, want: ""},
		{name: "restart that has failed", status: running, containers: restarting(task.ContainerRestartPolicy{}), seen: []*task.ContainerState{down("app", 1)}, broken: "x", want: ""},
		{name: "no restart of a task that stops", status: stopping, containers: restarting(task.ContainerRestartPolicy{}), seen: []*task.ContainerState{down("app", 1)}, want: "remove"},
		{name: "no policy", status: running, containers: one, seen: []*task.ContainerState{down("app", 1)}, want: ""},

		{name: "drain wait", status: draining, containers: one, seen: []*task.ContainerState{up("app")}, want: ""},
		{name: "stop in reverse order", status: stopping, containers: two("START"), seen: []*task.ContainerState{up("app"), up("db")}, want: "stop app 30s"},
		{name: "stop what is needed no more", status: stopping, containers: two("START"), seen: []*task.ContainerState{down("app", 0), up("db")}, want: "stop db 7s"},
		{name: "stop without order", status: stopping, containers: []task.ContainerDefinition{{Name: "a", Image: image}, {Name: "b", Image: image}}, seen: []*task.ContainerState{up("b"), up("a")}, want: "stop a 30s, stop b 30s"},
		{name: "remove", status: stopping, containers: one, seen: []*task.ContainerState{down("app", 0)}, want: "remove"},
		{name: "removed", status: stopping, containers: one, noNetwork: true, cleared: true, want: "removed"},
		{name: "nothing is seen, but a container may have been created", status: stopping, containers: one, noNetwork: true, want: "remove"},
		{name: "seen again after it was removed", status: stopping, containers: one, noNetwork: true, cleared: true, seen: []*task.ContainerState{down("app", 0)}, want: "remove"},
		{name: "stopped before it started", status: stopping, containers: one, want: "remove"},

		{name: "a stopped task that is still there", status: stopped, containers: one, seen: []*task.ContainerState{up("app")}, want: "remove"},
		{name: "a stopped task", status: stopped, containers: one, noNetwork: true, want: "remove"},
		{name: "a stopped task that was removed", status: stopped, containers: one, noNetwork: true, cleared: true, want: "removed"},
		{name: "an unknown task", seen: []*task.ContainerState{up("app")}, want: "remove"},
		{name: "the machine has restarted", status: running, containers: one, noNetwork: true, known: []task.ContainerState{*up("app")}, want: ""},
		{name: "a container has vanished", status: running, containers: one, known: []task.ContainerState{*up("app")}, want: ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &situation{now: 2000, network: !test.noNetwork, seen: map[string]*task.ContainerState{}, pulled: map[string]bool{image: !test.notPulled}, broken: map[string]string{"app": test.broken}, cleared: test.cleared}
			for _, c := range test.seen {
				s.seen[c.Name] = c
			}
			if test.status != "" {
				s.task = &task.Task{LastStatus: test.status, DesiredStatus: task.StatusRunning, Containers: test.known}
				if test.status == stopping || test.status == draining || test.status == stopped {
					s.task.DesiredStatus = task.StatusStopped
				}
				s.definition = &task.Definition{ContainerDefinitions: test.containers}
			}
			if got := next(s).text(); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestStartTimeoutEnds(t *testing.T) {
	s := &situation{
		now: 61_000, network: true, seen: map[string]*task.ContainerState{"db": up("db")},
		task: &task.Task{LastStatus: "PENDING", DesiredStatus: task.StatusRunning},
		definition: &task.Definition{ContainerDefinitions: []task.ContainerDefinition{
			{Name: "app", DependsOn: depends("db", "HEALTHY")}, {Name: "db", StartTimeout: ptr(int64(60))},
		}},
	}
	if got := next(s).failure; got != "TaskDependencyError: container app was not started: container db did not reach the condition HEALTHY within its startTimeout" {
		t.Error(got)
	}
}

func TestReportIsWhatTheStateDoesNotKnow(t *testing.T) {
	known := []task.ContainerState{
		{Name: "same", ID: "1", LastStatus: task.StatusRunning, RuntimeID: "r-same", Started: 1000, Health: task.HealthUnknown},
		{Name: "new", ID: "2", LastStatus: task.StatusPending},
		{Name: "gone", ID: "3", LastStatus: task.StatusRunning, RuntimeID: "r-gone", Started: 1000},
		{Name: "ended", ID: "4", LastStatus: task.StatusStopped, RuntimeID: "r-ended", Started: 1000},
		{Name: "restarts", ID: "5", LastStatus: task.StatusRunning, RuntimeID: "r-restarts", Started: 1000},
		{Name: "killed", ID: "6", LastStatus: task.StatusRunning, RuntimeID: "r-killed", Started: 1000},
		{Name: "killed before", ID: "7", LastStatus: task.StatusStopped, RuntimeID: "r-killed before", Started: 1000},
		{Name: "killed with policy", ID: "8", LastStatus: task.StatusRunning, RuntimeID: "r-killed with policy", Started: 1000},
	}
	s := &situation{
		now: 2000, network: true, task: &task.Task{LastStatus: task.StatusRunning, DesiredStatus: task.StatusRunning, Containers: known},
		seen: map[string]*task.ContainerState{
			"same": up("same"), "new": up("new"), "restarts": down("restarts", 1),
			"killed": up("killed"), "killed before": up("killed before"), "killed with policy": up("killed with policy"),
		},
		ended: map[string]bool{"killed": true, "killed before": true, "killed with policy": true},
		definition: &task.Definition{ContainerDefinitions: []task.ContainerDefinition{
			{Name: "restarts", RestartPolicy: &task.ContainerRestartPolicy{Enabled: ptr(true)}},
			{Name: "killed with policy", RestartPolicy: &task.ContainerRestartPolicy{Enabled: ptr(true)}},
		}},
	}
	want := []task.ContainerState{
		{Name: "new", ID: "2", LastStatus: task.StatusRunning, RuntimeID: "r-new", Started: 1000},
		{Name: "gone", ID: "3", LastStatus: task.StatusStopped, RuntimeID: "r-gone", Started: 1000, Reason: "ContainerVanishedError: No container matching saved ID found"},
		{Name: "killed", ID: "6", LastStatus: task.StatusStopped, RuntimeID: "r-killed", Started: 1000},
	}
	if diff := cmp.Diff(want, s.report()); diff != "" {
		t.Error(diff)
	}
}
