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

func newUpdateInstanceCustomHealthStatus(p *cli.Program) *cobra.Command {
	var service serviceRef
	var instance, status string
	cmd := &cobra.Command{
		Use: "update-instance-custom-health-status (--service-id ID | --service N/S) --instance-id I " +
			"--status HEALTHY|UNHEALTHY",
		Short: "Set the custom health status of an instance",
		Long: `Sets the custom health status of an instance. The service must have been created with
--health-check-custom-config.`,
		Example: `  cairn update-instance-custom-health-status --service example.internal/web --instance-id web-1 --status UNHEALTHY`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
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
		return c.PrintFields(
			cli.Text("ServiceId", aws.ToString(id)), cli.Text("InstanceId", instance), cli.Text("Status", strings.ToUpper(status)),
		)
	})
	service.requireIn(cmd)
	cmd.Flags().StringVar(&instance, "instance-id", "", "`ID` of the instance in its service")
	cmd.Flags().StringVar(&status, "status", "", "`HEALTHY|UNHEALTHY`")
	cli.Require(cmd, "instance-id", "status")
	return cmd
}
