package main

import (
	"bytes"
	"context"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

type explainOptions struct{ from, query, output string }

func newExplain(p *program) *cobra.Command {
	var o explainOptions
	var admin adminFlags
	cmd := &cobra.Command{
		Use:     "explain NAME [--from IP]",
		GroupID: groupNode,
		Short:   "Say why a name answers as it does",
		Long: `Asks a running node, on its admin listener, why a name answers as it does:
which zone and view match, which routing policy, and for each instance whether
it is in the answer and why, with its last changes of health. Hints name the
usual mistakes.

NAME is a DNS name, or NAMESPACE/SERVICE as DiscoverInstances takes them.`,
		Example: `  cairn explain web.example.internal
  cairn explain web.example.internal --from 10.0.3.7
  cairn explain example/web --query-parameters version=2`,
		Args: cobra.ExactArgs(1),
		RunE: body(func(cmd *cobra.Command, args []string) error {
			node, err := p.admin(admin)
			if err != nil {
				return err
			}
			defer node.close()
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return p.explainName(ctx, node, args[0], o)
		}),
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.from, "from", "", "`IP` address of the client that asks (default 127.0.0.1)")
	f.StringVar(&o.query, "query-parameters", "", "those of a DiscoverInstances call, as a `JSON` object or as K=V,...")
	f.StringVar(&o.output, "output", "table", "`table|json`")
	admin.addTo(f)
	return cmd
}

func (p *program) explainName(ctx context.Context, node *adminClient, name string, o explainOptions) error {
	if o.output != "table" && o.output != "json" {
		return usagef("--output: %q must be table or json", o.output)
	}
	where, err := parseMap("--query-parameters", o.query)
	if err != nil {
		return err
	}
	values := url.Values{"name": {name}, "format": {o.output}}
	if o.from != "" {
		if _, err := netip.ParseAddr(o.from); err != nil {
			return usagef("--from: %q is not an IP address", o.from)
		}
		values.Set("from", o.from)
	}
	for k, v := range where {
		values.Add("where", k+"="+v)
	}
	var answer bytes.Buffer
	if err := node.get(ctx, "/explain?"+values.Encode(), &answer); err != nil {
		return err
	}
	_, err = p.stdout.Write(answer.Bytes())
	return err
}
