package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

type policy struct {
	Account string `json:",omitempty"`
	Name    string
	ARN     string
	Text    document
	File    bool
	AWS     bool
}

func newPolicy(p *cli.Program) *cobra.Command {
	return newGroupCmd(p, &cobra.Command{
		Use:   "policy COMMAND",
		Short: "Create, show and simulate policies",
		Long: `Creates, shows and changes policies that can be attached by name, and evaluates
the policies of a user or role. A policy with an unknown element, operator,
action or condition key is refused when it is stored.`,
		Example: `  cairn policy create shop-only --document shop-only.json --account 123456789012
  cairn policy simulate --principal user/web --action DiscoverInstances --account 123456789012`,
	}, createPolicy, updatePolicy, listPolicies, showPolicy, deletePolicy, simulatePolicy)
}

func putPolicy(use, short string, isNew bool) func(*group) *cobra.Command {
	return func(g *group) *cobra.Command {
		var text string
		cmd := g.accountLeaf(&cobra.Command{
			Use: use, Short: short,
			Example: "  cairn policy " + use + " shop-only --document shop-only.json --account 123456789012",
		}, names("NAME"), func(ctx context.Context, c *client, args []string) error {
			text, err := c.readDocument("--document", text)
			if err != nil {
				return err
			}
			return c.call(ctx, "put-policy", putPolicyRequest{c.account, args[0], text, isNew})
		})
		cmd.Flags().StringVar(&text, "document", "", documentUsage)
		cli.Require(cmd, "document")
		return cmd
	}
}

func createPolicy(g *group) *cobra.Command {
	return putPolicy("create", "Create a policy", true)(g)
}

func updatePolicy(g *group) *cobra.Command {
	return putPolicy("update", "Replace a policy, for all it is attached to", false)(g)
}

func listPolicies(g *group) *cobra.Command {
	var aws bool
	cmd := g.leaf(&cobra.Command{
		Use: "list", Short: "List policies of an account, or with --aws the managed ones of AWS",
		Example: "  cairn policy list --account 123456789012\n  cairn policy list --aws",
	}, nil, func(ctx context.Context, c *client, _ []string) error {
		operation, request := "list-policies", any(accountRequest{Account: c.account})
		if aws {
			operation, request = "list-managed-policies", struct{}{}
		} else if c.account == "" {
			return cli.Usagef("--account is required, or CAIRN_ACCOUNT, or --aws")
		}
		all, err := list[policy](ctx, c, operation, request)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, p := range all {
			rows = append(rows, []string{p.Name, p.from(), p.ARN})
		}
		return c.PrintList("Policies", all, []string{"NAME", "FROM", "ARN"}, rows)
	})
	cmd.Flags().BoolVar(&aws, "aws", false, "list the managed policies of AWS")
	return cmd
}

func (p *policy) from() string {
	if p.AWS {
		return "aws"
	}
	return source(p.File)
}

func showPolicy(g *group) *cobra.Command {
	return g.leaf(&cobra.Command{
		Use: "show", Short: "Show a policy of an account or of AWS, by name or ARN",
		Example: "  cairn policy show AWSCloudMapReadOnlyAccess\n  cairn policy show shop-only --account 123456789012",
	}, names("NAME"), func(ctx context.Context, c *client, args []string) error {
		is := func(p *policy) bool { return p.Name == args[0] || p.ARN == args[0] }
		found, err := find(ctx, c, "list-managed-policies", "policy "+args[0], is)
		if err != nil && c.account != "" {
			found, err = find(ctx, c, "list-policies", "policy "+args[0], is)
		}
		if err != nil {
			return err
		}
		if err := c.PrintThing(found, cli.Text("Name", found.Name), cli.Text("ARN", found.ARN), cli.Text("From", found.from())); err != nil || c.JSON() {
			return err
		}
		var text bytes.Buffer
		if err := json.Indent(&text, []byte(found.Text), "", "  "); err != nil {
			return err
		}
		return c.PrintText(text.String())
	})
}

