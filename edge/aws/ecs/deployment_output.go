package ecs

import (
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
)

// definitionOf returns the ARN of the task definition of a workload.
func definitionOf(c *service.Call, account command.AccountID, w *task.Workload) string {
	return c.Rules.Task.DefinitionARN(&task.Definition{Account: account, Family: w.Family, Revision: w.Revision})
}

// describeServiceDeployment returns a service deployment as the API shows it.
func describeServiceDeployment(c *service.Call, d *task.ServiceDeployment) ServiceDeployment {
	rules := &c.Rules.Task
	out := ServiceDeployment{
		ServiceDeploymentArn: rules.DeploymentARN(d.Account, d.Cluster, d.Service, d.ID), ServiceArn: rules.ServiceARN(d.Account, d.Cluster, d.Service),
		ClusterArn: rules.ClusterARN(d.Account, d.Cluster), Status: ServiceDeploymentStatus(d.Status), StatusReason: d.StatusReason,
		CreatedAt: timestamp.Milliseconds(d.Created), StartedAt: timestamp.Milliseconds(d.Started), UpdatedAt: timestamp.Milliseconds(d.Updated),
		FinishedAt: timestamp.Milliseconds(d.Finished), StoppedAt: timestamp.Milliseconds(d.Stopped),
		DeploymentConfiguration:  convert[*DeploymentConfiguration](d.DeploymentConfiguration),
		DeploymentCircuitBreaker: describeBreaker(d),
		Alarms: &ServiceDeploymentAlarms{
			Status: ServiceDeploymentRollbackMonitorsStatusDisabled, AlarmNames: []string{}, TriggeredAlarmNames: []string{},
		},
		SourceServiceRevisions: []ServiceRevisionSummary{},
	}
	counts := taskCounts{}
	if svc, ok := c.State.Task.Service(d.Account, d.Cluster, d.Service); ok {
		counts = countTasks(c, svc)
	}
	for _, number := range d.Sources {
		n := counts[number]
		out.SourceServiceRevisions = append(out.SourceServiceRevisions, revisionSummary(c, d, number, n, n.wanted))
	}
	n := counts[d.Target]
	if d.Finished != 0 || d.Stopped != 0 {
		n = taskCount{running: d.FinalCount}
	}
	out.TargetServiceRevision = new(revisionSummary(c, d, d.Target, n, d.RequestedCount))
	if d.Rollback != "" {
		out.Rollback = &Rollback{
			Reason: d.RollbackReason, StartedAt: timestamp.Milliseconds(d.RollbackStarted),
			ServiceRevisionArn: rules.RevisionARN(d.Account, d.Cluster, d.Service, d.Rollback),
		}
	}
	return out
}

func revisionSummary(c *service.Call, d *task.ServiceDeployment, number string, n taskCount, requested int) ServiceRevisionSummary {
	return ServiceRevisionSummary{
		Arn:                c.Rules.Task.RevisionARN(d.Account, d.Cluster, d.Service, number),
		RequestedTaskCount: count(requested), RunningTaskCount: count(n.running), PendingTaskCount: count(n.pending),
	}
}

// describeBreaker returns the state of the circuit breaker of a deployment.
func describeBreaker(d *task.ServiceDeployment) *ServiceDeploymentCircuitBreaker {
	b := &ServiceDeploymentCircuitBreaker{
		Status: ServiceDeploymentRollbackMonitorsStatusDisabled, FailureCount: count(d.FailureCount), Threshold: count(d.Threshold),
	}
	switch {
	case d.Threshold == 0:
	case d.Triggered:
		b.Status = ServiceDeploymentRollbackMonitorsStatusTriggered
	case d.Finished != 0 || d.Stopped != 0:
		b.Status = ServiceDeploymentRollbackMonitorsStatusMonitoringComplete
	default:
		b.Status = ServiceDeploymentRollbackMonitorsStatusMonitoring
	}
	return b
}

// briefDeployment returns a service deployment as lists show it.
func briefDeployment(c *service.Call, d *task.ServiceDeployment) ServiceDeploymentBrief {
	rules := &c.Rules.Task
	return ServiceDeploymentBrief{
		ServiceDeploymentArn: rules.DeploymentARN(d.Account, d.Cluster, d.Service, d.ID), ServiceArn: rules.ServiceARN(d.Account, d.Cluster, d.Service),
		ClusterArn: rules.ClusterARN(d.Account, d.Cluster), Status: ServiceDeploymentStatus(d.Status), StatusReason: d.StatusReason,
		CreatedAt: timestamp.Milliseconds(d.Created), StartedAt: timestamp.Milliseconds(d.Started), FinishedAt: timestamp.Milliseconds(d.Finished),
		TargetServiceRevisionArn: rules.RevisionARN(d.Account, d.Cluster, d.Service, d.Target),
	}
}

// describeRevision returns a service revision as the API shows it.
func describeRevision(c *service.Call, r *task.ServiceRevision) ServiceRevision {
	rules := &c.Rules.Task
	out := ServiceRevision{
		ServiceRevisionArn: rules.RevisionARN(r.Account, r.Cluster, r.Service, r.Number), ServiceArn: rules.ServiceARN(r.Account, r.Cluster, r.Service),
		ClusterArn: rules.ClusterARN(r.Account, r.Cluster), TaskDefinition: definitionOf(c, r.Account, &r.Workload),
		LaunchType: LaunchType(r.LaunchType), PlatformVersion: r.PlatformVersion, CreatedAt: timestamp.Milliseconds(r.Created),
		CapacityProviderStrategy: convert[[]*CapacityProviderStrategyItem](r.CapacityProviderStrategy),
		NetworkConfiguration:     convert[*NetworkConfiguration](r.NetworkConfiguration),
		LoadBalancers:            []*LoadBalancer{}, ServiceRegistries: filled(convert[[]*ServiceRegistry](r.ServiceRegistries)),
		ServiceConnectConfiguration: convert[*ServiceConnectConfiguration](r.ServiceConnect),
		VolumeConfigurations:        convert[[]*ServiceVolumeConfiguration](r.Volumes),
		ContainerImages:             []ContainerImage{}, GuardDutyEnabled: new(false),
	}
	if r.PlatformVersion != "" {
		out.PlatformFamily = platformFamily
	}
	if d, ok := c.State.Task.Definition(r.Account, r.Family, r.Revision); ok {
		for i := range d.ContainerDefinitions {
			def := &d.ContainerDefinitions[i]
			out.ContainerImages = append(out.ContainerImages, ContainerImage{ContainerName: def.Name, Image: def.Image, ImageDigest: imageDigest(c, r, def.Name)})
		}
	}
	return out
}

// imageDigest returns the digest of the image that a task of the revision runs in a
// container, "" if none does.
func imageDigest(c *service.Call, r *task.ServiceRevision, container string) string {
	for t := range c.State.Task.TasksOfService(r.Account, r.Cluster, r.Service) {
		if t.Deployment != r.Number {
			continue
		}
		for i := range t.Containers {
			if t.Containers[i].Name == container && t.Containers[i].ImageDigest != "" {
				return t.Containers[i].ImageDigest
			}
		}
	}
	return ""
}
