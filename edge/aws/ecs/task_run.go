package ecs

import (
	"context"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// Longest texts of RunTask and StartTask, and the most container instances of the
// latter.
const (
	maxStartedBy        = 128
	maxStartTaskBy      = 36
	maxTaskClientToken  = 64
	maxStartedInstances = 10
)

// RunTask starts standalone tasks.
func (a *api) RunTask(ctx context.Context, c *service.Call, in *RunTaskRequest) (*RunTaskResponse, error) {
	cmd := &task.RunTask{
		Count: 1, LaunchType: string(service.Value(in.LaunchType)), PlatformVersion: service.Value(in.PlatformVersion),
		CapacityProviderStrategy: convertEach[task.CapacityProviderStrategyItem](in.CapacityProviderStrategy),
		NetworkConfiguration:     convert[*task.NetworkConfiguration](in.NetworkConfiguration),
		PlacementConstraints:     convertEach[task.PlacementConstraint](in.PlacementConstraints),
		PlacementStrategy:        convertEach[task.PlacementStrategy](in.PlacementStrategy),
		EnableECSManagedTags:     service.Value(in.EnableECSManagedTags), PropagateTags: string(service.Value(in.PropagateTags)),
		Tags: convertEach[task.Tag](in.Tags), Group: service.Value(in.Group), StartedBy: service.Value(in.StartedBy), ClientToken: service.Value(in.ClientToken),
	}
	if in.Count != nil {
		cmd.Count = int(*in.Count)
	}
	if err := checkText("startedBy", cmd.StartedBy, maxStartedBy); err != nil {
		return nil, err
	}
	if err := checkText("clientToken", cmd.ClientToken, maxTaskClientToken); err != nil {
		return nil, err
	}
	result, err := a.startTasks(ctx, c, cmd, newTask{
		cluster: in.Cluster, definition: in.TaskDefinition, overrides: in.Overrides, execute: in.EnableExecuteCommand, volumes: in.VolumeConfigurations,
	})
	if err != nil {
		return nil, err
	}
	return &RunTaskResponse{Tasks: describeNewTasks(c, result), Failures: failuresOf(result)}, nil
}

// StartTask starts a task on each of the container instances that the caller names.
func (a *api) StartTask(ctx context.Context, c *service.Call, in *StartTaskRequest) (*StartTaskResponse, error) {
	cmd := &task.RunTask{
		Instances: []string{}, NetworkConfiguration: convert[*task.NetworkConfiguration](in.NetworkConfiguration),
		EnableECSManagedTags: service.Value(in.EnableECSManagedTags), PropagateTags: string(service.Value(in.PropagateTags)),
		Tags: convertEach[task.Tag](in.Tags), Group: service.Value(in.Group), StartedBy: service.Value(in.StartedBy),
	}
	if err := checkText("startedBy", cmd.StartedBy, maxStartTaskBy); err != nil {
		return nil, err
	}
	cluster, err := clusterRef(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	if len(in.ContainerInstances) == 0 {
		return nil, command.Invalid("Container instances cannot be empty.")
	}
	if err := checkItems("containerInstances", len(in.ContainerInstances), maxStartedInstances); err != nil {
		return nil, err
	}
	for _, text := range in.ContainerInstances {
		r, err := parseRef(c, "containerInstances", kindInstance, text)
		if err != nil {
			return nil, err
		}
		if !r.in(cluster.Name) {
			r.Name = text // it is in the failures
		}
		cmd.Instances = append(cmd.Instances, r.Name)
	}
	result, err := a.startTasks(ctx, c, cmd, newTask{
		cluster: in.Cluster, definition: in.TaskDefinition, overrides: in.Overrides, execute: in.EnableExecuteCommand, volumes: in.VolumeConfigurations,
	})
	if err != nil {
		return nil, err
	}
	return &StartTaskResponse{Tasks: describeNewTasks(c, result), Failures: failuresOf(result)}, nil
}

// startTasks adds what RunTask and StartTask both have, and proposes the command.
func (a *api) startTasks(ctx context.Context, c *service.Call, cmd *task.RunTask, in newTask) (*task.RunResult, error) {
	cluster, err := clusterName(c, in.cluster)
	if err != nil {
		return nil, err
	}
	cmd.Cluster = cluster
	c.Target = service.Value(in.definition)
	if cmd.Family, cmd.Revision, err = resolvedDefinition(c, service.Value(in.definition)); err != nil {
		return nil, err
	}
	if err := refuseExecuteCommand(in.execute); err != nil {
		return nil, err
	}
	if len(in.volumes) > 0 {
		return nil, errVolumes()
	}
	if err := checkRoles(c, in.overrides); err != nil {
		return nil, err
	}
	cmd.Overrides = convert[*task.TaskOverride](in.overrides)
	reply, err := c.Propose(ctx, cmd)
	if err != nil {
		return nil, err
	}
	return reply.Value.(*task.RunResult), nil
}

// resolvedDefinition returns the family and the revision that a reference to a task
// definition means. It is the revision for which the call was authorized, whatever is
// registered meanwhile.
func resolvedDefinition(c *service.Call, text string) (family string, revision int, err error) {
	family, revision, err = taskDefinitionRef(c, text)
	if err != nil || revision != 0 {
		return family, revision, err
	}
	if d, ok := findDefinition(c.State, c.Account, family); ok {
		return family, d.Revision, nil
	}
	return "", 0, task.ErrDefinitionNotFound()
}

// checkRoles checks that the roles of overrides are of the caller's account: a task
// gets the credentials of its roles.
func checkRoles(c *service.Call, in *TaskOverride) error {
	if in == nil {
		return nil
	}
	for _, role := range []*string{in.TaskRoleArn, in.ExecutionRoleArn} {
		if role == nil || *role == "" || !arn.Is(*role) {
			continue
		}
		if a, ok := arn.Parse(*role); !ok || a.Service != "iam" || a.Account != c.Account {
			return task.NewError(task.ClientError, "Role is not valid: %q is not the ARN of a role of this account", *role)
		}
	}
	return nil
}

// checkText checks the length of a text.
func checkText(member, text string, most int) error {
	if len(text) > most {
		return command.Invalid("%s has %d characters: it can have at most %d", member, len(text), most)
	}
	return nil
}

// describeNewTasks returns tasks that a call has created, with their tags. They are
// newer than the snapshot of the call.
func describeNewTasks(c *service.Call, result *task.RunResult) []Task {
	list := []Task{}
	for _, t := range result.Tasks {
		list = append(list, describeTask(c, t, true))
	}
	return list
}

func failuresOf(result *task.RunResult) []Failure {
	list := []Failure{}
	for _, f := range result.Failures {
		list = append(list, Failure{Arn: f.ARN, Reason: f.Reason, Detail: f.Detail})
	}
	return list
}

// StopTask stops a task: it leaves Cloud Map first.
func (a *api) StopTask(ctx context.Context, c *service.Call, in *StopTaskRequest) (*StopTaskResponse, error) {
	cluster, err := clusterName(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	text := service.Value(in.Task)
	c.Target = text
	r, err := parseRef(c, "task", kindTask, text)
	if err != nil {
		return nil, err
	}
	if !r.in(cluster) {
		return nil, task.ErrTaskNotFound()
	}
	reply, err := c.Propose(ctx, &task.StopTask{Cluster: cluster, Task: r.Name, Reason: service.Value(in.Reason)})
	if err != nil {
		return nil, err
	}
	return &StopTaskResponse{Task: new(describeTask(c, reply.Value.(*task.Task), true))}, nil
}
