package main

import (
	"context"

	"github.com/spf13/cobra"
)

type group struct {
	Account, Name string
	attached
	File bool
}

func newGroup(p *program) *cobra.Command {
	h := holder{"group", "NAME"}
	return noun(p, &cobra.Command{
		Use:   "group COMMAND",
		Short: "Create, show and change groups of users",
		Long: `Creates, shows and changes groups, whose policies their users have.
"cairn user join" puts a user into one.`,
		Example: `  cairn group create readers --account 123456789012 --attach AWSCloudMapReadOnlyAccess
  cairn user join web readers --account 123456789012`,
	}, createGroup, listGroups, showGroup, h.attachPolicy, h.detachPolicy, h.putPolicy, h.deletePolicy, h.delete)
}

func createGroup(p *program, f *identityFlags) *cobra.Command {
	var attach string
	cmd := inAccount(p, f, &cobra.Command{
		Use: "create NAME", Short: "Create a group",
		Example: "  cairn group create readers --account 123456789012 --attach AWSCloudMapReadOnlyAccess",
	}, func(ctx context.Context, c *identities, args []string) error {
		in := object{"Account": c.account, "Name": args[0], "New": true, "Managed": split(attach)}
		if err := c.call(ctx, "put-group", in, nil); err != nil {
			return err
		}
		return c.showGroup(ctx, args[0])
	})
	cmd.Flags().StringVar(&attach, "attach", "", "`POLICIES` by name or ARN, with commas between them")
	return cmd
}

func listGroups(p *program, f *identityFlags) *cobra.Command {
	return inAccount(p, f, &cobra.Command{
		Use: "list", Short: "List groups", Example: "  cairn group list --account 123456789012",
	}, func(ctx context.Context, c *identities, _ []string) error {
		all, err := listed[group](ctx, c, "list-groups", nil)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, g := range all {
			rows = append(rows, []string{g.Name, source(g.File), g.names()})
		}
		return c.list("Groups", all, []string{"NAME", "FROM", "POLICIES"}, rows)
	})
}

func showGroup(p *program, f *identityFlags) *cobra.Command {
	return inAccount(p, f, &cobra.Command{
		Use: "show NAME", Short: "Show a group", Example: "  cairn group show readers --account 123456789012",
	}, func(ctx context.Context, c *identities, args []string) error { return c.showGroup(ctx, args[0]) })
}

func (c *identities) showGroup(ctx context.Context, name string) error {
	g, err := one(ctx, c, "list-groups", "group "+name, func(g *group) bool { return g.Name == name })
	if err != nil {
		return err
	}
	return c.show(g, append([]field{{"Name", g.Name}, {"From", source(g.File)}}, g.fields()...)...)
}
