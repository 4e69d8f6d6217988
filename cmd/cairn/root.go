package main

import (
	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

func newRoot(p *cli.Program) *cobra.Command {
	root := &cobra.Command{
		Version: version(),
		Use:     "cairn",
		Short:   "A self-hosted service registry with the API of AWS Cloud Map",
		Long: `cairn is a self-hosted service registry with the API of AWS Cloud Map.

"cairn serve" runs a node. The client commands call the API of a running node,
as the AWS CLI does. "cairn env" sets up other AWS clients to use that node.

Exit codes: 0 success, 1 error, 2 wrong usage.`,
		Example: `  cairn serve
  cairn create-namespace example.internal --type HTTP
  cairn help serve`,
		Args:                       cli.NoCommand,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return p.MissingCommand(cmd) },
		SilenceErrors:              true, // Execute prints them
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		CompletionOptions:          cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetVersionTemplate("{{.Version}}\n")
	for _, group := range groups {
		group(p).AddTo(root)
	}
	root.SetHelpCommand(newHelp())
	root.SetHelpCommandGroupID(otherTitle)
	return root
}

// otherTitle is the heading of the commands about the program itself.
const otherTitle = "Other:"

func otherCommands(p *cli.Program) cli.Group {
	return cli.Group{Title: otherTitle, Commands: []*cobra.Command{newEnv(p), newVersion(p), newCompletion(p)}}
}
