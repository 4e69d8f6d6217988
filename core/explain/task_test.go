package explain_test

import (
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/explain"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/task"
)

func TestTask(t *testing.T) {
	code := int64(137)
	const minute = 60_000
	base := task.Task{
		Account: "000000000000", Cluster: "shop", ID: "0123456789abcdef0123456789abcdef", Family: "web", Revision: 3,
		LastStatus: task.StatusRunning, DesiredStatus: task.StatusRunning, Created: epoch - 2*minute, Started: epoch - minute,
		Instance: "i1", Node: "n1",
	}
	tests := []struct {
		name   string
		change func(*task.Task)
		want   []string
	}{
		{"running", func(*task.Task) {}, []string{
			"task 0123456789abcdef0123456789abcdef in cluster shop: RUNNING (desired RUNNING), UNKNOWN",
			"revision 3 of web, created 2m0s ago", `placed on container instance i1 of node "n1"`, "running for 1m0s", "it has no registry",
		}},
		{"no instance", func(t *task.Task) { t.LastStatus, t.Instance = task.StatusProvisioning, "" }, []string{
			"not placed: cluster shop has no container instance", "--runner process",
		}},
		{"out of memory", func(t *task.Task) {
			t.LastStatus, t.DesiredStatus, t.Stopped = task.StatusStopped, task.StatusStopped, epoch
			t.StopCode, t.StoppedReason = task.StopEssentialExited, "Essential container in task exited"
			t.Containers = []task.ContainerState{{Name: "app", LastStatus: task.StatusStopped, ExitCode: &code, Restarts: 1,
				Reason: "OutOfMemoryError: Container killed due to memory usage"}}
		}, []string{
			"EssentialContainerExited: Essential container in task exited",
			"app: STOPPED, exit code 137, OutOfMemoryError: Container killed due to memory usage, restarted 1 time", "raise memory",
		}},
		{"denied", func(t *task.Task) {
			t.LastStatus, t.StopCode = task.StatusStopped, task.StopFailedToStart
			t.StoppedReason = "ResourceInitializationError: unable to register service discovery instance: AccessDeniedException: User: x"
		}, []string{"attach AWSCloudMapRegisterInstanceAccess"}},
		{"registry is gone", func(t *task.Task) { t.Registrations = []task.Registration{{Service: "srv-1"}} }, []string{
			"In Cloud Map:", "srv-1: the Cloud Map service does not exist",
		}},
		{"registry was never found", func(t *task.Task) { t.Registrations = []task.Registration{{Name: "ns-1/web"}} }, []string{
			"  ns-1/web: the Cloud Map service does not exist",
		}},
		{"draining", func(t *task.Task) { t.LastStatus, t.DrainUntil = task.StatusDeactivating, epoch+5000 }, []string{
			"it has left DNS and DiscoverInstances; the stop signal follows in 5s",
		}},
		{"control characters", func(t *task.Task) { t.StopCode, t.StoppedReason = "UserInitiated", "a\x1b[31m\nb" }, []string{"UserInitiated: a?[31m?b"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			x := base
			test.change(&x)
			text := explain.Task(new(task.State), new(registry.State), &x, epoch).String()
			for _, want := range test.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in:\n%s", want, text)
				}
			}
		})
	}
}
