package task

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

// maxReason is the longest reason in characters, as on AWS.
const maxReason = 1024

// cut returns a reason with at most maxReason characters.
func cut(reason string) string {
	if len(reason) <= maxReason {
		return reason
	}
	n := 0
	for i := range reason {
		if n == maxReason {
			return reason[:i]
		}
		n++
	}
	return reason
}

// Reasons of AWS.
const (
	reasonEssential  = "Essential container in task exited"
	reasonFailed     = "Task failed to start"
	reasonUser       = "Task stopped by user"
	reasonUnhealthy  = "Task failed container health checks"
	reasonDiscovery  = "Timeout waiting for service discovery instance provisioning to complete"
	reasonNodeLost   = "Host EC2 (instance "
	reasonDefinition = "ResourceInitializationError: the task definition of the task does not exist any more"
)

// drainGrace is added to the TTL of the records: a client may use an address at the end
// of the TTL, and its request takes a moment. In milliseconds.
const drainGrace = 1000

// drainLabel is a tag of a service or of a task definition, or a docker label. It sets the
// drain wait, in seconds or as a duration such as 1m30s.
const drainLabel = "cairn:drain-delay"

// maxDrainLabel limits drainLabel, in milliseconds.
const maxDrainLabel = 3600_000

// stopped reports whether nothing more will happen to the task.
func (x *Task) stopped() bool { return x.LastStatus == StatusStopped }

// stopping reports whether the task is to stop.
func (x *Task) stopping() bool { return x.DesiredStatus == StatusStopped }

// registered reports whether the task is in Cloud Map.
func (x *Task) registered() bool {
	return slices.ContainsFunc(x.Registrations, func(r Registration) bool { return r.Registered != 0 })
}

// stop makes a task stop. It leaves Cloud Map at once. Without drain, or if no client
// can know its address, it gets its stop signal at once.
func (t *transaction) stop(x *Task, code, reason string, drain bool) {
	if x.stopping() {
		return
	}
	reason = cut(reason)
	c := contextOf(t.state(), x)
	wait := int64(0)
	if drain && x.Answered && x.registered() {
		wait = t.drainWait(x, &c)
	}
	t.deregister(x)
	x.DesiredStatus, x.StopCode, x.StoppedReason = StatusStopped, code, reason
	switch {
	case x.Node == "":
		x.end(t.meta.Now)
	case wait > 0:
		x.LastStatus, x.DrainUntil = StatusDeactivating, t.meta.Now+wait
	default:
		x.signal(t.meta.Now)
	}
	t.countFailure(x, &c)
}

// signal lets the runner stop the containers.
func (x *Task) signal(now int64) {
	x.LastStatus, x.Stopping, x.DrainUntil = StatusStopping, now, 0
}

// end makes a task STOPPED. Containers that were never started have no exit code.
func (x *Task) end(now int64) {
	x.LastStatus, x.DesiredStatus, x.Stopped, x.DrainUntil = StatusStopped, StatusStopped, now, 0
	if x.ExecutionStopped == 0 && x.Started != 0 {
		x.ExecutionStopped = now
	}
	x.Containers = slices.Clone(x.Containers)
	for i := range x.Containers {
		x.Containers[i].LastStatus = StatusStopped
	}
}

// drainWait returns how long a task answers after it has left Cloud Map, in
// milliseconds: as long as clients may use an answer of DNS.
func (t *transaction) drainWait(x *Task, c *runContext) int64 {
	if t.rules.Strict {
		return 0
	}
	if wait, ok := c.drainSetting(); ok {
		return wait
	}
	ttl := int64(0)
	if len(c.connect) > 0 {
		ttl = ConnectTTL
	}
	for _, r := range x.Registrations {
		svc, ok := t.registry().Service(r.Owner, registry.ServiceID(r.Service))
		if !ok || svc.DNS == nil || r.Registered == 0 {
			continue
		}
		for _, record := range svc.DNS.Records {
			ttl = max(ttl, record.TTL)
		}
	}
	return min(ttl*1000+drainGrace, t.rules.MaxDrain)
}

func (c *runContext) drainSetting() (int64, bool) {
	if c.service != nil {
		if wait, ok := parseDrain(tagValue(c.service.Tags, drainLabel)); ok {
			return wait, true
		}
	}
	if c.definition == nil {
		return 0, false
	}
	if wait, ok := parseDrain(tagValue(c.definition.Tags, drainLabel)); ok {
		return wait, true
	}
	for i := range c.definition.ContainerDefinitions {
		if wait, ok := parseDrain(c.definition.ContainerDefinitions[i].DockerLabels[drainLabel]); ok {
			return wait, true
		}
	}
	return 0, false
}

