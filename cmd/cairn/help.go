package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// newHelp differs from cobra's own help in that an unknown topic is an error.
func newHelp(*program) *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Explain a command",
		Example: "  cairn help serve",
		RunE: body(func(cmd *cobra.Command, args []string) error {
			topic, rest, err := cmd.Root().Find(args)
			if err != nil || topic == nil || len(rest) > 0 {
				return usagef("no command %q to explain; see \"cairn help\"", strings.Join(args, " "))
			}
			topic.InitDefaultHelpFlag()
			if err := topic.Help(); err != nil {
				return fmt.Errorf("print help: %w", err)
			}
			return nil
		}),
	}
}
