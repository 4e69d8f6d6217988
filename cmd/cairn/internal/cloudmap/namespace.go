package cloudmap

import (
	"context"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

func newListNamespaces(p *cli.Program) *cobra.Command {
	var name, kind string
	cmd := &cobra.Command{
		Use:   "list-namespaces [--name N] [--type DNS_PRIVATE|DNS_PUBLIC|HTTP]",
		Short: "List the namespaces",
		Example: `  cairn list-namespaces
  cairn list-namespaces --type HTTP --output json`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
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
	return c.PrintAnswer(answer, []string{"NAME", "ID", "TYPE", "SERVICES", "DESCRIPTION"}, rows)
}

func count(n *int32) string { return strconv.Itoa(int(aws.ToInt32(n))) }

func newGetNamespace(p *cli.Program) *cobra.Command {
	var namespace namespaceRef
	cmd := &cobra.Command{
		Use:   "get-namespace",
		Short: "Show a namespace",
		Example: `  cairn get-namespace example.internal
  cairn get-namespace ns-abcdefgh23456777 --output json`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
		id, err := namespace.resolve(ctx, c)
		if err != nil {
			return err
		}
		out, err := c.api.GetNamespace(ctx, &servicediscovery.GetNamespaceInput{Id: id})
		if err != nil {
			return err
		}
		return c.printNamespace(out.Namespace)
	}, namespace.arg())
	namespace.requireIn(cmd)
	return cmd
}

func (c *client) printNamespace(ns *types.Namespace) error {
	if c.JSON() {
		return c.PrintFields(cli.Value("Namespace", ns))
	}
	fields := []cli.Field{
		cli.Text("NamespaceId", aws.ToString(ns.Id)), cli.Text("Name", aws.ToString(ns.Name)), cli.Text("Type", string(ns.Type)),
		cli.Text("Arn", aws.ToString(ns.Arn)), cli.Text("Description", aws.ToString(ns.Description)),
		cli.Text("ServiceCount", count(ns.ServiceCount)), cli.Text("CreateDate", when(ns.CreateDate)),
	}
	if p := ns.Properties; p != nil {
		if h := p.HttpProperties; h != nil {
			fields = append(fields, cli.Text("HttpName", aws.ToString(h.HttpName)))
		}
		if d := p.DnsProperties; d != nil {
			fields = append(fields, cli.Text("HostedZoneId", aws.ToString(d.HostedZoneId)))
			if d.SOA != nil {
				fields = append(fields, cli.Text("SOA TTL", strconv.FormatInt(aws.ToInt64(d.SOA.TTL), 10)))
			}
		}
	}
	return c.PrintThing(ns, fields...)
}

func newDeleteNamespace(p *cli.Program) *cobra.Command {
	var namespace namespaceRef
	cmd := &cobra.Command{
		Use:   "delete-namespace",
		Short: "Delete a namespace that has no services",
		Example: `  cairn delete-namespace example.internal
  cairn delete-namespace --namespace-id ns-abcdefgh23456777`,
	}
	operationCommand(p, cmd, func(ctx context.Context, c *client) error {
		id, err := namespace.resolve(ctx, c)
		if err != nil {
			return err
		}
		out, err := c.api.DeleteNamespace(ctx, &servicediscovery.DeleteNamespaceInput{Id: id})
		if err != nil {
			return err
		}
		return c.finish(ctx, out.OperationId, cli.Text("NamespaceId", aws.ToString(id)))
	}, namespace.arg())
	namespace.requireIn(cmd)
	return cmd
}
