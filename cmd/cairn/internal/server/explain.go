package server

import (
	"bytes"
	"context"
	"net/netip"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

type explainOptions struct {
	from, query string
	output      cli.Output
}

func newExplain(p *cli.Program) *cobra.Command {
	var o explainOptions
	var admin cli.AdminFlags
	cmd := &cobra.Command{
		Use:   "explain [--from IP]",
		Short: "Explain the answer for a name",
		Long: `Asks a running node, on its admin listener, to explain its answer for a name:
which zone and view match, which routing policy, and for each instance whether
it is in the answer and why, with its last changes of health. Hints name the
usual mistakes.

NAME is a DNS name, or NAMESPACE/SERVICE as DiscoverInstances takes them.`,
		Example: `  cairn explain web.example.internal
  cairn explain web.example.internal --from 10.0.3.7
  cairn explain example/web --query-parameters version=2`,
		RunE: cli.Interruptible(func(ctx context.Context, args []string) error {
			client, err := p.Admin(admin)
			if err != nil {
				return err
			}
			defer client.Close()
			return explain(ctx, p, client, args[0], o)
		}),
	}
	cli.Positional(cmd, "NAME")
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.from, "from", "", "`IP` address of the client that asks (default 127.0.0.1)")
	f.StringVar(&o.query, "query-parameters", "", "those of a DiscoverInstances call, as a `JSON` object or as K=V,...")
	o.output.AddTo(f)
	admin.AddTo(f)
	cmd.AddCommand(newExplainTask(p), newExplainProxy(p))
	return cmd
}

func explain(ctx context.Context, p *cli.Program, client *cli.AdminClient, name string, o explainOptions) error {
	if err := o.output.Check(); err != nil {
		return err
	}
	where, err := cli.ParseMap("--query-parameters", o.query)
	if err != nil {
		return err
	}
	values := url.Values{"name": {name}, "format": {string(o.output)}}
	if o.from != "" {
		if _, err := netip.ParseAddr(o.from); err != nil {
			return cli.Usagef("--from: %q is not an IP address", o.from)
		}
		values.Set("from", o.from)
	}
	for k, v := range where {
		values.Add("where", k+"="+v)
	}
	var answer bytes.Buffer
	if err := client.Get(ctx, "/explain?"+values.Encode(), &answer); err != nil {
		return err
	}
	_, err = p.Stdout.Write(answer.Bytes())
	return err
}
