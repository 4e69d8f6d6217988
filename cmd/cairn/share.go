package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
)

type share struct {
	Namespace, ARN string
	With           []string
}

func newShare(p *program) *cobra.Command {
	return noun(p, &cobra.Command{
		Use:   "share COMMAND",
		Short: "Share namespaces with other accounts",
		Long: `Shares namespaces of an account with others, which may create services in them,
register and discover. Shares of the configuration file are made there.`,
		Example: `  cairn share add internal.example.com --with 210987654321 --account 123456789012
  cairn share list --account 123456789012`,
	}, changeShare("add", "Share a namespace with accounts", false), changeShare("remove", "Take accounts out of a share", true), listShares)
}

func changeShare(use, short string, stop bool) func(*program, *identityFlags) *cobra.Command {
	return func(p *program, f *identityFlags) *cobra.Command {
		var with string
		cmd := inAccount(p, f, &cobra.Command{
			Use: use + " NAMESPACE", Short: short,
			Example: "  cairn share " + use + " internal.example.com --with 210987654321 --account 123456789012",
		}, func(ctx context.Context, c *identities, args []string) error {
			return c.call(ctx, "share-namespace", object{"Account": c.account, "Namespace": args[0], "With": split(with), "Stop": stop}, nil)
		})
		cmd.Flags().StringVar(&with, "with", "", "`IDS` of accounts, with commas between them")
		require(cmd, "with")
		return cmd
	}
}

func listShares(p *program, f *identityFlags) *cobra.Command {
	return inAccount(p, f, &cobra.Command{
		Use: "list", Short: "List what an account shares", Example: "  cairn share list --account 123456789012",
	}, func(ctx context.Context, c *identities, _ []string) error {
		all, err := listed[share](ctx, c, "list-shares", nil)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, s := range all {
			rows = append(rows, []string{s.Namespace, strings.Join(s.With, ","), s.ARN})
		}
		return c.list("Shares", all, []string{"NAMESPACE", "WITH", "ARN"}, rows)
	})
}
