// Package nodes has the commands about the nodes of a cluster. They use the admin
// listener of a node.
package nodes

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// Commands returns the commands of this package.
func Commands(p *cli.Program) cli.Group {
	return cli.Group{Title: "Nodes:", Commands: []*cobra.Command{newNodes(p)}}
}

func newNodes(p *cli.Program) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "nodes COMMAND",
		Short:   "Show the nodes that share a store, add or remove one",
		Long:    "Shows the nodes that share a store, as one of them sees them, or adds a node to a cluster or removes one.",
		Example: "  cairn nodes list\n  cairn nodes add 10.0.0.3:8057\n  cairn nodes remove c",
		Args:    cli.NoCommand,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return p.MissingCommand(cmd) }
	cmd.AddCommand(newList(p), newAdd(p), newRemove(p))
	return cmd
}

// node is a live node in the answer of the admin listener.
type node struct {
	Name            string
	Self            bool `json:",omitempty"`
	Version         string
	API, DNS, Admin string
	Started         time.Time
	Revision, Lag   uint64
	SilentSeconds   float64
	StaleSeconds    float64 `json:",omitempty"`
	Role            string  `json:",omitempty"`
	ClusterAddr     string  `json:",omitempty"`
	Down            bool    `json:",omitempty"`
}

func newList(p *cli.Program) *cobra.Command {
	var admin cli.AdminFlags
	var output cli.Output
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the nodes",
		Long: `Lists the live nodes as the node that answers sees them. It is marked with *.

REVISION is that of the state of a node when it last renewed its lease, and LAG how
many revisions it was behind then. SEEN is the time since that renewal arrived. STALE
is for how long the node that answers has not reached its store.

ROLE is that in a cluster (--store cluster): leader, voter, learner, which follows and
will be a voter, or added, which has not joined yet. CLUSTER is the address at which the
other nodes reach it. A node of the cluster that does not run has "down" as SEEN.`,
		Example: `  cairn nodes list
  cairn nodes list --admin http://127.0.0.1:8055 --output json`,
		RunE: cli.Interruptible(func(ctx context.Context, _ []string) error {
			client, err := p.Admin(admin)
			if err != nil {
				return err
			}
			defer client.Close()
			var body bytes.Buffer
			if err := client.Get(ctx, "/nodes", &body); err != nil {
				return err
			}
			var answer struct{ Nodes []node }
			if err := json.Unmarshal(body.Bytes(), &answer); err != nil {
				return fmt.Errorf("read the answer: %w", err)
			}
			out, err := p.Printer(output)
			if err != nil {
				return err
			}
			return printNodes(out, answer.Nodes)
		}),
	}
	cli.Positional(cmd)
	f := cmd.Flags()
	f.SortFlags = false
	output.AddTo(f)
	admin.AddTo(f)
	return cmd
}

func printNodes(out *cli.Printer, all []node) error {
	var rows [][]string
	for _, n := range all {
		name, stale := n.Name, ""
		if n.Self {
			name += " *"
		}
		if n.StaleSeconds > 0 {
			stale = seconds(n.StaleSeconds)
		}
		revision, lag, seen := strconv.FormatUint(n.Revision, 10), strconv.FormatUint(n.Lag, 10), seconds(n.SilentSeconds)
		if n.Down {
			revision, lag, seen = "", "", "down"
		}
		rows = append(rows, []string{name, n.Version, n.API, n.DNS, n.Admin, revision, lag, seen, stale, n.Role, n.ClusterAddr})
	}
	return out.PrintList("Nodes", all, []string{"NODE", "VERSION", "API", "DNS", "ADMIN", "REVISION", "LAG", "SEEN", "STALE", "ROLE", "CLUSTER"}, rows)
}

func seconds(s float64) string { return strconv.FormatFloat(s, 'f', 1, 64) + "s" }

func newAdd(p *cli.Program) *cobra.Command {
	var admin cli.AdminFlags
	cmd := &cobra.Command{
		Use:   "add",
		Short: "Add a node to a cluster before it starts",
		Long: `Adds a node to a cluster (cairn serve --store cluster) that will have the address
HOST:PORT as its cluster_addr. Then start that node with --join: it follows the cluster
and becomes a voter when it has caught up. Until then it does not count for a majority.

A node that starts with --join adds itself, so this command is needed only to see
beforehand whether the cluster takes another node. One node is added at a time.

The admin listener of the node that is asked must authenticate its callers.`,
		Example: "  cairn nodes add 10.0.0.3:8057 --admin http://127.0.0.1:8055",
		RunE: cli.Interruptible(func(ctx context.Context, args []string) error {
			client, err := p.Admin(admin)
			if err != nil {
				return err
			}
			defer client.Close()
			if err := client.Call(ctx, "/nodes/add", struct{ Addr string }{args[0]}, nil); err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.Stdout, "added; start it with an empty data folder and: cairn serve --store cluster --cluster-addr %s --join HOST:PORT\n", args[0])
			return err
		}),
	}
	cli.Positional(cmd, "HOST:PORT")
	cmd.Flags().SortFlags = false
	admin.AddTo(cmd.Flags())
	return cmd
}

func newRemove(p *cli.Program) *cobra.Command {
	var admin cli.AdminFlags
	cmd := &cobra.Command{
		Use:   "remove",
		Short: "Remove a node from a cluster permanently",
		Long: `Removes a node from a cluster (cairn serve --store cluster) by its name. If it runs, it
stops. The cluster refuses to remove a node that it needs for a majority.

The admin listener of the node that is asked must authenticate its callers. A node joins
by itself when it starts with --join; to let a removed one join again, give it a new data
folder.`,
		Example: "  cairn nodes remove c --admin http://127.0.0.1:8055",
		RunE: cli.Interruptible(func(ctx context.Context, args []string) error {
			client, err := p.Admin(admin)
			if err != nil {
				return err
			}
			defer client.Close()
			return client.Call(ctx, "/nodes/remove", struct{ Node string }{args[0]}, nil)
		}),
	}
	cli.Positional(cmd, "NODE")
	cmd.Flags().SortFlags = false
	admin.AddTo(cmd.Flags())
	return cmd
}
