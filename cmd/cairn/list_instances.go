package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/spf13/cobra"
)

func newListInstances(p *program) *cobra.Command {
	var service serviceRef
	cmd := &cobra.Command{
		Use:   "list-instances (--service-id ID | --service N/S)",
		Short: "List the instances of a service, healthy or not",
		Example: `  cairn list-instances --service example.internal/web
  cairn list-instances --service-id srv-abcdefgh23456777 --output json`,
	}
	clientCommand(p, cmd, func(ctx context.Context, c *client) error {
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
			rows = append(rows, []string{aws.ToString(i.Id), pairs(i.Attributes)})
		}
	}
	return c.printTable(answer, []string{"INSTANCE", "ATTRIBUTES"}, rows)
}
