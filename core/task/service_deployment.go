package task

import (
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
)

// maxServiceDeployments is how many service deployments of a service are kept.
const maxServiceDeployments = 50

// deploy makes a new deployment of a workload, which becomes the primary one.
func (t *transaction) deploy(svc *Service, w *Workload, d *Definition) (*Service, error) {
	number := t.newNumber()
	connect, err := t.ensureConnect(svc, w)
	if err != nil {
		return nil, err
	}
	history := &ServiceDeployment{
		Account: svc.Account, Cluster: svc.Cluster, Service: svc.Name, ID: t.newDeploymentID(), Status: deploymentInProgress,
		Target: number, RequestedCount: svc.DesiredCount, DeploymentConfiguration: svc.DeploymentConfiguration,
		Created: t.meta.Now, Started: t.meta.Now, Updated: t.meta.Now,
	}
	if svc.breaker() {
		history.Threshold = breakerThreshold(svc.DesiredCount)
	}
	for i := range svc.Deployments {
		history.Sources = append(history.Sources, svc.Deployments[i].Number)
	}
	t.supersede(svc)
	t.add(deployments.Put(history), revisions.Put(&ServiceRevision{
		Account: svc.Account, Cluster: svc.Cluster, Service: svc.Name, Number: number, Workload: *w, ServiceConnectServices: connect, Created: t.meta.Now,
	}))
	t.trimDeployments(svc)
	next := t.changeService(svc, func(svc *Service) {
		svc.Deployments = slices.Insert(svc.Deployments, 0, Deployment{
			Number: number, Workload: *w, ServiceDeployment: history.ID, Created: t.meta.Now, Updated: t.meta.Now,
			RolloutState: RolloutInProgress, RolloutStateReason: "ECS deployment ecs-svc/" + number + " in progress.",
			ServiceConnectServices: connect,
		})
		svc.Steady = 0
	})
	return t.updateCloudMapServices(next), nil
}

// supersede ends the service deployment that is in progress. The first deployment of a
// service counts as completed if all its tasks run: clients that wait for services-stable
// do not wait for more, and a rollback needs a target.
func (t *transaction) supersede(svc *Service) {
	if len(svc.Deployments) == 0 {
		return
	}
	if svc.Completed == "" && t.allRun(svc) {
		t.changeService(svc, func(svc *Service) { svc.Completed = svc.Primary().Number })
	}
	t.endDeployment(svc, svc.Primary(), deploymentStopped, "Service deployment stopped because of a newer service deployment.")
}

// allRun reports whether the desired number of tasks of the primary deployment run, and no
// others, and none of them has failed. Tasks with health checks must have been healthy.
func (t *transaction) allRun(svc *Service) bool {
	d := svc.Primary()
	definition, ok := t.state().Definition(svc.Account, d.Family, d.Revision)
	if !ok || d.RolloutState != RolloutInProgress || d.FailedTasks > 0 {
		return false
	}
	n := 0
	for x := range t.state().TasksOfService(svc.Account, svc.Cluster, svc.Name) {
		if x.stopped() {
			continue
		}
		if x.Deployment != d.Number || x.LastStatus != StatusRunning || definition.hasChecks() && !x.EverHealthy {
			return false
		}
		n++
	}
	return n > 0 && n == svc.DesiredCount
}

// endDeployment ends the service deployment of a deployment, if it is in progress.
func (t *transaction) endDeployment(svc *Service, d *Deployment, status, reason string) {
	old, ok := t.state().ServiceDeployment(svc.Account, svc.Cluster, svc.Name, d.ServiceDeployment)
	if !ok || old.Finished != 0 {
		return
	}
	next := *old
	next.Status, next.StatusReason, next.Updated, next.Finished = status, reason, t.meta.Now, t.meta.Now
	if status == deploymentStopped {
		next.Stopped = t.meta.Now
	}
	next.FailureCount = max(old.FailureCount, d.FailedTasks)
	for x := range t.state().TasksOfService(svc.Account, svc.Cluster, svc.Name) {
		if x.LastStatus == StatusRunning && x.Deployment == d.Number {
			next.FinalCount++
		}
	}
	t.add(deployments.Put(&next))
}

// trimDeployments deletes the oldest service deployments.
func (t *transaction) trimDeployments(svc *Service) {
	all := slices.Collect(t.state().ServiceDeployments(svc.Account, svc.Cluster, svc.Name))
	slices.SortFunc(all, func(a, b *ServiceDeployment) int { return int(min(1, max(-1, a.Created-b.Created))) })
	for len(all) > maxServiceDeployments {
		t.add(deployments.Delete(all[0]))
		all = all[1:]
	}
}

// updateCloudMapServices brings Service.CloudMapServices up to date. Services of blocks are
// created.
func (t *transaction) updateCloudMapServices(svc *Service) *Service {
	var ids []string
	for i := range svc.Deployments {
		d := &svc.Deployments[i]
		definition, ok := t.state().Definition(svc.Account, d.Family, d.Revision)
		if !ok {
			continue
		}
		c := runContext{definition: definition, service: svc, workload: &d.Workload, connect: d.ServiceConnectServices}
		for _, target := range t.targets(svc.Account, &c) {
			if target.service != nil && !slices.Contains(ids, string(target.service.ID)) {
				ids = append(ids, string(target.service.ID))
			}
		}
	}
	if slices.Equal(ids, svc.CloudMapServices) {
		return svc
	}
	return t.changeService(svc, func(svc *Service) { svc.CloudMapServices = ids })
}

