package explain

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/task"
)

// TaskAnswer explains the state of a task of ECS. Its String is for people, its JSON
// for programs.
type TaskAnswer struct {
	Task    string `json:"task"`
	Account string `json:"account"`
	Cluster string `json:"cluster"`
	Service string `json:"service,omitempty"`
	Status  string `json:"status"`
	Desired string `json:"desired"`
	Health  string `json:"health"`
	// Findings say why it is in this state, one sentence each.
	Findings []string `json:"findings"`
	// Containers and Registrations have one sentence each.
	Containers    []string `json:"containers,omitempty"`
	Registrations []string `json:"registrations,omitempty"`
	// Hints are what usually helps.
	Hints []string `json:"hints,omitempty"`
}

// Task explains why a task is not running, not registered or not healthy. Now is in
// milliseconds since 1970.
func Task(tasks *task.State, reg *registry.State, t *task.Task, now int64) *TaskAnswer {
	a := &TaskAnswer{
		Task: t.ID, Account: string(t.Account), Cluster: t.Cluster, Service: t.Service,
		Status: t.LastStatus, Desired: t.DesiredStatus, Health: orUnknown(t.Health),
	}
	a.placement(tasks, t, now)
	a.state(t, now)
	a.containers(tasks, t)
	a.registrations(reg, t)
	return a
}

func (a *TaskAnswer) find(format string, args ...any) {
	a.Findings = append(a.Findings, fmt.Sprintf(format, args...))
}

func (a *TaskAnswer) hint(format string, args ...any) {
	a.Hints = append(a.Hints, fmt.Sprintf(format, args...))
}

// placement says where the task is, or why it is nowhere.
func (a *TaskAnswer) placement(s *task.State, t *task.Task, now int64) {
	a.find("revision %d of %s, created %s ago", t.Revision, t.Family, since(t.Created, now))
	if t.Instance != "" {
		a.find("placed on container instance %s of node %q", t.Instance, t.Node)
		return
	}
	if t.LastStatus == task.StatusStopped {
		return
	}
	instances := 0
	for range s.Instances(t.Account, t.Cluster, "") {
		instances++
	}
	if instances == 0 {
		a.find("not placed: cluster %s has no container instance", t.Cluster)
		a.hint("start a node with --runner process or --runner docker")
		return
	}
	a.find("not placed: none of %s meets its requirements", plural(int64(instances), "container instance"))
	if svc, ok := s.Service(t.Account, t.Cluster, t.Service); ok && svc.BlockedReason != "" {
		a.find("the scheduler: %s", svc.BlockedReason)
	}
}

// state says what the task waits for.
func (a *TaskAnswer) state(t *task.Task, now int64) {
	switch t.LastStatus {
	case task.StatusProvisioning:
		if t.Instance != "" {
			a.find("the runner makes its network")
		}
	case task.StatusPending:
		a.find("the runner gets its images and starts its containers")
	case task.StatusActivating:
		a.find("all containers run; it is being registered in Cloud Map")
	case task.StatusRunning:
		a.find("running for %s", since(t.Started, now))
	case task.StatusDeactivating:
		a.find("it has left DNS and DiscoverInstances; the stop signal follows in %s", since(now, t.DrainUntil))
	case task.StatusStopping:
		a.find("its containers were told to stop %s ago", since(t.Stopping, now))
	case task.StatusDeprovisioning:
		a.find("its containers have ended; the runner removes its network")
	case task.StatusStopped:
		a.find("stopped %s ago", since(t.Stopped, now))
	}
	if t.StoppedReason != "" {
		a.find("%s: %s", t.StopCode, t.StoppedReason)
		a.failureHints(t)
	}
	if t.ProtectedUntil > now {
		a.find("protected from scale-in for %s more", since(now, t.ProtectedUntil))
	}
}

// failureHints adds what helps against the usual causes.
func (a *TaskAnswer) failureHints(t *task.Task) {
	text := t.StoppedReason
	for _, c := range t.Containers {
		text += " " + c.Reason
	}
	for _, cause := range []struct{ text, hint string }{
		{"AccessDeniedException", "attach AWSCloudMapRegisterInstanceAccess to the role of the task, or a policy that allows servicediscovery:RegisterInstance"},
		{"CannotPullContainerError", "the runner takes images from runner.images (process) or from the local engine first (docker); see docs/ecs.md"},
		{"OutOfMemory", "raise memory of the container, or of the task"},
		{"failed container health checks", "\"cairn logs " + t.ID + "\" shows the output; a longer startPeriod gives a slow start more time"},
		{"ResourceInitializationError", "see docs/ecs.md on secrets, networks and registration"},
	} {
		if strings.Contains(text, cause.text) {
			a.hint("%s", cause.hint)
		}
	}
}

