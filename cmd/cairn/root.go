package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK    = 0
	exitError = 1 // the command was understood and did not succeed
	exitUsage = 2 // the command was not understood
)

// main runs one command line and returns the exit code.
func (p *program) main(args []string) int {
	root := newRoot(p)
	root.SetArgs(args)
	err := root.ExecuteContext(context.Background())
	if err == nil {
		return exitOK
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintln(p.stderr, "cairn: "+strings.TrimRight(line, "\n"))
	}
	if _, ok := errors.AsType[*commandError](err); ok {
		return exitError
	}
	return exitUsage
}

// commandError marks what went wrong after the command line was understood.
// Everything else that cobra returns is about the command line.
type commandError struct{ error }

func (e *commandError) Unwrap() error { return e.error }

// usageError is wrong usage that only a command's body can see.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error {
	return &usageError{text: fmt.Sprintf(format, args...)}
}

// body makes a cobra function of a command's body and classes its error.
func body(run func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		if _, usage := errors.AsType[*usageError](err); err == nil || usage {
			return err
		}
		return &commandError{err}
	}
}

// The groups in which help lists the commands.
const (
	groupNode     = "node"
	groupClient   = "client"
	groupIdentity = "identity"
	groupOther    = "other"
)

func newRoot(p *program) *cobra.Command {
	root := &cobra.Command{
		Use:   "cairn",
		Short: "An AWS Cloud Map compatible service registry of your own",
		Long: `cairn is a service registry that AWS clients use as they use AWS Cloud Map.

"cairn serve" runs a node. The client commands talk to a running node through
its API, as the AWS CLI would. "cairn env" points other AWS clients here.

Exit codes: 0 success, 1 error, 2 wrong usage.`,
		Example: `  cairn serve
  cairn create-namespace --name example.internal --type HTTP
  cairn help serve`,
		Args:                       noCommand,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return missingCommand(p, cmd) },
		SilenceErrors:              true, // main prints them
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		CompletionOptions:          cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetFlagErrorFunc(flagError)
	root.AddGroup(
		&cobra.Group{ID: groupNode, Title: "Run and keep a node:"},
		&cobra.Group{ID: groupClient, Title: "Talk to a node:"},
		&cobra.Group{ID: groupIdentity, Title: "Say who may do what:"},
		&cobra.Group{ID: groupOther, Title: "Other:"},
	)
	root.AddCommand(nodeCommands(p)...)
	root.AddCommand(clientCommands(p)...)
	root.AddCommand(identityCommands(p)...)
	root.AddCommand(newEnv(p), newVersion(p), newCompletion(p))
	root.SetHelpCommand(newHelp(p))
	root.SetHelpCommandGroupID(groupOther)
	return root
}

func nodeCommands(p *program) []*cobra.Command {
	return []*cobra.Command{newServe(p), newExplain(p), newBackup(p), newRestore(p)}
}

func clientCommands(p *program) []*cobra.Command {
	return []*cobra.Command{
		newCreateNamespace(p), newListNamespaces(p), newDeleteNamespace(p),
		newCreateService(p), newListServices(p), newDeleteService(p),
		newRegisterInstance(p), newListInstances(p), newDeregisterInstance(p),
		newDiscoverInstances(p), newUpdateInstanceCustomHealthStatus(p),
		newEnableDNSSEC(p), newGetDNSSEC(p), newRollDNSSEC(p), newDisableDNSSEC(p),
		newGetOperation(p), newListOperations(p),
	}
}

func identityCommands(p *program) []*cobra.Command {
	return []*cobra.Command{newAccount(p), newUser(p), newKey(p), newGroup(p), newRole(p), newPolicy(p), newShare(p)}
}

// noCommand runs for words that name no command.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q; see \"cairn help\"", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text = fmt.Sprintf("unknown command %q; did you mean %s?", args[0], strings.Join(near, " or "))
	}
	return errors.New(text)
}

// missingCommand shows the help, on stderr since nobody asked for it. A script
// whose variable for the command is empty must not succeed.
func missingCommand(p *program, cmd *cobra.Command) error {
	cmd.SetOut(p.stderr)
	if err := cmd.Help(); err != nil {
		return err
	}
	return usagef("no command given")
}
