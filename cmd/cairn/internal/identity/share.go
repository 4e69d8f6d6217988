package identity

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

type share struct {
	Namespace, ARN string
	With           []string
}

func newShare(p *cli.Program) *cobra.Command {
	return newGroupCmd(p, &cobra.Command{
		Use:   "share COMMAND",
		Short: "Share namespaces with other accounts",
		Long: `Shares namespaces of an account with other accounts. These can then create
services in them, and register and discover instances. Shares of the
configuration file are changed there.`,
		Example: `  cairn share add internal.example.com --with 210987654321 --account 123456789012
  cairn share list --account 123456789012`,
	}, changeShare("add", "Share a namespace with accounts", false), changeShare("remove", "Take accounts out of a share", true), listShares)
}

func changeShare(use, short string, stop bool) func(*group) *cobra.Command {
	return func(g *group) *cobra.Command {
		var with string
		cmd := g.accountLeaf(&cobra.Command{
			Use: use, Short: short,
			Example: "  cairn share " + use + " internal.example.com --with 210987654321 --account 123456789012",
		}, names("NAMESPACE"), func(ctx context.Context, c *client, args []string) error {
			return c.call(ctx, "share-namespace", shareRequest{c.account, args[0], cli.SplitList(with), stop})
		})
		cmd.Flags().StringVar(&with, "with", "", "`IDS` of accounts, with commas between them")
		cli.Require(cmd, "with")
		return cmd
	}
}

func listShares(g *group) *cobra.Command {
	return g.accountLeaf(&cobra.Command{
		Use: "list", Short: "List what an account shares", Example: "  cairn share list --account 123456789012",
	}, nil, func(ctx context.Context, c *client, _ []string) error {
		all, err := listInAccount[share](ctx, c, "list-shares")
		if err != nil {
			return err
		}
		var rows [][]string
		for _, s := range all {
			rows = append(rows, []string{s.Namespace, strings.Join(s.With, ","), s.ARN})
		}
		return c.PrintList("Shares", all, []string{"NAMESPACE", "WITH", "ARN"}, rows)
	})
}
