package cloudmap

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// serviceChange are the flags of update-service.
type serviceChange struct {
	description, dns, health string
	setDescription           bool
	removeHealth             bool
}

func newUpdateService(p *cli.Program) *cobra.Command {
	var service serviceRef
	var change serviceChange
	cmd := &cobra.Command{
		Use:   "update-service [--description TEXT] [--dns-config JSON] [--health-check-config JSON]",
		Short: "Change the description, DNS records or health check of a service",
		Long: `Changes the description, the TTLs of the DNS records, or the health check of a
service. What is not given stays: AWS's UpdateService removes records and health
checks that a request leaves out, so this command sends those that the service
has.`,
		Example: `  cairn update-service example.internal/web --dns-config 'DnsRecords=[{Type=A,TTL=10}]'
  cairn update-service example.internal/web --health-check-config Type=HTTP,ResourcePath=/ready,FailureThreshold=2
  cairn update-service example.internal/web --remove-health-check`,
	}
	operationCommand(p, cmd, func(ctx context.Context, c *client) error {
		change.setDescription = cmd.Flags().Changed("description")
		id, err := service.resolve(ctx, c)
		if err != nil {
			return err
		}
		return updateService(ctx, c, id, change)
	}, service.arg())
	service.requireIn(cmd)
	f := cmd.Flags()
	f.StringVar(&change.description, "description", "", "new `TEXT` about the service")
	f.StringVar(&change.dns, "dns-config", "", "DnsConfigChange as `JSON`: the records with their new TTLs")
	f.StringVar(&change.health, "health-check-config", "", "HealthCheckConfig as `JSON`")
	f.BoolVar(&change.removeHealth, "remove-health-check", false, "remove the health check")
	cli.RequireValue(cmd, "--description, --dns-config, --health-check-config or --remove-health-check", func() bool {
		return f.Changed("description") || change.dns != "" || change.health != "" || change.removeHealth
	})
	return cmd
}

func updateService(ctx context.Context, c *client, id *string, change serviceChange) error {
	dns, err := cli.ParseConfig[types.DnsConfigChange]("--dns-config", change.dns)
	if err != nil {
		return err
	}
	health, err := cli.ParseConfig[types.HealthCheckConfig]("--health-check-config", change.health)
	if err != nil {
		return err
	}
	if health != nil && change.removeHealth {
		return cli.Usagef("--health-check-config and --remove-health-check exclude each other")
	}
	now, err := c.api.GetService(ctx, &servicediscovery.GetServiceInput{Id: id})
	if err != nil {
		return err
	}
	in := &types.ServiceChange{DnsConfig: dns, HealthCheckConfig: health}
	if change.setDescription {
		in.Description = &change.description
	}
	if dns != nil {
		setDefaultTTLs(dns.DnsRecords)
	} else if d := now.Service.DnsConfig; d != nil {
		in.DnsConfig = &types.DnsConfigChange{DnsRecords: d.DnsRecords}
	}
	if health == nil && !change.removeHealth {
		in.HealthCheckConfig = now.Service.HealthCheckConfig
	}
	out, err := c.api.UpdateService(ctx, &servicediscovery.UpdateServiceInput{Id: id, Service: in})
	if err != nil {
		return err
	}
	return c.finish(ctx, out.OperationId, cli.Text("ServiceId", aws.ToString(id)))
}
