package runner

import (
	"fmt"
	"time"

	"github.com/cairn-discovery/cairn/core/task"
)

// action is one thing to do for a task.
type action int

const (
	prepare action = iota + 1
	pull
	start
	stop
	remove
)

func (a action) String() string {
	return [...]string{"", "prepare", "pull", "start", "stop", "remove"}[a]
}

// step is an action on a container, or on the task for prepare and remove.
type step struct {
	action    action
	container string
	timeout   time.Duration // of stop
}

// situation is all that the next steps of a task depend on. Times are milliseconds
// since 1970.
type situation struct {
	now int64
	// task is what the state says. Nil: it has no such task on this node.
	task *task.Task
	// definition is that of the task, with overrides. Nil: there is none.
	definition *task.Definition
	// network is whether the network of the task exists.
	network bool
	// seen are the containers that exist on the machine, by name.
	seen map[string]*task.ContainerState
	// ended are containers of seen that are RUNNING but whose process has ended.
	ended map[string]bool
	// pulled are the images that are available.
	pulled map[string]bool
	// broken are containers that could not be started again, with the reason.
	broken map[string]string
	// cleared means that the task was removed from the machine. Until then there may be
	// something that is not in seen, such as a container that was never started.
	cleared bool
}

// plan is what is to be done now. Its steps do not depend on each other.
type plan struct {
	steps []step
	// failure is why the task cannot start.
	failure string
	// removed means that nothing of the task is left, and nothing will be.
	removed bool
	// wake is when to look again although nothing has changed. 0: never.
	wake int64
}

// next returns what is to be done for a task. It is a pure function.
func next(s *situation) plan {
	switch {
	case s.task == nil || s.task.LastStatus == task.StatusStopped:
		return s.clear()
	case s.task.DesiredStatus == task.StatusStopped && s.task.LastStatus == task.StatusDeactivating:
		return plan{} // clients may still use the task
	case s.task.DesiredStatus == task.StatusStopped:
		return s.end()
	case s.definition == nil:
		return plan{} // the state stops the task
	case !s.network && s.everRan():
		return plan{} // the machine has restarted; the containers are reported as lost
	case !s.network:
		return plan{steps: []step{{action: prepare}}}
	}
	return s.run()
}

// clear removes what is left of a task that the state does not want.
func (s *situation) clear() plan {
	if s.gone() {
		return plan{removed: true}
	}
	return plan{steps: []step{{action: remove}}}
}

// gone reports whether nothing of the task is left on the machine.
func (s *situation) gone() bool { return s.cleared && !s.network && len(s.seen) == 0 }

// everRan reports whether a container of the task was started.
func (s *situation) everRan() bool {
	for i := range s.task.Containers {
		if s.task.Containers[i].RuntimeID != "" {
			return true
		}
	}
	return false
}

// end stops the containers, those that depend on others first, and then removes the
// task.
func (s *situation) end() plan {
	var p plan
	running := false
	for _, c := range s.seen {
		if c.LastStatus != task.StatusRunning {
			continue
		}
		running = true
		if !s.needed(c.Name) {
			p.steps = append(p.steps, step{stop, c.Name, s.stopTimeout(c.Name)})
		}
	}
	switch {
	case running:
	case s.gone():
		p.removed = true
	default:
		p.steps = []step{{action: remove}}
	}
	sortSteps(p.steps)
	return p
}

// needed reports whether a container that runs depends on the named one.
func (s *situation) needed(name string) bool {
	if s.definition == nil {
		return false
	}
	for i := range s.definition.ContainerDefinitions {
		c := &s.definition.ContainerDefinitions[i]
		seen := s.seen[c.Name]
		if seen == nil || seen.LastStatus != task.StatusRunning {
			continue
		}
		for _, d := range c.DependsOn {
			if d.ContainerName == name {
				return true
			}
		}
	}
	return false
}

// defaultStopTimeout is how long a container has between SIGTERM and SIGKILL, in
// seconds; see stopTimeout in the ECS developer guide.
const defaultStopTimeout = 30

func (s *situation) stopTimeout(name string) time.Duration {
	seconds := int64(defaultStopTimeout)
	if c := containerOf(s.definition, name); c != nil && c.StopTimeout != nil {
		seconds = *c.StopTimeout
	}
	return time.Duration(seconds) * time.Second
}

func containerOf(d *task.Definition, name string) *task.ContainerDefinition {
	if d == nil {
		return nil
	}
	for i := range d.ContainerDefinitions {
		if d.ContainerDefinitions[i].Name == name {
			return &d.ContainerDefinitions[i]
		}
	}
	return nil
}

// run starts what can be started.
func (s *situation) run() plan {
	var p plan
	for i := range s.definition.ContainerDefinitions {
		c := &s.definition.ContainerDefinitions[i]
		if seen := s.seen[c.Name]; seen != nil {
			if s.restarts(c, seen) {
				p.steps = append(p.steps, step{action: start, container: c.Name})
			}
			continue
		}
		if s.lost(c.Name) != nil {
			continue // it has ended, with everything about it
		}
		ready, wake, failure := s.ready(c)
		switch {
		case failure != "":
			return plan{failure: failure}
		case !ready:
			p.wake = earliest(p.wake, wake)
		case !s.pulled[c.Image]:
			p.pullOnce(s, c)
		default:
			p.steps = append(p.steps, step{action: start, container: c.Name})
		}
	}
	return p
}

