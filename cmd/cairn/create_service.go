package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/spf13/cobra"
)

// serviceOptions are the flags of create-service.
type serviceOptions struct {
	name                   string
	namespace              namespaceRef
	dns, health, custom    string
	kind, description, tag string
	requestID              string
}

func newCreateService(p *program) *cobra.Command {
	var o serviceOptions
	cmd := &cobra.Command{
		Use: "create-service --name S (--namespace-id ID | --namespace N) [--dns-config JSON] " +
			"[--health-check-config JSON] [--health-check-custom-config JSON]",
		Short: "Create a service in a namespace",
		Long: `Creates a service, the name that instances are registered under.

The configurations are written as in the AWS CLI, in JSON or in its shorthand.
In --dns-config a TTL that is left out means 60, and a RoutingPolicy that is
left out MULTIVALUE (WEIGHTED for CNAME, which knows no other).`,
		Example: `  cairn create-service --name web --namespace example.internal \
      --dns-config '{"DnsRecords":[{"Type":"A","TTL":60}],"RoutingPolicy":"MULTIVALUE"}'
  cairn create-service --name web --namespace example.internal --dns-config 'DnsRecords=[{Type=A}]' \
      --health-check-custom-config '{"FailureThreshold":1}'
  cairn create-service --name worker --namespace-id ns-abcdefgh23456777`,
	}
	clientCommand(p, cmd, func(ctx context.Context, c *client) error { return createService(ctx, c, o) })
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "`NAME` of the service")
	o.namespace.requireIn(cmd)
	f.StringVar(&o.dns, "dns-config", "", "DnsConfig as `JSON`: the records, and the policy MULTIVALUE, WEIGHTED or LATENCY")
	f.StringVar(&o.health, "health-check-config", "", "HealthCheckConfig as `JSON`")
	f.StringVar(&o.custom, "health-check-custom-config", "", "HealthCheckCustomConfig as `JSON`")
	f.StringVar(&o.kind, "type", "", "`HTTP` for a service without DNS in a DNS namespace")
	f.StringVar(&o.description, "description", "", "`TEXT` about the service")
	f.StringVar(&o.tag, "tags", "", "tags as `K=V,...` or as a JSON object")
	f.StringVar(&o.requestID, "creator-request-id", "", "`ID` that makes a repeated call harmless")
	require(cmd, "name")
	return cmd
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
	if in.HealthCheckConfig, err = parseConfig[types.HealthCheckConfig]("--health-check-config", o.health); err != nil {
		return err
	}
	if in.HealthCheckCustomConfig, err = parseConfig[types.HealthCheckCustomConfig]("--health-check-custom-config", o.custom); err != nil {
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
	if c.output == "json" {
		return c.printFields([]field{{"Service", s}})
	}
	return c.printFields([]field{
		{"ServiceId", aws.ToString(s.Id)},
		{"Name", aws.ToString(s.Name)},
		{"Type", string(s.Type)},
		{"NamespaceId", aws.ToString(s.NamespaceId)},
		{"Arn", aws.ToString(s.Arn)},
	})
}
