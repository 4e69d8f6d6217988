package identity

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

type userGroup struct {
	Account, Name string
	attached
	File bool
}

func newGroup(p *cli.Program) *cobra.Command {
	return newGroupCmd(p, &cobra.Command{
		Use:   "group COMMAND",
		Short: "Create, show and change groups of users",
		Long: `Creates, shows and changes groups, whose policies their users have.
"cairn user join" adds a user to one.`,
		Example: `  cairn group create readers --account 123456789012 --attach AWSCloudMapReadOnlyAccess
  cairn user join web readers --account 123456789012`,
	}, createGroup, listGroups, showGroup, userGroupCmd.attachPolicy, userGroupCmd.detachPolicy, userGroupCmd.putPolicy, userGroupCmd.deletePolicy, userGroupCmd.delete)
}

func createGroup(g *group) *cobra.Command {
	var attach string
	cmd := g.accountLeaf(&cobra.Command{
		Use: "create", Short: "Create a group",
		Example: "  cairn group create readers --account 123456789012 --attach AWSCloudMapReadOnlyAccess",
	}, names("NAME"), func(ctx context.Context, c *client, args []string) error {
		in := putPrincipalRequest{Account: c.account, Name: args[0], New: true, Managed: cli.SplitList(attach)}
		if err := c.call(ctx, "put-group", in); err != nil {
			return err
		}
		return c.showGroup(ctx, args[0])
	})
	cmd.Flags().StringVar(&attach, "attach", "", attachUsage)
	return cmd
}

func listGroups(g *group) *cobra.Command {
	return g.accountLeaf(&cobra.Command{
		Use: "list", Short: "List groups", Example: "  cairn group list --account 123456789012",
	}, nil, func(ctx context.Context, c *client, _ []string) error {
		all, err := listInAccount[userGroup](ctx, c, "list-groups")
		if err != nil {
			return err
		}
		var rows [][]string
		for _, g := range all {
			rows = append(rows, []string{g.Name, source(g.File), g.names()})
		}
		return c.PrintList("Groups", all, []string{"NAME", "FROM", "POLICIES"}, rows)
	})
}

func showGroup(g *group) *cobra.Command {
	return g.accountLeaf(&cobra.Command{
		Use: "show", Short: "Show a group", Example: "  cairn group show readers --account 123456789012",
	}, names("NAME"), func(ctx context.Context, c *client, args []string) error { return c.showGroup(ctx, args[0]) })
}

func (c *client) showGroup(ctx context.Context, name string) error {
	g, err := find(ctx, c, "list-groups", "group "+name, func(g *userGroup) bool { return g.Name == name })
	if err != nil {
		return err
	}
	return c.PrintThing(g, append([]cli.Field{cli.Text("Name", g.Name), cli.Text("From", source(g.File))}, g.fields()...)...)
}
