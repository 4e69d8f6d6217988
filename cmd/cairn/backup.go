package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/internal/atomicfile"
	"github.com/cairn-discovery/cairn/node"
)

func newBackup(p *program) *cobra.Command {
	var admin adminFlags
	var force bool
	cmd := &cobra.Command{
		Use:     "backup FILE [flags]",
		GroupID: groupNode,
		Short:   "Copy the registry of a running node into a file",
		Long: `Asks a running node, on its admin listener, for a consistent copy of the
registry and writes it to FILE. The node goes on serving; writes that come
later are not in the copy. FILE is complete, verified and durable when the
command succeeds, and not there at all when it fails.`,
		Example: `  cairn backup registry.backup
  cairn backup --force --admin http://127.0.0.1:8055 /var/backups/cairn.backup`,
		Args: cobra.ExactArgs(1),
		RunE: body(func(cmd *cobra.Command, args []string) error {
			node, err := p.admin(admin)
			if err != nil {
				return err
			}
			defer node.close()
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return p.backup(ctx, node, args[0], force)
		}),
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolVar(&force, "force", false, "replace FILE if it is there")
	admin.addTo(cmd.Flags())
	return cmd
}

func (p *program) backup(ctx context.Context, admin *adminClient, path string, force bool) error {
	var revision, records uint64
	err := atomicfile.Write(path, force, func(f *os.File) error {
		if err := admin.get(ctx, "/backup", f); err != nil {
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
	_, err = fmt.Fprintf(p.stdout, "%s: %d records at revision %d\n", path, records, revision)
	return err
}