// parseDrain returns milliseconds, at most maxDrainLabel. Text that is no duration is
// ignored: tags may be older than checkDrain.
func parseDrain(text string) (int64, bool) {
	wait, ok := parseDuration(text)
	return min(wait, maxDrainLabel), ok
}

// checkDrain checks a new value of drainLabel; where names the tag or the label.
func checkDrain(where, text string) error {
	if wait, ok := parseDuration(text); !ok || wait > maxDrainLabel {
		return command.Invalid("%s has the value %s: it must be a number of seconds, such as 30, or a duration, such as 1m30s, from 0 to 1h", where, quote(text))
	}
	return nil
}

// parseDuration returns the milliseconds of seconds, or of a duration such as 1m30s, that
// is not negative.
func parseDuration(text string) (int64, bool) {
	text = strings.TrimSpace(text)
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return seconds * 1000, seconds >= 0
	}
	d, err := time.ParseDuration(text)
	return d.Milliseconds(), err == nil && d >= 0
}

// fail stops a task that could not start.
func (t *transaction) fail(x *Task, reason string) {
	t.stop(x, StopFailedToStart, reason, false)
}

// advance moves a task to the state that its observations allow.
func (t *transaction) advance(x *Task) {
	c := contextOf(t.state(), x)
	switch {
	case x.stopped():
	case c.definition == nil && !x.stopping():
		t.fail(x, reasonDefinition)
	case x.stopping():
		t.advanceStop(x, &c)
	default:
		t.advanceStart(x, &c)
	}
}

func (t *transaction) advanceStart(x *Task, c *runContext) {
	if x.LastStatus == StatusProvisioning && x.Node != "" && (x.connected() || !c.definition.awsvpc()) {
		x.LastStatus = StatusPending
		x.Connected = t.meta.Now
	}
	if name := x.exitedEssential(c.definition); name != "" {
		t.stop(x, StopEssentialExited, reasonEssential, false)
		t.advanceStop(x, c)
		return
	}
	if x.LastStatus == StatusPending && x.started(c.definition) {
		x.LastStatus, x.Activated = StatusActivating, t.meta.Now
		if err := t.authorize(x, c); err != nil {
			t.fail(x, err.Error())
			return
		}
	}
	if x.LastStatus == StatusActivating && (!c.registers() || t.register(x, c)) {
		x.LastStatus, x.Started = StatusRunning, t.meta.Now
	}
	x.Health = healthOf(c.definition, x)
	if checkedHealth(c.definition, x) == HealthHealthy {
		x.EverHealthy = true
	}
}

func (t *transaction) advanceStop(x *Task, c *runContext) {
	ended := x.Node == "" || x.allEnded()
	switch {
	case !ended:
		return
	case x.LastStatus == StatusDeactivating:
		x.signal(t.meta.Now)
	}
	if x.LastStatus == StatusStopping {
		if x.ExecutionStopped == 0 && x.Started != 0 {
			x.ExecutionStopped = t.meta.Now
		}
		if c.definition != nil && c.definition.awsvpc() {
			x.LastStatus = StatusDeprovisioning
		}
	}
}

// connected reports whether the task has an address.
func (x *Task) connected() bool {
	return x.Network != nil && (x.Network.IPv4 != "" || x.Network.IPv6 != "")
}

// started reports whether every container runs, or has ended and need not run.
func (x *Task) started(d *Definition) bool {
	for i := range d.ContainerDefinitions {
		c := x.container(d.ContainerDefinitions[i].Name)
		if c == nil || c.LastStatus != StatusRunning && c.LastStatus != StatusStopped {
			return false
		}
	}
	return true
}

// exitedEssential returns the name of an essential container that has ended, or "".
func (x *Task) exitedEssential(d *Definition) string {
	for i := range d.ContainerDefinitions {
		def := &d.ContainerDefinitions[i]
		if c := x.container(def.Name); c != nil && def.essential() && c.LastStatus == StatusStopped {
			return def.Name
		}
	}
	return ""
}

// allEnded reports whether no container runs or is being started.
func (x *Task) allEnded() bool {
	for i := range x.Containers {
		if x.Containers[i].LastStatus == StatusRunning {
			return false
		}
	}
	return true
}
