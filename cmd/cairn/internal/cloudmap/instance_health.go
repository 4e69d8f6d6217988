package cloudmap

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/aws/smithy-go"
	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

func newUpdateInstanceCustomHealthStatus(p *cli.Program) *cobra.Command {
	var service serviceRef
	var instance, status string
	cmd := &cobra.Command{
		Use:   "update-instance-custom-health-status --status HEALTHY|UNHEALTHY",
		Short: "Set the custom health status of an instance",
		Long: `Sets the custom health status of an instance. The service must have been created with
--health-check-custom-config.`,
		Example: `  cairn update-instance-custom-health-status example.internal/web web-1 --status UNHEALTHY`,
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
	}, service.arg(), instanceArg(cmd))
	service.requireIn(cmd)
	cmd.Flags().StringVar(&instance, "instance-id", "", instanceUsage)
	cmd.Flags().StringVar(&status, "status", "", "`HEALTHY|UNHEALTHY`")
	cli.Require(cmd, "instance-id", "status")
	return cmd
}

func newGetInstancesHealthStatus(p *cli.Program) *cobra.Command {
	var service serviceRef
	var instances string
	cmd := &cobra.Command{
		Use:   "get-instances-health-status [--instances ID,...]",
		Short: "Show the health of the instances of a service",
		Long: `Shows the health of the instances of a service that has a health check. "cairn
explain NAMESPACE/SERVICE" shows the reasons.`,
		Example: `  cairn get-instances-health-status example.internal/web
  cairn get-instances-health-status example.internal/web --instances web-1,web-2`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
		id, err := service.resolve(ctx, c)
		if err != nil {
			return err
		}
		status, err := c.healthStatus(ctx, id, cli.SplitList(instances))
		if err != nil {
			return err
		}
		var rows [][]string
		for _, id := range slices.Sorted(maps.Keys(status)) {
			rows = append(rows, []string{id, string(status[id])})
		}
		answer := struct{ Status map[string]types.HealthStatus }{status}
		return c.PrintAnswer(answer, []string{"INSTANCE", "HEALTH"}, rows)
	}, service.arg())
	service.requireIn(cmd)
	cmd.Flags().StringVar(&instances, "instances", "", "only the instances of these `IDS`, with commas between them")
	return cmd
}

// healthStatus returns the health of instances of a service, of all if none are
// named.
func (c *client) healthStatus(ctx context.Context, service *string, instances []string) (map[string]types.HealthStatus, error) {
	all := map[string]types.HealthStatus{}
	in := &servicediscovery.GetInstancesHealthStatusInput{ServiceId: service, Instances: instances}
	pages := servicediscovery.NewGetInstancesHealthStatusPaginator(c.api, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, page.Status)
	}
	return all, nil
}

// statusColumn returns how to show the health of an instance in a list. An
// instance of a service without health check is UNKNOWN, as in DiscoverInstances;
// the answer is "-" if the caller is not allowed to see the health.
func (c *client) statusColumn(ctx context.Context, service *string) (func(instance *string) string, error) {
	status, err := c.healthStatus(ctx, service, nil)
	text := ""
	if apiError, ok := errors.AsType[smithy.APIError](err); ok {
		switch apiError.ErrorCode() {
		case "InstanceNotFound": // AWS's code for a service without health check
			text, err = string(types.HealthStatusUnknown), nil
		case "AccessDeniedException":
			text, err = "-", nil
		}
	}
	return func(instance *string) string { return cmp.Or(text, string(status[aws.ToString(instance)]), "-") }, err
}
