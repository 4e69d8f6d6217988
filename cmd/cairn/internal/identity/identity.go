// Package identity has the commands about accounts, users, access keys, groups,
// roles, policies, shares and authorities of meshes. They use the admin listener of a node.
package identity

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// Commands returns the commands of this package.
func Commands(p *cli.Program) cli.Group {
	return cli.Group{Title: "Accounts and permissions:", Commands: []*cobra.Command{
		newAccount(p), newUser(p), newKey(p), newGroup(p), newRole(p), newPolicy(p), newShare(p), newAuthority(p),
	}}
}

// group is a command that has others, such as "cairn user", with the flags that
// they share.
type group struct {
	*cli.Program
	admin   cli.AdminFlags
	account string
	output  cli.Output
}

// newGroupCmd makes cmd a command that has the commands of leaves.
func newGroupCmd(p *cli.Program, cmd *cobra.Command, leaves ...func(*group) *cobra.Command) *cobra.Command {
	g := &group{Program: p}
	cmd.Args = cli.NoCommand
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return p.MissingCommand(cmd) }
	flags := cmd.PersistentFlags()
	flags.SortFlags = false
	flags.StringVar(&g.account, "account", "", "twelve-digit `ID` of the account (default $CAIRN_ACCOUNT)")
	g.output.AddTo(flags)
	g.admin.AddTo(flags)
	for _, leaf := range leaves {
		sub := leaf(g)
		sub.Flags().SortFlags = false
		cmd.AddCommand(sub)
	}
	return cmd
}

// leaf gives cmd positional arguments of the given names, and a body that calls
// run with a client and the arguments.
func (g *group) leaf(cmd *cobra.Command, names []string, run func(context.Context, *client, []string) error) *cobra.Command {
	cli.Positional(cmd, names...)
	cmd.RunE = cli.Interruptible(func(ctx context.Context, args []string) error {
		printer, err := g.Printer(g.output)
		if err != nil {
			return err
		}
		admin, err := g.Admin(g.admin)
		if err != nil {
			return err
		}
		defer admin.Close()
		return run(ctx, &client{printer, g.Stdin, admin, cmp.Or(g.account, g.Getenv("CAIRN_ACCOUNT"))}, args)
	})
	return cmd
}

// accountLeaf is leaf for commands about one account.
func (g *group) accountLeaf(cmd *cobra.Command, names []string, run func(context.Context, *client, []string) error) *cobra.Command {
	return g.leaf(cmd, names, func(ctx context.Context, c *client, args []string) error {
		if c.account == "" {
			return cli.Usagef("--account is required, or CAIRN_ACCOUNT")
		}
		return run(ctx, c, args)
	})
}

// names lists the positional arguments of a command; nil means none.
func names(names ...string) []string { return names }

// client sends the requests of one command and prints the answers.
type client struct {
	*cli.Printer
	stdin   io.Reader
	admin   *cli.AdminClient
	account string // may be empty
}

// call sends one request and ignores the answer.
func (c *client) call(ctx context.Context, operation string, in any) error {
	return c.admin.Call(ctx, "/identity/"+operation, in, nil)
}

// ask sends one request and returns the answer.
func ask[T any](ctx context.Context, c *client, operation string, in any) (T, error) {
	var answer T
	err := c.admin.Call(ctx, "/identity/"+operation, in, &answer)
	return answer, err
}

// list sends a request whose answer is a list.
func list[T any](ctx context.Context, c *client, operation string, in any) ([]T, error) {
	answer, err := ask[struct{ Items []T }](ctx, c, operation, in)
	return answer.Items, err
}

// listInAccount is list for all that the account has.
func listInAccount[T any](ctx context.Context, c *client, operation string) ([]T, error) {
	return list[T](ctx, c, operation, accountRequest{Account: c.account})
}

// find lists what the account has and returns the item that is accepted by is.
func find[T any](ctx context.Context, c *client, operation, what string, is func(*T) bool) (*T, error) {
	all, err := listInAccount[T](ctx, c, operation)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if is(&all[i]) {
			return &all[i], nil
		}
	}
	return nil, fmt.Errorf("%s does not exist", what)
}

// document is the text of a policy. In requests and answers it is a string;
// printed as JSON it is the policy itself.
type document string

// MarshalJSON returns the policy.
func (d document) MarshalJSON() ([]byte, error) {
	if json.Valid([]byte(d)) {
		return []byte(d), nil
	}
	return json.Marshal(string(d))
}

// maxDocument bounds the size of a policy in bytes. A node accepts much smaller
// ones only.
const maxDocument = 1 << 20

const documentUsage = "the policy, as a `FILE`, as JSON, or - for standard input"

// readDocument returns a policy: from a file, from standard input for "-", or
// the value of the flag itself.
func (c *client) readDocument(flag, value string) (string, error) {
	if cli.IsJSON(value) {
		return value, nil
	}
	in := c.stdin
	if value != "-" {
		f, err := os.Open(value)
		if err != nil {
			return "", fmt.Errorf("%s: %w", flag, err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxDocument))
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	return string(text), nil
}

// source returns where something is kept.
func source(file bool) string {
	if file {
		return "file"
	}
	return "store"
}
