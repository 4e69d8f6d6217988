// Command cairn runs a node of the cairn service registry, and talks to one.
//
// Every subcommand has a file of its own. None has logic of its own: serve
// reads a configuration and runs a node; the client commands call the API that
// every other AWS client calls too.
package main

import (
	"io"
	"os"
)

func main() {
	p := &program{stdout: os.Stdout, stderr: os.Stderr, env: os.LookupEnv}
	os.Exit(p.main(os.Args[1:]))
}

// program is what the commands need of the process around them.
type program struct {
	stdout io.Writer
	stderr io.Writer
	env    func(name string) (value string, ok bool)
}

// getenv returns a variable's value, empty if it is not set.
func (p *program) getenv(name string) string {
	value, _ := p.env(name)
	return value
}
