package server

import (
	"context"
	"fmt"
	"io"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/node"
)

// check tries a configuration and prints what a node would do with it. Warnings
// are printed on standard error and are no error.
func check(ctx context.Context, p *cli.Program, cfg node.Config) error {
	cfg.LogOutput = io.Discard // what matters is in the report
	report, problems := node.Check(ctx, cfg)
	for _, line := range report.Lines {
		if _, err := fmt.Fprintln(p.Stdout, line); err != nil {
			return err
		}
	}
	for _, warning := range report.Warnings {
		fmt.Fprintln(p.Stderr, "cairn: warning: "+warning)
	}
	if problems != nil {
		return problems
	}
	_, err := fmt.Fprintln(p.Stdout, "a node can start with this configuration")
	return err
}
