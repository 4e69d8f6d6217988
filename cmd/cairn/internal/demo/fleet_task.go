package demo

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// taskFleet runs instances as tasks of ECS services on the node's runner, each with its
// own address. The tasks register themselves.
type taskFleet struct {
	api      *api
	services map[string]string // ids of the Cloud Map services, by name
	started  []string          // ECS services
}

// Names in ECS.
const (
	cluster  = "shop"
	taskPort = 8080
)

func newTaskFleet(ctx context.Context, a *api, services map[string]string) (*taskFleet, error) {
	return &taskFleet{api: a, services: services}, a.call(ctx, ecs+"CreateCluster", object{"clusterName": cluster}, nil)
}

func (f *taskFleet) name() string {
	return "as tasks of ECS services, each a process with its own network and address"
}

func (f *taskFleet) port() int { return taskPort }

func (f *taskFleet) scale(ctx context.Context, s service, n int) error {
	for _, name := range f.started {
		if name == s.name {
			if err := f.api.call(ctx, ecs+"UpdateService", object{"cluster": cluster, "service": s.name, "desiredCount": n}, nil); err != nil {
				return err
			}
			return f.settled(ctx, s, n)
		}
	}
	if err := f.create(ctx, s, n); err != nil {
		return err
	}
	return f.settled(ctx, s, n)
}

// create registers the task definition of a service and creates it.
func (f *taskFleet) create(ctx context.Context, s service, n int) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	definition := object{
		"family": s.name, "networkMode": "awsvpc",
		"containerDefinitions": []object{{
			"name": s.name, "image": "host", "cpu": s.cpu(), "memoryReservation": 16, "stopTimeout": 5,
			"command":      []string{program, "demo-backend", "--service", s.name, "--port", strconv.Itoa(taskPort)},
			"portMappings": []object{{"containerPort": taskPort}},
			"healthCheck": object{
				"command":  []string{"CMD", program, "demo-backend", "--check", "--port", strconv.Itoa(taskPort)},
				"interval": 30, // a new task is checked more often until it is healthy
			},
		}},
	}
	if err := f.api.call(ctx, ecs+"RegisterTaskDefinition", definition, nil); err != nil {
		return err
	}
	f.started = append(f.started, s.name)
	return f.api.call(ctx, ecs+"CreateService", object{
		"cluster": cluster, "serviceName": s.name, "taskDefinition": s.name, "desiredCount": n,
		"networkConfiguration": object{"awsvpcConfiguration": object{"subnets": []string{"subnet-demo"}}},
		"serviceRegistries": []object{{
			"registryArn": "arn:aws:servicediscovery:us-east-1:000000000000:service/" + f.services[s.name],
		}},
	}, nil)
}

// settled waits until clients find n tasks of the service, and it has no others.
func (f *taskFleet) settled(ctx context.Context, s service, n int) error {
	for {
		var out struct {
			Services []struct {
				RunningCount, PendingCount int
				Deployments                []struct{ RolloutState string }
				Events                     []struct{ Message string }
			}
		}
		if err := f.api.call(ctx, ecs+"DescribeServices", object{"cluster": cluster, "services": []string{s.name}}, &out); err != nil {
			return err
		}
		if len(out.Services) == 1 && out.Services[0].RunningCount == n && out.Services[0].PendingCount == 0 {
			// A new task is found by clients once its health check has passed.
			found, err := f.api.discover(ctx, s.name)
			if err != nil || len(found) == n {
				return err
			}
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			var events []string
			for i := range out.Services {
				for _, e := range out.Services[i].Events {
					events = append(events, e.Message)
				}
			}
			return fmt.Errorf("service %s does not get %d tasks: %s: %w", s.name, n, telling(events), err)
		}
	}
}

// telling returns the newest event that has a reason, or the newest one.
func telling(events []string) string {
	if i := slices.IndexFunc(events, func(e string) bool { return strings.Contains(e, "Reason: ") }); i >= 0 {
		return events[i]
	}
	if len(events) > 0 {
		return events[0]
	}
	return "no event"
}

// close stops all tasks and deletes the cluster; the runner removes what it has made.
func (f *taskFleet) close(ctx context.Context) error {
	for _, name := range f.started {
		if err := f.api.call(ctx, ecs+"DeleteService", object{"cluster": cluster, "service": name, "force": true}, nil); err != nil {
			return err
		}
	}
	for {
		left, err := f.notStopped(ctx)
		if err != nil {
			return err
		}
		if left == 0 {
			// Services are deleted a moment after their last task has stopped.
			err := f.api.call(ctx, ecs+"DeleteCluster", object{"cluster": cluster}, nil)
			if err == nil || !strings.Contains(err.Error(), "ClusterContainsServicesException") {
				return err
			}
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("%d tasks have not stopped: %w", left, err)
		}
	}
}

// notStopped returns the number of tasks that have not stopped.
func (f *taskFleet) notStopped(ctx context.Context) (int, error) {
	left := 0
	for _, status := range []string{"RUNNING", "STOPPED"} {
		in := object{"cluster": cluster, "desiredStatus": status}
		for {
			var page struct {
				TaskArns  []string
				NextToken string
			}
			if err := f.api.call(ctx, ecs+"ListTasks", in, &page); err != nil {
				return 0, err
			}
			var out struct{ Tasks []struct{ LastStatus string } }
			if len(page.TaskArns) > 0 {
				if err := f.api.call(ctx, ecs+"DescribeTasks", object{"cluster": cluster, "tasks": page.TaskArns}, &out); err != nil {
					return 0, err
				}
			}
			for _, t := range out.Tasks {
				if t.LastStatus != "STOPPED" {
					left++
				}
			}
			if page.NextToken == "" {
				break
			}
			in["nextToken"] = page.NextToken
		}
	}
	return left, nil
}
