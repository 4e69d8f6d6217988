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

// discoverOptions are the flags of discover-instances.
type discoverOptions struct {
	namespace, service string
	query, optional    string
	health             string
	max                int32
}

func newDiscoverInstances(p *cli.Program) *cobra.Command {
	var o discoverOptions
	cmd := &cobra.Command{
		Use: "discover-instances --namespace-name N --service-name S [--query-parameters JSON] " +
			"[--health-status HEALTHY|UNHEALTHY|ALL|HEALTHY_OR_ELSE_ALL]",
		Short: "Find the instances of a service, as its clients do",
		Example: `  cairn discover-instances --namespace-name example.internal --service-name web
  cairn discover-instances --namespace-name example.internal --service-name web \
      --query-parameters color=blue --health-status ALL --output json`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error { return discover(ctx, c, o) })
	f := cmd.Flags()
	f.StringVar(&o.namespace, "namespace-name", "", "HTTP `NAME` of the namespace")
	f.StringVar(&o.service, "service-name", "", "`NAME` of the service")
	f.StringVar(&o.query, "query-parameters", "", "attributes that must match, as a `JSON` object or as K=V,...")
	f.StringVar(&o.optional, "optional-parameters", "", "attributes that should match if any instance does, as a `JSON` object or as K=V,...")
	f.StringVar(&o.health, "health-status", "", "`HEALTHY|UNHEALTHY|ALL|HEALTHY_OR_ELSE_ALL` (default HEALTHY)")
	f.Int32Var(&o.max, "max-results", 0, "at most this `NUMBER` of instances, up to 1000 (default 100)")
	cli.Require(cmd, "namespace-name", "service-name")
	return cmd
}

func discover(ctx context.Context, c *client, o discoverOptions) error {
	in := &servicediscovery.DiscoverInstancesInput{
		NamespaceName: &o.namespace,
		ServiceName:   &o.service,
		HealthStatus:  types.HealthStatusFilter(strings.ToUpper(o.health)),
	}
	var err error
	if in.QueryParameters, err = cli.ParseMap("--query-parameters", o.query); err != nil {
		return err
	}
	if in.OptionalParameters, err = cli.ParseMap("--optional-parameters", o.optional); err != nil {
		return err
	}
	if o.max != 0 {
		in.MaxResults = &o.max
	}
	out, err := c.api.DiscoverInstances(ctx, in)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, i := range out.Instances {
		rows = append(rows, []string{aws.ToString(i.InstanceId), string(i.HealthStatus), cli.Pairs(i.Attributes)})
	}
	return c.PrintAnswer(out, []string{"INSTANCE", "HEALTH", "ATTRIBUTES"}, rows)
}
