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

// migration has the flags of the command migrate.
type migration struct {
	p                               *cli.Program
	given                           givenSettings
	file, from, to, target, prepare string
}

func newMigrate(p *cli.Program) *cobra.Command {
	m := &migration{p: p}
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
		RunE: cli.Interruptible(func(ctx context.Context, _ []string) error { return m.run(ctx) }),
	}
	cli.Arguments(cmd)
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&m.from, "from", "", "the `STORE` that has the records: embedded, etcd or cluster")
	cmd.Flags().StringVar(&m.to, "to", "", "the empty `STORE`: embedded, etcd or cluster")
	cmd.Flags().StringVar(&m.target, "target", "", "with --to embedded: the data folder `DIR` to create (default: --data-dir)")
	cmd.Flags().StringVar(&m.prepare, "prepare", "", "copy this backup `FILE` while its node runs; migrate without --prepare afterwards")
	cmd.Flags().StringVar(&m.file, "config", "", "YAML `FILE` with the configuration")
	m.given.addTo(cmd.Flags(), migrateSettings...)
	return cmd
}

func (m *migration) run(ctx context.Context) error {
	var err error
	if m.given.values["store"], err = m.shared(); err != nil {
		return err
	}
	cfg, err := loadConfig(m.p, m.file, m.given.values)
	if err != nil {
		return err
	}
	done, err := (&node.Migration{
		Config: cfg.Config, ToEmbedded: m.to == config.StoreEmbedded, Target: cmp.Or(m.target, cfg.DataDir), Prepare: m.prepare,
		Logger: slog.New(slog.NewTextHandler(m.p.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	}).Run(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if m.prepare != "" {
		_, err = fmt.Fprintf(m.p.Stdout, "%d records of the backup copied and compared; now stop the node and migrate without --prepare\n", done.Records)
		return err
	}
	_, err = fmt.Fprintf(m.p.Stdout, "%d records compared, %d of them copied now; revision %d in %s, %d in %s\n",
		done.Records, done.Written, done.From, m.from, done.To, m.to)
	return err
}

// shared returns the store that is not the embedded one.
func (m *migration) shared() (string, error) {
	store := m.to
	if m.to == config.StoreEmbedded {
		store = m.from
	}
	known := []string{config.StoreEtcd, config.StoreCluster}
	if !slices.Contains(known, store) || (m.from != config.StoreEmbedded && m.to != config.StoreEmbedded) {
		return "", cli.Usagef("one of --from and --to must be embedded, and the other etcd or cluster")
	}
	if m.prepare != "" && m.to == config.StoreEmbedded {
		return "", cli.Usagef("--prepare needs --from embedded")
	}
	return store, nil
}
