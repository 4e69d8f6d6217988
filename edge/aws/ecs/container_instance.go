package ecs

import (
	"context"
	"slices"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
)

// maxInstanceStates is the largest number of instances in UpdateContainerInstancesState.
const maxInstanceStates = 10

// RegisterContainerInstance registers a machine whose agent is not cairn's. Every
// attribute is answered as it came: the agent of AWS checks that.
func (a *api) RegisterContainerInstance(ctx context.Context, c *service.Call, in *RegisterContainerInstanceRequest) (*RegisterContainerInstanceResponse, error) {
	cluster, err := clusterName(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	cmd := &task.RegisterContainerInstance{
		Cluster:     cluster,
		Attributes:  convert[[]task.Attribute](in.Attributes),
		Resources:   convert[[]task.Resource](in.TotalResources),
		VersionInfo: convert[*task.VersionInfo](in.VersionInfo),
		Tags:        convert[[]task.Tag](in.Tags),
	}
	if service.Value(in.ContainerInstanceArn) != "" {
		r, err := parseRef(c, "containerInstanceArn", kindInstance, *in.ContainerInstanceArn)
		if err != nil {
			return nil, err
		}
		cmd.ID = r.Name
	}
	reply, err := c.Propose(ctx, cmd)
	if err != nil {
		return nil, err
	}
	i := reply.Value.(*task.ContainerInstance)
	c.Target = cluster + "/" + i.ID
	return &RegisterContainerInstanceResponse{ContainerInstance: instanceShape(c, i, []ContainerInstanceField{ContainerInstanceFieldTags})}, nil
}

// instanceRef returns the cluster and the id of an instance for a command.
func instanceRef(c *service.Call, clusterText *string, text string) (cluster, id string, err error) {
	if cluster, err = clusterName(c, clusterText); err != nil {
		return "", "", err
	}
	r, err := parseRef(c, "containerInstance", kindInstance, text)
	if err != nil {
		return "", "", err
	}
	if r.in(cluster) {
		id = r.Name
	}
	return cluster, id, nil
}

// DeregisterContainerInstance removes a container instance.
func (a *api) DeregisterContainerInstance(ctx context.Context, c *service.Call, in *DeregisterContainerInstanceRequest) (*DeregisterContainerInstanceResponse, error) {
	c.Target = *in.ContainerInstance
	cluster, id, err := instanceRef(c, in.Cluster, *in.ContainerInstance)
	if err != nil {
		return nil, err
	}
	reply, err := c.Propose(ctx, &task.DeregisterContainerInstance{Cluster: cluster, ID: id, Force: service.Value(in.Force)})
	if err != nil {
		return nil, err
	}
	return &DeregisterContainerInstanceResponse{ContainerInstance: instanceShape(c, reply.Value.(*task.ContainerInstance), nil)}, nil
}

// DescribeContainerInstances describes container instances.
func (a *api) DescribeContainerInstances(_ context.Context, c *service.Call, in *DescribeContainerInstancesRequest) (*DescribeContainerInstancesResponse, error) {
	cluster, err := activeCluster(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	if err := checkItems("containerInstances", len(in.ContainerInstances), maxPage); err != nil {
		return nil, err
	}
	out := &DescribeContainerInstancesResponse{ContainerInstances: []ContainerInstance{}, Failures: []Failure{}}
	for _, text := range in.ContainerInstances {
		r, err := parseRef(c, "containerInstances", kindInstance, text)
		if err != nil {
			return nil, err
		}
		i, ok := c.State.Task.Instance(c.Account, cluster.Name, r.Name)
		if !ok || !r.in(cluster.Name) {
			out.Failures = append(out.Failures, missing(c, kindInstance, cluster.Name, text))
			continue
		}
		out.ContainerInstances = append(out.ContainerInstances, *instanceShape(c, i, in.Include))
	}
	return out, nil
}

// ListContainerInstances lists the container instances with a status, or with any, to
// which a filter in the cluster query language applies.
func (a *api) ListContainerInstances(_ context.Context, c *service.Call, in *ListContainerInstancesRequest) (*ListContainerInstancesResponse, error) {
	cluster, err := activeCluster(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	wanted := func(*task.ContainerInstance) bool { return true }
	if service.Value(in.Filter) != "" {
		filter, err := task.ParseExpression(*in.Filter)
		if err != nil {
			return nil, err
		}
		wanted = func(i *task.ContainerInstance) bool { return filter.Match(&c.State.Task, i) }
	}
	p, err := newPage(c, []any{cluster.Name, in.Filter, in.Status}, maxPage, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListContainerInstancesResponse{ContainerInstanceArns: []string{}}
	for i := range c.State.Task.Instances(c.Account, cluster.Name, p.After) {
		if in.Status != nil && i.Status != string(*in.Status) || !wanted(i) {
			continue
		}
		if !p.Add(i.ID) {
			break
		}
		out.ContainerInstanceArns = append(out.ContainerInstanceArns, ownARN(c, kindInstance, cluster.Name, i.ID))
	}
	out.NextToken = p.Next
	return out, nil
}

// UpdateContainerInstancesState makes container instances ACTIVE or DRAINING.
func (a *api) UpdateContainerInstancesState(ctx context.Context, c *service.Call, in *UpdateContainerInstancesStateRequest) (*UpdateContainerInstancesStateResponse, error) {
	cluster, err := activeCluster(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	c.Target = cluster.Name
	if err := checkItems("containerInstances", len(in.ContainerInstances), maxInstanceStates); err != nil {
		return nil, err
	}
	out := &UpdateContainerInstancesStateResponse{ContainerInstances: []ContainerInstance{}, Failures: []Failure{}}
	for _, text := range in.ContainerInstances {
		r, err := parseRef(c, "containerInstances", kindInstance, text)
		if err != nil {
			return nil, err
		}
		if _, ok := c.State.Task.Instance(c.Account, cluster.Name, r.Name); !ok || !r.in(cluster.Name) {
			out.Failures = append(out.Failures, missing(c, kindInstance, cluster.Name, text))
			continue
		}
		reply, err := c.Propose(ctx, &task.UpdateInstanceState{Cluster: cluster.Name, ID: r.Name, Status: string(*in.Status)})
		if err != nil {
			return nil, err
		}
		out.ContainerInstances = append(out.ContainerInstances, *instanceShape(c, reply.Value.(*task.ContainerInstance), nil))
	}
	return out, nil
}

// instanceShape describes a container instance. Its tasks are those of the state of the
// call.
func instanceShape(c *service.Call, i *task.ContainerInstance, include []ContainerInstanceField) *ContainerInstance {
	out := &ContainerInstance{
		ContainerInstanceArn: ownARN(c, kindInstance, i.Cluster, i.ID), Ec2InstanceId: i.EC2InstanceID,
		Status: i.Status, StatusReason: i.StatusReason, AgentConnected: &i.AgentConnected, Version: &i.Version,
		VersionInfo: convert[*VersionInfo](i.VersionInfo), CapacityProviderName: i.CapacityProvider,
		RegisteredAt: timestamp.Milliseconds(i.Registered), Attachments: []Attachment{}, Tags: []*Tag{},
		Attributes:          filled(convert[[]*Attribute](i.Attributes)),
		RegisteredResources: filled(convert[[]*Resource](i.Resources)),
		RemainingResources:  filled(convert[[]*Resource](c.State.Task.Remaining(i))),
	}
	if out.VersionInfo == nil {
		out.VersionInfo = &VersionInfo{}
	}
	var running, pending int64
	for t := range c.State.Task.TasksOfInstance(c.Account, i.Cluster, i.ID) {
		switch {
		case t.LastStatus == task.StatusRunning:
			running++
		case isPending(t):
			pending++
		}
	}
	out.RunningTasksCount, out.PendingTasksCount = &running, &pending
	if slices.Contains(include, ContainerInstanceFieldTags) {
		out.Tags = filled(convert[[]*Tag](i.Tags))
	}
	if slices.Contains(include, ContainerInstanceFieldContainerInstanceHealth) {
		out.HealthStatus = instanceHealth(i)
	}
	return out
}

// instanceHealth says whether the agent, or the runner of the node, is connected.
func instanceHealth(i *task.ContainerInstance) *ContainerInstanceHealthStatus {
	state := InstanceHealthCheckStateOk
	if !i.AgentConnected {
		state = InstanceHealthCheckStateImpaired
	}
	return &ContainerInstanceHealthStatus{
		OverallStatus: state,
		Details:       []InstanceHealthCheckResult{{Type: InstanceHealthCheckTypeContainerRuntime, Status: state}},
	}
}
