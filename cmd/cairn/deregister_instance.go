package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/spf13/cobra"
)

func newDeregisterInstance(p *program) *cobra.Command {
	var service serviceRef
	var instance string
	cmd := &cobra.Command{
		Use:     "deregister-instance (--service-id ID | --service N/S) --instance-id I",
		Short:   "Take an instance out of its service",
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
			field{"ServiceId", aws.ToString(id)}, field{"InstanceId", instance})
	})
	service.requireIn(cmd)
	cmd.Flags().StringVar(&instance, "instance-id", "", "`ID` of the instance in its service")
	require(cmd, "instance-id")
	return cmd
}
