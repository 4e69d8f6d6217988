package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
)

type user struct {
	Account, Name, ARN string
	Groups             []string `json:",omitempty"`
	attached
	Tags map[string]string `json:",omitempty"`
	File bool
}

func newUser(p *program) *cobra.Command {
	h := holder{"user", "NAME"}
	return noun(p, &cobra.Command{
		Use:   "user COMMAND",
		Short: "Create, show and change users",
		Long: `Creates, shows and changes the users that are kept in the store. Changes hold on
every node at once. Users of the configuration file are shown too, and changed
there.`,
		Example: `  cairn user create web --account 123456789012 --attach AWSCloudMapDiscoverInstanceAccess
  cairn user put-policy web own --document own.json --account 123456789012
  cairn key create --user web --account 123456789012`,
	}, createUser, listUsers, showUser, joinGroup, leaveGroup,
		h.attachPolicy, h.detachPolicy, h.putPolicy, h.deletePolicy, h.setBoundary, h.tag, h.delete)
}

func createUser(p *program, f *identityFlags) *cobra.Command {
	var o creation
	var groups string
	cmd := inAccount(p, f, &cobra.Command{
		Use: "create NAME", Short: "Create a user",
		Example: "  cairn user create web --account 123456789012 --attach AWSCloudMapReadOnlyAccess --tags team=shop",
	}, func(ctx context.Context, c *identities, args []string) error {
		in, err := o.request(c, args[0])
		if err != nil {
			return err
		}
		in["Groups"] = split(groups)
		if err := c.call(ctx, "put-user", in, nil); err != nil {
			return err
		}
		return c.showUser(ctx, args[0])
	})
	cmd.Flags().StringVar(&groups, "groups", "", "`NAMES` of groups, with commas between them")
	o.addTo(cmd)
	return cmd
}

func listUsers(p *program, f *identityFlags) *cobra.Command {
	return inAccount(p, f, &cobra.Command{
		Use: "list", Short: "List users", Example: "  cairn user list --account 123456789012",
	}, func(ctx context.Context, c *identities, _ []string) error {
		all, err := listed[user](ctx, c, "list-users", nil)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, u := range all {
			rows = append(rows, []string{u.Name, source(u.File), strings.Join(u.Groups, ","), u.names(), pairs(u.Tags)})
		}
		return c.list("Users", all, []string{"NAME", "FROM", "GROUPS", "POLICIES", "TAGS"}, rows)
	})
}

func showUser(p *program, f *identityFlags) *cobra.Command {
	return inAccount(p, f, &cobra.Command{
		Use: "show NAME", Short: "Show a user", Example: "  cairn user show web --account 123456789012",
	}, func(ctx context.Context, c *identities, args []string) error { return c.showUser(ctx, args[0]) })
}

func (c *identities) showUser(ctx context.Context, name string) error {
	u, err := one(ctx, c, "list-users", "user "+name, func(u *user) bool { return u.Name == name })
	if err != nil {
		return err
	}
	fields := []field{{"Name", u.Name}, {"ARN", u.ARN}, {"From", source(u.File)}, {"Groups", strings.Join(u.Groups, ",")}}
	return c.show(u, append(append(fields, u.fields()...), field{"Tags", pairs(u.Tags)})...)
}

func joinGroup(p *program, f *identityFlags) *cobra.Command {
	return inAccount(p, f, &cobra.Command{
		Use: "join NAME GROUP", Short: "Put a user into a group", Example: "  cairn user join web readers --account 123456789012",
	}, func(ctx context.Context, c *identities, args []string) error {
		return holder{kind: "user"}.edit(ctx, c, args[0], object{"Join": args[1:]})
	})
}

func leaveGroup(p *program, f *identityFlags) *cobra.Command {
	return inAccount(p, f, &cobra.Command{
		Use: "leave NAME GROUP", Short: "Take a user out of a group", Example: "  cairn user leave web readers --account 123456789012",
	}, func(ctx context.Context, c *identities, args []string) error {
		return holder{kind: "user"}.edit(ctx, c, args[0], object{"Leave": args[1:]})
	})
}

// list prints a list: as one JSON object with a list in it, or as a table.
func (c *identities) list(name string, all any, header []string, rows [][]string) error {
	if c.output == "json" {
		return c.printJSON(object{name: all})
	}
	return c.printRows(append([][]string{header}, rows...))
}
