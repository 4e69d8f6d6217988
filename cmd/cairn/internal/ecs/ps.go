package ecs

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// psOptions are the flags of ps.
type psOptions struct {
	service string
	stopped bool
	all     bool
}

func newPs(p *cli.Program) *cobra.Command {
	var o psOptions
	cmd := &cobra.Command{
		Use:   "ps [--service NAME] [--stopped | --all]",
		Short: "List tasks",
		Long: `Lists the tasks of a cluster, newest first: those that run or are to run. Stopped
tasks are kept for an hour; the reason why they have stopped is in the last column.`,
		Example: `  cairn ps
  cairn ps --cluster shop --service orders --all`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error { return ps(ctx, c, o) })
	f := cmd.Flags()
	f.StringVar(&o.service, "service", "", "only the tasks of the service with this `NAME`")
	f.BoolVar(&o.stopped, "stopped", false, "tasks that have stopped in place of those that run")
	f.BoolVarP(&o.all, "all", "a", false, "tasks that run and tasks that have stopped")
	cmd.MarkFlagsMutuallyExclusive("stopped", "all")
	return cmd
}

// maxAddresses is the number of addresses of a task in a list of tasks.
const maxAddresses = 3

func ps(ctx context.Context, c *client, o psOptions) error {
	statuses := []string{"RUNNING"}
	switch {
	case o.stopped:
		statuses = []string{"STOPPED"}
	case o.all:
		statuses = append(statuses, "STOPPED")
	}
	var arns []string
	for _, status := range statuses {
		some, err := c.list(ctx, o.service, status)
		if err != nil {
			return err
		}
		arns = append(arns, some...)
	}
	tasks, err := c.describe(ctx, arns)
	if err != nil {
		return err
	}
	slices.SortStableFunc(tasks, func(a, b ecsTask) int {
		return cmp.Or(cmp.Compare(b.CreatedAt, a.CreatedAt), strings.Compare(a.TaskArn, b.TaskArn))
	})
	rows := make([][]string, len(tasks))
	for i := range tasks {
		t := &tasks[i]
		rows[i] = []string{id(t.TaskArn), t.Group, t.LastStatus, cmp.Or(t.HealthStatus, "-"), t.addresses(maxAddresses), age(t.CreatedAt), t.problem()}
	}
	if tasks == nil {
		tasks = []ecsTask{}
	}
	return c.PrintList("tasks", tasks, []string{"TASK", "GROUP", "STATUS", "HEALTH", "ADDRESSES", "AGE", "REASON"}, rows)
}

// list returns the ARNs of the tasks with a desired status.
func (c *client) list(ctx context.Context, service, status string) ([]string, error) {
	in := object{"cluster": c.cluster, "desiredStatus": status}
	if service != "" {
		in["serviceName"] = service
	}
	var all []string
	for {
		var out struct {
			TaskArns  []string
			NextToken string
		}
		if err := c.call(ctx, "ListTasks", in, &out); err != nil {
			return nil, err
		}
		all = append(all, out.TaskArns...)
		if out.NextToken == "" {
			return all, nil
		}
		in["nextToken"] = out.NextToken
	}
}

// age returns the time since e, in seconds.
func age(e epoch) string {
	if e == 0 {
		return "-"
	}
	return max(time.Since(e.time()), 0).Round(time.Second).String()
}
