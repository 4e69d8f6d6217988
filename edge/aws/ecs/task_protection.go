package ecs

import (
	"context"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
)

// maxProtected is the number of tasks that one UpdateTaskProtection can change.
const maxProtected = 10

// GetTaskProtection returns whether tasks are protected from scale-in.
func (a *api) GetTaskProtection(_ context.Context, c *service.Call, in *GetTaskProtectionRequest) (*GetTaskProtectionResponse, error) {
	out := &GetTaskProtectionResponse{ProtectedTasks: []ProtectedTask{}}
	var invalid []Failure
	failures, err := eachTask(c, in.Cluster, in.Tasks, func(t *task.Task) error {
		if t.Service == "" {
			invalid = append(invalid, Failure{Arn: c.Rules.Task.TaskARN(t.Account, t.Cluster, t.ID), Reason: "TASK_NOT_VALID", Detail: "The task is not part of an ECS service."})
			return nil
		}
		out.ProtectedTasks = append(out.ProtectedTasks, describeProtection(c, t))
		return nil
	})
	out.Failures = append(failures, invalid...)
	return out, err
}

// UpdateTaskProtection protects tasks of services from scale-in for some time, or ends
// that.
func (a *api) UpdateTaskProtection(ctx context.Context, c *service.Call, in *UpdateTaskProtectionRequest) (*UpdateTaskProtectionResponse, error) {
	cluster, err := clusterName(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	if len(in.Tasks) == 0 {
		return nil, command.Invalid("Tasks cannot be empty.")
	}
	if err := checkItems("tasks", len(in.Tasks), maxProtected); err != nil {
		return nil, err
	}
	cmd := &task.UpdateTaskProtection{Cluster: cluster, Enabled: service.Value(in.ProtectionEnabled)}
	if in.ExpiresInMinutes != nil {
		if cmd.Minutes = int(*in.ExpiresInMinutes); cmd.Minutes < 1 {
			return nil, command.Invalid("expiresInMinutes is %d; it must be 1 to 2880.", cmd.Minutes)
		}
	}
	out := &UpdateTaskProtectionResponse{ProtectedTasks: []ProtectedTask{}, Failures: []Failure{}}
	for _, text := range in.Tasks {
		r, err := parseRef(c, "tasks", kindTask, text)
		if err != nil {
			return nil, err
		}
		if !r.in(cluster) {
			out.Failures = append(out.Failures, missing(c, kindTask, cluster, text))
			continue
		}
		cmd.Tasks = append(cmd.Tasks, r.Name)
	}
	reply, err := c.Propose(ctx, cmd)
	if err != nil {
		return nil, err
	}
	result := reply.Value.(*task.RunResult)
	for _, t := range result.Tasks {
		out.ProtectedTasks = append(out.ProtectedTasks, describeProtection(c, t))
	}
	out.Failures = append(out.Failures, failuresOf(result)...)
	return out, nil
}

func describeProtection(c *service.Call, t *task.Task) ProtectedTask {
	p := ProtectedTask{TaskArn: c.Rules.Task.TaskARN(t.Account, t.Cluster, t.ID), ProtectionEnabled: new(t.ProtectedUntil > c.Now.UnixMilli())}
	if *p.ProtectionEnabled {
		p.ExpirationDate = timestamp.Milliseconds(t.ProtectedUntil)
	}
	return p
}
