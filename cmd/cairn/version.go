package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/internal/buildinfo"
)

func newVersion(p *cli.Program) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of this program",
		Example: "  cairn version",
		Args:    cobra.NoArgs,
		RunE: cli.Body(func(*cobra.Command, []string) error {
			build := buildinfo.Read()
			_, err := fmt.Fprintf(p.Stdout, "cairn %s (revision %s, %s)\n", build.Version, build.Revision, build.Go)
			return err
		}),
	}
}
