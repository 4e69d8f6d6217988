package ecs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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
	// untilStopped waits for the end of the tasks.
	untilStopped bool
}

func newRun(p *cli.Program) *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run [--count N] [--subnet ID] [--no-wait | --until-stopped]",
		Short: "Run a task from a file with its task definition",
		Long: `Registers the task definition in FILE and runs a task of it, on a node with a runner
("cairn serve --runner process"). It returns when the task runs and, if the task
definition has a ServiceDiscoveryRegistry block, is registered. The exit code is 1 if the
task did not start, or has already ended with an error.

With --until-stopped it returns when the task has ended, with the exit code of its
essential container. Of several essential containers, that of the first one in FILE
counts whose code is neither 0 nor that of SIGTERM (143) or SIGKILL (137).

FILE has JSON as the input of RegisterTaskDefinition ("-": standard input). The
answer of DescribeTaskDefinition can be used too. Unknown members are refused.`,
		Example: `  cairn run task.json
  cairn run task.json --cluster shop --count 3
  cairn run backup.json --until-stopped --timeout 0`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error { return run(ctx, c, &o) }, setArg("FILE", &o.file))
	require(cmd, "FILE", &o.file)
	longer(cmd)
	f := cmd.Flags()
	f.IntVar(&o.count, "count", 1, "`NUMBER` of tasks, up to 10")
	f.StringVar(&o.subnet, "subnet", "subnet-default", "`ID` of the subnet for tasks with networkMode awsvpc")
	f.BoolVar(&o.noWait, "no-wait", false, "return when the tasks were accepted")
	f.BoolVar(&o.untilStopped, "until-stopped", false, "return when the tasks have ended, with their exit code")
	return cmd
}

func run(ctx context.Context, c *client, o *runOptions) error {
	if o.noWait && o.untilStopped {
		return cli.Usagef("--no-wait and --until-stopped exclude each other")
	}
	input, err := readDefinition(c, o.file)
	if err != nil {
		return err
	}
	var registered struct{ TaskDefinition definition }
	if err := c.call(ctx, "RegisterTaskDefinition", input, &registered); err != nil {
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
	var failed error
	for i := range tasks {
		t, err := c.await(ctx, &tasks[i], o)
		if err != nil {
			return err
		}
		if err := c.print(t); err != nil {
			return err
		}
		failed = cmp.Or(failed, registered.TaskDefinition.failure(t, o.untilStopped))
	}
	return failed
}

// await waits until a task runs or, if wanted, has ended.
func (c *client) await(ctx context.Context, t *ecsTask, o *runOptions) (*ecsTask, error) {
	switch {
	case o.noWait:
		return t, nil
	case o.untilStopped:
		return c.waitTask(ctx, t.TaskArn, "STOPPED", "DELETED")
	}
	return c.waitTask(ctx, t.TaskArn, "RUNNING", "STOPPED", "DELETED")
}

// definition is what run uses of an answer of RegisterTaskDefinition.
type definition struct {
	TaskDefinitionArn    string
	NetworkMode          string
	ContainerDefinitions []struct {
		Name      string
		Essential bool
	}
}

// failure returns an error for a task that has stopped and did not succeed. With pass its
// exit code is that of the task.
func (d *definition) failure(t *ecsTask, pass bool) error {
	if t.LastStatus != "STOPPED" {
		return nil
	}
	if t.StopCode == "TaskFailedToStart" {
		return fmt.Errorf("task %s did not start: %s", id(t.TaskArn), t.problem())
	}
	code := d.exitCode(t)
	if code == 0 {
		return nil
	}
	err := fmt.Errorf("task %s has ended: %s", id(t.TaskArn), t.problem())
	if pass {
		err = cli.WithExitCode(err, code)
	}
	return err
}

// exitCode returns the exit code of a task: that of its essential container. If one of
// several ends, the others are stopped. So a code that is not from a signal comes first,
// then 0.
func (d *definition) exitCode(t *ecsTask) int {
	const killed, terminated = 128 + 9, 128 + 15
	var codes []int
	for _, def := range d.ContainerDefinitions {
		i := slices.IndexFunc(t.Containers, func(c container) bool { return c.Name == def.Name })
		if !def.Essential || i < 0 || t.Containers[i].ExitCode == nil {
			continue
		}
		c := &t.Containers[i]
		signalled := *c.ExitCode == killed || *c.ExitCode == terminated
		if *c.ExitCode != 0 && (!signalled || c.Reason != "") { // a reason: out of memory
			return *c.ExitCode
		}
		codes = append(codes, *c.ExitCode)
	}
	if len(codes) == 0 {
		return 0
	}
	return slices.Min(codes)
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
