package ecs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// event is an event of a service in an answer of DescribeServices.
type event struct {
	ID        string `json:"id"`
	CreatedAt epoch  `json:"createdAt"`
	Message   string `json:"message"`
}

func newEvents(p *cli.Program) *cobra.Command {
	var service string
	var follow bool
	cmd := &cobra.Command{
		Use:   "events [-f]",
		Short: "Show the events of a service, oldest first",
		Long: `Shows what the scheduler did for a service and why it cannot: the newest 100
events. With -f it goes on with new ones until it is interrupted.`,
		Example: `  cairn events orders --cluster shop -f`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
		if follow && c.JSON() {
			return cli.Usagef("-f cannot be combined with --output json")
		}
		events, err := c.events(ctx, service)
		if err != nil {
			return err
		}
		if c.JSON() {
			return c.PrintList("events", events, nil, nil)
		}
		return c.follow(ctx, service, events, follow)
	}, setArg("SERVICE", &service))
	require(cmd, "SERVICE", &service)
	cli.DefaultTimeout(cmd, 0)
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with new events")
	return cmd
}

// events returns the events of a service, oldest first.
func (c *client) events(ctx context.Context, service string) ([]event, error) {
	var out struct {
		Services []struct{ Events []event }
	}
	if err := c.call(ctx, "DescribeServices", object{"cluster": c.cluster, "services": []string{service}}, &out); err != nil {
		return nil, err
	}
	if len(out.Services) == 0 {
		return nil, fmt.Errorf("there is no service %s in cluster %s", service, c.cluster)
	}
	events := out.Services[0].Events
	slices.Reverse(events)
	return events, nil
}

// follow prints events, and then new ones if more is set.
func (c *client) follow(ctx context.Context, service string, events []event, more bool) error {
	printed := map[string]bool{}
	for {
		for _, e := range events {
			if printed[e.ID] {
				continue
			}
			printed[e.ID] = true
			if err := c.PrintText(e.CreatedAt.time().UTC().Format(time.RFC3339) + "  " + e.Message); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
		if sleep(ctx, lastPause) != nil {
			return nil // interrupted
		}
		var err error
		if events, err = c.events(ctx, service); err != nil {
			return err
		}
	}
}
