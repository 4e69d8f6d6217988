package main

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/spf13/cobra"
)

func newUpdateInstanceCustomHealthStatus(p *program) *cobra.Command {
	var service serviceRef
	var instance, status string
	cmd := &cobra.Command{
		Use: "update-instance-custom-health-status (--service-id ID | --service N/S) --instance-id I " +
			"--status HEALTHY|UNHEALTHY",
		Short: "Say whether an instance is healthy",
		Long: `Says whether an instance is healthy. The service must have been created with
--health-check-custom-config.`,
		Example: `  cairn update-instance-custom-health-status --service example.internal/web --instance-id web-1 --status UNHEALTHY`,
	}
	clientCommand(p, cmd, func(ctx context.Context, c *client) error {
		id, err := service.resolve(ctx, c)
		if err != nil {
			return err
		}
		_, err = c.api.UpdateInstanceCustomHealthStatus(ctx, &servicediscovery.UpdateInstanceCustomHealthStatusInput{
			ServiceId: id, InstanceId: &instance, Status: types.CustomHealthStatus(strings.ToUpper(status)),
		})
		if err != nil {
			return err
		}
		return c.printFields([]field{
			{"ServiceId", aws.ToString(id)}, {"InstanceId", instance}, {"Status", strings.ToUpper(status)},
		})
	})
	service.requireIn(cmd)
	cmd.Flags().StringVar(&instance, "instance-id", "", "`ID` of the instance in its service")
	cmd.Flags().StringVar(&status, "status", "", "`HEALTHY|UNHEALTHY`")
	require(cmd, "instance-id", "status")
	return cmd
}
