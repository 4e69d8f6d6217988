package server

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/node"
)

// showNextSteps waits until a node is ready, and then shows how to use it: as text
// on a terminal, and as one line of the log elsewhere.
func showNextSteps(ctx context.Context, p *cli.Program, n *node.Node, secured bool) {
	select {
	case <-n.Ready():
	case <-ctx.Done():
		return
	}
	command := envCommand(n.Addrs().API, secured)
	if !p.StderrTerminal {
		n.Log().Info("next steps", "environment", command, "help", "cairn help")
		return
	}
	fmt.Fprintf(p.Stderr, `
The node is ready. In another shell:

  %s
  cairn help

The first command lets cairn and AWS clients use this node. ^C stops the node.

`, command)
}

// envCommand returns the command that makes a shell use the API at an address.
func envCommand(address string, secured bool) string {
	scheme := "http"
	if secured {
		scheme = "https"
	}
	endpoint := scheme + "://" + localAddress(address)
	if endpoint == cli.DefaultEndpoint {
		return `eval "$(cairn env)"`
	}
	return `eval "$(cairn env --endpoint ` + endpoint + `)"`
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
