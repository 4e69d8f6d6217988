package ecs

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// ecsTask is a task in an answer of DescribeTasks.
type ecsTask struct {
	TaskArn           string      `json:"taskArn"`
	ClusterArn        string      `json:"clusterArn"`
	TaskDefinitionArn string      `json:"taskDefinitionArn"`
	Group             string      `json:"group"`
	LastStatus        string      `json:"lastStatus"`
	DesiredStatus     string      `json:"desiredStatus"`
	HealthStatus      string      `json:"healthStatus"`
	StopCode          string      `json:"stopCode"`
	StoppedReason     string      `json:"stoppedReason"`
	CreatedAt         epoch       `json:"createdAt"`
	StoppedAt         epoch       `json:"stoppedAt"`
	Containers        []container `json:"containers"`
	Attachments       []struct {
		Details []struct{ Name, Value string } `json:"details"`
	} `json:"attachments"`
}

// container is a container of a task in an answer.
type container struct {
	Name       string `json:"name"`
	LastStatus string `json:"lastStatus"`
	ExitCode   *int   `json:"exitCode"`
	Reason     string `json:"reason"`
	Interfaces []struct {
		IPv4 string `json:"privateIpv4Address"`
		IPv6 string `json:"ipv6Address"`
	} `json:"networkInterfaces"`
	Bindings []struct {
		BindIP        string `json:"bindIP"`
		ContainerPort int    `json:"containerPort"`
		HostPort      int    `json:"hostPort"`
		Protocol      string `json:"protocol"`
	} `json:"networkBindings"`
}

// epoch is a time of AWS JSON: seconds since 1970 with a fraction.
type epoch float64

func (e epoch) time() time.Time { return time.UnixMilli(int64(float64(e) * 1000)) }

// id returns the last part of an ARN, or of a name with slashes.
func id(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// clusterOf returns the cluster in the ARN of a task, or the other one if it is only an id.
func clusterOf(task, other string) string {
	if parts := strings.Split(task, "/"); len(parts) == 3 && strings.HasPrefix(task, "arn:") {
		return parts[1]
	}
	return other
}

// addresses returns where the task can be reached: its own addresses, or the ports of
// the node. Above limit, it says how many there are more.
func (t *ecsTask) addresses(limit int) string {
	var all []string
	for _, c := range t.Containers {
		for _, i := range c.Interfaces {
			all = append(all, i.IPv4, i.IPv6)
		}
		for _, b := range c.Bindings {
			all = append(all, fmt.Sprintf("%s:%d->%d/%s", b.BindIP, b.HostPort, b.ContainerPort, b.Protocol))
		}
	}
	slices.Sort(all)
	all = slices.DeleteFunc(slices.Compact(all), func(a string) bool { return a == "" })
	if len(all) > limit {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:limit], ","), len(all)-limit)
	}
	return cmp.Or(strings.Join(all, ","), "-")
}

// problem returns why the task has stopped, with the reasons of its containers, or "-".
func (t *ecsTask) problem() string {
	if t.StoppedReason == "" {
		return "-"
	}
	text := t.StoppedReason
	for _, c := range t.Containers {
		switch {
		case c.Reason != "":
			text += "; " + c.Name + ": " + c.Reason
		case c.ExitCode != nil && *c.ExitCode != 0:
			text += fmt.Sprintf("; %s: exit code %d", c.Name, *c.ExitCode)
		}
	}
	return text
}

// maxDescribed is the largest number of tasks of one DescribeTasks request.
const maxDescribed = 100

// describe returns tasks by their ids or ARNs.
func (c *client) describe(ctx context.Context, tasks []string) ([]ecsTask, error) {
	var all []ecsTask
	for part := range slices.Chunk(tasks, maxDescribed) {
		var out struct{ Tasks []ecsTask }
		if err := c.call(ctx, "DescribeTasks", object{"cluster": c.cluster, "tasks": part}, &out); err != nil {
			return nil, err
		}
		all = append(all, out.Tasks...)
	}
	return all, nil
}

// one returns a task by its id or ARN.
func (c *client) one(ctx context.Context, task string) (*ecsTask, error) {
	tasks, err := c.describe(ctx, []string{task})
	if err != nil {
		return nil, err
	}
	if len(tasks) == 0 {
		return nil, fmt.Errorf("there is no task %s in cluster %s; \"cairn ps --all\" lists tasks", id(task), c.cluster)
	}
	return &tasks[0], nil
}

// waitTask waits until a task is in one of the states, with progress, and returns it.
func (c *client) waitTask(ctx context.Context, task string, states ...string) (*ecsTask, error) {
	status := make(chan string, 1)
	status <- "PROVISIONING"
	defer c.Progress(func() string {
		s := <-status
		status <- s
		return "task " + id(task) + ": " + s
	})()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		t, err := c.one(ctx, task)
		if err != nil {
			return nil, err
		}
		if slices.Contains(states, t.LastStatus) {
			return t, nil
		}
		<-status
		status <- t.LastStatus
		if err := sleep(ctx, pause); err != nil {
			return nil, fmt.Errorf("task %s is still %s (see \"cairn explain task %s\"): %w", id(task), t.LastStatus, id(task), err)
		}
	}
}

// Pauses between two requests for the state of a task.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = time.Second
)

// sleep waits for d, or returns the error of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// print prints a task as fields.
func (c *client) print(t *ecsTask) error {
	return c.PrintThing(t,
		cli.Text("Task", id(t.TaskArn)),
		cli.Text("Definition", id(t.TaskDefinitionArn)),
		cli.Text("Status", t.LastStatus),
		cli.Text("Health", t.HealthStatus),
		cli.Text("Addresses", t.addresses(math.MaxInt)),
		cli.Text("Reason", strings.TrimPrefix(t.problem(), "-")),
	)
}
