package cloudmap

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// tagDNSSEC is the tag of a namespace that turns signing on; see docs/dnssec.md.
const tagDNSSEC = "cairn.dnssec"

func newGetDNSSEC(p *cli.Program) *cobra.Command {
	var namespace namespaceRef
	cmd := &cobra.Command{
		Use:   "get-dnssec",
		Short: "Show the keys of a signed namespace, and the DS record for its parent",
		Long: `Shows the keys that a namespace is signed with, each as the DS record that its
parent zone needs and as a DNSKEY record that a validator can take for a trust
anchor. They are also in the answer of GetNamespace, in
Properties.DnsProperties.DNSSEC.`,
		Example: `  cairn get-dnssec example.com
  cairn get-dnssec example.com --output json`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
		id, err := namespace.resolve(ctx, c)
		if err != nil {
			return err
		}
		return c.showDNSSEC(ctx, id)
	}, namespace.arg())
	namespace.requireIn(cmd)
	return cmd
}

func newEnableDNSSEC(p *cli.Program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "enable-dnssec",
		Short: "Sign the zone of a public namespace",
		Long: `Creates a key for a public DNS namespace and signs its zone from then on, for
clients that ask for signatures. Add the DS record that is shown to the parent
zone; without it, resolvers do not check the signatures. The node needs a seal
key (auth.seal_key_file) to encrypt the private key.

It sets the tag cairn.dnssec of the namespace to "enabled", which any AWS client
can do as well.`,
		Example: `  cairn enable-dnssec example.com`,
	}
	switchDNSSEC(p, cmd, func(ctx context.Context, c *client, arn *string) error { return c.tagDNSSEC(ctx, arn, "enabled") })
	return cmd
}

func newRollDNSSEC(p *cli.Program) *cobra.Command {
	var finish, force bool
	var resolver string
	cmd := &cobra.Command{
		Use:   "roll-dnssec [--finish]",
		Short: "Replace the key of a signed namespace",
		Long: `Publishes a new key beside the old one. It signs after four hours. Then replace
the DS record in the parent zone by that of the new key, wait until the old DS
record's TTL is over, and end the roll with --finish, which deletes the old key.
That is refused in the first 78 hours, while resolvers may have signatures of the
old key in their caches, and while the parent zone has DS records but none of the
new key.`,
		Example: `  cairn roll-dnssec example.com
  cairn roll-dnssec example.com --finish`,
	}
	switchDNSSEC(p, cmd, func(ctx context.Context, c *client, arn *string) error {
		switch {
		case !finish:
			return c.tagDNSSEC(ctx, arn, "rolling")
		case !force:
			if err := c.checkRoll(ctx, arn, resolver); err != nil {
				return err
			}
		}
		return c.tagDNSSEC(ctx, arn, "enabled")
	})
	cmd.Flags().BoolVar(&finish, "finish", false, "delete the old key")
	cmd.Flags().BoolVar(&force, "force", false, "with --finish: do not look at the DS records of the parent zone")
	cmd.Flags().StringVar(&resolver, "resolver", "", "with --finish: `ADDR` of the resolver to ask for DS records, as IP or IP:PORT (default that of this machine)")
	return cmd
}

func newDisableDNSSEC(p *cli.Program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "disable-dnssec",
		Short: "Stop signing the zone of a namespace, and delete its keys",
		Long: `Stops signing at once and deletes the keys. First remove the DS record from the
parent zone and wait until its TTL is over: while resolvers have it, they take
answers without signatures for forged.`,
		Example: `  cairn disable-dnssec example.com`,
	}
	switchDNSSEC(p, cmd, func(ctx context.Context, c *client, arn *string) error {
		_, err := c.api.UntagResource(ctx, &servicediscovery.UntagResourceInput{ResourceARN: arn, TagKeys: []string{tagDNSSEC}})
		return err
	})
	return cmd
}

// switchDNSSEC gives cmd a body that changes a namespace and prints its status
// afterwards.
func switchDNSSEC(p *cli.Program, cmd *cobra.Command, do func(ctx context.Context, c *client, arn *string) error) {
	var namespace namespaceRef
	command(p, cmd, func(ctx context.Context, c *client) error {
		id, err := namespace.resolve(ctx, c)
		if err != nil {
			return err
		}
		out, err := c.api.GetNamespace(ctx, &servicediscovery.GetNamespaceInput{Id: id})
		if err != nil {
			return err
		}
		if err := do(ctx, c, out.Namespace.Arn); err != nil {
			return err
		}
		return c.showDNSSEC(ctx, id)
	}, namespace.arg())
	namespace.requireIn(cmd)
}

