package task_test

import (
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/task"
)

// plan runs the planner until it has nothing to do, and returns when it is to be called
// again.
func (w *fixture) plan() int64 {
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

// runner plays the runner of all nodes: it starts and stops what it is to, except what
// skip names. It returns whether anything was done.
func (w *fixture) runner(skip func(*task.Task) bool) bool {
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
func (w *fixture) settle(limit int64, skip func(*task.Task) bool) {
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
func (w *fixture) service(desired int, change func(*task.CreateService)) *task.Service {
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

func (w *fixture) current() *task.Service {
	svc, ok := w.state.Task.Service(account, "c", "s")
	if !ok {
		w.t.Fatal("service s does not exist")
	}
	return svc
}

// tasks returns the tasks of service s in a state.
func (w *fixture) tasks(status string) []*task.Task {
	var all []*task.Task
	for x := range w.state.Task.TasksOfService(account, "c", "s") {
		if x.LastStatus == status {
			all = append(all, x)
		}
	}
	return all
}

// instances returns the number of instances of web.
func (w *fixture) instances() int {
	svc, _ := w.state.Registry.Service(account, w.web.ID)
	return svc.InstanceCount()
}

func (w *fixture) events() string {
	var lines []string
	for _, e := range w.state.Task.Events(account, "c", "s") {
		lines = append(lines, e.Message)
	}
	slices.Reverse(lines)
	return strings.Join(lines, "\n")
}

func (w *fixture) update(c task.UpdateService) *task.Service {
	w.t.Helper()
	c.Cluster, c.Name = "c", "s"
	return w.do(&c).(*task.Service)
}

func scale(n int) task.UpdateService {
	return task.UpdateService{ServiceSettings: task.ServiceSettings{DesiredCount: &n}}
}
