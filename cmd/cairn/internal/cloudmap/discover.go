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

// serviceNames are the names of a namespace and a service in it, by which the
// discovery operations find a service, and the account of the namespace.
type serviceNames struct{ namespace, service, owner string }

func (n *serviceNames) arg() cli.Arg {
	return cli.Arg{
		Name:  "NAMESPACE/SERVICE",
		Usage: "(NAMESPACE/SERVICE | --namespace-name N --service-name S)",
		Set: func(value string) (err error) {
			if n.namespace != "" || n.service != "" {
				return cli.Usagef("the service is given twice: as an argument and as flags")
			}
			n.namespace, n.service, err = splitService(value)
			return err
		},
	}
}

func (n *serviceNames) requireIn(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&n.namespace, "namespace-name", "", "HTTP `NAME` of the namespace")
	f.StringVar(&n.service, "service-name", "", "`NAME` of the service")
	f.StringVar(&n.owner, "owner-account", "", "`ID` of the account that shares the namespace")
	cli.RequireValue(cmd, "NAMESPACE/SERVICE, or --namespace-name and --service-name,",
		func() bool { return n.namespace != "" && n.service != "" })
}

// discoverOptions are the flags of discover-instances.
type discoverOptions struct {
	names           serviceNames
	query, optional string
	health          string
	max             int32
}

func newDiscoverInstances(p *cli.Program) *cobra.Command {
	var o discoverOptions
	cmd := &cobra.Command{
		Use:   "discover-instances [--query-parameters K=V,...] [--health-status STATUS]",
		Short: "Find the instances of a service, as its clients do",
		Example: `  cairn discover-instances example.internal/web
  cairn discover-instances example.internal/web --query-parameters color=blue --health-status ALL --output json`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error { return discover(ctx, c, o) }, o.names.arg())
	o.names.requireIn(cmd)
	f := cmd.Flags()
	f.StringVar(&o.query, "query-parameters", "", "attributes that must match, as a `JSON` object or as K=V,...")
	f.StringVar(&o.optional, "optional-parameters", "", "attributes that should match if any instance does, as a `JSON` object or as K=V,...")
	f.StringVar(&o.health, "health-status", "", "`HEALTHY|UNHEALTHY|ALL|HEALTHY_OR_ELSE_ALL` (default HEALTHY)")
	f.Int32Var(&o.max, "max-results", 0, "at most this `NUMBER` of instances, up to 1000 (default 100)")
	return cmd
}

func discover(ctx context.Context, c *client, o discoverOptions) error {
	in := &servicediscovery.DiscoverInstancesInput{
		NamespaceName: &o.names.namespace,
		ServiceName:   &o.names.service,
		OwnerAccount:  optional(o.names.owner),
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

func newDiscoverInstancesRevision(p *cli.Program) *cobra.Command {
	var names serviceNames
	cmd := &cobra.Command{
		Use:   "discover-instances-revision",
		Short: "Show the revision of the instances of a service",
		Long: `Shows a number that increases with every change of the instances of a service:
a client that has the answer for this revision need not ask again.`,
		Example: `  cairn discover-instances-revision example.internal/web`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
		out, err := c.api.DiscoverInstancesRevision(ctx, &servicediscovery.DiscoverInstancesRevisionInput{
			NamespaceName: &names.namespace, ServiceName: &names.service, OwnerAccount: optional(names.owner),
		})
		if err != nil {
			return err
		}
		if c.JSON() {
			return c.PrintAnswer(out, nil, nil)
		}
		return c.PrintFields(cli.Text("InstancesRevision", strconv.FormatInt(aws.ToInt64(out.InstancesRevision), 10)))
	}, names.arg())
	names.requireIn(cmd)
	return cmd
}
