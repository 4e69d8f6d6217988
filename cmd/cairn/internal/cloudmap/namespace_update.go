package cloudmap

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// namespaceChange are the flags of update-namespace; nil means no change.
type namespaceChange struct {
	description *string
	soaTTL      *int64
	requestID   *string
}

func newUpdateNamespace(p *cli.Program) *cobra.Command {
	var namespace namespaceRef
	var description, requestID string
	var soaTTL int64
	cmd := &cobra.Command{
		Use:     "update-namespace [--description TEXT] [--soa-ttl SECONDS]",
		Aliases: []string{"update-http-namespace", "update-public-dns-namespace", "update-private-dns-namespace"},
		Short:   "Change the description or the SOA TTL of a namespace",
		Long: `Changes the description or the SOA TTL of a namespace. What is not given stays.

The command can also be called by the names of AWS's operations, such as
update-http-namespace.`,
		Example: `  cairn update-namespace example.internal --description "the shop" --soa-ttl 30`,
	}
	operationCommand(p, cmd, func(ctx context.Context, c *client) error {
		change := namespaceChange{requestID: optional(requestID)}
		if cmd.Flags().Changed("description") {
			change.description = &description
		}
		if cmd.Flags().Changed("soa-ttl") {
			change.soaTTL = &soaTTL
		}
		id, err := namespace.resolve(ctx, c)
		if err != nil {
			return err
		}
		return updateNamespace(ctx, c, id, namespaceType[cmd.CalledAs()], change)
	}, namespace.arg())
	namespace.requireIn(cmd)
	f := cmd.Flags()
	f.StringVar(&description, "description", "", "new `TEXT` about the namespace")
	f.Int64Var(&soaTTL, "soa-ttl", 0, soaTTLUsage)
	f.StringVar(&requestID, "updater-request-id", "", requestIDUsage)
	cli.RequireValue(cmd, "--description or --soa-ttl", func() bool { return f.Changed("description") || f.Changed("soa-ttl") })
	return cmd
}

// updateNamespace updates a namespace and waits for it. Without a kind it asks the
// node for the type of the namespace.
func updateNamespace(ctx context.Context, c *client, id *string, kind types.NamespaceType, change namespaceChange) error {
	if kind == "" {
		out, err := c.api.GetNamespace(ctx, &servicediscovery.GetNamespaceInput{Id: id})
		if err != nil {
			return err
		}
		kind = out.Namespace.Type
	}
	operation, err := c.startUpdate(ctx, id, kind, change)
	if err != nil {
		return err
	}
	return c.finish(ctx, operation, cli.Text("NamespaceId", aws.ToString(id)))
}

// startUpdate calls the operation of AWS that updates a namespace of this type.
func (c *client) startUpdate(ctx context.Context, id *string, kind types.NamespaceType, change namespaceChange) (*string, error) {
	switch kind {
	case types.NamespaceTypeHttp:
		if change.soaTTL != nil {
			return nil, cli.Usagef("--soa-ttl is for DNS namespaces only")
		}
		out, err := c.api.UpdateHttpNamespace(ctx, &servicediscovery.UpdateHttpNamespaceInput{
			Id: id, UpdaterRequestId: change.requestID, Namespace: &types.HttpNamespaceChange{Description: change.description},
		})
		if err != nil {
			return nil, err
		}
		return out.OperationId, nil
	case types.NamespaceTypeDnsPublic:
		in := &types.PublicDnsNamespaceChange{Description: change.description}
		if change.soaTTL != nil {
			in.Properties = &types.PublicDnsNamespacePropertiesChange{
				DnsProperties: &types.PublicDnsPropertiesMutableChange{SOA: &types.SOAChange{TTL: change.soaTTL}},
			}
		}
		out, err := c.api.UpdatePublicDnsNamespace(ctx, &servicediscovery.UpdatePublicDnsNamespaceInput{
			Id: id, UpdaterRequestId: change.requestID, Namespace: in,
		})
		if err != nil {
			return nil, err
		}
		return out.OperationId, nil
	default:
		in := &types.PrivateDnsNamespaceChange{Description: change.description}
		if change.soaTTL != nil {
			in.Properties = &types.PrivateDnsNamespacePropertiesChange{
				DnsProperties: &types.PrivateDnsPropertiesMutableChange{SOA: &types.SOAChange{TTL: change.soaTTL}},
			}
		}
		out, err := c.api.UpdatePrivateDnsNamespace(ctx, &servicediscovery.UpdatePrivateDnsNamespaceInput{
			Id: id, UpdaterRequestId: change.requestID, Namespace: in,
		})
		if err != nil {
			return nil, err
		}
		return out.OperationId, nil
	}
}
