package server

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
)

// migrateSettings are the settings of serve that name stores.
var migrateSettings = []string{"data-dir", "etcd-endpoints", "etcd-prefix", "cluster-addr", "node-name"}

func newMigrate(p *cli.Program) *cobra.Command {
	var given givenSettings
	var file, from, to, target, prepare string
	cmd := &cobra.Command{
		Use:   "migrate --from STORE --to STORE [flags]",
		Short: "Copy the registry from one kind of store to another",
		Long: `Copies all records from one store to another and compares both afterwards, record
by record. One of the two is embedded, the other etcd or cluster; the settings are
those of cairn serve. No node may run on either, and the target must be empty.

A migration that fails leaves the source as it is, and a target that no node
uses; it can be run again. The revision goes on from that of the source.

To keep the time without service short, take a backup of the node and copy that with
--prepare while the node runs. Then stop the node and migrate without --prepare: only
what has changed since the backup is written.

With --to cluster, the data folder keeps its embedded data, and gets those of the
first node of a new cluster beside them: start it with the same --data-dir,
--cluster-addr and --node-name, and let others join. With --from cluster, the data
folder is that of the only node of a cluster, so --target names another one.`,
		Example: `  cairn migrate --from embedded --to etcd --data-dir /var/lib/cairn --etcd-endpoints http://127.0.0.1:2379
  cairn migrate --from etcd --to embedded --data-dir /var/lib/cairn-new --config /etc/cairn.yaml
  cairn migrate --from embedded --to cluster --data-dir /var/lib/cairn --cluster-addr 127.0.0.1:8057
  cairn migrate --from embedded --to cluster --prepare cairn.backup --data-dir /var/lib/cairn
  cairn migrate --from cluster --to embedded --data-dir /var/lib/cairn --target /var/lib/cairn-new`,
		RunE: cli.Interruptible(func(ctx context.Context, _ []string) error {
			shared := to
			if to == config.StoreEmbedded {
				shared = from
			}
			known := []string{config.StoreEtcd, config.StoreCluster}
			if !slices.Contains(known, shared) || (from != config.StoreEmbedded && to != config.StoreEmbedded) {
				return cli.Usagef("one of --from and --to must be embedded, and the other etcd or cluster")
			}
			if prepare != "" && to == config.StoreEmbedded {
				return cli.Usagef("--prepare needs --from embedded")
			}
			given.values["store"] = shared
			cfg, err := loadConfig(p, file, given.values)
			if err != nil {
				return err
			}
			m := node.Migration{
				Config: cfg.Config, ToEmbedded: to == config.StoreEmbedded, Target: cmp.Or(target, cfg.DataDir), Prepare: prepare,
				Logger: slog.New(slog.NewTextHandler(p.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
			}
			done, err := m.Run(ctx)
			if err != nil {
				return fmt.Errorf("migrate: %w", err)
			}
			if prepare != "" {
				_, err = fmt.Fprintf(p.Stdout, "%d records of the backup copied and compared; now stop the node and migrate without --prepare\n", done.Records)
				return err
			}
			_, err = fmt.Fprintf(p.Stdout, "%d records compared, %d of them copied now; revision %d in %s, %d in %s\n",
				done.Records, done.Written, done.From, from, done.To, to)
			return err
		}),
	}
	cli.Arguments(cmd)
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&from, "from", "", "the `STORE` that has the records: embedded, etcd or cluster")
	cmd.Flags().StringVar(&to, "to", "", "the empty `STORE`: embedded, etcd or cluster")
	cmd.Flags().StringVar(&target, "target", "", "with --to embedded: the data folder `DIR` to create (default: --data-dir)")
	cmd.Flags().StringVar(&prepare, "prepare", "", "copy this backup `FILE` of the node, which may run; migrate again without to end")
	cmd.Flags().StringVar(&file, "config", "", "YAML `FILE` with the configuration")
	given.addTo(cmd.Flags(), migrateSettings...)
	return cmd
}
