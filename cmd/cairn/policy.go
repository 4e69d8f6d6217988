package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

type policy struct {
	Account string `json:",omitempty"`
	Name    string
	ARN     string
	Text    document
	File    bool
	AWS     bool
}

func newPolicy(p *program) *cobra.Command {
	return noun(p, &cobra.Command{
		Use:   "policy COMMAND",
		Short: "Create, show and try out policies",
		Long: `Creates, shows and changes policies that can be attached by name, and says what
the policies of somebody come to. A policy that holds an unknown element, or an
operator, action or condition key that is misspelt, is refused when it is stored.`,
		Example: `  cairn policy create shop-only --document shop-only.json --account 123456789012
  cairn policy simulate --principal user/web --action DiscoverInstances --account 123456789012`,
	}, createPolicy, updatePolicy, listPolicies, showPolicy, deletePolicy, simulatePolicy)
}

func putPolicy(use, short string, isNew bool) func(*program, *identityFlags) *cobra.Command {
	return func(p *program, f *identityFlags) *cobra.Command {
		var text string
		cmd := inAccount(p, f, &cobra.Command{
			Use: use + " NAME", Short: short,
			Example: "  cairn policy " + use + " shop-only --document shop-only.json --account 123456789012",
		}, func(ctx context.Context, c *identities, args []string) error {
			text, err := readDocument("--document", text)
			if err != nil {
				return err
			}
			return c.call(ctx, "put-policy", object{"Account": c.account, "Name": args[0], "Text": text, "New": isNew}, nil)
		})
		cmd.Flags().StringVar(&text, "document", "", documentUsage)
		require(cmd, "document")
		return cmd
	}
}

func createPolicy(p *program, f *identityFlags) *cobra.Command {
	return putPolicy("create", "Create a policy", true)(p, f)
}

func updatePolicy(p *program, f *identityFlags) *cobra.Command {
	return putPolicy("update", "Replace a policy, for all it is attached to", false)(p, f)
}

