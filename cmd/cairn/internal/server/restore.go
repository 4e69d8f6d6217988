package server

import (
	"bufio"
	"cmp"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/node"
)

func newRestore(p *cli.Program) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "restore --data-dir DIR",
		Short: "Make a data folder from a backup",
		Long: `Makes a new data folder from a backup, for a node that is not running. A folder
that holds anything is refused: move the old one aside first.`,
		Example: `  cairn restore registry.backup --data-dir /var/lib/cairn
  cairn serve --data-dir /var/lib/cairn`,
		RunE: cli.Body(func(_ *cobra.Command, args []string) error {
			return restore(p, args[0], cmp.Or(dir, p.Getenv("CAIRN_DATA_DIR")))
		}),
	}
	cli.Positional(cmd, "FILE")
	cmd.Flags().StringVar(&dir, "data-dir", "", "data folder `DIR` to make (default $CAIRN_DATA_DIR)")
	return cmd
}

func restore(p *cli.Program, file, dir string) error {
	if dir == "" {
		return cli.Usagef("--data-dir is required")
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	revision, err := node.Restore(dir, bufio.NewReader(f))
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	_, err = fmt.Fprintf(p.Stdout, "%s: restored at revision %d\n", dir, revision)
	return err
}
