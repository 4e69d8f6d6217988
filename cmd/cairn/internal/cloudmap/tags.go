package cloudmap

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// resourceArg returns the argument that can be given in place of --resource-arn.
func resourceArg(cmd *cobra.Command) cli.Arg {
	arg := cli.FlagArg(cmd, "RESOURCE", "resource-arn")
	arg.Usage = "(NAMESPACE | NAMESPACE/SERVICE | --resource-arn ARN)"
	return arg
}

// requireResource declares --resource-arn, which takes names and ids too.
func requireResource(cmd *cobra.Command, resource *string) {
	cmd.Flags().StringVar(resource, "resource-arn", "", "`ARN` of a namespace or service")
	cli.RequireValue(cmd, "NAMESPACE, NAMESPACE/SERVICE or --resource-arn", func() bool { return *resource != "" })
}

// arnOf returns the ARN of a namespace or service that is given by ARN, id or
// names. A name with a slash is that of a service, unless there is a namespace of
// that name.
func (c *client) arnOf(ctx context.Context, resource string) (*string, error) {
	switch {
	case strings.HasPrefix(resource, "arn:"):
		return &resource, nil
	case isID(resource, "srv-"):
		return c.serviceARN(ctx, &resource)
	case isID(resource, "ns-"):
		return c.namespaceARN(ctx, &resource)
	case !strings.Contains(resource, "/"):
		id, err := c.namespaceID(ctx, resource)
		if err != nil {
			return nil, err
		}
		return c.namespaceARN(ctx, id)
	}
	if id, err := c.namespaceID(ctx, resource); err == nil {
		return c.namespaceARN(ctx, id)
	}
	id, err := c.serviceByPath(ctx, resource)
	if err != nil {
		return nil, err
	}
	return c.serviceARN(ctx, id)
}

func (c *client) namespaceARN(ctx context.Context, id *string) (*string, error) {
	out, err := c.api.GetNamespace(ctx, &servicediscovery.GetNamespaceInput{Id: id})
	if err != nil {
		return nil, err
	}
	return out.Namespace.Arn, nil
}

func (c *client) serviceARN(ctx context.Context, id *string) (*string, error) {
	out, err := c.api.GetService(ctx, &servicediscovery.GetServiceInput{Id: id})
	if err != nil {
		return nil, err
	}
	return out.Service.Arn, nil
}

func newListTagsForResource(p *cli.Program) *cobra.Command {
	var resource string
	cmd := &cobra.Command{
		Use:   "list-tags-for-resource",
		Short: "List the tags of a namespace or service",
		Example: `  cairn list-tags-for-resource example.internal/web
  cairn list-tags-for-resource --resource-arn arn:aws:servicediscovery:us-east-1:123456789012:namespace/ns-1`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
		arn, err := c.arnOf(ctx, resource)
		if err != nil {
			return err
		}
		return c.printTags(ctx, arn)
	}, resourceArg(cmd))
	requireResource(cmd, &resource)
	return cmd
}

func (c *client) printTags(ctx context.Context, arn *string) error {
	out, err := c.api.ListTagsForResource(ctx, &servicediscovery.ListTagsForResourceInput{ResourceARN: arn})
	if err != nil {
		return err
	}
	var rows [][]string
	for _, t := range out.Tags {
		rows = append(rows, []string{aws.ToString(t.Key), aws.ToString(t.Value)})
	}
	return c.PrintAnswer(out, []string{"KEY", "VALUE"}, rows)
}

func newTagResource(p *cli.Program) *cobra.Command {
	var resource, text string
	cmd := &cobra.Command{
		Use:     "tag-resource --tags K=V,...",
		Short:   "Set tags of a namespace or service",
		Example: `  cairn tag-resource example.internal/web --tags team=shop,stage=prod`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
		tags, err := parseTags(text)
		if err != nil {
			return err
		}
		arn, err := c.arnOf(ctx, resource)
		if err != nil {
			return err
		}
		if _, err := c.api.TagResource(ctx, &servicediscovery.TagResourceInput{ResourceARN: arn, Tags: tags}); err != nil {
			return err
		}
		return c.printTags(ctx, arn)
	}, resourceArg(cmd))
	requireResource(cmd, &resource)
	cmd.Flags().StringVar(&text, "tags", "", "tags as `K=V,...` or as a JSON object")
	cli.Require(cmd, "tags")
	return cmd
}

func newUntagResource(p *cli.Program) *cobra.Command {
	var resource, keys string
	cmd := &cobra.Command{
		Use:     "untag-resource --tag-keys KEY,...",
		Short:   "Delete tags of a namespace or service",
		Example: `  cairn untag-resource example.internal/web --tag-keys stage`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
		arn, err := c.arnOf(ctx, resource)
		if err != nil {
			return err
		}
		_, err = c.api.UntagResource(ctx, &servicediscovery.UntagResourceInput{ResourceARN: arn, TagKeys: cli.SplitList(keys)})
		if err != nil {
			return err
		}
		return c.printTags(ctx, arn)
	}, resourceArg(cmd))
	requireResource(cmd, &resource)
	cmd.Flags().StringVar(&keys, "tag-keys", "", "`KEYS` of tags, with commas between them")
	cli.Require(cmd, "tag-keys")
	return cmd
}
