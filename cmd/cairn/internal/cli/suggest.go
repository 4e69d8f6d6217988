package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError adds to the error of an unknown flag the flags with similar names.
func flagError(cmd *cobra.Command, err error) error {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return err
	}
	var near []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if name := unknown.GetSpecifiedName(); !f.Hidden && isNear(name, f.Name) {
			near = append(near, "--"+f.Name)
		}
	})
	if len(near) > 0 {
		return fmt.Errorf("%w; did you mean %s?", err, strings.Join(near, " or "))
	}
	return fmt.Errorf("%w; see %q", err, strings.Replace(cmd.CommandPath(), "cairn", "cairn help", 1))
}

// NoCommand is the check of arguments for a command that only has others: a
// remaining argument is a command that does not exist.
func NoCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q; see \"cairn help\"", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text = fmt.Sprintf("unknown command %q; did you mean %s?", args[0], strings.Join(near, " or "))
	}
	return errors.New(text)
}

// isNear reports whether typed may be a misspelling of name: at most two letters
// are wrong, or the end is missing.
func isNear(typed, name string) bool {
	return len(typed) > 2 && (strings.HasPrefix(name, typed) || distance(typed, name) <= 2)
}

// distance returns the Levenshtein distance of a and b: the number of letters to
// insert, delete or change.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // from the current prefix of a to each prefix of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := before
			if a[i] != b[j] {
				changed++
			}
			before = row[j+1]
			row[j+1] = min(changed, row[j]+1, before+1)
		}
	}
	return row[len(b)]
}
