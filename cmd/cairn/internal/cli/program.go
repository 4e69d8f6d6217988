// Package cli has what all commands share: the process around them, errors and
// exit codes, flags and their parsing, clients of a node, and output. It knows
// no command. The packages of commands beside it import it and never each other:
//
//	func Commands(p *cli.Program) cli.Group {
//		return cli.Group{Title: "Routes:", Commands: []*cobra.Command{newListRoutes(p)}}
//	}
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Program is the process around the commands.
type Program struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// StderrTerminal is set if Stderr is a terminal. Progress is shown there.
	StderrTerminal bool
	// Env looks up an environment variable.
	Env func(name string) (value string, ok bool)
}

// Group is the commands of one package, and the heading of their list in help.
type Group struct {
	Title    string
	Commands []*cobra.Command
}

// AddTo adds the commands to root, under their heading.
func (g Group) AddTo(root *cobra.Command) {
	root.AddGroup(&cobra.Group{ID: g.Title, Title: g.Title})
	for _, cmd := range g.Commands {
		cmd.GroupID = g.Title
		root.AddCommand(cmd)
	}
}

// Getenv returns a variable's value, empty if it is not set.
func (p *Program) Getenv(name string) string {
	value, _ := p.Env(name)
	return value
}

// Exit codes.
const (
	exitOK    = 0
	exitError = 1 // the command was understood and did not succeed
	exitUsage = 2 // the command was not understood
)

// Execute runs one command line, prints its error and returns the exit code.
func (p *Program) Execute(root *cobra.Command, args []string) int {
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	root.SetFlagErrorFunc(flagError)
	root.SetArgs(args)
	err := root.ExecuteContext(context.Background())
	if err == nil {
		return exitOK
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintln(p.Stderr, "cairn: "+strings.TrimRight(line, "\n"))
	}
	if e, ok := errors.AsType[*exitCodeError](err); ok {
		return e.code
	}
	if _, ok := errors.AsType[*commandError](err); ok {
		return exitError
	}
	return exitUsage
}

// exitCodeError is an error with an exit code of its own.
type exitCodeError struct {
	error
	code int
}

func (e *exitCodeError) Unwrap() error { return e.error }

// WithExitCode returns an error that ends the program with this exit code, from 1 to 255,
// such as that of a program that was run.
func WithExitCode(err error, code int) error { return &exitCodeError{err, code} }

// commandError is an error that occurred after the command line was understood.
// All other errors that cobra returns are about the command line.
type commandError struct{ error }

func (e *commandError) Unwrap() error { return e.error }

// usageError is wrong usage that cobra cannot see.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// Usagef returns an error about the command line. It leads to exitUsage.
func Usagef(format string, args ...any) error {
	return &usageError{text: fmt.Sprintf(format, args...)}
}

// Body adapts the body of a command to cobra. An error of run that is not from
// Usagef leads to exitError.
func Body(run func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		if _, usage := errors.AsType[*usageError](err); err == nil || usage {
			return err
		}
		return &commandError{err}
	}
}

// Interruptible is Body for commands that end at once on SIGINT and SIGTERM:
// both cancel ctx.
func Interruptible(run func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return Body(func(cmd *cobra.Command, args []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		return run(ctx, args)
	})
}

// MissingCommand shows the help of cmd on stderr and returns an error: a script
// whose variable for the command's name is empty must not succeed.
func (p *Program) MissingCommand(cmd *cobra.Command) error {
	cmd.SetOut(p.Stderr)
	if err := cmd.Help(); err != nil {
		return err
	}
	return Usagef("no command given")
}
