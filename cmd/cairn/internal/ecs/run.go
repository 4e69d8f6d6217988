package ecs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"
	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// runOptions are the flags of run.
type runOptions struct {
	file   string
	count  int
	subnet string
	noWait bool
}

func newRun(p *cli.Program) *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run [--count N] [--subnet ID] [--no-wait]",
		Short: "Run a task from a file with its task definition",
		Long: `Registers the task definition in FILE and runs a task of it, on a node with a runner
("cairn serve --runner process"). It returns when the task runs and, if the task
definition has a ServiceDiscoveryRegistry block, is registered.

FILE has JSON as the input of RegisterTaskDefinition ("-": standard input). The
answer of DescribeTaskDefinition can be used too. Unknown members are refused.`,
		Example: `  cairn run task.json
  cairn run task.json --cluster shop --count 3`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error { return run(ctx, c, &o) }, setArg("FILE", &o.file))
	require(cmd, "FILE", &o.file)
	longer(cmd)
	f := cmd.Flags()
	f.IntVar(&o.count, "count", 1, "`NUMBER` of tasks, up to 10")
	f.StringVar(&o.subnet, "subnet", "subnet-default", "`ID` of the subnet for tasks with networkMode awsvpc")
	f.BoolVar(&o.noWait, "no-wait", false, "return when the tasks were accepted")
	return cmd
}

func run(ctx context.Context, c *client, o *runOptions) error {
	definition, err := readDefinition(c, o.file)
	if err != nil {
		return err
	}
	var registered struct {
		TaskDefinition struct {
			TaskDefinitionArn string
			NetworkMode       string
		}
	}
	if err := c.call(ctx, "RegisterTaskDefinition", definition, &registered); err != nil {
		return err
	}
	if err := c.makeCluster(ctx); err != nil {
		return err
	}
	in := object{"cluster": c.cluster, "taskDefinition": registered.TaskDefinition.TaskDefinitionArn, "count": o.count}
	if registered.TaskDefinition.NetworkMode == "awsvpc" {
		in["networkConfiguration"] = object{"awsvpcConfiguration": object{"subnets": []string{o.subnet}}}
	}
	tasks, err := c.runTask(ctx, in)
	if err != nil {
		return err
	}
	for i := range tasks {
		t := &tasks[i]
		if !o.noWait {
			if t, err = c.waitTask(ctx, t.TaskArn, "RUNNING", "STOPPED", "DELETED"); err != nil {
				return err
			}
		}
		if err := c.print(t); err != nil {
			return err
		}
		if t.LastStatus == "STOPPED" && t.StopCode == "TaskFailedToStart" {
			return fmt.Errorf("task %s did not start: %s", id(t.TaskArn), t.problem())
		}
	}
	return nil
}

// makeCluster creates the cluster if it does not exist.
func (c *client) makeCluster(ctx context.Context) error {
	var out struct {
		Clusters []struct{ Status string }
	}
	if err := c.call(ctx, "DescribeClusters", object{"clusters": []string{c.cluster}}, &out); err != nil {
		return err
	}
	if len(out.Clusters) == 1 && out.Clusters[0].Status == "ACTIVE" {
		return nil
	}
	return c.call(ctx, "CreateCluster", object{"clusterName": id(c.cluster)}, nil)
}

// noInstances is what RunTask answers if the cluster has no node with a runner.
const noInstances = "No Container Instances were found"

// runTask starts tasks. Places that RunTask did not find are an error.
func (c *client) runTask(ctx context.Context, in object) ([]ecsTask, error) {
	var out struct {
		Tasks    []ecsTask
		Failures []struct{ Arn, Reason, Detail string }
	}
	err := c.call(ctx, "RunTask", in, &out)
	if refused, ok := errors.AsType[smithy.APIError](err); ok && strings.Contains(refused.ErrorMessage(), noInstances) {
		return nil, fmt.Errorf("no node runs tasks of cluster %s: start one with \"cairn serve --runner process\" (or docker)", c.cluster)
	}
	if err != nil {
		return nil, err
	}
	for _, f := range out.Failures {
		return nil, fmt.Errorf("%d tasks were started, the others were not: %s %s", len(out.Tasks), f.Reason, f.Detail)
	}
	return out.Tasks, nil
}
