// Command cairn runs a node of the cairn service registry, and calls the APIs of
// one.
//
// The commands are in packages of internal, one for each kind of thing that they
// are about. They decide nothing: serve reads a configuration and runs a node;
// client commands call the API that other AWS clients call too.
package main

import (
	"os"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/appmesh"
	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cloudmap"
	"github.com/cairn-discovery/cairn/cmd/cairn/internal/demo"
	"github.com/cairn-discovery/cairn/cmd/cairn/internal/ecs"
	"github.com/cairn-discovery/cairn/cmd/cairn/internal/identity"
	"github.com/cairn-discovery/cairn/cmd/cairn/internal/nodes"
	"github.com/cairn-discovery/cairn/cmd/cairn/internal/proxy"
	"github.com/cairn-discovery/cairn/cmd/cairn/internal/route53"
	"github.com/cairn-discovery/cairn/cmd/cairn/internal/server"
	"github.com/cairn-discovery/cairn/node"
)

// groups are the packages of commands, in the order of help.
var groups = []func(*cli.Program) cli.Group{
	server.Commands,
	cloudmap.Commands,
	ecs.Commands,
	route53.Commands,
	appmesh.Commands,
	identity.Commands,
	nodes.Commands,
	proxy.Commands,
	demo.Commands,
	otherCommands,
}

func main() {
	if code, ok := node.TaskCommand(os.Args[1:]); ok {
		os.Exit(code)
	}
	p := &cli.Program{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, StderrTerminal: cli.IsTerminal(os.Stderr), Env: os.LookupEnv,
	}
	os.Exit(p.Execute(newRoot(p), os.Args[1:]))
}