// pullOnce adds a pull, unless the image is pulled for another container already.
func (p *plan) pullOnce(s *situation, c *task.ContainerDefinition) {
	for _, other := range p.steps {
		if other.action == pull && containerOf(s.definition, other.container).Image == c.Image {
			return
		}
	}
	p.steps = append(p.steps, step{action: pull, container: c.Name})
}

// lost returns the state of a container that the state knows to have been started, and
// that does not exist on the machine any more. Nil: it is not lost.
func (s *situation) lost(name string) *task.ContainerState {
	if s.seen[name] != nil || s.task == nil {
		return nil
	}
	for i := range s.task.Containers {
		if c := &s.task.Containers[i]; c.Name == name && c.RuntimeID != "" {
			return c
		}
	}
	return nil
}

// ready reports whether the dependencies of a container allow its start. If not, wake
// is when a timeout of one of them ends, and failure why they never will.
func (s *situation) ready(c *task.ContainerDefinition) (ready bool, wake int64, failure string) {
	ready = true
	for _, d := range c.DependsOn {
		ok, failure := s.met(c, d)
		if failure != "" {
			return false, 0, failure
		}
		if ok {
			continue
		}
		ready = false
		deadline := s.deadline(d.ContainerName)
		if deadline != 0 && s.now >= deadline {
			return false, 0, fmt.Sprintf("TaskDependencyError: container %s was not started: container %s did not reach the condition %s within its startTimeout", c.Name, d.ContainerName, d.Condition)
		}
		wake = earliest(wake, deadline)
	}
	return ready, wake, ""
}

// met reports whether a condition holds, or why it never will.
func (s *situation) met(c *task.ContainerDefinition, d task.ContainerDependency) (ok bool, failure string) {
	seen := s.seen[d.ContainerName]
	if seen == nil || seen.Started == 0 {
		return false, ""
	}
	ended := s.final(d.ContainerName)
	switch d.Condition {
	case "START":
		return true, ""
	case "COMPLETE":
		return ended, ""
	case "SUCCESS":
		if ended && (seen.ExitCode == nil || *seen.ExitCode != 0) {
			return false, fmt.Sprintf("TaskDependencyError: container %s was not started: container %s, which has to end with exit code 0, ended with %s", c.Name, d.ContainerName, codeText(seen.ExitCode))
		}
		return ended, ""
	case "HEALTHY":
		if ended && seen.Health != task.HealthHealthy {
			return false, fmt.Sprintf("TaskDependencyError: container %s was not started: container %s, which has to be healthy, ended with %s", c.Name, d.ContainerName, codeText(seen.ExitCode))
		}
		return seen.Health == task.HealthHealthy, ""
	}
	return false, fmt.Sprintf("TaskDependencyError: container %s has the unknown condition %q", c.Name, d.Condition)
}

func codeText(code *int64) string {
	if code == nil {
		return "an unknown exit code"
	}
	return fmt.Sprintf("exit code %d", *code)
}

// deadline returns when the startTimeout of a container ends. 0: there is none.
func (s *situation) deadline(name string) int64 {
	c := containerOf(s.definition, name)
	if c == nil || c.StartTimeout == nil {
		return 0
	}
	seen := s.seen[name]
	if seen == nil || seen.Started == 0 {
		return 0
	}
	return seen.Started + *c.StartTimeout*1000
}

// final reports whether a container has ended and is not started again.
func (s *situation) final(name string) bool {
	seen := s.seen[name]
	if seen == nil || seen.LastStatus != task.StatusStopped {
		return false
	}
	return !s.restarts(containerOf(s.definition, name), seen)
}

// defaultRestartPeriod is how long a container has to run to be restarted, in seconds;
// see restartAttemptPeriod in the ECS developer guide.
const defaultRestartPeriod = 300

// restarts reports whether the restart policy of a container starts it again.
func (s *situation) restarts(c *task.ContainerDefinition, seen *task.ContainerState) bool {
	if c == nil || seen.LastStatus != task.StatusStopped || s.task == nil || s.task.DesiredStatus == task.StatusStopped {
		return false
	}
	p := c.RestartPolicy
	if !restartable(c) || s.broken[c.Name] != "" || seen.ExitCode == nil {
		return false
	}
	for _, code := range p.IgnoredExitCodes {
		if code == *seen.ExitCode {
			return false
		}
	}
	period := int64(defaultRestartPeriod)
	if p.RestartAttemptPeriod != nil {
		period = *p.RestartAttemptPeriod
	}
	return seen.Finished-seen.Started >= period*1000
}

// restartable reports whether a container has a restart policy.
func restartable(c *task.ContainerDefinition) bool {
	return c != nil && c.RestartPolicy != nil && c.RestartPolicy.Enabled != nil && *c.RestartPolicy.Enabled
}

// earliest returns the earlier of two times of which 0 is never.
func earliest(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
