package cloudmap

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

func newGetServiceAttributes(p *cli.Program) *cobra.Command {
	var service serviceRef
	cmd := &cobra.Command{
		Use:     "get-service-attributes",
		Short:   "Show the attributes of a service",
		Example: `  cairn get-service-attributes example.internal/web`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
		id, err := service.resolve(ctx, c)
		if err != nil {
			return err
		}
		return c.printServiceAttributes(ctx, id)
	}, service.arg())
	service.requireIn(cmd)
	return cmd
}

func (c *client) printServiceAttributes(ctx context.Context, service *string) error {
	out, err := c.api.GetServiceAttributes(ctx, &servicediscovery.GetServiceAttributesInput{ServiceId: service})
	if err != nil {
		return err
	}
	attributes := out.ServiceAttributes.Attributes
	var rows [][]string
	for _, k := range slices.Sorted(maps.Keys(attributes)) {
		rows = append(rows, []string{k, attributes[k]})
	}
	return c.PrintAnswer(out, []string{"ATTRIBUTE", "VALUE"}, rows)
}

func newUpdateServiceAttributes(p *cli.Program) *cobra.Command {
	var service serviceRef
	var attributes string
	cmd := &cobra.Command{
		Use:   "update-service-attributes --attributes K=V,...",
		Short: "Set attributes of a service, such as the interval of its health check",
		Long: `Sets attributes of a service; others stay as they are. Attributes that begin with
cairn.health. set the health check:

  cairn.health.interval            seconds, or a time such as 1500ms
  cairn.health.timeout             time for a whole probe
  cairn.health.success-threshold   passes in a row until HEALTHY
  cairn.health.expected-status     such as 200-299
  cairn.health.body                text that the body must have
  cairn.health.host                Host header and SNI
  cairn.health.protocol            grpc

docs/health.md has the ranges, and other attributes.`,
		Example: `  cairn update-service-attributes example.internal/web --attributes cairn.health.interval=10
  cairn update-service-attributes example.internal/web --attributes '{"owner":"team-a"}'`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
		parsed, err := cli.ParseMap("--attributes", attributes)
		if err != nil {
			return err
		}
		id, err := service.resolve(ctx, c)
		if err != nil {
			return err
		}
		_, err = c.api.UpdateServiceAttributes(ctx, &servicediscovery.UpdateServiceAttributesInput{ServiceId: id, Attributes: parsed})
		if err != nil {
			return err
		}
		return c.printServiceAttributes(ctx, id)
	}, service.arg())
	service.requireIn(cmd)
	cmd.Flags().StringVar(&attributes, "attributes", "", "attributes as a `JSON` object, or as K=V,...")
	cli.Require(cmd, "attributes")
	return cmd
}

func newDeleteServiceAttributes(p *cli.Program) *cobra.Command {
	var service serviceRef
	var names string
	cmd := &cobra.Command{
		Use:     "delete-service-attributes --attributes NAME,...",
		Short:   "Delete attributes of a service",
		Example: `  cairn delete-service-attributes example.internal/web --attributes cairn.health.interval,owner`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
		id, err := service.resolve(ctx, c)
		if err != nil {
			return err
		}
		_, err = c.api.DeleteServiceAttributes(ctx, &servicediscovery.DeleteServiceAttributesInput{ServiceId: id, Attributes: cli.SplitList(names)})
		if err != nil {
			return err
		}
		return c.PrintFields(cli.Text("ServiceId", aws.ToString(id)), cli.Text("Status", "DELETED"))
	}, service.arg())
	service.requireIn(cmd)
	cmd.Flags().StringVar(&names, "attributes", "", "`NAMES` of attributes, with commas between them")
	cli.Require(cmd, "attributes")
	return cmd
}
