package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/internal/buildinfo"
)

func newVersion(p *program) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		GroupID: groupOther,
		Short:   "Print which build this is",
		Example: "  cairn version",
		Args:    cobra.NoArgs,
		RunE: body(func(*cobra.Command, []string) error {
			build := buildinfo.Read()
			_, err := fmt.Fprintf(p.stdout, "cairn %s (revision %s, %s)\n", build.Version, build.Revision, build.Go)
			return err
		}),
	}
}