func listPolicies(p *program, f *identityFlags) *cobra.Command {
	var aws bool
	cmd := verb(p, f, &cobra.Command{
		Use: "list", Short: "List policies of an account, or with --aws the managed ones of AWS",
		Example: "  cairn policy list --account 123456789012\n  cairn policy list --aws",
	}, func(ctx context.Context, c *identities, _ []string) error {
		operation := "list-policies"
		if aws {
			operation = "list-managed-policies"
		} else if c.account == "" {
			return usagef("--account is required, or CAIRN_ACCOUNT, or --aws")
		}
		in := object{"Account": c.account}
		all, err := listed[policy](ctx, c, operation, in)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, p := range all {
			rows = append(rows, []string{p.Name, p.from(), p.ARN})
		}
		return c.list("Policies", all, []string{"NAME", "FROM", "ARN"}, rows)
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

func showPolicy(p *program, f *identityFlags) *cobra.Command {
	return verb(p, f, &cobra.Command{
		Use: "show NAME", Short: "Show a policy of an account or of AWS, by name or ARN",
		Example: "  cairn policy show AWSCloudMapReadOnlyAccess\n  cairn policy show shop-only --account 123456789012",
	}, func(ctx context.Context, c *identities, args []string) error {
		is := func(p *policy) bool { return p.Name == args[0] || p.ARN == args[0] }
		found, err := one(ctx, c, "list-managed-policies", "policy "+args[0], is)
		if err != nil && c.account != "" {
			found, err = one(ctx, c, "list-policies", "policy "+args[0], is)
		}
		if err != nil {
			return err
		}
		if err := c.show(found, field{"Name", found.Name}, field{"ARN", found.ARN}, field{"From", found.from()}); err != nil || c.output == "json" {
			return err
		}
		var text bytes.Buffer
		if err := json.Indent(&text, []byte(found.Text), "", "  "); err != nil {
			return err
		}
		_, err = fmt.Fprintln(c.p.stdout, text.String())
		return err
	})
}

func deletePolicy(p *program, f *identityFlags) *cobra.Command {
	return inAccount(p, f, &cobra.Command{
		Use: "delete NAME", Short: "Delete a policy that is attached to nobody",
		Example: "  cairn policy delete shop-only --account 123456789012",
	}, func(ctx context.Context, c *identities, args []string) error {
		return c.call(ctx, "delete-policy", object{"Account": c.account, "Name": args[0]}, nil)
	})
}

type simulation struct {
	principal, action, tags, session string
	resources, context               []string
}

func simulatePolicy(p *program, f *identityFlags) *cobra.Command {
	var o simulation
	cmd := verb(p, f, &cobra.Command{
		Use:   "simulate",
		Short: "Say whether somebody may do something, and why",
		Long: `Evaluates the policies of a user or role as a call would, and says which
statement allows or denies, or that none allows. Tags of resources, and keys
such as servicediscovery:NamespaceArn, are taken from the registry where the
resource is there.`,
		Example: `  cairn policy simulate --principal arn:aws:iam::123456789012:user/web --action DiscoverInstances
  cairn policy simulate --principal user/web --action RegisterInstance --account 123456789012 \
    --resource arn:aws:servicediscovery:us-east-1:123456789012:service/srv-1 --context aws:SourceIp=10.0.0.1`,
	}, func(ctx context.Context, c *identities, _ []string) error { return c.simulate(ctx, &o) })
	flags := cmd.Flags()
	flags.StringVar(&o.principal, "principal", "", "`ARN` of a user or role, or user/NAME or role/NAME")
	flags.StringVar(&o.action, "action", "", "`NAME` such as DiscoverInstances, servicediscovery:* or sts:AssumeRole spelt out")
	flags.StringArrayVar(&o.resources, "resource", nil, "`ARN` of a resource; may be repeated (default \"*\")")
	flags.StringArrayVar(&o.context, "context", nil, "`KEY=VALUE` of a condition key; may be repeated, also for further values of one key")
	flags.StringVar(&o.tags, "resource-tags", "", "tags of the resources as `K=V,...` or as a JSON object")
	flags.StringVar(&o.session, "session-policy", "", "policy of a session of the role, as a `FILE`, as JSON, or - for standard input")
	require(cmd, "principal", "action")
	return cmd
}

func (c *identities) simulate(ctx context.Context, o *simulation) error {
	in := object{"Principal": o.principal, "Action": o.action, "Resources": o.resources}
	if !strings.HasPrefix(o.principal, "arn:") {
		if c.account == "" {
			return usagef("--principal: %q must be an ARN, or needs --account", o.principal)
		}
		in["Principal"] = "arn:aws:iam::" + c.account + ":" + o.principal
	}
	if !strings.Contains(o.action, ":") {
		in["Action"] = "servicediscovery:" + o.action
	}
	values := map[string][]string{}
	for _, pair := range o.context {
		k, v, ok := strings.Cut(pair, "=")
		if !ok {
			return usagef("--context: %q must be KEY=VALUE", pair)
		}
		values[k] = append(values[k], v)
	}
	in["Context"] = values
	var err error
	if in["ResourceTags"], err = parseMap("--resource-tags", o.tags); err != nil {
		return err
	}
	if o.session != "" {
		if in["SessionPolicy"], err = readDocument("--session-policy", o.session); err != nil {
			return err
		}
	}
	var answer struct {
		Allowed                             bool
		Reason, Policy, Statement, Resource string
	}
	if err := c.call(ctx, "simulate", in, &answer); err != nil {
		return err
	}
	return c.show(answer, field{"Allowed", strconv.FormatBool(answer.Allowed)}, field{"Reason", answer.Reason},
		field{"Policy", answer.Policy}, field{"Statement", answer.Statement}, field{"Resource", answer.Resource})
}
