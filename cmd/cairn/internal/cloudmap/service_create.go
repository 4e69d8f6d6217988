package cloudmap

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// serviceOptions are the flags of create-service.
type serviceOptions struct {
	name                   string
	namespace              namespaceRef
	dns, health, custom    string
	kind, description, tag string
	requestID              string
}

func newCreateService(p *cli.Program) *cobra.Command {
	var o serviceOptions
	cmd := &cobra.Command{
		Use:   "create-service [--dns-config JSON] [--health-check-config JSON] [--health-check-custom-config JSON]",
		Short: "Create a service in a namespace",
		Long: `Creates a service, the name that instances are registered under.

The configurations are written as in the AWS CLI, in JSON or in its shorthand.
In --dns-config the default TTL is 60, and the default RoutingPolicy is
MULTIVALUE (WEIGHTED for CNAME, which has no other).`,
		Example: `  cairn create-service example.internal/web \
      --dns-config '{"DnsRecords":[{"Type":"A","TTL":60}],"RoutingPolicy":"MULTIVALUE"}'
  cairn create-service example.internal/web --dns-config 'DnsRecords=[{Type=A}]' \
      --health-check-custom-config '{"FailureThreshold":1}'
  cairn create-service --name worker --namespace-id ns-abcdefgh23456777`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error { return createService(ctx, c, o) }, o.arg())
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "`NAME` of the service")
	o.namespace.requireIn(cmd)
	f.StringVar(&o.dns, "dns-config", "", "DnsConfig as `JSON`: the records, and the policy MULTIVALUE, WEIGHTED or LATENCY")
	f.StringVar(&o.health, "health-check-config", "", "HealthCheckConfig as `JSON`")
	f.StringVar(&o.custom, "health-check-custom-config", "", "HealthCheckCustomConfig as `JSON`")
	f.StringVar(&o.kind, "type", "", "`HTTP` for a service without DNS in a DNS namespace")
	f.StringVar(&o.description, "description", "", "`TEXT` about the service")
	f.StringVar(&o.tag, "tags", "", "tags as `K=V,...` or as a JSON object")
	f.StringVar(&o.requestID, "creator-request-id", "", requestIDUsage)
	cli.RequireValue(cmd, "NAMESPACE/SERVICE or --name", func() bool { return o.name != "" })
	return cmd
}

// arg returns the argument that gives the namespace and the name.
func (o *serviceOptions) arg() cli.Arg {
	return cli.Arg{
		Name:  "NAMESPACE/SERVICE",
		Usage: "(NAMESPACE/SERVICE | --namespace-id ID --name SERVICE)",
		Set: func(value string) error {
			namespace, service, err := splitService(value)
			if err != nil {
				return err
			}
			if o.name != "" {
				return cli.Usagef("the name of the service is given twice: as an argument and as --name")
			}
			o.name = service
			return o.namespace.set(namespace)
		},
	}
}

func createService(ctx context.Context, c *client, o serviceOptions) error {
	in := &servicediscovery.CreateServiceInput{
		Name:             &o.name,
		Type:             types.ServiceTypeOption(o.kind),
		Description:      optional(o.description),
		CreatorRequestId: optional(o.requestID),
	}
	var err error
	if in.DnsConfig, err = parseDNSConfig(o.dns); err != nil {
		return err
	}
	if in.HealthCheckConfig, err = cli.ParseConfig[types.HealthCheckConfig]("--health-check-config", o.health); err != nil {
		return err
	}
	if in.HealthCheckCustomConfig, err = cli.ParseConfig[types.HealthCheckCustomConfig]("--health-check-custom-config", o.custom); err != nil {
		return err
	}
	if in.Tags, err = parseTags(o.tag); err != nil {
		return err
	}
	if in.NamespaceId, err = o.namespace.resolve(ctx, c); err != nil {
		return err
	}
	out, err := c.api.CreateService(ctx, in)
	if err != nil {
		return err
	}
	return c.printService(out.Service)
}

func (c *client) printService(s *types.Service) error {
	if c.JSON() {
		return c.PrintFields(cli.Value("Service", s))
	}
	return c.PrintFields(serviceFields(s)...)
}

func serviceFields(s *types.Service) []cli.Field {
	return []cli.Field{
		cli.Text("ServiceId", aws.ToString(s.Id)),
		cli.Text("Name", aws.ToString(s.Name)),
		cli.Text("Type", string(s.Type)),
		cli.Text("NamespaceId", aws.ToString(s.NamespaceId)),
		cli.Text("Arn", aws.ToString(s.Arn)),
	}
}
