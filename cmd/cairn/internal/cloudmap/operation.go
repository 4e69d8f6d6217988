package cloudmap

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

func newGetOperation(p *cli.Program) *cobra.Command {
	var id string
	cmd := &cobra.Command{
		Use:     "get-operation",
		Short:   "Show the status of an operation",
		Example: `  cairn get-operation abcdefghijklmnopqrstuvwxyz234567-m5x2k9c0`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
		out, err := c.api.GetOperation(ctx, &servicediscovery.GetOperationInput{OperationId: &id})
		if err != nil {
			return err
		}
		return c.printOperation(out.Operation)
	}, cli.FlagArg(cmd, "ID", "operation-id"))
	cmd.Flags().StringVar(&id, "operation-id", "", "`ID` of the operation")
	cli.Require(cmd, "operation-id")
	return cmd
}

func (c *client) printOperation(op *types.Operation) error {
	if c.JSON() {
		return c.PrintFields(cli.Value("Operation", op))
	}
	fields := []cli.Field{
		cli.Text("OperationId", aws.ToString(op.Id)),
		cli.Text("Type", string(op.Type)),
		cli.Text("Status", string(op.Status)),
		cli.Text("Targets", cli.Pairs(op.Targets)),
		cli.Text("CreateDate", when(op.CreateDate)),
		cli.Text("UpdateDate", when(op.UpdateDate)),
	}
	if op.Status == types.OperationStatusFail {
		fields = append(fields, cli.Text("ErrorCode", aws.ToString(op.ErrorCode)), cli.Text("ErrorMessage", aws.ToString(op.ErrorMessage)))
	}
	return c.PrintFields(fields...)
}

func when(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// operationOptions are the flags of list-operations.
type operationOptions struct {
	namespace    namespaceRef
	service      serviceRef
	status, kind string
}

func newListOperations(p *cli.Program) *cobra.Command {
	var o operationOptions
	cmd := &cobra.Command{
		Use:   "list-operations [--namespace N] [--service N/S] [--status STATUS] [--type TYPE]",
		Short: "List recent operations, newest first",
		Example: `  cairn list-operations --status FAIL
  cairn list-operations --service example.internal/web --type REGISTER_INSTANCE --output json`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error { return listOperations(ctx, c, o) })
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
	return c.PrintAnswer(answer, []string{"OPERATION", "STATUS"}, rows)
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
