package server

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/node"
)

func newRestore(p *cli.Program) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "restore --data-dir DIR",
		Short: "Create a data folder from a backup",
		Long: `Creates a data folder from a backup, for a node that is not running. A folder
that has files is refused: move it aside first. The whole backup is verified
before anything is created. If FILE is -, the backup is read from standard input.`,
		Example: `  cairn restore registry.backup --data-dir /var/lib/cairn
  gunzip < registry.backup.gz | cairn restore - --data-dir /var/lib/cairn
  cairn serve --data-dir /var/lib/cairn`,
		RunE: cli.Interruptible(func(ctx context.Context, args []string) error {
			dir := cmp.Or(dir, p.Getenv("CAIRN_DATA_DIR"))
			if dir == "" {
				return cli.Usagef("--data-dir is required")
			}
			if args[0] == "-" {
				return restoreFromInput(ctx, p, dir)
			}
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			return restore(ctx, p, f, dir)
		}),
	}
	cli.Positional(cmd, "FILE")
	cmd.Flags().StringVar(&dir, "data-dir", "", "data folder `DIR` to create (default $CAIRN_DATA_DIR)")
	return cmd
}

// restoreFromInput copies standard input to a temporary file, because a backup is
// read twice.
func restoreFromInput(ctx context.Context, p *cli.Program, dir string) error {
	f, err := os.CreateTemp("", "cairn-restore-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := io.Copy(f, &interruptedReader{ctx, p.Stdin}); err != nil {
		return fmt.Errorf("restore: read standard input: %w", err)
	}
	return restore(ctx, p, f, dir)
}

// restore verifies a backup and then creates the data folder from it.
func restore(ctx context.Context, p *cli.Program, f *os.File, dir string) error {
	read := func(what string, do func(io.Reader) error) error {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		counted := &countingReader{r: &interruptedReader{ctx, f}}
		defer p.Progress(func() string { return what + " the backup: " + megabytes(counted.n.Load()) })()
		return do(bufio.NewReader(counted))
	}
	var revision uint64
	err := read("verifying", func(r io.Reader) error {
		_, _, err := node.VerifyBackup(r)
		return err
	})
	if err == nil {
		err = read("restoring", func(r io.Reader) (err error) {
			revision, err = node.Restore(dir, r)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	_, err = fmt.Fprintf(p.Stdout, "%s: restored at revision %d\n", dir, revision)
	return err
}

// interruptedReader reads from r until ctx ends.
type interruptedReader struct {
	ctx context.Context
	r   io.Reader
}

func (r *interruptedReader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}
