package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// newHelp returns the command help. Unlike cobra's, it fails if the topic is
// unknown.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Explain a command",
		Example: "  cairn help serve",
		RunE: cli.Body(func(cmd *cobra.Command, args []string) error {
			topic, rest, err := cmd.Root().Find(args)
			if err != nil || topic == nil || len(rest) > 0 {
				return cli.Usagef("no command %q to explain; see \"cairn help\"", strings.Join(args, " "))
			}
			topic.InitDefaultHelpFlag()
			if err := topic.Help(); err != nil {
				return fmt.Errorf("print help: %w", err)
			}
			return nil
		}),
	}
}
