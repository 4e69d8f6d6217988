package task

import (
	"fmt"
	"slices"
	"strings"
)

const textBlocked = "was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again."

// step does what a service needs.
func (t *transaction) step(svc *Service, s *serviceStep) {
	if svc.SchedulingStrategy == Daemon && svc.DesiredCount != s.desired {
		svc = t.changeService(svc, func(svc *Service) { svc.DesiredCount = s.desired })
	}
	if s.ran {
		svc = t.changeService(svc, func(svc *Service) {
			d := svc.Primary()
			d.Ran, d.FailedTasks = true, 0
			d.startNow()
		})
	}
	t.stopMembers(svc, s)
	if s.starts > 0 {
		t.startMembers(svc, s)
	}
	svc, _ = t.state().Service(svc.Account, svc.Cluster, svc.Name)
	if s.drop {
		svc = t.dropDeployments(svc, s)
	}
	switch {
	case s.inactive:
		t.deleteConnect(svc)
		t.changeService(svc, func(svc *Service) { svc.Status, svc.Deleted = Inactive, t.meta.Now })
		return
	case s.fail:
		t.notice(svc, levelError, codeFailed, "(deployment %s) deployment failed: tasks failed to start.", svc.Primary().ID())
		rollback := deref(svc.breakerConfiguration().Rollback)
		t.failDeployment(svc, "ECS deployment circuit breaker: tasks failed to start.", rollback)
	case s.complete:
		svc = t.completeDeployment(svc)
		t.saySteady(svc)
	case s.steady:
		t.saySteady(svc)
	case s.blocked:
		t.notice(svc, levelWarn, "", "%s", textBlocked)
		t.changeService(svc, func(svc *Service) { svc.Blocked, svc.BlockedReason = t.meta.Now, textBlocked })
	}
}

// saySteady says that a service is steady.
func (t *transaction) saySteady(svc *Service) {
	t.notice(svc, "", codeSteady, "has reached a steady state.")
	t.changeService(svc, func(svc *Service) { svc.Steady = t.meta.Now })
}

// dropDeployments forgets old deployments that have no tasks.
func (t *transaction) dropDeployments(svc *Service, s *serviceStep) *Service {
	used := map[string]bool{}
	for i := range s.members {
		used[s.members[i].Deployment] = true
	}
	svc = t.changeService(svc, func(svc *Service) {
		kept := svc.Deployments[:1]
		for _, d := range svc.Deployments[1:] {
			if used[d.Number] {
				kept = append(kept, d)
			}
		}
		svc.Deployments = kept
	})
	t.keep = true
	return t.updateCloudMapServices(svc)
}

// stopMembers stops tasks of a service.
func (t *transaction) stopMembers(svc *Service, s *serviceStep) {
	var stopped, failed []string
	for i := range s.stops {
		m := &s.stops[i]
		x := *m.Task
		reason := "Scaling activity initiated by (deployment " + svc.Primary().ID() + ")"
		if m.condition == unhealthy {
			reason = reasonUnhealthy
			failed = append(failed, x.ID)
		}
		t.read(tasks.Read(m.Task, true))
		t.stop(&x, StopSchedulerInitiated, reason, true)
		t.putTask(&x)
		stopped = append(stopped, x.ID)
	}
	for _, id := range failed {
		t.notice(svc, levelWarn, codeUnhealthy, "(task %s) failed container health checks.", id)
	}
	if len(stopped) > 0 {
		t.event(svc, "has stopped %d running tasks: %s.", len(stopped), taskList(stopped))
		if svc.Steady != 0 {
			t.changeService(svc, func(svc *Service) { svc.Steady = 0 })
		}
	}
	if len(failed) == 0 {
		return
	}
	t.addEvent(svc, Event{Level: levelWarn, Message: fmt.Sprintf("Amazon ECS replaced %d tasks due to an unhealthy status.", len(failed))})
	primary := svc.Primary().Number
	t.changeService(svc, func(svc *Service) {
		if d := svc.Primary(); d.Number == primary && d.RolloutState == RolloutInProgress {
			d.FailedTasks += len(failed)
		}
	})
}

// taskList returns the ids in the form of events.
func taskList(ids []string) string {
	const most = 10
	texts := make([]string, 0, most+1)
	for i, id := range ids {
		if i == most {
			texts = append(texts, fmt.Sprintf("and %d more", len(ids)-most))
			break
		}
		texts = append(texts, "(task "+id+")")
	}
	return strings.Join(texts, " ")
}

