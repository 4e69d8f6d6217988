package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"

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
command succeeds. When it fails, there is no FILE.

If FILE is -, the copy is written to standard output. Then only the exit code
shows whether the output is complete.`,
		Example: `  cairn backup registry.backup
  cairn backup --force --admin http://127.0.0.1:8055 /var/backups/cairn.backup
  cairn backup - | gzip > registry.backup.gz`,
		RunE: cli.Interruptible(func(ctx context.Context, args []string) error {
			client, err := p.Admin(admin)
			if err != nil {
				return err
			}
			defer client.Close()
			if args[0] == "-" {
				return backupToOutput(ctx, p, client)
			}
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
		if err := receive(ctx, p, admin, f); err != nil {
			return err
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		defer p.Progress(func() string { return "verifying the backup" })()
		var err error
		revision, records, err = node.VerifyBackup(bufio.NewReader(f))
		return err
	})
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s exists already; --force replaces it", path)
	case err != nil:
		return fmt.Errorf("backup: %w", err)
	}
	_, err = fmt.Fprintf(p.Stdout, "%s: %d records at revision %d\n", path, records, revision)
	return err
}

// backupToOutput writes a backup to standard output and verifies it meanwhile.
func backupToOutput(ctx context.Context, p *cli.Program, admin *cli.AdminClient) error {
	if cli.IsTerminal(p.Stdout) {
		return cli.Usagef("standard output is a terminal: redirect it to a file or another program")
	}
	type result struct {
		revision, records uint64
		err               error
	}
	verified := make(chan result)
	r, w := io.Pipe()
	go func() {
		var got result
		got.revision, got.records, got.err = node.VerifyBackup(bufio.NewReader(r))
		_, _ = io.Copy(io.Discard, r) // what follows a flaw, so that the writer does not wait
		verified <- got
	}()
	err := receive(ctx, p, admin, io.MultiWriter(p.Stdout, w))
	w.CloseWithError(err) // nil means the end
	got := <-verified
	if err == nil {
		err = got.err
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	_, err = fmt.Fprintf(p.Stderr, "standard output: %d records at revision %d\n", got.records, got.revision)
	return err
}

// receive copies a backup from the node to w and shows progress.
func receive(ctx context.Context, p *cli.Program, admin *cli.AdminClient, w io.Writer) error {
	counted := &countingWriter{w: w}
	defer p.Progress(func() string { return fmt.Sprintf("receiving the backup: %s", megabytes(counted.n.Load())) })()
	return admin.Get(ctx, "/backup", counted)
}

// countingWriter counts the bytes that are written to w.
type countingWriter struct {
	w io.Writer
	n atomic.Int64
}

func (c *countingWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n.Add(int64(n))
	return n, err
}

// countingReader counts the bytes that are read from r.
type countingReader struct {
	r io.Reader
	n atomic.Int64
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// megabytes formats a number of bytes for progress.
func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
