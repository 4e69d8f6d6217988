package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/internal/atomicfile"
	"github.com/cairn-discovery/cairn/node"
)

func newBackup(p *cli.Program) *cobra.Command {
	var admin cli.AdminFlags
	var force bool
	cmd := &cobra.Command{
		Use:   "backup [flags]",
		Short: "Copy the registry of a running node into a file",
		Long: `Asks a running node, on its admin listener, for a consistent copy of the
registry and writes it to FILE. The node continues to serve; writes that come
later are not in the copy. FILE is complete, verified and durable when the
command succeeds. When it fails, there is no FILE.`,
		Example: `  cairn backup registry.backup
  cairn backup --force --admin http://127.0.0.1:8055 /var/backups/cairn.backup`,
		RunE: cli.Interruptible(func(ctx context.Context, args []string) error {
			client, err := p.Admin(admin)
			if err != nil {
				return err
			}
			defer client.Close()
			return backup(ctx, p, client, args[0], force)
		}),
	}
	cli.Positional(cmd, "FILE")
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolVar(&force, "force", false, "replace FILE if it exists")
	admin.AddTo(cmd.Flags())
	return cmd
}

func backup(ctx context.Context, p *cli.Program, admin *cli.AdminClient, path string, force bool) error {
	var revision, records uint64
	err := atomicfile.Write(path, force, func(f *os.File) error {
		if err := admin.Get(ctx, "/backup", f); err != nil {
			return err
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		var err error
		revision, records, err = node.VerifyBackup(bufio.NewReader(f))
		return err
	})
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s is there already; --force replaces it", path)
	case err != nil:
		return fmt.Errorf("backup: %w", err)
	}
	_, err = fmt.Fprintf(p.Stdout, "%s: %d records at revision %d\n", path, records, revision)
	return err
}
