package main

import (
	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

func newCompletion(p *cli.Program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "completion",
		Short: "Print a script that completes cairn's command lines",
		Example: `  source <(cairn completion bash)
  cairn completion zsh > "${fpath[1]}/_cairn"
  cairn completion fish > ~/.config/fish/completions/cairn.fish
  cairn completion powershell | Out-String | Invoke-Expression`,
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: cli.Body(func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(p.Stdout, true)
			case "zsh":
				return root.GenZshCompletion(p.Stdout)
			case "fish":
				return root.GenFishCompletion(p.Stdout, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(p.Stdout)
			}
			return cli.Usagef("%q must be bash, zsh, fish or powershell", args[0])
		}),
	}
	cli.Positional(cmd, "bash|zsh|fish|powershell")
	return cmd
}
