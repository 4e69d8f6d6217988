package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/spf13/cobra"
)

func newRegisterInstance(p *program) *cobra.Command {
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
		parsed, err := parseMap("--attributes", attributes)
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
			field{"ServiceId", aws.ToString(id)}, field{"InstanceId", instance})
	})
	service.requireIn(cmd)
	f := cmd.Flags()
	f.StringVar(&instance, "instance-id", "", "`ID` of the instance in its service")
	f.StringVar(&attributes, "attributes", "", "attributes as a `JSON` object, or as K=V,...")
	f.StringVar(&requestID, "creator-request-id", "", "`ID` that makes a repeated call harmless")
	require(cmd, "instance-id", "attributes")
	return cmd
}
