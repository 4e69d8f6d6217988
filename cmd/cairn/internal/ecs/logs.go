package ecs

import (
	"context"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// logOptions are the flags of logs.
type logOptions struct {
	task, container string
	follow          bool
	tail            int
}

func newLogs(p *cli.Program) *cobra.Command {
	var o logOptions
	var admin cli.AdminFlags
	cmd := &cobra.Command{
		Use:   "logs [-f] [--container NAME] [--tail N]",
		Short: "Show the output of a task's containers",
		Long: `Shows what the containers of a task have written to standard output and error, from
the admin listener of the node that runs it. The output of a task that has
stopped is kept until it has the age or size that the configuration limits.`,
		Example: `  cairn logs 0f3c3c1de28a4f0d8f6a3c4d5e6f7a8b
  cairn logs 0f3c3c1de28a4f0d8f6a3c4d5e6f7a8b --container app --tail 20 -f`,
		RunE: cli.Interruptible(func(ctx context.Context, args []string) error {
			client, err := p.Admin(admin)
			if err != nil {
				return err
			}
			defer client.Close()
			o.task = id(args[0])
			err = client.Get(ctx, "/tasks/logs?"+o.query(), p.Stdout)
			if o.follow && ctx.Err() != nil {
				return nil // interrupted
			}
			return err
		}),
	}
	cli.Positional(cmd, "TASK")
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.container, "container", "", "only the container with this `NAME` (default all, each line with its name)")
	f.BoolVarP(&o.follow, "follow", "f", false, "go on with new output until the task stops")
	f.IntVar(&o.tail, "tail", 0, "only the last `NUMBER` of lines of each container (default all)")
	admin.AddTo(f)
	return cmd
}

func (o *logOptions) query() string {
	values := url.Values{"task": {o.task}}
	if o.container != "" {
		values.Set("container", o.container)
	}
	if o.follow {
		values.Set("follow", "true")
	}
	if o.tail > 0 {
		values.Set("tail", strconv.Itoa(o.tail))
	}
	return values.Encode()
}
