package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/internal/buildinfo"
)

func newVersion(p *cli.Program) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version of this program",
		Example: "  cairn version",
		RunE: cli.Body(func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(p.Stdout, version())
			return err
		}),
	}
	cli.Arguments(cmd)
	return cmd
}

// version returns what "cairn version" and "cairn --version" print.
func version() string {
	build := buildinfo.Read()
	return fmt.Sprintf("cairn %s (revision %s, %s)", build.Version, build.Revision, build.Go)
}