// startMembers starts tasks of the primary deployment.
func (t *transaction) startMembers(svc *Service, s *serviceStep) {
	d := svc.Primary()
	definition, ok := t.state().Definition(svc.Account, d.Family, d.Revision)
	if !ok {
		t.block(svc, "The task definition does not exist any more.")
		return
	}
	p := newPlacer(t.state(), svc.Account, svc.Cluster)
	providers := s.providers()
	var started []string
	for i := range s.starts {
		x := t.member(svc, d, definition)
		x.useProvider(d.CapacityProviderStrategy, providers)
		place, reason := t.placeMember(p, svc, s, i, x, definition)
		if place == nil {
			t.block(svc, reason)
			break
		}
		t.placeOn(x, place.instance, definition)
		place.put(x)
		t.admit(x, definition)
		started = append(started, x.ID)
		if x.stopped() {
			break // its role may not register it: the others would fail too
		}
	}
	if len(started) == 0 {
		return
	}
	t.event(svc, "has started %d tasks: %s.", len(started), taskList(started))
	current, _ := t.state().Service(svc.Account, svc.Cluster, svc.Name)
	if current.Blocked != 0 && len(started) == s.starts || current.Steady != 0 {
		t.changeService(svc, func(svc *Service) {
			svc.Steady = 0
			if len(started) == s.starts {
				svc.Blocked, svc.BlockedReason = 0, ""
			}
		})
	}
}

// member returns a new task of a deployment.
func (t *transaction) member(svc *Service, d *Deployment, definition *Definition) *Task {
	x := t.newTask(svc.Account, svc.Cluster, definition, nil)
	svc.wishes(x, definition, d)
	x.LaunchType, x.PlatformVersion, x.Volumes = d.LaunchType, d.PlatformVersion, d.Volumes
	x.EnableExecuteCommand = svc.EnableExecuteCommand
	switch svc.PropagateTags {
	case "SERVICE":
		x.Tags = slices.Clone(svc.Tags)
	case "TASK_DEFINITION":
		x.Tags = slices.Clone(definition.Tags)
	}
	if svc.EnableECSManagedTags {
		x.Tags = withTags(x.Tags, []Tag{{"aws:ecs:clusterName", svc.Cluster}, {"aws:ecs:serviceName", svc.Name}})
	}
	return x
}

// placeMember finds the instance of the i-th task that is started, or why there is none.
func (t *transaction) placeMember(p *placer, svc *Service, s *serviceStep, i int, x *Task, d *Definition) (*room, string) {
	if svc.SchedulingStrategy == Daemon {
		p = p.only(s.targets[i])
	}
	place, failures := p.place(t.rules, wishOf(x, d))
	switch {
	case place != nil:
		return place, ""
	case len(failures) == 0:
		return nil, "Reason: No Container Instances were found in your cluster."
	}
	return nil, closest(failures)
}

// only returns a placer with one instance.
func (p *placer) only(i *ContainerInstance) *placer {
	one := &placer{state: p.state}
	for _, r := range p.rooms {
		if r.instance.ID == i.ID {
			one.rooms = append(one.rooms, r)
		}
	}
	return one
}

// closest returns why the instance that matches best does not match.
func closest(failures []Failure) string {
	best := failures[0]
	for _, f := range failures {
		if strings.HasPrefix(f.Reason, "RESOURCE:") && !strings.HasPrefix(best.Reason, "RESOURCE:") {
			best = f
		}
	}
	id := best.ARN[strings.LastIndexByte(best.ARN, '/')+1:]
	switch best.Reason {
	case "RESOURCE:CPU":
		return "The closest matching (container-instance " + id + ") has insufficient CPU units available."
	case "RESOURCE:MEMORY":
		return "The closest matching (container-instance " + id + ") has insufficient memory available."
	case "RESOURCE:PORTS":
		return "The closest matching (container-instance " + id + ") is already using a port required by your task."
	}
	return "Reason: " + best.Reason
}

// block notes that a task cannot be placed. The same reason is said again after a while.
func (t *transaction) block(svc *Service, reason string) {
	current, ok := t.state().Service(svc.Account, svc.Cluster, svc.Name)
	if ok && current.BlockedReason == reason && t.meta.Now < current.Blocked+blockedEvery {
		return
	}
	t.notice(svc, levelWarn, codePlacementFailed, "was unable to place a task because no container instance met all of its requirements. %s", reason)
	t.changeService(svc, func(svc *Service) { svc.Blocked, svc.BlockedReason = t.meta.Now, reason })
}
