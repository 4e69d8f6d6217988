package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/spf13/cobra"
)

func newDeleteNamespace(p *program) *cobra.Command {
	var namespace namespaceRef
	cmd := &cobra.Command{
		Use:   "delete-namespace (--namespace-id ID | --namespace N)",
		Short: "Delete a namespace that has no services",
		Example: `  cairn delete-namespace --namespace example.internal
  cairn delete-namespace --namespace-id ns-abcdefgh23456777`,
	}
	operationCommand(p, cmd, func(ctx context.Context, c *client) error {
		id, err := namespace.resolve(ctx, c)
		if err != nil {
			return err
		}
		out, err := c.api.DeleteNamespace(ctx, &servicediscovery.DeleteNamespaceInput{Id: id})
		if err != nil {
			return err
		}
		return c.finish(ctx, out.OperationId, field{"NamespaceId", aws.ToString(id)})
	})
	namespace.requireIn(cmd)
	return cmd
}
