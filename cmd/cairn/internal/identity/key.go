package identity

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/internal/atomicfile"
	"github.com/cairn-discovery/cairn/internal/seal"
)

type key struct {
	ID, Account, User string
	Active            bool
	Created           time.Time `json:",omitzero"`
	File              bool
}

func newKey(p *cli.Program) *cobra.Command {
	return newGroupCmd(p, &cobra.Command{
		Use:   "key COMMAND",
		Short: "Create, disable and rotate access keys",
		Long: `Creates, shows and changes the access keys of users in the store. A secret is
shown once, when its key is created; the store has it encrypted with the key of
auth.seal_key_file, or CAIRN_SEAL_KEY. A key that is disabled or deleted is
refused from that moment on, on every node.`,
		Example: `  cairn key generate-seal-key --file seal.key
  cairn key create --user web --account 123456789012
  cairn key disable AKIAIOSFODNN7EXAMPLE --account 123456789012`,
	}, createKey, listKeys, switchKey("enable", "Accept a disabled key again", true), switchKey("disable", "Refuse a key from now on", false),
		rotateKey, deleteKey, generateSealKey)
}

// createdKey is a new access key. Its secret is in no later answer.
type createdKey struct{ ID, Secret, User string }

// print prints the key: in JSON with the names of AWS's CreateAccessKey, or with
// export as commands for a shell.
func (s *createdKey) print(c *client, export bool) error {
	if export {
		return c.PrintText("export AWS_ACCESS_KEY_ID=" + s.ID + "\nexport AWS_SECRET_ACCESS_KEY=" + s.Secret + "\nunset AWS_SESSION_TOKEN")
	}
	answer := struct{ AccessKeyId, SecretAccessKey, UserName string }{s.ID, s.Secret, s.User}
	return c.PrintThing(answer,
		cli.Text("UserName", s.User), cli.Text("AccessKeyId", s.ID), cli.Text("SecretAccessKey", s.Secret))
}

func createKey(g *group) *cobra.Command {
	var user string
	var export bool
	cmd := g.accountLeaf(&cobra.Command{
		Use: "create", Short: "Create an access key and show its secret, which is not shown again",
		Example: "  cairn key create --user web --account 123456789012",
	}, nil, func(ctx context.Context, c *client, _ []string) error {
		created, err := ask[createdKey](ctx, c, "create-key", accountRequest{c.account, user})
		if err != nil {
			return err
		}
		return created.print(c, export)
	})
	cmd.Flags().StringVar(&user, "user", "", "`NAME` of the user")
	cmd.Flags().BoolVar(&export, "export", false, exportUsage)
	cli.Require(cmd, "user")
	return cmd
}

func listKeys(g *group) *cobra.Command {
	var user string
	cmd := g.accountLeaf(&cobra.Command{
		Use: "list", Short: "List access keys, without their secrets",
		Example: "  cairn key list --account 123456789012\n  cairn key list --user web --account 123456789012",
	}, nil, func(ctx context.Context, c *client, _ []string) error {
		all, err := list[key](ctx, c, "list-keys", accountRequest{c.account, user})
		if err != nil {
			return err
		}
		var rows [][]string
		for _, k := range all {
			state, created := "inactive", ""
			if k.Active {
				state = "active"
			}
			if !k.Created.IsZero() {
				created = k.Created.Format(time.RFC3339)
			}
			rows = append(rows, []string{k.ID, k.User, state, source(k.File), created})
		}
		return c.PrintList("Keys", all, []string{"ID", "USER", "STATE", "FROM", "CREATED"}, rows)
	})
	cmd.Flags().StringVar(&user, "user", "", "only those of the user of this `NAME`")
	return cmd
}

func switchKey(use, short string, active bool) func(*group) *cobra.Command {
	return func(g *group) *cobra.Command {
		return g.accountLeaf(&cobra.Command{
			Use: use, Short: short, Example: "  cairn key " + use + " AKIAIOSFODNN7EXAMPLE --account 123456789012",
		}, names("ID"), func(ctx context.Context, c *client, args []string) error {
			return c.call(ctx, "update-key", keyRequest{c.account, args[0], active})
		})
	}
}

const exportUsage = "print commands that set the key in a shell"

func rotateKey(g *group) *cobra.Command {
	var export bool
	cmd := g.accountLeaf(&cobra.Command{
		Use:   "rotate",
		Short: "Create a second key for the user of a key",
		Long: `Creates a second key for the user of the key ID, and shows its secret, which is
not shown again. The old key stays valid. When all programs use the new key,
disable the old one, and delete it later. A user can have two keys.`,
		Example: "  cairn key rotate AKIAIOSFODNN7EXAMPLE --account 123456789012",
	}, names("ID"), func(ctx context.Context, c *client, args []string) error {
		created, err := ask[createdKey](ctx, c, "rotate-key", keyRequest{Account: c.account, ID: args[0]})
		if err != nil {
			return err
		}
		return created.print(c, export)
	})
	cmd.Flags().BoolVar(&export, "export", false, exportUsage)
	return cmd
}

func deleteKey(g *group) *cobra.Command {
	return g.accountLeaf(&cobra.Command{
		Use: "delete", Short: "Delete an access key", Example: "  cairn key delete AKIAIOSFODNN7EXAMPLE --account 123456789012",
	}, names("ID"), func(ctx context.Context, c *client, args []string) error {
		return c.call(ctx, "delete-key", keyRequest{Account: c.account, ID: args[0]})
	})
}

func generateSealKey(g *group) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "generate-seal-key",
		Short: "Generate a key for auth.seal_key_file",
		Long: `Generates the key that encrypts secrets and session tokens, and prints it or
writes it to a new file that only its owner can read. No node is needed. Every
node needs the same key. The key and the store together give all secrets.`,
		Example: "  cairn key generate-seal-key --file /etc/cairn/seal.key",
		RunE: cli.Body(func(*cobra.Command, []string) error {
			if file == "" {
				_, err := fmt.Fprintln(g.Stdout, seal.NewKey())
				return err
			}
			err := atomicfile.Write(file, false, func(f *os.File) error {
				_, err := f.WriteString(seal.NewKey() + "\n")
				return err
			})
			if errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("%s exists already; what was sealed with it could not be opened with another key", file)
			}
			return err
		}),
	}
	cli.Arguments(cmd)
	cmd.Flags().StringVar(&file, "file", "", "write it to a new `FILE`")
	return cmd
}
