package task

import (
	"maps"
	"reflect"
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
)

// Decide implements command.Command. A report of a task that is gone, or that belongs
// to another node, changes nothing.
func (c *Report) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, _ := stateOf(v)
	old, ok := s.Task(c.Account, c.Cluster, c.Task)
	if !ok || old.stopped() || old.Node != c.Node {
		return command.Decision{}, nil
	}
	t := begin(v, m)
	t.read(tasks.Read(old, true))
	x := *old
	c.merge(&x)
	if !sameHealth(old, &x) {
		x.Registrations = released(x.Registrations)
	}
	switch {
	case c.Failure != "" && !x.stopping():
		t.fail(&x, c.Failure)
	case c.Removed && !x.stopping():
		t.stop(&x, x.removedCode(), x.removedReason(), false)
	}
	t.advance(&x)
	if c.Removed {
		x.end(t.meta.Now)
	}
	if reflect.DeepEqual(old, &x) {
		return command.Decision{}, nil
	}
	if x.registered() && !x.stopping() && !sameHealth(old, &x) {
		if run := contextOf(t.state(), &x); run.definition != nil {
			t.setHealth(&x, &run)
		}
	}
	t.putTask(&x)
	return t.reply(&x)
}

// merge adds the observations to a task.
func (c *Report) merge(x *Task) {
	if c.Network != nil {
		n := *c.Network
		if old := x.Network; old != nil {
			n.AttachmentID, n.InterfaceID = or(n.AttachmentID, old.AttachmentID), or(n.InterfaceID, old.InterfaceID)
			n.Subnet, n.MAC = or(n.Subnet, old.Subnet), or(n.MAC, old.MAC)
		}
		x.Network = &n
	}
	if c.PullStarted != 0 {
		x.PullStarted = c.PullStarted
	}
	if c.PullStopped != 0 {
		x.PullStopped = c.PullStopped
	}
	if len(c.Containers) == 0 {
		return
	}
	x.Containers = slices.Clone(x.Containers)
	for _, seen := range c.Containers {
		if known := x.container(seen.Name); known != nil {
			seen.ID = or(known.ID, seen.ID)
			*known = seen
		} else {
			x.Containers = append(x.Containers, seen)
		}
	}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// sameHealth reports whether the health of no container has changed.
func sameHealth(a, b *Task) bool {
	return maps.Equal(healths(a), healths(b))
}

func healths(x *Task) map[string]string {
	all := map[string]string{}
	for i := range x.Containers {
		all[x.Containers[i].Name] = x.Containers[i].Health
	}
	return all
}

// released returns registrations that are not held.
func released(all []Registration) []Registration {
	all = slices.Clone(all)
	for i := range all {
		all[i].Held = false
	}
	return all
}

// removedCode and removedReason say why a task stops whose containers are gone.
func (x *Task) removedCode() string {
	if x.Started == 0 {
		return StopFailedToStart
	}
	return StopEssentialExited
}

func (x *Task) removedReason() string {
	if x.Started == 0 {
		return reasonFailed
	}
	return "ContainerVanishedError: No container matching saved ID found"
}
