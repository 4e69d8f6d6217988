package task_test

import (
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/task"
)

// A standalone task with a block registers, answers, and leaves in order.
func TestLifeOfATask(t *testing.T) {
	w := newFixture(t)
	w.define("web", "awsvpc", block(w.namespace, "web"))
	x := w.run("web")
	if x.LastStatus != task.StatusProvisioning || x.Node == "" || x.Network.Subnet != "subnet-1" {
		t.Fatalf("new task %+v", x)
	}
	x = w.report(x.ID, func(r *task.Report) { r.Network = &task.Network{IPv4: "10.0.0.5"} })
	if x.LastStatus != task.StatusPending || w.instance("web", x.ID) != nil {
		t.Fatalf("with a network: %s", x.LastStatus)
	}
	x = w.container(x.ID, task.ContainerState{LastStatus: task.StatusRunning})
	inst := w.instance("web", x.ID)
	if x.LastStatus != task.StatusRunning || inst == nil || x.Started != w.now {
		t.Fatalf("running: %s, instance %v", x.LastStatus, inst)
	}
	for key, want := range map[string]string{
		"AWS_INSTANCE_IPV4": "10.0.0.5", "AWS_INSTANCE_PORT": "80", "ECS_CLUSTER_NAME": "c", "ECS_TASK_DEFINITION_FAMILY": "web",
		"REGION": "eu-west-1", "AVAILABILITY_ZONE": x.Zone, "AWS_INIT_HEALTH_STATUS": "HEALTHY", "ECS_SERVICE_NAME": "",
	} {
		if got, _ := inst.Attributes().Get(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	x = w.do(&task.StopTask{Cluster: "c", Task: x.ID}).(*task.Task)
	if x.LastStatus != task.StatusDeactivating || x.DrainUntil != w.now+11_000 || w.instance("web", x.ID) != nil || x.StoppedReason != "Task stopped by user" {
		t.Fatalf("stop: %s until %d, instance %v", x.LastStatus, x.DrainUntil-w.now, w.instance("web", x.ID))
	}
	code := int64(143)
	x = w.container(x.ID, task.ContainerState{LastStatus: task.StatusStopped, ExitCode: &code})
	if x.LastStatus != task.StatusDeprovisioning {
		t.Errorf("ended: %s", x.LastStatus)
	}
	x = w.report(x.ID, func(r *task.Report) { r.Removed = true })
	if x.LastStatus != task.StatusStopped || x.Stopped == 0 || *x.Containers[0].ExitCode != 143 {
		t.Errorf("removed: %+v", x)
	}
}

// What happens to a task after an observation.
func TestReport(t *testing.T) {
	code := int64(1)
	for _, row := range []struct {
		name         string
		report       func(*fixture, string)
		status, code string
		reason       string
		registered   bool
	}{
		{"essential container ends", func(w *fixture, id string) {
			w.started(id)
			w.container(id, task.ContainerState{LastStatus: task.StatusStopped, ExitCode: &code})
		}, task.StatusDeprovisioning, task.StopEssentialExited, "Essential container in task exited", false},
		{"cannot pull", func(w *fixture, id string) {
			w.report(id, func(r *task.Report) { r.Failure = "CannotPullContainerError: no such image" })
		}, task.StatusDeprovisioning, task.StopFailedToStart, "CannotPullContainerError: no such image", false},
		{"another node", func(w *fixture, id string) {
			w.report(id, func(r *task.Report) { r.Node, r.Removed = "x", true })
		}, task.StatusProvisioning, "", "", false},
		{"containers vanish", func(w *fixture, id string) {
			w.started(id)
			w.report(id, func(r *task.Report) { r.Removed = true })
		}, task.StatusStopped, task.StopEssentialExited, "ContainerVanishedError: No container matching saved ID found", false},
		{"running", func(w *fixture, id string) { w.started(id) }, task.StatusRunning, "", "", true},
	} {
		w := newFixture(t)
		w.define("web", "awsvpc", block(w.namespace, "web"))
		id := w.run("web").ID
		row.report(w, id)
		x := w.task(id)
		if x.LastStatus != row.status || x.StopCode != row.code || x.StoppedReason != row.reason || (w.instance("web", id) != nil) != row.registered {
			t.Errorf("%s: %s %s %q registered %v", row.name, x.LastStatus, x.StopCode, x.StoppedReason, w.instance("web", id) != nil)
		}
	}
}

// The health of the containers is the custom health of the instance.
func TestHealth(t *testing.T) {
	w := newFixture(t)
	w.define("web", "awsvpc", func(d *task.Definition) { block(w.namespace, "web")(d); checked(d) })
	id := w.run("web").ID
	w.started(id)
	for _, row := range []struct {
		container string
		want      registry.Health
		task      string
	}{
		{task.HealthUnknown, registry.Unhealthy, task.HealthUnknown}, {task.HealthHealthy, registry.Healthy, task.HealthHealthy},
		{task.HealthUnhealthy, registry.Unhealthy, task.HealthUnhealthy}, {task.HealthHealthy, registry.Healthy, task.HealthHealthy},
	} {
		x := w.container(id, task.ContainerState{LastStatus: task.StatusRunning, Health: row.container})
		if got := w.instance("web", id).HealthIn(true); got != row.want || x.Health != row.task {
			t.Errorf("%s: instance %v, task %s", row.container, got, x.Health)
		}
	}
}

// A task whose role may not register does not start.
func TestAuthorize(t *testing.T) {
	w := newFixture(t)
	w.define("web", "awsvpc", func(d *task.Definition) {
		block(w.namespace, "web")(d)
		d.ExecutionRoleARN = "arn:aws:iam::123456789012:role/r"
	})
	denied := task.NewError(task.AccessDenied, "User: arn is not authorized")
	w.rules.Task.Authorize = authorizer(func(a *task.Authorization) error {
		if a.Action != "servicediscovery:RegisterInstance" || a.Role != "arn:aws:iam::123456789012:role/r" || !strings.HasSuffix(a.Resource, "service/"+string(w.web.ID)) ||
			a.Keys["servicediscovery:ServiceArn"][0] != a.Resource || a.Keys["servicediscovery:ServiceName"][0] != "web" || len(a.Keys["servicediscovery:ServiceCreatedByAccount"]) != 1 {
			t.Errorf("asked %+v", a)
		}
		return denied
	})
	x := w.run("web")
	want := "ResourceInitializationError: unable to register service discovery instance: AccessDeniedException: User: arn is not authorized"
	if x.LastStatus != task.StatusStopped || x.StopCode != task.StopFailedToStart || x.StoppedReason != want {
		t.Errorf("%s %s %q", x.LastStatus, x.StopCode, x.StoppedReason)
	}
	denied = nil
	w.rules.Task.Authorize = authorizer(func(*task.Authorization) error { return nil })
	if x := w.started(w.run("web").ID); x.LastStatus != task.StatusRunning {
		t.Errorf("allowed: %s", x.LastStatus)
	}
}
