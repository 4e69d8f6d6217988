package server

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
)

// showNextSteps waits until a node is ready, and then shows how to use it: as text
// on a terminal, and as one line of the log elsewhere.
func showNextSteps(ctx context.Context, p *cli.Program, n *node.Node, tls config.TLS) {
	select {
	case <-n.Ready():
	case <-ctx.Done():
		return
	}
	program := programName()
	command := envCommand(program, n.Addrs(), tls)
	if !p.StderrTerminal {
		n.Log().Info("next steps", "environment", command, "help", program+" help")
		return
	}
	fmt.Fprintf(p.Stderr, `
The node is ready. In another shell:

  %s
  %s help

The first command lets cairn and AWS clients use this node. ^C stops the node.

`, command, program)
}

// programName returns how to call this program in another shell: by its name if
// that is found, else by its path, such as with "go run".
func programName() string {
	if _, err := exec.LookPath("cairn"); err == nil {
		return "cairn"
	}
	path, err := os.Executable()
	if err != nil {
		return "cairn"
	}
	return path
}

// envCommand returns the command that makes a shell use a node.
func envCommand(program string, at node.Addrs, tls config.TLS) string {
	command := program + " env"
	if url := localURL(at.API, tls.CertFile != ""); url != cli.DefaultEndpoint {
		command += " --endpoint " + url
	}
	if url := localURL(at.Admin, tls.Admin); url != cli.DefaultAdmin {
		command += " --admin " + url
	}
	return `eval "$(` + command + `)"`
}

// localURL returns the URL of a listener for clients on this machine.
func localURL(listen string, secured bool) string {
	if secured {
		return "https://" + localAddress(listen)
	}
	return "http://" + localAddress(listen)
}

// localAddress returns an address to connect to on this machine, for one to listen
// on.
func localAddress(listen string) string {
	at, err := netip.ParseAddrPort(listen)
	if err != nil || !at.Addr().IsUnspecified() {
		return listen
	}
	host := "127.0.0.1"
	if at.Addr().Is6() {
		host = "::1"
	}
	return net.JoinHostPort(host, fmt.Sprint(at.Port()))
}
