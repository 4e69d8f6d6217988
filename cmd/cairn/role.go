package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

type role struct {
	Account, Name, ARN string
	Trust              document
	MaxSession         int64
	attached
	Tags map[string]string `json:",omitempty"`
	File bool
}

func newRole(p *program) *cobra.Command {
	h := holder{"role", "NAME"}
	return noun(p, &cobra.Command{
		Use:   "role COMMAND",
		Short: "Create, show and change roles",
		Long: `Creates, shows and changes roles, which users, other roles and the holders of
OIDC tokens become for a while through STS (AssumeRole,
AssumeRoleWithWebIdentity). The trust policy says who may.`,
		Example: `  cairn role create deployer --account 123456789012 --trust-policy trust.json --attach AWSCloudMapFullAccess
  aws sts assume-role --role-arn arn:aws:iam::123456789012:role/deployer --role-session-name me`,
	}, createRole, listRoles, showRole, updateRole,
		h.attachPolicy, h.detachPolicy, h.putPolicy, h.deletePolicy, h.setBoundary, h.tag, h.delete)
}

const (
	trustUsage      = "who may assume it, as a `FILE`, as JSON, or - for standard input"
	maxSessionUsage = "longest session, `1h to 12h`"
)

func createRole(p *program, f *identityFlags) *cobra.Command {
	var o creation
	var trust string
	var maxSession time.Duration
	cmd := inAccount(p, f, &cobra.Command{
		Use: "create NAME", Short: "Create a role",
		Example: "  cairn role create deployer --account 123456789012 --trust-policy trust.json --attach AWSCloudMapFullAccess",
	}, func(ctx context.Context, c *identities, args []string) error {
		in, err := o.request(c, args[0])
		if err != nil {
			return err
		}
		if in["Trust"], err = readDocument("--trust-policy", trust); err != nil {
			return err
		}
		in["MaxSession"] = int64(maxSession.Seconds())
		if err := c.call(ctx, "put-role", in, nil); err != nil {
			return err
		}
		return c.showRole(ctx, args[0])
	})
	cmd.Flags().StringVar(&trust, "trust-policy", "", trustUsage)
	cmd.Flags().DurationVar(&maxSession, "max-session", time.Hour, maxSessionUsage)
	o.addTo(cmd)
	require(cmd, "trust-policy")
	return cmd
}

func updateRole(p *program, f *identityFlags) *cobra.Command {
	var trust string
	var maxSession time.Duration
	cmd := inAccount(p, f, &cobra.Command{
		Use: "update NAME", Short: "Change a role's trust policy or longest session",
		Example: "  cairn role update deployer --trust-policy trust.json --max-session 2h --account 123456789012",
	}, func(ctx context.Context, c *identities, args []string) error {
		change := object{}
		if trust != "" {
			text, err := readDocument("--trust-policy", trust)
			if err != nil {
				return err
			}
			change["Trust"] = text
		}
		if maxSession != 0 {
			change["MaxSession"] = int64(maxSession.Seconds())
		}
		return holder{kind: "role"}.edit(ctx, c, args[0], change)
	})
	cmd.Flags().StringVar(&trust, "trust-policy", "", trustUsage)
	cmd.Flags().DurationVar(&maxSession, "max-session", 0, maxSessionUsage)
	cmd.MarkFlagsOneRequired("trust-policy", "max-session")
	return cmd
}

func listRoles(p *program, f *identityFlags) *cobra.Command {
	return inAccount(p, f, &cobra.Command{
		Use: "list", Short: "List roles", Example: "  cairn role list --account 123456789012",
	}, func(ctx context.Context, c *identities, _ []string) error {
		all, err := listed[role](ctx, c, "list-roles", nil)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, r := range all {
			rows = append(rows, []string{r.Name, source(r.File), r.session(), r.names(), pairs(r.Tags)})
		}
		return c.list("Roles", all, []string{"NAME", "FROM", "SESSION", "POLICIES", "TAGS"}, rows)
	})
}

// session is how long one may last.
func (r *role) session() string {
	if r.MaxSession == 0 {
		return time.Hour.String()
	}
	return (time.Duration(r.MaxSession) * time.Second).String()
}

func showRole(p *program, f *identityFlags) *cobra.Command {
	return inAccount(p, f, &cobra.Command{
		Use: "show NAME", Short: "Show a role", Example: "  cairn role show deployer --account 123456789012",
	}, func(ctx context.Context, c *identities, args []string) error { return c.showRole(ctx, args[0]) })
}

func (c *identities) showRole(ctx context.Context, name string) error {
	r, err := one(ctx, c, "list-roles", "role "+name, func(r *role) bool { return r.Name == name })
	if err != nil {
		return err
	}
	fields := []field{{"Name", r.Name}, {"ARN", r.ARN}, {"From", source(r.File)}, {"Trust", string(r.Trust)}, {"Session", r.session()}}
	return c.show(r, append(append(fields, r.fields()...), field{"Tags", pairs(r.Tags)})...)
}
