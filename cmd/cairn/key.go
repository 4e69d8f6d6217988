package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/internal/atomicfile"
	"github.com/cairn-discovery/cairn/internal/seal"
)

type key struct {
	ID, Account, User string
	Active            bool
	Created           time.Time `json:",omitzero"`
	File              bool
}

func newKey(p *program) *cobra.Command {
	return noun(p, &cobra.Command{
		Use:   "key COMMAND",
		Short: "Create, disable and rotate access keys",
		Long: `Creates, shows and changes the access keys of users that are kept in the store.
A secret is shown once, when its key is created; the store has it sealed under the
key of auth.seal_key_file, or CAIRN_SEAL_KEY. A key that is disabled or deleted is
refused from that moment on, on every node.`,
		Example: `  cairn key generate-seal-key --file seal.key
  cairn key create --user web --account 123456789012
  cairn key disable AKIAIOSFODNN7EXAMPLE --account 123456789012`,
	}, createKey, listKeys, switchKey("enable", "Let a key be used again", true), switchKey("disable", "Refuse a key from now on", false),
		rotateKey, deleteKey, generateSealKey)
}

// newSecret is an access key as it is shown once.
type newSecret struct{ ID, Secret, User string }

// print shows it: in JSON by the names that AWS's create-access-key has, or as
// what a shell needs to use it.
func (s *newSecret) print(c *identities, export bool) error {
	if export {
		_, err := fmt.Fprintf(c.p.stdout, "export AWS_ACCESS_KEY_ID=%s\nexport AWS_SECRET_ACCESS_KEY=%s\nunset AWS_SESSION_TOKEN\n", s.ID, s.Secret)
		return err
	}
	return c.show(object{"AccessKeyId": s.ID, "SecretAccessKey": s.Secret, "UserName": s.User},
		field{"UserName", s.User}, field{"AccessKeyId", s.ID}, field{"SecretAccessKey", s.Secret})
}

func createKey(p *program, f *identityFlags) *cobra.Command {
	var user string
	var export bool
	cmd := inAccount(p, f, &cobra.Command{
		Use: "create", Short: "Create an access key and show its secret, this once",
		Example: "  cairn key create --user web --account 123456789012",
	}, func(ctx context.Context, c *identities, _ []string) error {
		var made newSecret
		if err := c.call(ctx, "create-key", object{"Account": c.account, "User": user}, &made); err != nil {
			return err
		}
		return made.print(c, export)
	})
	cmd.Flags().StringVar(&user, "user", "", "`NAME` of the user")
	cmd.Flags().BoolVar(&export, "export", false, exportUsage)
	require(cmd, "user")
	return cmd
}

func listKeys(p *program, f *identityFlags) *cobra.Command {
	var user string
	cmd := inAccount(p, f, &cobra.Command{
		Use: "list", Short: "List access keys, without their secrets",
		Example: "  cairn key list --account 123456789012\n  cairn key list --user web --account 123456789012",
	}, func(ctx context.Context, c *identities, _ []string) error {
		all, err := listed[key](ctx, c, "list-keys", object{"Account": c.account, "User": user})
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
		return c.list("Keys", all, []string{"ID", "USER", "STATE", "FROM", "CREATED"}, rows)
	})
	cmd.Flags().StringVar(&user, "user", "", "only those of the user of this `NAME`")
	return cmd
}

func switchKey(use, short string, active bool) func(*program, *identityFlags) *cobra.Command {
	return func(p *program, f *identityFlags) *cobra.Command {
		return inAccount(p, f, &cobra.Command{
			Use: use + " ID", Short: short, Example: "  cairn key " + use + " AKIAIOSFODNN7EXAMPLE --account 123456789012",
		}, func(ctx context.Context, c *identities, args []string) error {
			return c.call(ctx, "update-key", object{"Account": c.account, "ID": args[0], "Active": active}, nil)
		})
	}
}

const exportUsage = "print commands for a shell that is to use the key"

func rotateKey(p *program, f *identityFlags) *cobra.Command {
	var export bool
	cmd := inAccount(p, f, &cobra.Command{
		Use:   "rotate ID",
		Short: "Create a second key for the user of one",
		Long: `Creates a second key for the user whose key is named, and shows its secret, this
once. The old key stays good. When everything uses the new one, disable the old,
and delete it when nobody has missed it. A user can have two keys.`,
		Example: "  cairn key rotate AKIAIOSFODNN7EXAMPLE --account 123456789012",
	}, func(ctx context.Context, c *identities, args []string) error {
		var made newSecret
		if err := c.call(ctx, "rotate-key", object{"Account": c.account, "ID": args[0]}, &made); err != nil {
			return err
		}
		return made.print(c, export)
	})
	cmd.Flags().BoolVar(&export, "export", false, exportUsage)
	return cmd
}

func deleteKey(p *program, f *identityFlags) *cobra.Command {
	return inAccount(p, f, &cobra.Command{
		Use: "delete ID", Short: "Delete an access key", Example: "  cairn key delete AKIAIOSFODNN7EXAMPLE --account 123456789012",
	}, func(ctx context.Context, c *identities, args []string) error {
		return c.call(ctx, "delete-key", object{"Account": c.account, "ID": args[0]}, nil)
	})
}

func generateSealKey(p *program, _ *identityFlags) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "generate-seal-key",
		Short: "Make a key for auth.seal_key_file",
		Long: `Makes a key that secrets and session tokens are sealed with, and prints it or
writes it to a new file that only its owner can read. It asks no node. Every node
needs the same key; whoever has it and the store has all secrets in the store.`,
		Example: "  cairn key generate-seal-key --file /etc/cairn/seal.key",
		Args:    cobra.NoArgs,
		RunE: body(func(*cobra.Command, []string) error {
			if file == "" {
				_, err := fmt.Fprintln(p.stdout, seal.NewKey())
				return err
			}
			err := atomicfile.Write(file, false, func(f *os.File) error {
				_, err := f.WriteString(seal.NewKey() + "\n")
				return err
			})
			if errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("%s is there already; what was sealed with it could not be opened with another", file)
			}
			return err
		}),
	}
	cmd.Flags().StringVar(&file, "file", "", "write it to a new `FILE`")
	return cmd
}
