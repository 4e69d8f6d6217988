package ecs

import (
	"context"
	"iter"
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// maxTasks is the number of tasks that one call can describe or protect.
const maxTasks = 100

// DescribeTasks describes tasks of a cluster, stopped ones included.
func (a *api) DescribeTasks(_ context.Context, c *service.Call, in *DescribeTasksRequest) (*DescribeTasksResponse, error) {
	out := &DescribeTasksResponse{Tasks: []Task{}}
	withTags := slices.Contains(in.Include, TaskFieldTags)
	failures, err := eachTask(c, in.Cluster, in.Tasks, func(t *task.Task) error {
		out.Tasks = append(out.Tasks, describeTask(c, t, withTags))
		return nil
	})
	out.Failures = failures
	return out, err
}

// eachTask calls a function for the tasks that an input names, and returns a failure
// for each that does not exist.
func eachTask(c *service.Call, clusterText *string, texts []string, do func(*task.Task) error) ([]Failure, error) {
	cluster, err := findCluster(c, clusterText)
	if err != nil {
		return nil, err
	}
	c.Target = cluster.Name
	if len(texts) == 0 {
		return nil, command.Invalid("Tasks cannot be empty.")
	}
	if err := checkItems("tasks", len(texts), maxTasks); err != nil {
		return nil, err
	}
	failures := []Failure{}
	for _, text := range texts {
		t, err := findTask(c, cluster.Name, text)
		if err != nil {
			return nil, err
		}
		if t == nil {
			failures = append(failures, missing(c, kindTask, cluster.Name, text))
			continue
		}
		if err := do(t); err != nil {
			return nil, err
		}
	}
	return failures, nil
}

// findTask returns a task, stopped ones included, and nil if there is none.
func findTask(c *service.Call, cluster, text string) (*task.Task, error) {
	r, err := parseRef(c, "task", kindTask, text)
	if err != nil || !r.in(cluster) {
		return nil, err
	}
	t, _ := c.State.Task.Task(c.Account, cluster, r.Name)
	return t, nil
}

// ListTasks lists the tasks of a cluster that all filters let through.
func (a *api) ListTasks(_ context.Context, c *service.Call, in *ListTasksRequest) (*ListTasksResponse, error) {
	cluster, err := findCluster(c, in.Cluster)
	if err != nil {
		return nil, err
	}
	tasks, err := candidates(c, cluster.Name, in)
	if err != nil {
		return nil, err
	}
	filters := *in
	filters.NextToken, filters.MaxResults = nil, nil
	p, err := newPage(c, &filters, maxPage, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListTasksResponse{TaskArns: []string{}}
	for t := range tasks {
		if t.ID <= p.After || !wanted(t, in) {
			continue
		}
		if !p.Add(t.ID) {
			break
		}
		out.TaskArns = append(out.TaskArns, c.Rules.Task.TaskARN(t.Account, t.Cluster, t.ID))
	}
	out.NextToken = p.Next
	return out, nil
}

// candidates yields the tasks among which the filters choose, in order of their ids:
// those of the service or of the container instance that is named, or all.
func candidates(c *service.Call, cluster string, in *ListTasksRequest) (iter.Seq[*task.Task], error) {
	if in.ServiceName != nil {
		svc, err := findService(c, cluster, *in.ServiceName)
		if err == nil && svc == nil {
			err = task.ErrServiceNotFound()
		}
		if err != nil {
			return nil, err
		}
		return c.State.Task.TasksOfService(c.Account, cluster, svc.Name), nil
	}
	if in.ContainerInstance != nil {
		r, err := parseRef(c, "containerInstance", kindInstance, *in.ContainerInstance)
		if err != nil {
			return nil, err
		}
		if !r.in(cluster) {
			return func(func(*task.Task) bool) {}, nil
		}
		return c.State.Task.TasksOfInstance(c.Account, cluster, r.Name), nil
	}
	return c.State.Task.Tasks(c.Account, cluster, ""), nil
}

// wanted reports whether a task passes the filters. No task has the desired status
// PENDING, and no task is one of a daemon.
func wanted(t *task.Task, in *ListTasksRequest) bool {
	status := DesiredStatusRunning
	if in.DesiredStatus != nil {
		status = *in.DesiredStatus
	}
	return t.DesiredStatus == string(status) && in.DaemonName == nil &&
		(in.Family == nil || t.Family == *in.Family) &&
		(in.StartedBy == nil || t.StartedBy == *in.StartedBy) &&
		(in.LaunchType == nil || t.LaunchType == string(*in.LaunchType)) &&
		(in.ContainerInstance == nil || t.Instance == nameOf(*in.ContainerInstance))
}

// nameOf returns the last part of a name or an ARN.
func nameOf(text string) string {
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] == '/' {
			return text[i+1:]
		}
	}
	return text
}