// containers says how each container is.
func (a *TaskAnswer) containers(s *task.State, t *task.Task) {
	checked := map[string]bool{}
	essential := map[string]bool{}
	if d, ok := s.DefinitionOf(t); ok {
		for i := range d.ContainerDefinitions {
			c := &d.ContainerDefinitions[i]
			checked[c.Name] = c.HealthCheck != nil
			essential[c.Name] = c.Essential == nil || *c.Essential
		}
	}
	for i := range t.Containers {
		c := &t.Containers[i]
		text := c.Name + ": " + c.LastStatus
		if c.ExitCode != nil {
			text += fmt.Sprintf(", exit code %d", *c.ExitCode)
		}
		if c.Reason != "" {
			text += ", " + c.Reason
		}
		if c.Restarts > 0 {
			text += ", restarted " + plural(int64(c.Restarts), "time")
		}
		text += a.healthOf(c, checked[c.Name], essential[c.Name])
		a.Containers = append(a.Containers, text)
	}
}

// healthOf says how healthy a container is, and why the task is not.
func (a *TaskAnswer) healthOf(c *task.ContainerState, checked, essential bool) string {
	switch {
	case !checked && essential:
		return ", no health check (so the health of the task is UNKNOWN)"
	case !checked:
		return ", no health check"
	case c.HealthOutput != "":
		return fmt.Sprintf(", %s, the last check wrote %q", orUnknown(c.Health), c.HealthOutput)
	}
	return ", " + orUnknown(c.Health)
}

// registrations says which instances the task has in Cloud Map.
func (a *TaskAnswer) registrations(reg *registry.State, t *task.Task) {
	for i := range t.Registrations {
		a.Registrations = append(a.Registrations, registrationText(reg, t, &t.Registrations[i]))
	}
	if len(t.Registrations) == 0 && t.LastStatus == task.StatusRunning {
		a.hint("it has no registry: give the service serviceRegistries, or the task definition a ServiceDiscoveryRegistry block")
	}
}

func registrationText(reg *registry.State, t *task.Task, r *task.Registration) string {
	svc, ok := reg.Service(t.Account, registry.ServiceID(r.Service))
	if !ok {
		return cmp.Or(r.Service, r.Name) + ": the Cloud Map service does not exist"
	}
	name := svc.Name + " (" + r.Service + ")"
	inst, ok := svc.Instance(registry.InstanceID(t.ID))
	switch {
	case ok:
		return name + ": registered, " + svc.Health(inst).String()
	case r.Problem != "":
		return name + ": not registered: " + r.Problem
	case r.Held:
		return name + ": not registered: somebody else has deregistered the instance; a change of the task or of its service registers it again"
	case t.DesiredStatus == task.StatusStopped:
		return name + ": has left"
	}
	return name + ": not registered yet"
}

// String is the whole explanation as text.
func (a *TaskAnswer) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "task %s in cluster %s: %s (desired %s), %s\n", a.Task, a.Cluster, a.Status, a.Desired, a.Health)
	for _, part := range []struct {
		title string
		lines []string
	}{{"", a.Findings}, {"Containers", a.Containers}, {"In Cloud Map", a.Registrations}, {"Hints", a.Hints}} {
		if part.title != "" && len(part.lines) > 0 {
			fmt.Fprintf(&b, "\n%s:\n", part.title)
		}
		for _, line := range part.lines {
			fmt.Fprintf(&b, "  %s\n", printableLine(line))
		}
	}
	return b.String()
}

// printableLine replaces control characters: names and outputs are what users gave.
func printableLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || (r >= 0x7f && r < 0xa0) {
			return '?'
		}
		return r
	}, text)
}

func orUnknown(health string) string {
	if health == "" {
		return task.HealthUnknown
	}
	return health
}

// since returns the time between two times in milliseconds, in seconds.
func since(from, to int64) string {
	return max(time.Duration(to-from)*time.Millisecond, 0).Round(time.Second).String()
}
