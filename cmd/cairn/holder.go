package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// attached are the policies that a user, group or role has.
type attached struct {
	Managed  []string `json:",omitempty"`
	Inline   []inline `json:",omitempty"`
	Boundary string   `json:",omitempty"`
}

type inline struct {
	Name string
	Text document
}

// names lists them for a table.
func (a attached) names() string {
	names := a.Managed
	for _, in := range a.Inline {
		names = append(names, in.Name+" (inline)")
	}
	return strings.Join(names, ",")
}

// holder is a kind of thing that policies are attached to.
type holder struct {
	kind string // user, group or role
	name string // what stands for its name in usages
}

func (h holder) delete(p *program, f *identityFlags) *cobra.Command {
	return inAccount(p, f, &cobra.Command{
		Use: "delete " + h.name, Short: "Delete a " + h.kind,
		Example: fmt.Sprintf("  cairn %s delete web --account 123456789012", h.kind),
	}, func(ctx context.Context, c *identities, args []string) error {
		return c.call(ctx, "delete-"+h.kind, object{"Account": c.account, "Name": args[0]}, nil)
	})
}

// edit sends a change of a part.
func (h holder) edit(ctx context.Context, c *identities, name string, change object) error {
	change["Account"], change["Kind"], change["Name"] = c.account, h.kind, name
	return c.call(ctx, "edit", change, nil)
}

func (h holder) attachPolicy(p *program, f *identityFlags) *cobra.Command {
	return inAccount(p, f, &cobra.Command{
		Use: "attach-policy " + h.name + " POLICY", Short: "Attach a policy, by name or ARN",
		Example: fmt.Sprintf("  cairn %s attach-policy web AWSCloudMapReadOnlyAccess --account 123456789012", h.kind),
	}, func(ctx context.Context, c *identities, args []string) error {
		return h.edit(ctx, c, args[0], object{"Attach": args[1:]})
	})
}

func (h holder) detachPolicy(p *program, f *identityFlags) *cobra.Command {
	return inAccount(p, f, &cobra.Command{
		Use: "detach-policy " + h.name + " POLICY", Short: "Detach a policy",
		Example: fmt.Sprintf("  cairn %s detach-policy web AWSCloudMapReadOnlyAccess --account 123456789012", h.kind),
	}, func(ctx context.Context, c *identities, args []string) error {
		return h.edit(ctx, c, args[0], object{"Detach": args[1:]})
	})
}

func (h holder) putPolicy(p *program, f *identityFlags) *cobra.Command {
	var text string
	cmd := inAccount(p, f, &cobra.Command{
		Use: "put-policy " + h.name + " POLICY", Short: "Give it a policy of its own (inline), or replace one",
		Example: fmt.Sprintf("  cairn %s put-policy web own --document own.json --account 123456789012", h.kind),
	}, func(ctx context.Context, c *identities, args []string) error {
		text, err := readDocument("--document", text)
		if err != nil {
			return err
		}
		return h.edit(ctx, c, args[0], object{"Inline": []object{{"Name": args[1], "Text": text}}})
	})
	cmd.Flags().StringVar(&text, "document", "", documentUsage)
	require(cmd, "document")
	return cmd
}

const documentUsage = "the policy, as a `FILE`, as JSON, or - for standard input"

func (h holder) deletePolicy(p *program, f *identityFlags) *cobra.Command {
	return inAccount(p, f, &cobra.Command{
		Use: "delete-policy " + h.name + " POLICY", Short: "Take a policy of its own (inline) away",
		Example: fmt.Sprintf("  cairn %s delete-policy web own --account 123456789012", h.kind),
	}, func(ctx context.Context, c *identities, args []string) error {
		return h.edit(ctx, c, args[0], object{"Drop": args[1:]})
	})
}

func (h holder) setBoundary(p *program, f *identityFlags) *cobra.Command {
	return inAccount(p, f, &cobra.Command{
		Use: "set-boundary " + h.name + " POLICY", Short: "Set the permissions boundary, or none with \"\"",
		Example: fmt.Sprintf("  cairn %s set-boundary web AWSCloudMapReadOnlyAccess --account 123456789012", h.kind),
	}, func(ctx context.Context, c *identities, args []string) error {
		return h.edit(ctx, c, args[0], object{"Boundary": args[1]})
	})
}

func (h holder) tag(p *program, f *identityFlags) *cobra.Command {
	var set, unset string
	cmd := inAccount(p, f, &cobra.Command{
		Use: "tag " + h.name, Short: "Set and take away tags, which policies see as aws:PrincipalTag",
		Example: fmt.Sprintf("  cairn %s tag web --set team=shop --unset stage --account 123456789012", h.kind),
	}, func(ctx context.Context, c *identities, args []string) error {
		tags, err := parseMap("--set", set)
		if err != nil {
			return err
		}
		return h.edit(ctx, c, args[0], object{"Tag": tags, "Untag": split(unset)})
	})
	cmd.Flags().StringVar(&set, "set", "", "tags as `K=V,...` or as a JSON object")
	cmd.Flags().StringVar(&unset, "unset", "", "`KEYS` of tags, with commas between them")
	cmd.MarkFlagsOneRequired("set", "unset")
	return cmd
}

// creation are the flags of what is created with policies.
type creation struct{ attach, boundary, tags string }

func (o *creation) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.attach, "attach", "", "`POLICIES` by name or ARN, with commas between them")
	cmd.Flags().StringVar(&o.boundary, "boundary", "", "`POLICY` that limits what the others can allow")
	cmd.Flags().StringVar(&o.tags, "tags", "", "tags as `K=V,...` or as a JSON object")
}

// request is what they come to, for a new thing.
func (o *creation) request(c *identities, name string) (object, error) {
	tags, err := parseMap("--tags", o.tags)
	if err != nil {
		return nil, err
	}
	return object{"Account": c.account, "Name": name, "New": true, "Managed": split(o.attach), "Boundary": o.boundary, "Tags": tags}, nil
}

// split reads a list with commas.
func split(list string) []string {
	var parts []string
	for part := range strings.SplitSeq(list, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// fields are the lines that all of them have in a table.
func (a attached) fields() []field {
	all := []field{{"Policies", cmp.Or(a.names(), "none")}}
	if a.Boundary != "" {
		all = append(all, field{"Boundary", a.Boundary})
	}
	return all
}

// show prints one thing whole; in a table without what it does not have.
func (c *identities) show(thing any, fields ...field) error {
	if c.output == "json" {
		return c.printJSON(thing)
	}
	return c.printFields(slices.DeleteFunc(fields, func(f field) bool { return f.value == "" }))
}
