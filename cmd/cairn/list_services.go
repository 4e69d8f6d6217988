package main

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/spf13/cobra"
)

func newListServices(p *program) *cobra.Command {
	var namespace namespaceRef
	cmd := &cobra.Command{
		Use:   "list-services [--namespace-id ID | --namespace N]",
		Short: "List the services, of one namespace or of all",
		Example: `  cairn list-services
  cairn list-services --namespace example.internal --output json`,
	}
	clientCommand(p, cmd, func(ctx context.Context, c *client) error {
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
	return c.printTable(answer, []string{"NAME", "ID", "TYPE", "RECORDS", "HEALTH CHECK", "INSTANCES"}, rows)
}

// records says what DNS answers for a service, such as "A,AAAA MULTIVALUE".
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
