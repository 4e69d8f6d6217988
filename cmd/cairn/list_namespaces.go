package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/spf13/cobra"
)

func newListNamespaces(p *program) *cobra.Command {
	var name, kind string
	cmd := &cobra.Command{
		Use:   "list-namespaces [--name N] [--type DNS_PRIVATE|DNS_PUBLIC|HTTP]",
		Short: "List the namespaces",
		Example: `  cairn list-namespaces
  cairn list-namespaces --type HTTP --output json`,
	}
	clientCommand(p, cmd, func(ctx context.Context, c *client) error {
		return listNamespaces(ctx, c, name, strings.ToUpper(kind))
	})
	cmd.Flags().StringVar(&name, "name", "", "only the namespaces of this `NAME`")
	cmd.Flags().StringVar(&kind, "type", "", "only this type: `DNS_PRIVATE|DNS_PUBLIC|HTTP`")
	return cmd
}

func listNamespaces(ctx context.Context, c *client, name, kind string) error {
	var filters []types.NamespaceFilter
	if name != "" {
		filters = append(filters, types.NamespaceFilter{Name: types.NamespaceFilterNameName, Values: []string{name}})
	}
	if kind != "" {
		filters = append(filters, types.NamespaceFilter{Name: types.NamespaceFilterNameType, Values: []string{kind}})
	}
	all, err := c.namespaces(ctx, filters...)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, ns := range all {
		rows = append(rows, []string{
			aws.ToString(ns.Name), aws.ToString(ns.Id), string(ns.Type), count(ns.ServiceCount), aws.ToString(ns.Description),
		})
	}
	answer := struct{ Namespaces []types.NamespaceSummary }{all}
	return c.printTable(answer, []string{"NAME", "ID", "TYPE", "SERVICES", "DESCRIPTION"}, rows)
}

func count(n *int32) string { return strconv.Itoa(int(aws.ToInt32(n))) }
