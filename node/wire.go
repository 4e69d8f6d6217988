package node

import (
	"context"
	"fmt"
	"io"

	"cairn/edge/admin"
	"cairn/edge/aws"
	"cairn/replica"
	"cairn/store"
	"cairn/store/embedded"
	"cairn/worker/janitor"
)

// openStore opens the store that the configuration names.
func (n *Node) openStore() (store.Store, error) {
	if n.cfg.OpenStore != nil {
		return n.cfg.OpenStore()
	}
	// Check has refused the other stores.
	return embedded.Open(embedded.Config{Dir: n.cfg.DataDir, Logger: n.log.With("part", "store")})
}

// wire builds every part of the node, in the order in which they start; they
// stop in the reverse order. An edge starts after, and so stops before, what it
// asks.
func (n *Node) wire(st store.Store, l *listeners) ([]part, error) {
	metrics := admin.NewRegistry(n.build)
	rep, err := replica.New(replica.Config{
		Store:      st,
		Rules:      n.currentRules,
		Logger:     n.log.With("part", "replica"),
		Registerer: metrics,
		QueueSize:  n.cfg.Limits.QueueSize,
	})
	if err != nil {
		return nil, fmt.Errorf("replica: %w", err)
	}
	adm, err := admin.New(admin.Config{
		Ready:   n.readiness,
		Backup:  func(w io.Writer) error { return writeBackup(w, rep) },
		Metrics: metrics,
		Hosts:   n.cfg.AdminHosts,
		Logger:  n.log.With("part", "admin"),
	})
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	jan, err := janitor.New(janitor.Config{
		Replica: rep,
		Rules:   n.currentRules,
		Logger:  n.log.With("part", "janitor"),
	})
	if err != nil {
		return nil, fmt.Errorf("janitor: %w", err)
	}
	api, err := aws.New(aws.Config{
		Replica:    rep,
		Rules:      n.currentRules,
		Accounts:   n.accountOf,
		Logger:     n.log.With("part", "api"),
		Registerer: metrics,
		Limits:     apiLimits(n.cfg.Limits),
	})
	if err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	return []part{
		// The admin listener answers from the first moment to the last, so that
		// probes and scrapers see loading and stopping for what they are.
		{
			name:  "admin",
			run:   func(ctx context.Context) error { return adm.Serve(ctx, l.admin) },
			grace: adminGrace,
		},
		// The replica loads the registry; nothing can be asked before that. It
		// stops after everything that writes, and commits what still waits.
		{name: "replica", run: n.loading(rep.Run), up: rep.Loaded(), grace: replicaGrace},
		// Workers write, so they stop before the replica.
		{name: "janitor", run: jan.Run, grace: workerGrace},
		// Edges come last and go first: no request arrives before it can be
		// answered, and those in flight find everything they need. The DNS and
		// xDS listeners start here too, once they exist.
		{
			name:  "api",
			run:   n.edge("api", func(ctx context.Context) error { return api.Serve(ctx, l.api) }),
			grace: edgeGrace,
		},
	}, nil
}

// loading says in /readyz what the node waits for.
func (n *Node) loading(run func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		n.setUnready("loading the registry")
		return run(ctx)
	}
}

// edge makes requests that an edge had to cut off at the end a matter for the
// log: clients that are too slow must not turn a stop into a failure.
func (n *Node) edge(name string, serve func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		err := serve(ctx)
		if err == nil || ctx.Err() == nil {
			return err
		}
		n.log.Warn("listener did not stop cleanly", "part", name, "error", err)
		return nil
	}
}

func apiLimits(l Limits) aws.Limits {
	return aws.Limits{
		MaxBody:        l.MaxBodyBytes,
		MaxHeader:      l.MaxHeaderBytes,
		ReadTimeout:    l.ReadTimeout.Duration,
		WriteTimeout:   l.WriteTimeout.Duration,
		IdleTimeout:    l.IdleTimeout.Duration,
		MaxConnections: l.MaxConnections,
	}
}