// breaker reports whether the circuit breaker is on.
func (svc *Service) breaker() bool {
	b := svc.breakerConfiguration()
	return b != nil && deref(b.Enable)
}

func (svc *Service) breakerConfiguration() *DeploymentCircuitBreaker {
	if svc.DeploymentConfiguration == nil {
		return nil
	}
	return svc.DeploymentConfiguration.DeploymentCircuitBreaker
}

// breakerThreshold returns the number of failures at which the circuit breaker ends a
// deployment.
func breakerThreshold(desired int) int { return min(200, max(3, (desired+1)/2)) }

// failDeployment ends the primary deployment as failed and rolls back, if asked to.
func (t *transaction) failDeployment(svc *Service, reason string, rollback bool) {
	failed := svc.Primary().Number
	svc = t.changeService(svc, func(svc *Service) {
		d := svc.Primary()
		d.RolloutState, d.RolloutStateReason, d.Updated = RolloutFailed, reason, t.meta.Now
		d.startNow()
	})
	target := svc.Completed
	if !rollback || target == "" || target == failed || !t.rollback(svc, target, reason) {
		t.endDeployment(svc, svc.Primary(), deploymentStopped, reason)
	}
}

// rollback makes an earlier revision the primary deployment again. It keeps its number,
// so its tasks that still run are not replaced.
func (t *transaction) rollback(svc *Service, number, reason string) bool {
	revision, ok := t.state().Revision(svc.Account, svc.Cluster, svc.Name, number)
	if !ok {
		return false
	}
	id := svc.Primary().ServiceDeployment
	if old, ok := t.state().ServiceDeployment(svc.Account, svc.Cluster, svc.Name, id); ok {
		history := *old
		history.Status, history.Rollback, history.RollbackReason = deploymentRollbackInProgress, number, reason
		history.StatusReason, history.RollbackStarted, history.Updated = reason, t.meta.Now, t.meta.Now
		history.Triggered, history.FailureCount = true, svc.Primary().FailedTasks
		t.add(deployments.Put(&history))
	}
	t.changeService(svc, func(svc *Service) {
		back := Deployment{Number: number, Workload: revision.Workload, ServiceConnectServices: revision.ServiceConnectServices, Created: t.meta.Now}
		if i := slices.IndexFunc(svc.Deployments, func(d Deployment) bool { return d.Number == number }); i >= 0 {
			back = svc.Deployments[i]
			svc.Deployments = slices.Delete(svc.Deployments, i, i+1)
		}
		back.ServiceDeployment, back.Updated, back.FailedTasks = id, t.meta.Now, 0
		back.startNow()
		back.RolloutState, back.RolloutStateReason = RolloutInProgress, "ECS deployment ecs-svc/"+number+" in progress."
		svc.Deployments = slices.Insert(svc.Deployments, 0, back)
	})
	t.notice(svc, levelError, "", "rolling back to deployment ecs-svc/%s.", number)
	return true
}

// completeDeployment ends the primary deployment as completed.
func (t *transaction) completeDeployment(svc *Service) *Service {
	svc = t.changeService(svc, func(svc *Service) {
		d := svc.Primary()
		d.RolloutState, d.RolloutStateReason, d.Updated = RolloutCompleted, "ECS deployment "+d.ID()+" completed.", t.meta.Now
		d.FailedTasks = 0
		d.startNow()
		svc.Completed = d.Number
	})
	d := svc.Primary()
	status, reason := deploymentSuccessful, ""
	if history, ok := t.state().ServiceDeployment(svc.Account, svc.Cluster, svc.Name, d.ServiceDeployment); ok && history.Target != d.Number {
		status, reason = deploymentRollbackSuccessful, history.RollbackReason
	}
	t.endDeployment(svc, d, status, reason)
	t.notice(svc, "", codeCompleted, "(deployment %s) deployment completed.", d.ID())
	return svc
}

// StopServiceDeployment implements StopServiceDeployment. Reply.Value is the
// *ServiceDeployment.
type StopServiceDeployment struct {
	Cluster, Service, ID string
	Abort                bool // stopType ABORT; otherwise ROLLBACK
}

// Decide implements command.Command.
func (c *StopServiceDeployment) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	t := begin(v, m)
	history, ok := t.state().ServiceDeployment(m.Account, c.Cluster, c.Service, c.ID)
	if !ok {
		return command.Decision{}, NewError(ServiceDeploymentNotFound, "The service deployment was not found.")
	}
	svc, ok := t.state().Service(m.Account, c.Cluster, c.Service)
	if !ok || history.Finished != 0 || svc.Primary().ServiceDeployment != c.ID || history.Rollback != "" {
		return command.Decision{}, &Conflict{Message: "The service deployment is not in progress.", Resources: []string{t.rules.DeploymentARN(m.Account, c.Cluster, c.Service, c.ID)}}
	}
	t.failDeployment(svc, "Service deployment stopped by user.", !c.Abort)
	history, _ = t.state().ServiceDeployment(m.Account, c.Cluster, c.Service, c.ID)
	return t.reply(history)
}
