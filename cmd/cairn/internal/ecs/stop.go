package ecs

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

func newStop(p *cli.Program) *cobra.Command {
	var task, reason string
	var noWait bool
	cmd := &cobra.Command{
		Use:   "stop [--reason TEXT] [--no-wait]",
		Short: "Stop a task and wait until it has stopped",
		Long: `Stops a task: it leaves DNS and DiscoverInstances first, then the drain time
passes, then its containers get SIGTERM, and SIGKILL after their stopTimeout. A
service starts another task in its place.`,
		Example: `  cairn stop 0f3c3c1de28a4f0d8f6a3c4d5e6f7a8b --reason 'wrong version'`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
		c.cluster = clusterOf(task, c.cluster)
		if err := c.call(ctx, "StopTask", object{"cluster": c.cluster, "task": task, "reason": reason}, nil); err != nil {
			return err
		}
		states := []string{"STOPPED", "DELETED"}
		if noWait {
			states = append(states, "RUNNING", "ACTIVATING", "PENDING", "PROVISIONING", "DEACTIVATING", "STOPPING", "DEPROVISIONING")
		}
		t, err := c.waitTask(ctx, task, states...)
		if err != nil {
			return err
		}
		return c.print(t)
	}, setArg("TASK", &task))
	require(cmd, "TASK", &task)
	longer(cmd)
	cmd.Flags().StringVar(&reason, "reason", "", "`TEXT` that is shown as the reason (default \"Task stopped by user\")")
	cmd.Flags().BoolVar(&noWait, "no-wait", false, "return when the task was told to stop")
	return cmd
}
