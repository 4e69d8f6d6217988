package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/spf13/cobra"
)

func newDeleteService(p *program) *cobra.Command {
	var service serviceRef
	cmd := &cobra.Command{
		Use:     "delete-service (--service-id ID | --service N/S)",
		Short:   "Delete a service that has no instances",
		Example: `  cairn delete-service --service example.internal/web`,
	}
	clientCommand(p, cmd, func(ctx context.Context, c *client) error {
		id, err := service.resolve(ctx, c)
		if err != nil {
			return err
		}
		if _, err := c.api.DeleteService(ctx, &servicediscovery.DeleteServiceInput{Id: id}); err != nil {
			return err
		}
		return c.printFields([]field{{"ServiceId", aws.ToString(id)}, {"Status", "DELETED"}})
	})
	service.requireIn(cmd)
	return cmd
}
