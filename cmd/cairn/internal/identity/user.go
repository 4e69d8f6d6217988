package identity

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

type user struct {
	Account, Name, ARN string
	Groups             []string `json:",omitempty"`
	attached
	Tags map[string]string `json:",omitempty"`
	File bool
}

func newUser(p *cli.Program) *cobra.Command {
	return newGroupCmd(p, &cobra.Command{
		Use:   "user COMMAND",
		Short: "Create, show and change users",
		Long: `Creates, shows and changes the users in the store. A change takes effect on every
node at once. Users of the configuration file are shown too; change them there.`,
		Example: `  cairn user create web --account 123456789012 --attach AWSCloudMapDiscoverInstanceAccess
  cairn user put-policy web own --document own.json --account 123456789012
  cairn key create --user web --account 123456789012`,
	}, createUser, listUsers, showUser, joinGroup, leaveGroup,
		userCmd.attachPolicy, userCmd.detachPolicy, userCmd.putPolicy, userCmd.deletePolicy, userCmd.setBoundary, userCmd.tag, userCmd.delete)
}

func createUser(g *group) *cobra.Command {
	var o createOptions
	var groups string
	cmd := g.accountLeaf(&cobra.Command{
		Use: "create", Short: "Create a user",
		Example: "  cairn user create web --account 123456789012 --attach AWSCloudMapReadOnlyAccess --tags team=shop",
	}, names("NAME"), func(ctx context.Context, c *client, args []string) error {
		in, err := o.request(c, args[0])
		if err != nil {
			return err
		}
		in.Groups = cli.SplitList(groups)
		if err := c.call(ctx, "put-user", in); err != nil {
			return err
		}
		return c.showUser(ctx, args[0])
	})
	cmd.Flags().StringVar(&groups, "groups", "", "`NAMES` of groups, with commas between them")
	o.addTo(cmd.Flags())
	return cmd
}

func listUsers(g *group) *cobra.Command {
	return g.accountLeaf(&cobra.Command{
		Use: "list", Short: "List users", Example: "  cairn user list --account 123456789012",
	}, nil, func(ctx context.Context, c *client, _ []string) error {
		all, err := listInAccount[user](ctx, c, "list-users")
		if err != nil {
			return err
		}
		var rows [][]string
		for _, u := range all {
			rows = append(rows, []string{u.Name, source(u.File), strings.Join(u.Groups, ","), u.names(), cli.Pairs(u.Tags)})
		}
		return c.PrintList("Users", all, []string{"NAME", "FROM", "GROUPS", "POLICIES", "TAGS"}, rows)
	})
}

func showUser(g *group) *cobra.Command {
	return g.accountLeaf(&cobra.Command{
		Use: "show", Short: "Show a user", Example: "  cairn user show web --account 123456789012",
	}, names("NAME"), func(ctx context.Context, c *client, args []string) error { return c.showUser(ctx, args[0]) })
}

func (c *client) showUser(ctx context.Context, name string) error {
	u, err := find(ctx, c, "list-users", "user "+name, func(u *user) bool { return u.Name == name })
	if err != nil {
		return err
	}
	fields := []cli.Field{
		cli.Text("Name", u.Name), cli.Text("ARN", u.ARN), cli.Text("From", source(u.File)), cli.Text("Groups", strings.Join(u.Groups, ",")),
	}
	return c.PrintThing(u, append(append(fields, u.fields()...), cli.Text("Tags", cli.Pairs(u.Tags)))...)
}

func joinGroup(g *group) *cobra.Command {
	return g.accountLeaf(&cobra.Command{
		Use: "join", Short: "Put a user into a group", Example: "  cairn user join web readers --account 123456789012",
	}, names("NAME", "GROUP"), func(ctx context.Context, c *client, args []string) error {
		return userCmd.edit(ctx, c, args[0], editRequest{Join: args[1:]})
	})
}

func leaveGroup(g *group) *cobra.Command {
	return g.accountLeaf(&cobra.Command{
		Use: "leave", Short: "Take a user out of a group", Example: "  cairn user leave web readers --account 123456789012",
	}, names("NAME", "GROUP"), func(ctx context.Context, c *client, args []string) error {
		return userCmd.edit(ctx, c, args[0], editRequest{Leave: args[1:]})
	})
}
