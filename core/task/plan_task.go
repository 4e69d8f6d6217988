package task

import (
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

// retryAfter is the pause before a registration that failed is tried again, in
// milliseconds.
const retryAfter = 5000

// maxStep limits the tasks of one action, so that others do not wait for it.
const maxStep = 50

// planTasks moves on the standalone tasks for which it is time. Those of services follow
// in planServices.
func (p *plan) planTasks() {
	for _, x := range p.state.tasks.All() {
		if x.Service == "" {
			p.consider(x)
		}
	}
}

// consider adds a task to an action if something is due for it.
func (p *plan) consider(x *Task) {
	if !p.collect || !p.taskDue(x) {
		return
	}
	if p.step == nil || len(p.step.tasks) == maxStep || p.step.tasks[0].Account != x.Account {
		p.step = &stepTasks{hold: p.hold}
		p.act(x.Account, p.step)
	}
	p.step.tasks = append(p.step.tasks, x)
}

// taskDue reports whether something has to be done for a task, apart from what its
// service needs.
func (p *plan) taskDue(x *Task) bool {
	switch {
	case x.stopped():
		return p.at(x.Stopped + p.rules.StoppedRetention)
	case p.instance(x).lost:
		return true
	case x.LastStatus == StatusDeactivating:
		return p.at(x.DrainUntil)
	case x.stopping():
		return false
	case x.LastStatus == StatusProvisioning && x.Instance == "":
		d := p.definition(x)
		return d == nil || p.canPlace(x, d.Definition)
	case x.LastStatus == StatusActivating:
		return p.at(x.Activated+p.rules.StartTimeout) || p.registrationDue(x)
	case x.LastStatus == StatusRunning:
		return p.registrationDue(x)
	}
	return false
}

// registrationDue reports whether the registrations of a task differ from Cloud Map and
// something can be done about it.
func (p *plan) registrationDue(x *Task) bool {
	due := false
	for i := range x.Registrations {
		due = p.oneDue(x, &x.Registrations[i]) || due
	}
	return due
}

func (p *plan) oneDue(x *Task, r *Registration) bool {
	if r.Service == "" {
		return p.at(r.Tried+retryAfter) && p.resolvable(x, r)
	}
	svc := p.cloudService(r)
	switch {
	case svc.Service == nil:
		return r.Registered != 0 || r.Held
	case r.Held:
		return false
	case r.Registered == 0:
		return p.at(r.Tried + r.pause())
	}
	inst := p.instanceOf(x, svc.Service)
	if inst != nil {
		svc.registered++
	}
	return inst == nil || inst.Registered != r.Registered
}

// pause returns the time between two attempts to register: it doubles each time, because
// each is a write.
func (r *Registration) pause() int64 {
	const longest = 6 // 320 s
	return retryAfter << min(max(r.Attempts-1, 0), longest)
}

// resolvable reports whether a Cloud Map service that did not exist may exist now.
func (p *plan) resolvable(x *Task, r *Registration) bool {
	if _, err := p.cloud.FindService(p.cloudMap, x.Account, r.Name); err == nil {
		return true
	}
	namespace, service, ok := cutBlock(r.Name)
	if !ok {
		return false
	}
	ns, err := p.cloud.FindNamespace(p.cloudMap, x.Account, namespace)
	if err != nil {
		return false
	}
	_, ok = ns.Service(service)
	return ok || x.LastStatus == StatusActivating && !p.rules.Strict
}

// stepTasks moves tasks of one account on.
type stepTasks struct {
	tasks []*Task
	hold  int64 // see Plan
}

// Decide implements command.Command.
func (c *stepTasks) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	t := begin(v, m)
	p := newPlan(t, m.Now, c.hold)
	for _, planned := range c.tasks {
		old, ok := t.state().Task(planned.Account, planned.Cluster, planned.ID)
		p.state = t.state()
		if !ok || !p.taskDue(old) {
			continue
		}
		t.read(tasks.Read(old, true))
		x := *old
		if t.stepTask(p, &x) {
			t.putTask(&x)
		}
	}
	return t.reply(nil)
}

// stepTask does what is due for a task. It reports whether the task is to be stored.
func (t *transaction) stepTask(p *plan, x *Task) bool {
	switch {
	case x.stopped():
		t.add(tasks.Delete(x))
		return false
	case p.instance(x).lost:
		t.loseTask(x)
	case x.LastStatus == StatusDeactivating:
		x.signal(t.meta.Now)
	case x.Instance == "":
		t.placeWaiting(x)
	default:
		t.reconcile(x)
	}
	return true
}

// loseTask ends a task whose node is gone.
func (t *transaction) loseTask(x *Task) {
	host := x.Instance
	if i, ok := t.state().Instance(x.Account, x.Cluster, x.Instance); ok && i.EC2InstanceID != "" {
		host = i.EC2InstanceID
	}
	t.stop(x, StopTerminationNotice, reasonNodeLost+host+") terminated.", false)
	t.deregister(x)
	x.end(t.meta.Now)
}

// placeWaiting places a task that waits for an instance with room.
func (t *transaction) placeWaiting(x *Task) {
	d, ok := t.state().Definition(x.Account, x.Family, x.Revision)
	if !ok {
		t.fail(x, reasonDefinition)
		return
	}
	place, _ := newPlacer(t.state(), x.Account, x.Cluster).place(t.rules, wishOf(x, d))
	if place != nil {
		t.placeOn(x, place.instance, d)
	}
}

// reconcile makes Cloud Map have the instances of a task. A deregistration by somebody
// else holds until the task or its service changes.
func (t *transaction) reconcile(x *Task) {
	c := contextOf(t.state(), x)
	if c.definition == nil {
		t.fail(x, reasonDefinition)
		return
	}
	x.Registrations = slices.Clone(x.Registrations)
	for i := range x.Registrations {
		t.compare(x, &c, &x.Registrations[i])
	}
	if x.LastStatus == StatusActivating && t.meta.Now >= x.Activated+t.rules.StartTimeout {
		t.fail(x, reasonDiscovery)
		return
	}
	t.keep = x.LastStatus == StatusRunning // somebody may have deleted the service on purpose
	if t.register(x, &c) && x.LastStatus == StatusActivating {
		x.LastStatus, x.Started = StatusRunning, t.meta.Now
	}
}

// compare compares a registration with Cloud Map.
func (t *transaction) compare(x *Task, c *runContext, r *Registration) {
	svc, ok := t.registry().Service(r.Owner, registry.ServiceID(r.Service))
	if !ok {
		if (r.Registered != 0 || r.Held) && c.service != nil {
			t.notice(c.service, levelWarn, "", "(task %s) is not in Cloud Map any more: the service registry %s does not exist.", x.ID, r.Service)
		}
		r.Registered, r.Held, r.Tried, r.Attempts = 0, false, t.meta.Now, 0
		return
	}
	if r.Registered == 0 {
		return
	}
	inst, ok := svc.Instance(registry.InstanceID(x.ID))
	switch {
	case !ok:
		r.Registered, r.Held = 0, true
	case inst.Registered != r.Registered:
		r.Registered = 0 // somebody has registered other attributes: register again
	}
}

// cutBlock splits the name of a registration of a discovery block, NAMESPACE/SERVICE.
func cutBlock(name string) (namespace, service string, ok bool) {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return "", "", false
	}
	return name[:i], name[i+1:], true
}
