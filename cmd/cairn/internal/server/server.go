// Package server has the commands that run and maintain a node: serve, backup,
// restore, migrate and explain.
package server

import (
	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// Commands returns the commands of this package.
func Commands(p *cli.Program) cli.Group {
	return cli.Group{Title: "Node:", Commands: []*cobra.Command{
		newServe(p), newExplain(p), newBackup(p), newRestore(p), newMigrate(p),
	}}
}
