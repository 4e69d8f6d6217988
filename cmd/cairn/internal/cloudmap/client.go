// Package cloudmap has the commands that call the AWS Cloud Map API of a node.
package cloudmap

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// Commands returns the commands of this package.
func Commands(p *cli.Program) cli.Group {
	return cli.Group{Title: "AWS Cloud Map:", Commands: []*cobra.Command{
		newCreateNamespace(p), newListNamespaces(p), newGetNamespace(p), newUpdateNamespace(p), newDeleteNamespace(p),
		newCreateService(p), newListServices(p), newGetService(p), newUpdateService(p), newDeleteService(p),
		newGetServiceAttributes(p), newUpdateServiceAttributes(p), newDeleteServiceAttributes(p),
		newRegisterInstance(p), newListInstances(p), newGetInstance(p), newDeregisterInstance(p),
		newGetInstancesHealthStatus(p), newUpdateInstanceCustomHealthStatus(p),
		newDiscoverInstances(p), newDiscoverInstancesRevision(p),
		newTagResource(p), newUntagResource(p), newListTagsForResource(p),
		newEnableDNSSEC(p), newGetDNSSEC(p), newRollDNSSEC(p), newDisableDNSSEC(p),
		newGetOperation(p), newListOperations(p),
	}}
}

// requestIDUsage describes --creator-request-id.
const requestIDUsage = "`ID` of the request: a repeated call with the same ID changes nothing"

// client calls the Cloud Map API for one command and prints the answers.
type client struct {
	*cli.Session
	api *servicediscovery.Client
	// wait is set if the command is to wait for operations that it starts.
	wait bool
}

// command gives cmd the flags and the body of a client command.
func command(p *cli.Program, cmd *cobra.Command, run func(context.Context, *client) error, args ...cli.Arg) {
	cli.ClientCommand(p, cmd, args, func(ctx context.Context, s *cli.Session) error {
		api := servicediscovery.NewFromConfig(s.Config, func(o *servicediscovery.Options) { o.BaseEndpoint = &s.Endpoint })
		return run(ctx, &client{Session: s, api: api})
	})
}

// operationCommand is command for a call that starts an operation.
func operationCommand(p *cli.Program, cmd *cobra.Command, run func(context.Context, *client) error, args ...cli.Arg) {
	var noWait bool
	command(p, cmd, func(ctx context.Context, c *client) error {
		c.wait = !noWait
		return run(ctx, c)
	}, args...)
	cmd.PersistentFlags().BoolVar(&noWait, "no-wait", false, "return when the operation was accepted, not when it has ended")
}
