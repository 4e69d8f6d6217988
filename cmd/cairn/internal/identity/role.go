package identity

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

type role struct {
	Account, Name, ARN string
	Trust              document
	MaxSession         int64
	attached
	Tags map[string]string `json:",omitempty"`
	File bool
}

func newRole(p *cli.Program) *cobra.Command {
	return newGroupCmd(p, &cobra.Command{
		Use:   "role COMMAND",
		Short: "Create, show and change roles",
		Long: `Creates, shows and changes roles. Users, other roles and holders of OIDC tokens
assume a role for a limited time through STS (AssumeRole,
AssumeRoleWithWebIdentity), if its trust policy allows it.`,
		Example: `  cairn role create deployer --account 123456789012 --trust-policy trust.json --attach AWSCloudMapFullAccess
  aws sts assume-role --role-arn arn:aws:iam::123456789012:role/deployer --role-session-name me`,
	}, createRole, listRoles, showRole, updateRole,
		roleCmd.attachPolicy, roleCmd.detachPolicy, roleCmd.putPolicy, roleCmd.deletePolicy, roleCmd.setBoundary, roleCmd.tag, roleCmd.delete)
}

const (
	trustUsage      = "who may assume it, as a `FILE`, as JSON, or - for standard input"
	maxSessionUsage = "longest session, `1h to 12h`"
)

func createRole(g *group) *cobra.Command {
	var o createOptions
	var trust string
	var maxSession time.Duration
	cmd := g.accountLeaf(&cobra.Command{
		Use: "create", Short: "Create a role",
		Example: "  cairn role create deployer --account 123456789012 --trust-policy trust.json --attach AWSCloudMapFullAccess",
	}, names("NAME"), func(ctx context.Context, c *client, args []string) error {
		in, err := o.request(c, args[0])
		if err != nil {
			return err
		}
		if in.Trust, err = c.readDocument("--trust-policy", trust); err != nil {
			return err
		}
		in.MaxSession = int64(maxSession.Seconds())
		if err := c.call(ctx, "put-role", in); err != nil {
			return err
		}
		return c.showRole(ctx, args[0])
	})
	cmd.Flags().StringVar(&trust, "trust-policy", "", trustUsage)
	cmd.Flags().DurationVar(&maxSession, "max-session", time.Hour, maxSessionUsage)
	o.addTo(cmd.Flags())
	cli.Require(cmd, "trust-policy")
	return cmd
}

func updateRole(g *group) *cobra.Command {
	var trust string
	var maxSession time.Duration
	cmd := g.accountLeaf(&cobra.Command{
		Use: "update", Short: "Change a role's trust policy or longest session",
		Example: "  cairn role update deployer --trust-policy trust.json --max-session 2h --account 123456789012",
	}, names("NAME"), func(ctx context.Context, c *client, args []string) error {
		var change editRequest
		if trust != "" {
			text, err := c.readDocument("--trust-policy", trust)
			if err != nil {
				return err
			}
			change.Trust = &text
		}
		if maxSession != 0 {
			seconds := int64(maxSession.Seconds())
			change.MaxSession = &seconds
		}
		return roleCmd.edit(ctx, c, args[0], change)
	})
	cmd.Flags().StringVar(&trust, "trust-policy", "", trustUsage)
	cmd.Flags().DurationVar(&maxSession, "max-session", 0, maxSessionUsage)
	cmd.MarkFlagsOneRequired("trust-policy", "max-session")
	return cmd
}

func listRoles(g *group) *cobra.Command {
	return g.accountLeaf(&cobra.Command{
		Use: "list", Short: "List roles", Example: "  cairn role list --account 123456789012",
	}, nil, func(ctx context.Context, c *client, _ []string) error {
		all, err := listInAccount[role](ctx, c, "list-roles")
		if err != nil {
			return err
		}
		var rows [][]string
		for _, r := range all {
			rows = append(rows, []string{r.Name, source(r.File), r.session(), r.names(), cli.Pairs(r.Tags)})
		}
		return c.PrintList("Roles", all, []string{"NAME", "FROM", "SESSION", "POLICIES", "TAGS"}, rows)
	})
}

// session returns the longest duration of a session.
func (r *role) session() string {
	if r.MaxSession == 0 {
		return time.Hour.String()
	}
	return (time.Duration(r.MaxSession) * time.Second).String()
}

func showRole(g *group) *cobra.Command {
	return g.accountLeaf(&cobra.Command{
		Use: "show", Short: "Show a role", Example: "  cairn role show deployer --account 123456789012",
	}, names("NAME"), func(ctx context.Context, c *client, args []string) error { return c.showRole(ctx, args[0]) })
}

func (c *client) showRole(ctx context.Context, name string) error {
	r, err := find(ctx, c, "list-roles", "role "+name, func(r *role) bool { return r.Name == name })
	if err != nil {
		return err
	}
	fields := []cli.Field{
		cli.Text("Name", r.Name), cli.Text("ARN", r.ARN), cli.Text("From", source(r.File)), cli.Text("Trust", string(r.Trust)), cli.Text("Session", r.session()),
	}
	return c.PrintThing(r, append(append(fields, r.fields()...), cli.Text("Tags", cli.Pairs(r.Tags)))...)
}
