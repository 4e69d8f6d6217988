package ecs

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// setArg returns a positional argument that is stored in to. With require it is a
// required one.
func setArg(name string, to *string) cli.Arg {
	return cli.Arg{Name: name, Set: func(value string) error {
		*to = value
		return nil
	}}
}

// require makes the argument required that setArg has declared.
func require(cmd *cobra.Command, name string, value *string) {
	cli.RequireValue(cmd, "argument "+name, func() bool { return *value != "" })
}

// longer gives a command that waits for tasks more time than others have.
func longer(cmd *cobra.Command) { cli.DefaultTimeout(cmd, 10*time.Minute) }
