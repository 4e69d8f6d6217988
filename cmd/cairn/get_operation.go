package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/spf13/cobra"
)

func newGetOperation(p *program) *cobra.Command {
	var id string
	cmd := &cobra.Command{
		Use:     "get-operation --operation-id ID",
		Short:   "Show how an operation is getting on",
		Example: `  cairn get-operation --operation-id abcdefghijklmnopqrstuvwxyz234567-m5x2k9c0`,
	}
	clientCommand(p, cmd, func(ctx context.Context, c *client) error {
		out, err := c.api.GetOperation(ctx, &servicediscovery.GetOperationInput{OperationId: &id})
		if err != nil {
			return err
		}
		return c.printOperation(out.Operation)
	})
	cmd.Flags().StringVar(&id, "operation-id", "", "`ID` of the operation")
	require(cmd, "operation-id")
	return cmd
}

func (c *client) printOperation(op *types.Operation) error {
	if c.output == "json" {
		return c.printFields([]field{{"Operation", op}})
	}
	fields := []field{
		{"OperationId", aws.ToString(op.Id)},
		{"Type", string(op.Type)},
		{"Status", string(op.Status)},
		{"Targets", pairs(op.Targets)},
		{"CreateDate", when(op.CreateDate)},
		{"UpdateDate", when(op.UpdateDate)},
	}
	if op.Status == types.OperationStatusFail {
		fields = append(fields, field{"ErrorCode", aws.ToString(op.ErrorCode)}, field{"ErrorMessage", aws.ToString(op.ErrorMessage)})
	}
	return c.printFields(fields)
}

func when(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format(time.RFC3339Nano)
}
