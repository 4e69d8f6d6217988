package main

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/spf13/cobra"
)

// operationOptions are the flags of list-operations.
type operationOptions struct {
	namespace    namespaceRef
	service      serviceRef
	status, kind string
}

func newListOperations(p *program) *cobra.Command {
	var o operationOptions
	cmd := &cobra.Command{
		Use:   "list-operations [--namespace N] [--service N/S] [--status STATUS] [--type TYPE]",
		Short: "List recent operations, newest first",
		Example: `  cairn list-operations --status FAIL
  cairn list-operations --service example.internal/web --type REGISTER_INSTANCE --output json`,
	}
	clientCommand(p, cmd, func(ctx context.Context, c *client) error { return listOperations(ctx, c, o) })
	o.namespace.addTo(cmd)
	o.service.addTo(cmd)
	cmd.Flags().StringVar(&o.status, "status", "", "only operations in this state: `SUBMITTED|PENDING|SUCCESS|FAIL`")
	cmd.Flags().StringVar(&o.kind, "type", "", "only operations of this `TYPE`, such as REGISTER_INSTANCE")
	return cmd
}

func listOperations(ctx context.Context, c *client, o operationOptions) error {
	filters, err := o.filters(ctx, c)
	if err != nil {
		return err
	}
	answer := struct{ Operations []types.OperationSummary }{[]types.OperationSummary{}}
	pages := servicediscovery.NewListOperationsPaginator(c.api, &servicediscovery.ListOperationsInput{Filters: filters})
	var rows [][]string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		answer.Operations = append(answer.Operations, page.Operations...)
		for _, op := range page.Operations {
			rows = append(rows, []string{aws.ToString(op.Id), string(op.Status)})
		}
	}
	return c.printTable(answer, []string{"OPERATION", "STATUS"}, rows)
}

func (o *operationOptions) filters(ctx context.Context, c *client) ([]types.OperationFilter, error) {
	namespace, err := o.namespace.resolve(ctx, c)
	if err != nil {
		return nil, err
	}
	service, err := o.service.resolve(ctx, c)
	if err != nil {
		return nil, err
	}
	var filters []types.OperationFilter
	add := func(name types.OperationFilterName, value string) {
		if value != "" {
			filters = append(filters, types.OperationFilter{Name: name, Values: []string{value}})
		}
	}
	add(types.OperationFilterNameNamespaceId, aws.ToString(namespace))
	add(types.OperationFilterNameServiceId, aws.ToString(service))
	add(types.OperationFilterNameStatus, strings.ToUpper(o.status))
	add(types.OperationFilterNameType, strings.ToUpper(o.kind))
	return filters, nil
}
