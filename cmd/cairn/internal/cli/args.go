package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// Arg is a positional argument of a command.
type Arg struct {
	// Name is the word for the argument in help and errors, such as FILE.
	Name string
	// Usage is shown in place of Name in the usage of the command, such as
	// "(ID | --operation-id ID)". Empty means Name.
	Usage string
	// Set takes the value of an argument that can be left out, because flags can
	// be given in its place. Nil means that the argument is required and that the
	// body of the command gets it.
	Set func(value string) error
}

// Arguments declares the positional arguments of cmd, required ones first, and
// inserts their usage into cmd.Use after the command's name. A command without
// arguments must be declared too.
func Arguments(cmd *cobra.Command, args ...Arg) {
	words := strings.SplitN(cmd.Use, " ", 2)
	for i, a := range args {
		usage := a.Usage
		if usage == "" {
			usage = a.Name
		}
		words = slices.Insert(words, 1+i, usage)
	}
	cmd.Use = strings.Join(words, " ")
	cmd.Args = func(cmd *cobra.Command, given []string) error {
		return setArguments(cmd, args, given)
	}
}

// Positional is Arguments for required arguments only.
func Positional(cmd *cobra.Command, names ...string) {
	args := make([]Arg, len(names))
	for i, name := range names {
		args[i].Name = name
	}
	Arguments(cmd, args...)
}

func setArguments(cmd *cobra.Command, args []Arg, given []string) error {
	if len(given) > len(args) {
		return wrongArguments(cmd, "unexpected argument %q", given[len(args)])
	}
	for i, a := range args {
		switch {
		case i >= len(given) && a.Set == nil:
			return wrongArguments(cmd, "argument %s is missing", a.Name)
		case i >= len(given) || a.Set == nil:
			continue
		case given[i] == "":
			return wrongArguments(cmd, "argument %s is empty", a.Name)
		}
		if err := a.Set(given[i]); err != nil {
			return err
		}
	}
	return nil
}

// wrongArguments returns an error that ends with the usage of cmd.
func wrongArguments(cmd *cobra.Command, format string, args ...any) error {
	return Usagef("%s; usage: %s", fmt.Sprintf(format, args...), cmd.UseLine())
}

// FlagArg returns an argument that can be given in place of a flag. An argument
// and the flag together are an error.
func FlagArg(cmd *cobra.Command, name, flag string) Arg {
	return Arg{
		Name:  name,
		Usage: "(" + name + " | --" + flag + " " + name + ")",
		Set: func(value string) error {
			if cmd.Flags().Changed(flag) {
				return Usagef("%s is given twice: as an argument and as --%s", name, flag)
			}
			return cmd.Flags().Set(flag, value)
		},
	}
}

// Require makes flags required that were declared before. It panics if a name
// is not that of a flag.
func Require(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		if err := cmd.MarkFlagRequired(name); err != nil { // for completion
			panic(err)
		}
		RequireValue(cmd, "--"+name, func() bool { return cmd.Flags().Changed(name) })
	}
}

// RequireValue makes it an error to run cmd if given returns false, which is
// called after flags and arguments are set. The name says what is to be given.
func RequireValue(cmd *cobra.Command, name string, given func() bool) {
	before := cmd.Args
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if before != nil {
			if err := before(cmd, args); err != nil {
				return err
			}
		}
		if !given() {
			return wrongArguments(cmd, "%s is required", name)
		}
		return nil
	}
}

// NoCommand is the check of arguments for a command that only has others: any
// argument is a command that does not exist.
func NoCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	typed, near := suggest(cmd, args)
	text := fmt.Sprintf("unknown command %q", typed)
	if len(near) == 0 {
		return errors.New(text + "; see \"" + helpCommand(cmd) + "\"")
	}
	return errors.New(text + "; did you mean " + alternatives(near) + "?")
}

// helpCommand returns the command line that shows the help of cmd.
func helpCommand(cmd *cobra.Command) string {
	return strings.Replace(cmd.CommandPath(), "cairn", "cairn help", 1)
}

// alternatives joins words with commas and "or".
func alternatives(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