func deletePolicy(g *group) *cobra.Command {
	return g.accountLeaf(&cobra.Command{
		Use: "delete", Short: "Delete a policy that is not attached",
		Example: "  cairn policy delete shop-only --account 123456789012",
	}, names("NAME"), func(ctx context.Context, c *client, args []string) error {
		return c.call(ctx, "delete-policy", nameRequest{c.account, args[0]})
	})
}

// simulateOptions are the flags of simulate.
type simulateOptions struct {
	principal, action, tags, session string
	resources, context               []string
}

func simulatePolicy(g *group) *cobra.Command {
	var o simulateOptions
	cmd := g.leaf(&cobra.Command{
		Use:   "simulate",
		Short: "Evaluate the policies of a user or role for one action",
		Long: `Evaluates the policies of a user or role as for a call, and names the statement
that allows or denies it, or says that none allows it. Tags of resources, and
keys such as servicediscovery:NamespaceArn, are those of the registry if the
resource exists.`,
		Example: `  cairn policy simulate --principal arn:aws:iam::123456789012:user/web --action DiscoverInstances
  cairn policy simulate --principal user/web --action RegisterInstance --account 123456789012 \
    --resource arn:aws:servicediscovery:us-east-1:123456789012:service/srv-1 --context aws:SourceIp=10.0.0.1`,
	}, nil, func(ctx context.Context, c *client, _ []string) error { return c.simulate(ctx, &o) })
	flags := cmd.Flags()
	flags.StringVar(&o.principal, "principal", "", "`ARN` of a user or role, or user/NAME or role/NAME")
	flags.StringVar(&o.action, "action", "", "`NAME` such as DiscoverInstances or sts:AssumeRole (default service servicediscovery)")
	flags.StringArrayVar(&o.resources, "resource", nil, "`ARN` of a resource; may be repeated (default \"*\")")
	flags.StringArrayVar(&o.context, "context", nil, "`KEY=VALUE` of a condition key; may be repeated, also for more values of one key")
	flags.StringVar(&o.tags, "resource-tags", "", "tags of the resources as `K=V,...` or as a JSON object")
	flags.StringVar(&o.session, "session-policy", "", "policy of a session of the role, as a `FILE`, as JSON, or - for standard input")
	cli.Require(cmd, "principal", "action")
	return cmd
}

func (c *client) simulate(ctx context.Context, o *simulateOptions) error {
	in, err := o.request(c)
	if err != nil {
		return err
	}
	answer, err := ask[simulateAnswer](ctx, c, "simulate", in)
	if err != nil {
		return err
	}
	return c.PrintThing(answer, cli.Text("Allowed", strconv.FormatBool(answer.Allowed)), cli.Text("Reason", answer.Reason),
		cli.Text("Policy", answer.Policy), cli.Text("Statement", answer.Statement), cli.Text("Resource", answer.Resource))
}

// simulateAnswer is the decision for a simulateRequest.
type simulateAnswer struct {
	Allowed                             bool
	Reason, Policy, Statement, Resource string
}

// request returns the request for these options. A principal without an ARN is in
// the account of c, and an action without a service is one of Cloud Map.
func (o *simulateOptions) request(c *client) (in simulateRequest, err error) {
	in = simulateRequest{Principal: o.principal, Action: o.action, Resources: o.resources}
	if !strings.HasPrefix(o.principal, "arn:") {
		if c.account == "" {
			return in, cli.Usagef("--principal: %q must be an ARN, or needs --account", o.principal)
		}
		in.Principal = "arn:aws:iam::" + c.account + ":" + o.principal
	}
	if !strings.Contains(o.action, ":") {
		in.Action = "servicediscovery:" + o.action
	}
	in.Context = map[string][]string{}
	for _, pair := range o.context {
		k, v, ok := strings.Cut(pair, "=")
		if !ok {
			return in, cli.Usagef("--context: %q must be KEY=VALUE", pair)
		}
		in.Context[k] = append(in.Context[k], v)
	}
	if in.ResourceTags, err = cli.ParseMap("--resource-tags", o.tags); err != nil {
		return in, err
	}
	if o.session != "" {
		in.SessionPolicy, err = c.readDocument("--session-policy", o.session)
	}
	return in, err
}
