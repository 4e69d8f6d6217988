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
		Use:   "list-services",
		Short: "List the services of one namespace or of all",
		Example: `  cairn list-services
  cairn list-services example.internal --output json`,
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
	}, namespace.optionalArg())
	namespace.addTo(cmd)
	return cmd
}

func (c *client) printServices(all []types.ServiceSummary) error {
	var rows [][]string
	for _, s := range all {
		rows = append(rows, []string{
			aws.ToString(s.Name), aws.ToString(s.Id), string(s.Type), records(s.DnsConfig), checks(s.HealthCheckConfig, s.HealthCheckCustomConfig), count(s.InstanceCount),
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

// checks returns the kind of a service's health check.
func checks(active *types.HealthCheckConfig, custom *types.HealthCheckCustomConfig) string {
	switch {
	case active != nil:
		return string(active.Type)
	case custom != nil:
		return "custom"
	default:
		return "-"
	}
}

func newGetService(p *cli.Program) *cobra.Command {
	var service serviceRef
	cmd := &cobra.Command{
		Use:   "get-service",
		Short: "Show a service",
		Example: `  cairn get-service example.internal/web
  cairn get-service srv-abcdefgh23456777 --output json`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
		id, err := service.resolve(ctx, c)
		if err != nil {
			return err
		}
		out, err := c.api.GetService(ctx, &servicediscovery.GetServiceInput{Id: id})
		if err != nil {
			return err
		}
		return c.printServiceDetails(out.Service)
	}, service.arg())
	service.requireIn(cmd)
	return cmd
}

func (c *client) printServiceDetails(s *types.Service) error {
	if c.JSON() {
		return c.PrintFields(cli.Value("Service", s))
	}
	fields := append(serviceFields(s),
		cli.Text("Records", records(s.DnsConfig)), cli.Text("HealthCheck", checks(s.HealthCheckConfig, s.HealthCheckCustomConfig)))
	if h := s.HealthCheckConfig; h != nil {
		fields = append(fields, cli.Text("ResourcePath", aws.ToString(h.ResourcePath)), cli.Text("FailureThreshold", number(h.FailureThreshold)))
	}
	fields = append(fields, cli.Text("InstanceCount", count(s.InstanceCount)),
		cli.Text("Description", aws.ToString(s.Description)), cli.Text("CreateDate", when(s.CreateDate)))
	return c.PrintThing(s, fields...)
}

// number returns an optional number in digits, empty if there is none.
func number(n *int32) string {
	if n == nil {
		return ""
	}
	return count(n)
}

func newDeleteService(p *cli.Program) *cobra.Command {
	var service serviceRef
	cmd := &cobra.Command{
		Use:     "delete-service",
		Short:   "Delete a service that has no instances",
		Example: `  cairn delete-service example.internal/web`,
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
	}, service.arg())
	service.requireIn(cmd)
	return cmd
}
