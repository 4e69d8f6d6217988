package task

import (
	"github.com/cairn-discovery/cairn/core/command"
)

// StopTask implements StopTask. Reply.Value is the *Task.
type StopTask struct {
	Cluster string
	Task    string
	Reason  string // "": the text of AWS
}

// Decide implements command.Command.
func (c *StopTask) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	t := begin(v, m)
	if cluster, ok := t.state().Cluster(m.Account, c.Cluster); !ok {
		return command.Decision{}, ErrClusterNotFound()
	} else if cluster.Status != Active {
		return command.Decision{}, errClusterInactive()
	}
	old, ok := t.state().Task(m.Account, c.Cluster, c.Task)
	if !ok {
		return command.Decision{}, ErrTaskNotFound()
	}
	if old.stopping() {
		return command.Decision{Reply: command.Reply{Value: old}}, nil
	}
	t.read(tasks.Read(old, true))
	x := *old
	t.stop(&x, StopUserInitiated, or(c.Reason, reasonUser), true)
	t.putTask(&x)
	return t.reply(&x)
}

// UpdateTaskProtection implements UpdateTaskProtection. Reply.Value is a *RunResult with
// the tasks that were changed.
type UpdateTaskProtection struct {
	Cluster string
	Tasks   []string
	Enabled bool
	Minutes int // 1 to 2880; 0: 120
}

// Limits of the time of protection in minutes.
const (
	defaultProtection = 120
	maxProtection     = 2880
)

// Decide implements command.Command.
func (c *UpdateTaskProtection) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	minutes := c.Minutes
	if minutes == 0 {
		minutes = defaultProtection
	}
	if minutes < 1 || minutes > maxProtection {
		return command.Decision{}, command.Invalid("expiresInMinutes is %d; it must be 1 to %d.", minutes, maxProtection)
	}
	t := begin(v, m)
	if _, ok := t.state().Cluster(m.Account, c.Cluster); !ok {
		return command.Decision{}, ErrClusterNotFound()
	}
	result := &RunResult{}
	for _, id := range c.Tasks {
		old, ok := t.state().Task(m.Account, c.Cluster, id)
		failure := Failure{ARN: t.rules.TaskARN(m.Account, c.Cluster, id)}
		switch {
		case !ok:
			failure.Reason = "MISSING"
		case old.stopping() || old.LastStatus == StatusProvisioning:
			failure.Reason, failure.Detail = "TASK_NOT_VALID", "The task is not running."
		case old.Service == "":
			failure.Reason, failure.Detail = "TASK_NOT_VALID", "The task is not part of an ECS service."
		}
		if failure.Reason != "" {
			result.Failures = append(result.Failures, failure)
			continue
		}
		x := *old
		x.ProtectedUntil = 0
		if c.Enabled {
			x.ProtectedUntil = m.Now + int64(minutes)*60_000
		}
		t.read(tasks.Read(old, true))
		t.putTask(&x)
		result.Tasks = append(result.Tasks, &x)
	}
	return t.reply(result)
}

// protected reports whether scale-in must not stop the task.
func (x *Task) protected(now int64) bool { return x.ProtectedUntil > now }
