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

// namespaceOptions are the flags of create-namespace.
type namespaceOptions struct {
	name, kind, vpc  string
	description, tag string
	requestID        string
	soaTTL           int64
}

// namespaceType maps the names of AWS's operations, which are other names of
// create-namespace and update-namespace, to the type that they are for.
var namespaceType = map[string]types.NamespaceType{
	"create-http-namespace":        types.NamespaceTypeHttp,
	"create-public-dns-namespace":  types.NamespaceTypeDnsPublic,
	"create-private-dns-namespace": types.NamespaceTypeDnsPrivate,
	"update-http-namespace":        types.NamespaceTypeHttp,
	"update-public-dns-namespace":  types.NamespaceTypeDnsPublic,
	"update-private-dns-namespace": types.NamespaceTypeDnsPrivate,
}

func newCreateNamespace(p *cli.Program) *cobra.Command {
	var o namespaceOptions
	cmd := &cobra.Command{
		Use:     "create-namespace --type DNS_PRIVATE|DNS_PUBLIC|HTTP [--vpc V]",
		Aliases: []string{"create-http-namespace", "create-public-dns-namespace", "create-private-dns-namespace"},
		Short:   "Create a namespace",
		Long: `Creates a namespace, the domain that services live in. Instances in an HTTP
namespace are found by API calls only, those in a DNS namespace also by DNS.

The command can also be called by the names of AWS's operations, such as
create-http-namespace, which include the type.`,
		Example: `  cairn create-namespace example.internal --type DNS_PRIVATE --vpc vpc-12345678
  cairn create-namespace example.com --type DNS_PUBLIC --description "the shop"
  cairn create-http-namespace jobs --output json`,
	}
	operationCommand(p, cmd, func(ctx context.Context, c *client) error {
		if kind := namespaceType[cmd.CalledAs()]; kind != "" {
			o.kind = string(kind)
		}
		return createNamespace(ctx, c, o)
	}, cli.FlagArg(cmd, "NAME", "name"))
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "`NAME` of the namespace")
	f.StringVar(&o.kind, "type", "", "`DNS_PRIVATE|DNS_PUBLIC|HTTP`")
	f.StringVar(&o.vpc, "vpc", "", "`ID` of the VPC that sees a DNS_PRIVATE namespace")
	f.Int64Var(&o.soaTTL, "soa-ttl", 0, soaTTLUsage)
	f.StringVar(&o.description, "description", "", "`TEXT` about the namespace")
	f.StringVar(&o.tag, "tags", "", "tags as `K=V,...` or as a JSON object")
	f.StringVar(&o.requestID, "creator-request-id", "", requestIDUsage)
	cli.Require(cmd, "name")
	cli.RequireValue(cmd, "--type", func() bool { return o.kind != "" || namespaceType[cmd.CalledAs()] != "" })
	return cmd
}

const soaTTLUsage = "`SECONDS` for which resolvers cache that a name does not exist (DNS namespaces)"

func createNamespace(ctx context.Context, c *client, o namespaceOptions) error {
	tags, err := parseTags(o.tag)
	if err != nil {
		return err
	}
	id, err := c.startNamespace(ctx, o, tags)
	if err != nil {
		return err
	}
	if !c.wait {
		return c.finish(ctx, id)
	}
	op, err := c.ended(ctx, id)
	if err != nil {
		return err
	}
	namespace := op.Targets[string(types.OperationTargetTypeNamespace)]
	out, err := c.api.GetNamespace(ctx, &servicediscovery.GetNamespaceInput{Id: &namespace})
	if err != nil {
		return err
	}
	return c.PrintFields(
		cli.Text("NamespaceId", namespace),
		cli.Text("Name", aws.ToString(out.Namespace.Name)),
		cli.Text("Type", string(out.Namespace.Type)),
		cli.Text("Arn", aws.ToString(out.Namespace.Arn)),
		cli.Text("OperationId", aws.ToString(id)),
		cli.Text("Status", string(op.Status)),
		cli.Value("Namespace", out.Namespace),
	)
}

// startNamespace calls the operation of AWS that creates a namespace of this type.
func (c *client) startNamespace(ctx context.Context, o namespaceOptions, tags []types.Tag) (*string, error) {
	name, description, requestID := &o.name, optional(o.description), optional(o.requestID)
	kind := types.NamespaceType(strings.ToUpper(o.kind))
	if o.vpc != "" && kind != types.NamespaceTypeDnsPrivate {
		return nil, cli.Usagef("--vpc is for --type DNS_PRIVATE only")
	}
	if o.soaTTL != 0 && kind == types.NamespaceTypeHttp {
		return nil, cli.Usagef("--soa-ttl is for DNS namespaces only")
	}
	switch kind {
	case types.NamespaceTypeHttp:
		out, err := c.api.CreateHttpNamespace(ctx, &servicediscovery.CreateHttpNamespaceInput{
			Name: name, Description: description, CreatorRequestId: requestID, Tags: tags,
		})
		if err != nil {
			return nil, err
		}
		return out.OperationId, nil
	case types.NamespaceTypeDnsPublic:
		out, err := c.api.CreatePublicDnsNamespace(ctx, &servicediscovery.CreatePublicDnsNamespaceInput{
			Name: name, Description: description, CreatorRequestId: requestID, Tags: tags,
			Properties: publicProperties(o.soaTTL),
		})
		if err != nil {
			return nil, err
		}
		return out.OperationId, nil
	case types.NamespaceTypeDnsPrivate:
		if o.vpc == "" {
			return nil, cli.Usagef("--vpc is required with --type DNS_PRIVATE")
		}
		out, err := c.api.CreatePrivateDnsNamespace(ctx, &servicediscovery.CreatePrivateDnsNamespaceInput{
			Name: name, Description: description, CreatorRequestId: requestID, Tags: tags, Vpc: &o.vpc,
			Properties: privateProperties(o.soaTTL),
		})
		if err != nil {
			return nil, err
		}
		return out.OperationId, nil
	default:
		return nil, cli.Usagef("--type: %q must be DNS_PRIVATE, DNS_PUBLIC or HTTP", o.kind)
	}
}

func publicProperties(soaTTL int64) *types.PublicDnsNamespaceProperties {
	if soaTTL == 0 {
		return nil
	}
	return &types.PublicDnsNamespaceProperties{
		DnsProperties: &types.PublicDnsPropertiesMutable{SOA: &types.SOA{TTL: &soaTTL}},
	}
}

func privateProperties(soaTTL int64) *types.PrivateDnsNamespaceProperties {
	if soaTTL == 0 {
		return nil
	}
	return &types.PrivateDnsNamespaceProperties{
		DnsProperties: &types.PrivateDnsPropertiesMutable{SOA: &types.SOA{TTL: &soaTTL}},
	}
}

// optional returns nil for an empty text: AWS distinguishes an empty member from
// one that is not given.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
