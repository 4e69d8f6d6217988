package identity

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

type share struct {
	Namespace string `json:",omitempty"`
	Mesh      string `json:",omitempty"`
	ARN       string
	With      []string
}

func newShare(p *cli.Program) *cobra.Command {
	return newGroupCmd(p, &cobra.Command{
		Use:   "share COMMAND",
		Short: "Share namespaces and meshes with other accounts",
		Long: `Shares namespaces of an account with other accounts. These can then create
services in them, and register and discover instances. Meshes of App Mesh are shared in
the same way, with --mesh. Shares of the configuration file are changed there.`,
		Example: `  cairn share add internal.example.com --with 210987654321 --account 123456789012
  cairn share list --account 123456789012`,
	}, changeShare("add", "Share a namespace or a mesh with accounts", false), changeShare("remove", "Take accounts out of a share", true), listShares)
}

func changeShare(use, short string, stop bool) func(*group) *cobra.Command {
	return func(g *group) *cobra.Command {
		var with string
		var mesh bool
		cmd := g.accountLeaf(&cobra.Command{
			Use: use, Short: short,
			Example: "  cairn share " + use + " internal.example.com --with 210987654321 --account 123456789012",
		}, names("NAME"), func(ctx context.Context, c *client, args []string) error {
			if mesh {
				return c.call(ctx, "share-mesh", meshShareRequest{c.account, args[0], cli.SplitList(with), stop})
			}
			return c.call(ctx, "share-namespace", shareRequest{c.account, args[0], cli.SplitList(with), stop})
		})
		cmd.Flags().StringVar(&with, "with", "", "`IDS` of accounts, with commas between them")
		cmd.Flags().BoolVar(&mesh, "mesh", false, "NAME is that of a mesh, not of a namespace")
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
			name := s.Namespace
			if s.Mesh != "" {
				name = "mesh " + s.Mesh
			}
			rows = append(rows, []string{name, strings.Join(s.With, ","), s.ARN})
		}
		return c.PrintList("Shares", all, []string{"NAME", "WITH", "ARN"}, rows)
	})
}
