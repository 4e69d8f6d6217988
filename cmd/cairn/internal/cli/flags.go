package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Require makes flags required that were declared before. It panics if a name
// is not that of a flag.
func Require(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err)
		}
	}
}

// Positional declares the arguments of cmd, which are all required, by the
// names that help shows. It inserts them into cmd.Use after the command's name.
func Positional(cmd *cobra.Command, names ...string) {
	words := strings.SplitN(cmd.Use, " ", 2)
	cmd.Use = strings.Join(slices.Insert(words, 1, names...), " ")
	cmd.Args = cobra.ExactArgs(len(names))
}

// Output is the value of --output.
type Output string

// Forms of output.
const (
	outputTable Output = "table"
	outputJSON  Output = "json"
)

// AddTo declares --output.
func (o *Output) AddTo(flags *pflag.FlagSet) {
	flags.StringVar((*string)(o), "output", string(outputTable), "how to print the answer: `table|json`")
}

// Check returns an error of usage if the value is neither table nor json.
func (o Output) Check() error {
	if o != outputTable && o != outputJSON {
		return Usagef("--output: %q must be table or json", string(o))
	}
	return nil
}

// SplitList returns the parts of a list with commas, without empty ones.
func SplitList(list string) []string {
	var parts []string
	for part := range strings.SplitSeq(list, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}
