package main

import "github.com/spf13/cobra"

// require makes flags required that were declared just before. Only a misspelt
// name can fail.
func require(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err)
		}
	}
}
