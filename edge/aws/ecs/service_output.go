package ecs

import (
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
)

// Values of Deployment.status.
const (
	deploymentPrimary = "PRIMARY"
	deploymentActive  = "ACTIVE"
)

// Values of platforms. All tasks run on Linux.
const (
	platformFamily  = "Linux"
	platformLatest  = "LATEST"
	platformVersion = "1.4.0" // that LATEST means
)

// describeService returns a service as the API shows it. Members that have a default
// are always there: clients compare them with what they have asked for.
func describeService(c *service.Call, svc *task.Service, withTags bool) *Service {
	out := &Service{
		ServiceArn: c.Rules.Task.ServiceARN(svc.Account, svc.Cluster, svc.Name), ServiceName: svc.Name,
		ClusterArn: c.Rules.Task.ClusterARN(svc.Account, svc.Cluster), Status: svc.Status,
		SchedulingStrategy:            SchedulingStrategy(svc.SchedulingStrategy),
		DeploymentController:          &DeploymentController{Type: new(DeploymentControllerTypeEcs)},
		DeploymentConfiguration:       convert[*DeploymentConfiguration](svc.DeploymentConfiguration),
		PlacementConstraints:          filled(convert[[]*PlacementConstraint](svc.PlacementConstraints)),
		PlacementStrategy:             filled(convert[[]*PlacementStrategy](svc.PlacementStrategy)),
		HealthCheckGracePeriodSeconds: svc.HealthCheckGracePeriodSeconds,
		PropagateTags:                 PropagateTags(orDefault(svc.PropagateTags, string(PropagateTagsNone))),
		EnableECSManagedTags:          new(svc.EnableECSManagedTags), EnableExecuteCommand: new(svc.EnableExecuteCommand),
		AvailabilityZoneRebalancing: AvailabilityZoneRebalancing(svc.AvailabilityZoneRebalancing),
		RoleArn:                     svc.RoleARN, CreatedAt: timestamp.Milliseconds(svc.Created), CreatedBy: svc.CreatedBy,
		LoadBalancers: []*LoadBalancer{}, ServiceRegistries: []*ServiceRegistry{}, Deployments: []Deployment{},
		Events: describeEvents(c, svc),
	}
	if withTags {
		out.Tags = filled(convert[[]*Tag](svc.Tags))
	}
	counts := countTasks(c, svc)
	total := counts.total()
	out.RunningCount, out.PendingCount, out.DesiredCount = count(total.running), count(total.pending), count(desiredCount(svc, total))
	if len(svc.Deployments) > 0 {
		describeWorkload(c, out, svc, counts)
	}
	return out
}

// describeWorkload adds what depends on the deployments.
func describeWorkload(c *service.Call, out *Service, svc *task.Service, counts taskCounts) {
	p := svc.Primary()
	out.TaskDefinition = definitionOf(c, svc.Account, &p.Workload)
	out.LaunchType, out.PlatformVersion = LaunchType(p.LaunchType), p.PlatformVersion
	out.CapacityProviderStrategy = convert[[]*CapacityProviderStrategyItem](p.CapacityProviderStrategy)
	out.NetworkConfiguration = convert[*NetworkConfiguration](p.NetworkConfiguration)
	out.ServiceRegistries = filled(convert[[]*ServiceRegistry](p.ServiceRegistries))
	if p.PlatformVersion != "" {
		out.PlatformFamily = platformFamily
	}
	if svc.Status == task.Inactive {
		return
	}
	if p.ServiceDeployment != "" {
		out.CurrentServiceDeployment = c.Rules.Task.DeploymentARN(svc.Account, svc.Cluster, svc.Name, p.ServiceDeployment)
	}
	for i := range svc.Deployments {
		d := &svc.Deployments[i]
		n := counts[d.Number]
		out.Deployments = append(out.Deployments, describeDeployment(c, svc, d, n))
		out.CurrentServiceRevisions = append(out.CurrentServiceRevisions, ServiceCurrentRevisionSummary{
			Arn:                c.Rules.Task.RevisionARN(svc.Account, svc.Cluster, svc.Name, d.Number),
			RequestedTaskCount: count(requested(svc, d, n)), RunningTaskCount: count(n.running), PendingTaskCount: count(n.pending),
		})
	}
}

