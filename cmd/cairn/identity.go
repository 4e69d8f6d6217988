package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// identityFlags are the flags of every command about who there is.
type identityFlags struct {
	admin   adminFlags
	account string
	output  string
}

// identities is a connection for such a command. What it prints goes through
// its client, as with the commands that speak AWS's API.
type identities struct {
	*adminClient
	*client
	account string
}

// noun is a command that is a group of others, such as "cairn user".
func noun(p *program, cmd *cobra.Command, verbs ...func(*program, *identityFlags) *cobra.Command) *cobra.Command {
	f := new(identityFlags)
	cmd.GroupID = groupIdentity
	cmd.Args = noCommand
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return missingCommand(p, cmd) }
	flags := cmd.PersistentFlags()
	flags.SortFlags = false
	flags.StringVar(&f.account, "account", "", "twelve-digit `ID` of the account (default $CAIRN_ACCOUNT)")
	flags.StringVar(&f.output, "output", "table", "how to print the answer: `table|json`")
	f.admin.addTo(flags)
	for _, verb := range verbs {
		sub := verb(p, f)
		sub.Flags().SortFlags = false
		cmd.AddCommand(sub)
	}
	return cmd
}

// verb gives cmd a body that has a connection, and exactly as many arguments as
// its usage names.
func verb(p *program, f *identityFlags, cmd *cobra.Command, run func(context.Context, *identities, []string) error) *cobra.Command {
	names := 0
	for word := range strings.FieldsSeq(cmd.Use) {
		if word == strings.ToUpper(word) && !strings.HasPrefix(word, "[") {
			names++
		}
	}
	cmd.Args = cobra.ExactArgs(names)
	cmd.RunE = body(func(cmd *cobra.Command, args []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		if f.output != "table" && f.output != "json" {
			return usagef("--output: %q must be table or json", f.output)
		}
		node, err := p.admin(f.admin)
		if err != nil {
			return err
		}
		defer node.close()
		return run(ctx, &identities{node, &client{p: p, output: f.output}, cmp.Or(f.account, p.getenv("CAIRN_ACCOUNT"))}, args)
	})
	return cmd
}

// inAccount is verb for what is about one account.
func inAccount(p *program, f *identityFlags, cmd *cobra.Command, run func(context.Context, *identities, []string) error) *cobra.Command {
	return verb(p, f, cmd, func(ctx context.Context, c *identities, args []string) error {
		if c.account == "" {
			return usagef("--account is required, or CAIRN_ACCOUNT")
		}
		return run(ctx, c, args)
	})
}

// listed asks for a list.
func listed[T any](ctx context.Context, c *identities, operation string, in object) ([]T, error) {
	if in == nil {
		in = object{"Account": c.account}
	}
	var answer struct{ Items []T }
	err := c.call(ctx, operation, in, &answer)
	return answer.Items, err
}

// one asks for a list and picks what has a name.
func one[T any](ctx context.Context, c *identities, operation, what string, is func(*T) bool) (*T, error) {
	all, err := listed[T](ctx, c, operation, nil)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if is(&all[i]) {
			return &all[i], nil
		}
	}
	return nil, fmt.Errorf("%s is not there", what)
}

// object is a request.
type object map[string]any

// document is the text of a policy. On the wire it is a string; printed as JSON
// it is the policy itself.
type document string

// MarshalJSON prints the policy.
func (d document) MarshalJSON() ([]byte, error) {
	if json.Valid([]byte(d)) {
		return []byte(d), nil
	}
	return json.Marshal(string(d))
}

// maxDocument is far more than a policy may have.
const maxDocument = 1 << 20

// readDocument reads a policy: from a file, from standard input for "-", or
// from the flag itself.
func readDocument(flag, value string) (string, error) {
	if isJSON(value) {
		return value, nil
	}
	in := os.Stdin
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

// source says where a thing is kept.
func source(file bool) string {
	if file {
		return "file"
	}
	return "store"
}
