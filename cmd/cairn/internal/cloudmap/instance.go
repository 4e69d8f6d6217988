package cloudmap

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

const instanceUsage = "`ID` of the instance in its service"

// instanceArg returns the argument that can be given in place of --instance-id.
func instanceArg(cmd *cobra.Command) cli.Arg { return cli.FlagArg(cmd, "INSTANCE", "instance-id") }

func newRegisterInstance(p *cli.Program) *cobra.Command {
	var service serviceRef
	var instance, attributes, requestID string
	cmd := &cobra.Command{
		Use:   "register-instance --attributes K=V,...",
		Short: "Register an instance of a service, or replace it",
		Example: `  cairn register-instance example.internal/web web-1 \
      --attributes '{"AWS_INSTANCE_IPV4":"10.0.0.1","AWS_INSTANCE_PORT":"8080"}'
  cairn register-instance --service-id srv-abcdefgh23456777 --instance-id web-2 \
      --attributes AWS_INSTANCE_IPV4=10.0.0.2,color=blue`,
	}
	operationCommand(p, cmd, func(ctx context.Context, c *client) error {
		parsed, err := cli.ParseMap("--attributes", attributes)
		if err != nil {
			return err
		}
		id, err := service.resolve(ctx, c)
		if err != nil {
			return err
		}
		out, err := c.api.RegisterInstance(ctx, &servicediscovery.RegisterInstanceInput{
			ServiceId: id, InstanceId: &instance, Attributes: parsed, CreatorRequestId: optional(requestID),
		})
		if err != nil {
			return err
		}
		return c.finish(ctx, out.OperationId,
			cli.Text("ServiceId", aws.ToString(id)), cli.Text("InstanceId", instance))
	}, service.arg(), instanceArg(cmd))
	service.requireIn(cmd)
	f := cmd.Flags()
	f.StringVar(&instance, "instance-id", "", instanceUsage)
	f.StringVar(&attributes, "attributes", "", "attributes as a `JSON` object, or as K=V,...")
	f.StringVar(&requestID, "creator-request-id", "", requestIDUsage)
	cli.Require(cmd, "instance-id", "attributes")
	return cmd
}

func newListInstances(p *cli.Program) *cobra.Command {
	var service serviceRef
	cmd := &cobra.Command{
		Use:   "list-instances",
		Short: "List the instances of a service, healthy or not",
		Example: `  cairn list-instances example.internal/web
  cairn list-instances --service-id srv-abcdefgh23456777 --output json`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
		id, err := service.resolve(ctx, c)
		if err != nil {
			return err
		}
		return listInstances(ctx, c, id)
	}, service.arg())
	service.requireIn(cmd)
	return cmd
}

func listInstances(ctx context.Context, c *client, service *string) error {
	answer := struct{ Instances []types.InstanceSummary }{[]types.InstanceSummary{}}
	pages := servicediscovery.NewListInstancesPaginator(c.api, &servicediscovery.ListInstancesInput{ServiceId: service})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		answer.Instances = append(answer.Instances, page.Instances...)
	}
	if c.JSON() {
		return c.PrintAnswer(answer, nil, nil)
	}
	health, err := c.statusColumn(ctx, service)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, i := range answer.Instances {
		rows = append(rows, []string{aws.ToString(i.Id), health(i.Id), cli.Pairs(i.Attributes)})
	}
	return c.PrintAnswer(answer, []string{"INSTANCE", "HEALTH", "ATTRIBUTES"}, rows)
}

func newGetInstance(p *cli.Program) *cobra.Command {
	var service serviceRef
	var instance string
	cmd := &cobra.Command{
		Use:     "get-instance",
		Short:   "Show an instance",
		Example: `  cairn get-instance example.internal/web web-1`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
		id, err := service.resolve(ctx, c)
		if err != nil {
			return err
		}
		out, err := c.api.GetInstance(ctx, &servicediscovery.GetInstanceInput{ServiceId: id, InstanceId: &instance})
		if err != nil {
			return err
		}
		if c.JSON() {
			return c.PrintAnswer(out, nil, nil)
		}
		fields := []cli.Field{
			cli.Text("ServiceId", aws.ToString(id)), cli.Text("InstanceId", aws.ToString(out.Instance.Id)),
			cli.Text("CreatorRequestId", aws.ToString(out.Instance.CreatorRequestId)), cli.Text("ResourceOwner", aws.ToString(out.ResourceOwner)),
			cli.Text("CreatedByAccount", aws.ToString(out.Instance.CreatedByAccount)),
		}
		for _, k := range slices.Sorted(maps.Keys(out.Instance.Attributes)) {
			fields = append(fields, cli.Text(k, out.Instance.Attributes[k]))
		}
		return c.PrintThing(out, fields...)
	}, service.arg(), instanceArg(cmd))
	service.requireIn(cmd)
	cmd.Flags().StringVar(&instance, "instance-id", "", instanceUsage)
	cli.Require(cmd, "instance-id")
	return cmd
}

func newDeregisterInstance(p *cli.Program) *cobra.Command {
	var service serviceRef
	var instance string
	cmd := &cobra.Command{
		Use:     "deregister-instance",
		Short:   "Remove an instance from its service",
		Example: `  cairn deregister-instance example.internal/web web-1`,
	}
	operationCommand(p, cmd, func(ctx context.Context, c *client) error {
		id, err := service.resolve(ctx, c)
		if err != nil {
			return err
		}
		out, err := c.api.DeregisterInstance(ctx, &servicediscovery.DeregisterInstanceInput{
			ServiceId: id, InstanceId: &instance,
		})
		if err != nil {
			return err
		}
		return c.finish(ctx, out.OperationId,
			cli.Text("ServiceId", aws.ToString(id)), cli.Text("InstanceId", instance))
	}, service.arg(), instanceArg(cmd))
	service.requireIn(cmd)
	cmd.Flags().StringVar(&instance, "instance-id", "", instanceUsage)
	cli.Require(cmd, "instance-id")
	return cmd
}
