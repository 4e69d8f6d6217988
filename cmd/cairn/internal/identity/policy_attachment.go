package identity

import (
	"cmp"
	"context"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// attached are the policies of a user, group or role.
type attached struct {
	Managed  []string `json:",omitempty"`
	Inline   []inline `json:",omitempty"`
	Boundary string   `json:",omitempty"`
}

type inline struct {
	Name string
	Text document
}

// names returns the names of the policies, for a table.
func (a attached) names() string {
	names := a.Managed
	for _, in := range a.Inline {
		names = append(names, in.Name+" (inline)")
	}
	return strings.Join(names, ",")
}

// fields returns the lines of a table for one principal.
func (a attached) fields() []cli.Field {
	return []cli.Field{cli.Text("Policies", cmp.Or(a.names(), "none")), cli.Text("Boundary", a.Boundary)}
}

// principalCmd makes the commands that users, groups and roles have in common.
// Its value is the kind: user, group or role.
type principalCmd string

const (
	userCmd      principalCmd = "user"
	userGroupCmd principalCmd = "group"
	roleCmd      principalCmd = "role"
)

// example returns the example of a command in help.
func (k principalCmd) example(args string) string {
	return "  cairn " + string(k) + " " + args + " --account 123456789012"
}

// edit sends a change of parts.
func (k principalCmd) edit(ctx context.Context, c *client, name string, change editRequest) error {
	change.Account, change.Kind, change.Name = c.account, string(k), name
	return c.call(ctx, "edit", change)
}

func (k principalCmd) delete(g *group) *cobra.Command {
	return g.accountLeaf(&cobra.Command{
		Use: "delete", Short: "Delete a " + string(k), Example: k.example("delete web"),
	}, names("NAME"), func(ctx context.Context, c *client, args []string) error {
		return c.call(ctx, "delete-"+string(k), nameRequest{c.account, args[0]})
	})
}

func (k principalCmd) attachPolicy(g *group) *cobra.Command {
	return g.accountLeaf(&cobra.Command{
		Use: "attach-policy", Short: "Attach a policy, by name or ARN", Example: k.example("attach-policy web AWSCloudMapReadOnlyAccess"),
	}, names("NAME", "POLICY"), func(ctx context.Context, c *client, args []string) error {
		return k.edit(ctx, c, args[0], editRequest{Attach: args[1:]})
	})
}

func (k principalCmd) detachPolicy(g *group) *cobra.Command {
	return g.accountLeaf(&cobra.Command{
		Use: "detach-policy", Short: "Detach a policy", Example: k.example("detach-policy web AWSCloudMapReadOnlyAccess"),
	}, names("NAME", "POLICY"), func(ctx context.Context, c *client, args []string) error {
		return k.edit(ctx, c, args[0], editRequest{Detach: args[1:]})
	})
}

func (k principalCmd) putPolicy(g *group) *cobra.Command {
	var text string
	cmd := g.accountLeaf(&cobra.Command{
		Use: "put-policy", Short: "Add or replace an inline policy", Example: k.example("put-policy web own --document own.json"),
	}, names("NAME", "POLICY"), func(ctx context.Context, c *client, args []string) error {
		text, err := c.readDocument("--document", text)
		if err != nil {
			return err
		}
		return k.edit(ctx, c, args[0], editRequest{Inline: []inlineRequest{{args[1], text}}})
	})
	cmd.Flags().StringVar(&text, "document", "", documentUsage)
	cli.Require(cmd, "document")
	return cmd
}

func (k principalCmd) deletePolicy(g *group) *cobra.Command {
	return g.accountLeaf(&cobra.Command{
		Use: "delete-policy", Short: "Delete an inline policy", Example: k.example("delete-policy web own"),
	}, names("NAME", "POLICY"), func(ctx context.Context, c *client, args []string) error {
		return k.edit(ctx, c, args[0], editRequest{Drop: args[1:]})
	})
}

func (k principalCmd) setBoundary(g *group) *cobra.Command {
	return g.accountLeaf(&cobra.Command{
		Use: "set-boundary", Short: "Set the permissions boundary, or none with \"\"", Example: k.example("set-boundary web AWSCloudMapReadOnlyAccess"),
	}, names("NAME", "POLICY"), func(ctx context.Context, c *client, args []string) error {
		return k.edit(ctx, c, args[0], editRequest{Boundary: &args[1]})
	})
}

func (k principalCmd) tag(g *group) *cobra.Command {
	var set, unset string
	cmd := g.accountLeaf(&cobra.Command{
		Use: "tag", Short: "Set and delete tags, which policies see as aws:PrincipalTag", Example: k.example("tag web --set team=shop --unset stage"),
	}, names("NAME"), func(ctx context.Context, c *client, args []string) error {
		tags, err := cli.ParseMap("--set", set)
		if err != nil {
			return err
		}
		return k.edit(ctx, c, args[0], editRequest{Tag: tags, Untag: cli.SplitList(unset)})
	})
	cmd.Flags().StringVar(&set, "set", "", "tags as `K=V,...` or as a JSON object")
	cmd.Flags().StringVar(&unset, "unset", "", "`KEYS` of tags, with commas between them")
	cmd.MarkFlagsOneRequired("set", "unset")
	return cmd
}

const attachUsage = "`POLICIES` by name or ARN, with commas between them"

// createOptions are the flags of the commands that create a user or role.
type createOptions struct{ attach, boundary, tags string }

func (o *createOptions) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&o.attach, "attach", "", attachUsage)
	flags.StringVar(&o.boundary, "boundary", "", "`POLICY` that limits what the others can allow")
	flags.StringVar(&o.tags, "tags", "", "tags as `K=V,...` or as a JSON object")
}

// request returns the request that creates a principal with these options.
func (o *createOptions) request(c *client, name string) (putPrincipalRequest, error) {
	tags, err := cli.ParseMap("--tags", o.tags)
	return putPrincipalRequest{
		Account: c.account, Name: name, New: true, Managed: cli.SplitList(o.attach), Boundary: o.boundary, Tags: tags,
	}, err
}
