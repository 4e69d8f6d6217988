package ecs

import (
	"context"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// maxServiceClientToken is the longest client token of CreateService.
const maxServiceClientToken = 36

// CreateService makes a service. With a name that is in use and the same parameters it
// returns the service that is there.
func (a *api) CreateService(ctx context.Context, c *service.Call, in *CreateServiceRequest) (*CreateServiceResponse, error) {
	c.Target = service.Value(in.ServiceName)
	unsupported := unsupportedInput{
		balancers: in.LoadBalancers, lattice: in.VpcLatticeConfigurations, volumes: in.VolumeConfigurations, controller: in.DeploymentController,
		deployment: in.DeploymentConfiguration, execute: in.EnableExecuteCommand, connect: in.ServiceConnectConfiguration,
	}
	if err := unsupported.check(); err != nil {
		return nil, err
	}
	cluster, err := clusterName(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	if in.TaskDefinition == nil {
		return nil, command.Invalid("TaskDefinition can not be blank.")
	}
	family, revision, err := resolvedDefinition(c, *in.TaskDefinition)
	if err != nil {
		return nil, err
	}
	if err := checkText("clientToken", service.Value(in.ClientToken), maxServiceClientToken); err != nil {
		return nil, err
	}
	reply, err := c.Propose(ctx, &task.CreateService{
		Cluster: cluster, Name: service.Value(in.ServiceName),
		Workload: task.Workload{
			Family: family, Revision: revision, LaunchType: string(service.Value(in.LaunchType)), PlatformVersion: service.Value(in.PlatformVersion),
			CapacityProviderStrategy: convertEach[task.CapacityProviderStrategyItem](in.CapacityProviderStrategy),
			NetworkConfiguration:     convert[*task.NetworkConfiguration](in.NetworkConfiguration),
			ServiceRegistries:        convertEach[task.ServiceRegistry](in.ServiceRegistries),
			ServiceConnect:           convert[*task.ServiceConnectConfiguration](in.ServiceConnectConfiguration),
		},
		ServiceSettings: task.ServiceSettings{
			DesiredCount: integer(in.DesiredCount), DeploymentConfiguration: convert[*task.DeploymentConfiguration](in.DeploymentConfiguration),
			PlacementConstraints: listed[task.PlacementConstraint](in.PlacementConstraints), PlacementStrategy: listed[task.PlacementStrategy](in.PlacementStrategy),
			HealthCheckGracePeriodSeconds: in.HealthCheckGracePeriodSeconds, PropagateTags: text(in.PropagateTags),
			EnableECSManagedTags: in.EnableECSManagedTags, EnableExecuteCommand: in.EnableExecuteCommand,
			AvailabilityZoneRebalancing: text(in.AvailabilityZoneRebalancing),
		},
		SchedulingStrategy: string(service.Value(in.SchedulingStrategy)), RoleARN: service.Value(in.Role), Tags: convertEach[task.Tag](in.Tags),
		ClientToken: service.Value(in.ClientToken), CreatedBy: callerARN(c),
	})
	if err != nil {
		return nil, err
	}
	return &CreateServiceResponse{Service: describeService(c, reply.Value.(*task.Service), true)}, nil
}

// UpdateService changes a service. A change of what its tasks run is a new deployment.
func (a *api) UpdateService(ctx context.Context, c *service.Call, in *UpdateServiceRequest) (*UpdateServiceResponse, error) {
	c.Target = service.Value(in.Service)
	unsupported := unsupportedInput{
		balancers: in.LoadBalancers, lattice: in.VpcLatticeConfigurations, volumes: in.VolumeConfigurations, controller: in.DeploymentController,
		deployment: in.DeploymentConfiguration, execute: in.EnableExecuteCommand, connect: in.ServiceConnectConfiguration,
	}
	if err := unsupported.check(); err != nil {
		return nil, err
	}
	cluster, name, err := serviceOfWrite(c, in.Cluster, in.Service)
	if err != nil {
		return nil, err
	}
	cmd := &task.UpdateService{
		Cluster: cluster, Name: name,
		ServiceSettings: task.ServiceSettings{
			DesiredCount: integer(in.DesiredCount), DeploymentConfiguration: convert[*task.DeploymentConfiguration](in.DeploymentConfiguration),
			PlacementConstraints: listed[task.PlacementConstraint](in.PlacementConstraints), PlacementStrategy: listed[task.PlacementStrategy](in.PlacementStrategy),
			HealthCheckGracePeriodSeconds: in.HealthCheckGracePeriodSeconds, PropagateTags: text(in.PropagateTags),
			EnableECSManagedTags: in.EnableECSManagedTags, EnableExecuteCommand: in.EnableExecuteCommand,
			AvailabilityZoneRebalancing: text(in.AvailabilityZoneRebalancing),
		},
		NetworkConfiguration: convert[*task.NetworkConfiguration](in.NetworkConfiguration), PlatformVersion: in.PlatformVersion,
		ServiceRegistries: listed[task.ServiceRegistry](in.ServiceRegistries), ServiceConnect: convert[*task.ServiceConnectConfiguration](in.ServiceConnectConfiguration),
		CapacityProviderStrategy: listed[task.CapacityProviderStrategyItem](in.CapacityProviderStrategy), ForceNewDeployment: service.Value(in.ForceNewDeployment),
	}
	if in.TaskDefinition != nil && *in.TaskDefinition != "" {
		if cmd.Family, cmd.Revision, err = resolvedDefinition(c, *in.TaskDefinition); err != nil {
			return nil, err
		}
	}
	reply, err := c.Propose(ctx, cmd)
	if err != nil {
		return nil, err
	}
	return &UpdateServiceResponse{Service: describeService(c, reply.Value.(*task.Service), true)}, nil
}

// DeleteService deletes a service that wants no tasks, or any with force. It can be
// described for some time.
func (a *api) DeleteService(ctx context.Context, c *service.Call, in *DeleteServiceRequest) (*DeleteServiceResponse, error) {
	c.Target = service.Value(in.Service)
	cluster, name, err := serviceOfWrite(c, in.Cluster, in.Service)
	if err != nil {
		return nil, err
	}
	reply, err := c.Propose(ctx, &task.DeleteService{Cluster: cluster, Name: name, Force: service.Value(in.Force)})
	if err != nil {
		return nil, err
	}
	return &DeleteServiceResponse{Service: describeService(c, reply.Value.(*task.Service), true)}, nil
}

// serviceOfWrite returns the names that a write is about. Neither need exist.
func serviceOfWrite(c *service.Call, clusterText, serviceText *string) (cluster, name string, err error) {
	if cluster, err = clusterName(c, clusterText); err != nil {
		return "", "", err
	}
	r, err := parseRef(c, "service", kindService, service.Value(serviceText))
	if err == nil && !r.in(cluster) {
		err = task.ErrServiceNotFound()
	}
	return cluster, r.Name, err
}

// listed returns a list that was given, so that an empty one is not taken for none.
func listed[T any, F any](in []F) *[]T {
	if in == nil {
		return nil
	}
	return new(convertEach[T](in))
}

// integer and text return an optional member as core/task has it.
func integer(n *int64) *int {
	if n == nil {
		return nil
	}
	return new(int(*n))
}

func text[T ~string](in *T) *string {
	if in == nil {
		return nil
	}
	return new(string(*in))
}
