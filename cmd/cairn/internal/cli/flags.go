package cli

import (
	"strings"

	"github.com/spf13/pflag"
)

// Output is the value of --output.
type Output string

// Forms of output.
const (
	outputTable Output = "table"
	outputJSON  Output = "json"
)

// AddTo declares --output.
func (o *Output) AddTo(flags *pflag.FlagSet) {
	flags.StringVarP((*string)(o), "output", "o", string(outputTable), "how to print the answer: `table|json`")
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
