package task

import "slices"

// Pauses between starts after failures, in milliseconds.
const (
	firstPause int64 = 1000
	maxPause   int64 = 300_000
)

// impairedAfter is the number of failures after which an event says that tasks cannot
// be started; it is said again each time the number has doubled.
const impairedAfter = 3

const textImpaired = "is unable to consistently start tasks successfully. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."

// pause returns the n-th pause. The seed spreads the starts of services that fail
// together.
func pause(n int, seed string) int64 {
	wait := maxPause
	if n < 10 {
		wait = min(maxPause, firstPause<<(n-1))
	}
	return wait + wait*int64(hash(seed)%200)/1000
}

// delay starts a pause after a task has failed. Tasks that were started together and
// fail together are followed by one pause.
func (d *Deployment) delay(now int64, seed string) {
	if now < d.NextStart {
		return
	}
	d.Pauses++
	d.NextStart = now + pause(d.Pauses, seed)
}

// startNow ends the pause.
func (d *Deployment) startNow() { d.NextStart, d.Pauses = 0, 0 }

// healthyBefore reports whether a task was healthy in the sense of the scheduler before it
// stopped.
func (x *Task) healthyBefore(r *Rules, d *Definition, now int64) bool {
	if d != nil && d.hasChecks() {
		return x.EverHealthy
	}
	return x.Started != 0 && now-x.Started >= r.HealthyAfter
}

// countFailure counts a task that stops by itself before it was healthy once.
func (t *transaction) countFailure(x *Task, c *runContext) {
	failed := x.StopCode == StopFailedToStart ||
		x.StopCode == StopEssentialExited && !x.healthyBefore(t.rules, c.definition, t.meta.Now)
	if c.service == nil || !failed {
		return
	}
	n := 0
	svc := t.changeService(c.service, func(svc *Service) {
		if d := svc.deployment(x.Deployment); d != nil {
			d.FailedTasks++
			n = d.FailedTasks
			d.delay(t.meta.Now, x.ID)
		}
	})
	t.notice(svc, levelWarn, "", "(task %s) failed to start. Reason: %s", x.ID, x.StoppedReason)
	if n >= impairedAfter && (n/impairedAfter)&(n/impairedAfter-1) == 0 && n%impairedAfter == 0 {
		t.notice(svc, levelWarn, codeStartImpaired, "%s", textImpaired)
	}
}

// changeService stores a changed copy of a service and returns it.
func (t *transaction) changeService(svc *Service, change func(*Service)) *Service {
	current, ok := t.state().Service(svc.Account, svc.Cluster, svc.Name)
	if !ok {
		return svc
	}
	next := *current
	next.Deployments = slices.Clone(next.Deployments)
	change(&next)
	t.read(services.Read(current, true))
	t.add(services.Put(&next))
	return &next
}
