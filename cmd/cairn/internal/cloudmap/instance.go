package cloudmap

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

func newRegisterInstance(p *cli.Program) *cobra.Command {
	var service serviceRef
	var instance, attributes, requestID string
	cmd := &cobra.Command{
		Use:   "register-instance (--service-id ID | --service N/S) --instance-id I --attributes JSON",
		Short: "Register an instance of a service, or replace it",
		Example: `  cairn register-instance --service example.internal/web --instance-id web-1 \
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
	})
	service.requireIn(cmd)
	f := cmd.Flags()
	f.StringVar(&instance, "instance-id", "", "`ID` of the instance in its service")
	f.StringVar(&attributes, "attributes", "", "attributes as a `JSON` object, or as K=V,...")
	f.StringVar(&requestID, "creator-request-id", "", requestIDUsage)
	cli.Require(cmd, "instance-id", "attributes")
	return cmd
}

func newListInstances(p *cli.Program) *cobra.Command {
	var service serviceRef
	cmd := &cobra.Command{
		Use:   "list-instances (--service-id ID | --service N/S)",
		Short: "List the instances of a service, healthy or not",
		Example: `  cairn list-instances --service example.internal/web
  cairn list-instances --service-id srv-abcdefgh23456777 --output json`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
		id, err := service.resolve(ctx, c)
		if err != nil {
			return err
		}
		return listInstances(ctx, c, id)
	})
	service.requireIn(cmd)
	return cmd
}

func listInstances(ctx context.Context, c *client, service *string) error {
	answer := struct{ Instances []types.InstanceSummary }{[]types.InstanceSummary{}}
	pages := servicediscovery.NewListInstancesPaginator(c.api, &servicediscovery.ListInstancesInput{ServiceId: service})
	var rows [][]string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		answer.Instances = append(answer.Instances, page.Instances...)
		for _, i := range page.Instances {
			rows = append(rows, []string{aws.ToString(i.Id), cli.Pairs(i.Attributes)})
		}
	}
	return c.PrintAnswer(answer, []string{"INSTANCE", "ATTRIBUTES"}, rows)
}

func newDeregisterInstance(p *cli.Program) *cobra.Command {
	var service serviceRef
	var instance string
	cmd := &cobra.Command{
		Use:     "deregister-instance (--service-id ID | --service N/S) --instance-id I",
		Short:   "Remove an instance from its service",
		Example: `  cairn deregister-instance --service example.internal/web --instance-id web-1`,
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
	})
	service.requireIn(cmd)
	cmd.Flags().StringVar(&instance, "instance-id", "", "`ID` of the instance in its service")
	cli.Require(cmd, "instance-id")
	return cmd
}
