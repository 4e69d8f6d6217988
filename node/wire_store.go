package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/edge/admin"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/cluster"
	"github.com/cairn-discovery/cairn/store/embedded"
	"github.com/cairn-discovery/cairn/store/etcd"
)

// openStore opens the store that the configuration names.
func (n *Node) openStore() (store.Store, error) {
	if n.cfg.OpenStore != nil {
		return n.cfg.OpenStore()
	}
	if n.cfg.Upstream != "" {
		return n.openUpstream()
	}
	return openStore(&n.cfg.Config, n.nodeName(), n.log.With("part", "store"))
}

func openStore(c *config.Config, name string, log *slog.Logger) (store.Store, error) {
	switch c.Store {
	case config.StoreEtcd:
		cfg, err := etcdConfig(c, log)
		if err != nil {
			return nil, err
		}
		return etcd.Open(cfg)
	case config.StoreCluster:
		return cluster.Open(clusterConfig(c, name, log))
	}
	return embedded.Open(embedded.Config{Dir: c.DataDir, Logger: log})
}

func etcdConfig(c *config.Config, log *slog.Logger) (cfg etcd.Config, err error) {
	cfg = etcd.Config{
		Endpoints: c.EtcdEndpoints, Prefix: c.EtcdPrefix, Username: c.Etcd.Username, Timeout: c.Etcd.Timeout.Duration,
		CompactAfter: c.Etcd.CompactAfter.Duration, MaxRequestBytes: c.Etcd.MaxRequestBytes, Logger: log,
	}
	if cfg.Password, err = c.Etcd.PasswordText(); err != nil {
		return cfg, err
	}
	cfg.TLS, err = c.Etcd.TLSConfig()
	return cfg, err
}

// clusterDir is the folder of the server of a cluster in data_dir.
const clusterDir = "cluster"

func clusterConfig(c *config.Config, name string, log *slog.Logger) cluster.Config {
	return cluster.Config{
		Dir: filepath.Join(c.DataDir, clusterDir), Name: name, Addr: c.ClusterAddr, ClientAddr: c.Cluster.ClientAddr, Join: c.Join,
		CertFile: c.Cluster.CertFile, KeyFile: c.Cluster.KeyFile, CAFile: c.Cluster.CAFile,
		Prefix: c.EtcdPrefix, Logger: log,
	}
}

// storeMetrics adds the metrics of the store's own libraries to those of the node.
func (w *wiring) storeMetrics() prometheus.Gatherer {
	if s, ok := w.store.(interface{ Metrics() prometheus.Gatherer }); ok {
		return prometheus.Gatherers{w.metrics, s.Metrics()}
	}
	return w.metrics
}

// storeComponent runs the work of the store, if it has any of its own.
func (w *wiring) storeComponent() (component, error) {
	st, ok := w.store.(store.Runner)
	if !ok {
		return component{}, nil
	}
	run := func(ctx context.Context) error { return st.Run(ctx) }
	return component{name: "store", run: run, stopTimeout: storeStopTimeout}, nil
}

// addNode adds a node to a cluster. It is nil if the store is none.
func (w *wiring) addNode() func(context.Context, string) error {
	if st, ok := w.store.(*cluster.Store); ok {
		return st.AddPeer
	}
	return nil
}

// removeNode removes a node from a cluster. It is nil if the store is none.
func (w *wiring) removeNode() func(context.Context, string) error {
	st, ok := w.store.(*cluster.Store)
	if !ok {
		return nil
	}
	return func(ctx context.Context, name string) error {
		err := st.RemovePeer(ctx, name)
		if errors.Is(err, cluster.ErrNoPeer) {
			return fmt.Errorf("%w: %s", admin.ErrNoNode, name)
		}
		return err
	}
}
