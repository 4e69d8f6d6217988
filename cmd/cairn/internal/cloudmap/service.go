package cloudmap

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

func newListServices(p *cli.Program) *cobra.Command {
	var namespace namespaceRef
	cmd := &cobra.Command{
		Use:   "list-services [--namespace-id ID | --namespace N]",
		Short: "List the services of one namespace or of all",
		Example: `  cairn list-services
  cairn list-services --namespace example.internal --output json`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
		id, err := namespace.resolve(ctx, c)
		if err != nil {
			return err
		}
		all, err := c.services(ctx, id)
		if err != nil {
			return err
		}
		return c.printServices(all)
	})
	namespace.addTo(cmd)
	return cmd
}

func (c *client) printServices(all []types.ServiceSummary) error {
	var rows [][]string
	for _, s := range all {
		rows = append(rows, []string{
			aws.ToString(s.Name), aws.ToString(s.Id), string(s.Type), records(s.DnsConfig), checks(s), count(s.InstanceCount),
		})
	}
	answer := struct{ Services []types.ServiceSummary }{all}
	return c.PrintAnswer(answer, []string{"NAME", "ID", "TYPE", "RECORDS", "HEALTH CHECK", "INSTANCES"}, rows)
}

// records returns the DNS settings of a service, such as "A,AAAA MULTIVALUE".
func records(d *types.DnsConfig) string {
	if d == nil || len(d.DnsRecords) == 0 {
		return "-"
	}
	var kinds []string
	for _, r := range d.DnsRecords {
		kinds = append(kinds, string(r.Type))
	}
	return strings.Join(kinds, ",") + " " + string(d.RoutingPolicy)
}

func checks(s types.ServiceSummary) string {
	switch {
	case s.HealthCheckConfig != nil:
		return string(s.HealthCheckConfig.Type)
	case s.HealthCheckCustomConfig != nil:
		return "custom"
	default:
		return "-"
	}
}

func newDeleteService(p *cli.Program) *cobra.Command {
	var service serviceRef
	cmd := &cobra.Command{
		Use:     "delete-service (--service-id ID | --service N/S)",
		Short:   "Delete a service that has no instances",
		Example: `  cairn delete-service --service example.internal/web`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
		id, err := service.resolve(ctx, c)
		if err != nil {
			return err
		}
		if _, err := c.api.DeleteService(ctx, &servicediscovery.DeleteServiceInput{Id: id}); err != nil {
			return err
		}
		return c.PrintFields(cli.Text("ServiceId", aws.ToString(id)), cli.Text("Status", "DELETED"))
	})
	service.requireIn(cmd)
	return cmd
}