// describeDeployment returns a deployment as the API shows it.
func describeDeployment(c *service.Call, svc *task.Service, d *task.Deployment, n taskCount) Deployment {
	out := Deployment{
		Id: d.ID(), Status: deploymentActive, TaskDefinition: definitionOf(c, svc.Account, &d.Workload),
		DesiredCount: count(requested(svc, d, n)), RunningCount: count(n.running), PendingCount: count(n.pending), FailedTasks: count(d.FailedTasks),
		CreatedAt: timestamp.Milliseconds(d.Created), UpdatedAt: timestamp.Milliseconds(d.Updated),
		LaunchType: LaunchType(d.LaunchType), PlatformVersion: d.PlatformVersion,
		CapacityProviderStrategy: convert[[]*CapacityProviderStrategyItem](d.CapacityProviderStrategy),
		NetworkConfiguration:     convert[*NetworkConfiguration](d.NetworkConfiguration),
		RolloutState:             DeploymentRolloutState(d.RolloutState), RolloutStateReason: d.RolloutStateReason,
		ServiceConnectConfiguration: convert[*ServiceConnectConfiguration](d.ServiceConnect),
		VolumeConfigurations:        convert[[]*ServiceVolumeConfiguration](d.Volumes),
	}
	if d == svc.Primary() {
		out.Status = deploymentPrimary
	}
	if d.PlatformVersion != "" {
		out.PlatformFamily = platformFamily
	}
	for _, r := range d.ServiceConnectServices {
		out.ServiceConnectResources = append(out.ServiceConnectResources, ServiceConnectServiceResource{DiscoveryName: r.DiscoveryName, DiscoveryArn: r.ARN})
	}
	return out
}

// requested is the number of tasks that a deployment should have: all for the primary
// one, and for others those that it still has.
func requested(svc *task.Service, d *task.Deployment, n taskCount) int {
	if d == svc.Primary() {
		return desiredCount(svc, n)
	}
	return n.wanted
}

// desiredCount is the number of tasks that a service should have. With the strategy
// DAEMON it is that of the tasks that the planner has made.
func desiredCount(svc *task.Service, n taskCount) int {
	if svc.SchedulingStrategy == task.Daemon && svc.Status == task.Active {
		return n.wanted
	}
	return svc.DesiredCount
}

func describeEvents(c *service.Call, svc *task.Service) []ServiceEvent {
	events := []ServiceEvent{}
	for _, e := range c.State.Task.Events(svc.Account, svc.Cluster, svc.Name) {
		events = append(events, ServiceEvent{Id: e.ID, CreatedAt: timestamp.Milliseconds(e.Time), Message: e.Message})
	}
	return events
}

// taskCount counts tasks by what they do.
type taskCount struct {
	running, pending int
	wanted           int // have the desired status RUNNING
}

// taskCounts has the tasks of a service by the number of their deployment.
type taskCounts map[string]taskCount

func countTasks(c *service.Call, svc *task.Service) taskCounts {
	counts := taskCounts{}
	for t := range c.State.Task.TasksOfService(svc.Account, svc.Cluster, svc.Name) {
		n := counts[t.Deployment]
		if t.DesiredStatus == task.StatusRunning {
			n.wanted++
		}
		switch t.LastStatus {
		case task.StatusRunning:
			n.running++
		case task.StatusProvisioning, task.StatusPending, task.StatusActivating:
			n.pending++
		}
		counts[t.Deployment] = n
	}
	return counts
}

func (counts taskCounts) total() taskCount {
	var sum taskCount
	for _, n := range counts {
		sum.running += n.running
		sum.pending += n.pending
		sum.wanted += n.wanted
	}
	return sum
}

// count is a number in an output.
func count(n int) *int64 { return new(int64(n)) }

func orDefault(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
