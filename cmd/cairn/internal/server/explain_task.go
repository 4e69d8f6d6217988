package server

import (
	"bytes"
	"context"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

func newExplainTask(p *cli.Program) *cobra.Command {
	var output cli.Output
	var admin cli.AdminFlags
	cmd := &cobra.Command{
		Use:   "task",
		Short: "Explain why a task is not running, not registered or not healthy",
		Long: `Asks a running node, on its admin listener, to explain the state of a task of ECS:
where it is placed, what it waits for or why it has stopped, each of its
containers, and its instances in Cloud Map. Hints name what usually helps.

TASK is the id of a task, or its ARN.`,
		Example: `  cairn explain task 0f3c3c1de28a4f0d8f6a3c4d5e6f7a8b`,
		RunE: cli.Interruptible(func(ctx context.Context, args []string) error {
			return printExplanation(ctx, p, admin, output, "/tasks/explain", url.Values{"task": {args[0]}})
		}),
	}
	cli.Positional(cmd, "TASK")
	f := cmd.Flags()
	f.SortFlags = false
	output.AddTo(f)
	admin.AddTo(f)
	return cmd
}

// printExplanation prints the answer of the admin listener to a question.
func printExplanation(ctx context.Context, p *cli.Program, admin cli.AdminFlags, output cli.Output, path string, question url.Values) error {
	if err := output.Check(); err != nil {
		return err
	}
	client, err := p.Admin(admin)
	if err != nil {
		return err
	}
	defer client.Close()
	question.Set("format", string(output))
	var answer bytes.Buffer
	if err := client.Get(ctx, path+"?"+question.Encode(), &answer); err != nil {
		return err
	}
	_, err = p.Stdout.Write(answer.Bytes())
	return err
}