func (c *client) tagDNSSEC(ctx context.Context, arn *string, value string) error {
	key := tagDNSSEC
	_, err := c.api.TagResource(ctx, &servicediscovery.TagResourceInput{
		ResourceARN: arn, Tags: []types.Tag{{Key: &key, Value: &value}},
	})
	return err
}

// dnssecStatus has the members of GetNamespace's answer that AWS does not have.
type dnssecStatus struct {
	Namespace struct {
		ID         string `json:"Id"`
		Name       string
		Properties struct {
			DNSProperties struct {
				DNSSEC *struct {
					ServeSignature string
					KeySigningKeys []signingKey
				}
			} `json:"DnsProperties"`
		}
	}
}

type signingKey struct {
	Status, DSRecord, DNSKEYRecord string
	KeyTag                         int
	CreatedDate                    float64 // seconds since 1970
}

func (k signingKey) created() string {
	return time.UnixMilli(int64(k.CreatedDate * 1000)).UTC().Format(time.RFC3339)
}

// checkRoll returns an error if the old key of a namespace must not be deleted yet.
func (c *client) checkRoll(ctx context.Context, arn *string, resolver string) error {
	status, err := c.dnssecStatus(ctx, arn)
	if err != nil {
		return err
	}
	ns := &status.Namespace
	if d := ns.Properties.DNSProperties.DNSSEC; d != nil && len(d.KeySigningKeys) > 1 {
		return checkParentDS(ctx, resolver, ns.Name, &d.KeySigningKeys[len(d.KeySigningKeys)-1])
	}
	return nil // no key would be deleted
}

func (c *client) dnssecStatus(ctx context.Context, id *string) (*dnssecStatus, error) {
	var raw bytes.Buffer
	_, err := c.api.GetNamespace(ctx, &servicediscovery.GetNamespaceInput{Id: id}, func(o *servicediscovery.Options) {
		o.APIOptions = append(o.APIOptions, copyBody(&raw))
	})
	if err != nil {
		return nil, err
	}
	status := new(dnssecStatus)
	if err := json.Unmarshal(raw.Bytes(), status); err != nil {
		return nil, fmt.Errorf("the node's answer cannot be read: %w", err)
	}
	return status, nil
}

func (c *client) showDNSSEC(ctx context.Context, id *string) error {
	status, err := c.dnssecStatus(ctx, id)
	if err != nil {
		return err
	}
	ns := &status.Namespace
	fields := []cli.Field{cli.Text("NamespaceId", ns.ID), cli.Text("Name", ns.Name)}
	d := ns.Properties.DNSProperties.DNSSEC
	if d == nil {
		return c.PrintFields(append(fields, cli.Text("ServeSignature", "NOT_SIGNING"))...)
	}
	fields = append(fields, cli.Text("ServeSignature", d.ServeSignature), cli.Value("KeySigningKeys", d.KeySigningKeys))
	if c.JSON() {
		return c.PrintFields(fields...)
	}
	for _, k := range d.KeySigningKeys {
		fields = append(fields,
			cli.Text("Key", fmt.Sprintf("%d %s, created %s", k.KeyTag, k.Status, k.created())),
			cli.Text("DS", ns.Name+". IN DS "+k.DSRecord),
			cli.Text("DNSKEY", ns.Name+". IN DNSKEY "+k.DNSKEYRecord))
	}
	return c.PrintFields(fields...)
}

// copyBody copies the body of an answer before the SDK reads it: the SDK ignores
// members that AWS does not have.
func copyBody(to *bytes.Buffer) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("CopyBody",
			func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
				middleware.DeserializeOutput, middleware.Metadata, error,
			) {
				out, metadata, err := next.HandleDeserialize(ctx, in)
				if resp, ok := out.RawResponse.(*smithyhttp.Response); ok && err == nil {
					to.Reset() // it may have the body of an earlier attempt
					resp.Body = struct {
						io.Reader
						io.Closer
					}{io.TeeReader(resp.Body, to), resp.Body}
				}
				return out, metadata, err
			}), middleware.After)
	}
}
