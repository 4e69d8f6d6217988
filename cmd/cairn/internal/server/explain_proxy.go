package server

import (
	"context"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

func newExplainProxy(p *cli.Program) *cobra.Command {
	var output cli.Output
	var admin cli.AdminFlags
	var account string
	cmd := &cobra.Command{
		Use:   "proxy",
		Short: "Explain what a client of xDS has, waits for and has rejected",
		Long: `Asks a running node, on its admin listener, about a client of xDS, such as Envoy or
gRPC: its streams, what it has subscribed to and what of that does not exist, which
versions it has accepted, and the answers that it has rejected, with its reasons.

NODE is the id of the client, node.id in its bootstrap.`,
		Example: `  cairn explain proxy web-1
  cairn explain proxy mesh/shop/virtualNode/web`,
		RunE: cli.Interruptible(func(ctx context.Context, args []string) error {
			return printExplanation(ctx, p, admin, output, "/xds/explain", url.Values{"node": {args[0]}, "account": {account}})
		}),
	}
	cli.Positional(cmd, "NODE")
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&account, "account", "", "the `ACCOUNT` of the client (default all that have a client with this id)")
	output.AddTo(f)
	admin.AddTo(f)
	return cmd
}
