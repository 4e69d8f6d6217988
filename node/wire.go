package node

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/edge/admin"
	adminidentity "github.com/cairn-discovery/cairn/edge/admin/identity"
	"github.com/cairn-discovery/cairn/edge/aws"
	"github.com/cairn-discovery/cairn/edge/aws/sts"
	"github.com/cairn-discovery/cairn/internal/authlimit"
	"github.com/cairn-discovery/cairn/internal/certs"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/worker/janitor"
	"github.com/cairn-discovery/cairn/worker/prober"
	"github.com/cairn-discovery/cairn/worker/runner"
)

// wiring is what the components of a node share while they are built.
type wiring struct {
	*Node
	listeners *listeners
	store     store.Store
	metrics   *prometheus.Registry
	rep       *replica.Replica
	memberID  string // of this node among the nodes that share the store
	checks    *prober.Prober
	gateways  gateways
	runner    *runner.Runner // nil without one
	apiCert   *certs.Source  // nil without tls
	dnsCert   *certs.Source  // nil without tls
}

// wire builds every component of the node, in the order in which they start; they
// stop in the reverse order. An edge starts after, and so stops before, what it
// asks.
func (n *Node) wire(st store.Store, l *listeners) ([]component, error) {
	w := &wiring{Node: n, listeners: l, store: st, metrics: admin.NewRegistry(n.build)}
	if err := w.prepare(st); err != nil {
		return nil, err
	}
	var components []component
	for _, build := range []func() (component, error){
		// Audit records come from the admin listener too.
		w.auditComponent,
		// The admin listener answers from the first moment to the last, so that
		// probes and scrapers can see that the node loads or stops.
		w.adminComponent,
		w.storeComponent,
		// The replica loads the registry; nothing can be asked before that. It
		// stops after everything that writes, and commits what still waits.
		w.replicaComponent,
		// The node joins before it does its share of the work, and leaves after it.
		w.membershipComponent,
		// Workers write, so they stop before the replica.
		w.janitorComponent, w.schedulerComponent, w.authorityComponent, w.proberComponent, w.certsComponent,
		// Edges start last and stop first: no request arrives before it can be
		// answered, and those in flight find everything they need.
		w.dnsComponent, w.xdsComponent, w.apiComponent,
		// The runner uses the API and the DNS for its tasks.
		w.gatewayComponent, w.runnerComponent,
	} {
		c, err := build()
		if err != nil {
			return nil, err
		}
		if c.run != nil { // a component that is not wanted has none
			components = append(components, w.mayBeLate(c))
		}
	}
	return components, nil
}

// prepare builds what several components use.
func (w *wiring) prepare(st store.Store) (err error) {
	if w.shared() {
		if w.memberID, err = w.installation(); err != nil {
			return err
		}
	}
	w.rep, err = replica.New(replica.Config{
		Store:      st,
		Rules:      w.currentRules,
		Logger:     w.log.With("part", "replica"),
		Registerer: w.metrics,
		QueueSize:  w.cfg.Limits.QueueSize,

		StaleAfter:   w.staleAfter(),
		WriteWait:    w.cfg.Nodes.WriteWait.Duration,
		WriteTimeout: w.writeTimeout(),
		ReadOnly:     w.cfg.Upstream != "",
		MemberID:     w.memberID,
	})
	if err != nil {
		return err
	}
	w.replica.Store(w.rep)
	if w.membership, err = w.newMembership(); err != nil {
		return err
	}
	if w.audit, err = w.newAudit(w.metrics); err != nil {
		return err
	}
	if w.apiCert, w.dnsCert, err = w.loadCerts(); err != nil {
		return err
	}
	w.addMetrics()
	w.checks, err = w.newProber()
	return err
}

func (w *wiring) replicaComponent() (component, error) {
	run := func(ctx context.Context) error {
		w.setUnready("loading the registry")
		return w.rep.Run(ctx)
	}
	return component{name: "replica", run: run, up: w.rep.Loaded(), stopTimeout: replicaStopTimeout}, nil
}

// writers are the components that wait for the store when they stop.
var writers = []string{"store", "replica", "membership", "janitor", "scheduler", "authority", "prober", "runner"}

// mayBeLate lets a component that writes to a shared store stop late without an error of the
// node: a store that has stopped to answer, often because the whole site stops, holds up what
// writes to it. All clients have their answer by then, and the other nodes take over the work.
func (w *wiring) mayBeLate(c component) component {
	if w.shared() && slices.Contains(writers, c.name) {
		c.late = func() {
			w.log.Warn("the store does not answer in time; the node stops without waiting for it", "part", c.name)
		}
	}
	return c
}

func (w *wiring) proberComponent() (component, error) {
	if w.follows() {
		return component{}, nil
	}
	return component{name: "prober", run: w.checks.Run, stopTimeout: workerStopTimeout}, nil
}

func (w *wiring) janitorComponent() (component, error) {
	if w.follows() {
		return component{}, nil
	}
	worker, err := janitor.New(janitor.Config{
		Replica: w.rep,
		Rules:   w.currentRules,
		Logger:  w.log.With("part", "janitor"),
		Owns:    w.owns(),
		Reached: w.rep.Reached,

		Operations: w.operations,
	})
	if err != nil {
		return component{}, err
	}
	return component{name: "janitor", run: worker.Run, stopTimeout: workerStopTimeout}, nil
}

func (w *wiring) adminComponent() (component, error) {
	token, err := w.cfg.Token()
	if err != nil {
		return component{}, err
	}
	cert := w.apiCert
	if !w.cfg.TLS.Admin {
		cert = nil
	}
	identities, err := w.newIdentities()
	if err != nil {
		return component{}, err
	}
	fixed, err := zone.NewFixed(hostsOf(&w.cfg.Config, w.listeners))
	if err != nil {
		return component{}, err
	}
	server, err := admin.New(admin.Config{
		Token:        token,
		Certificate:  w.cfg.AdminByCertificate(),
		Failures:     failureBudget(&w.cfg.Auth),
		Identities:   identities,
		Ready:        w.readiness,
		Fresh:        w.checkStaleness,
		Backup:       func(out io.Writer) error { return w.backups.note(writeBackup(out, w.rep)) },
		Explain:      w.explainer(w.rep, w.checks, fixed),
		ExplainTask:  w.explainTask(w.rep),
		ExplainProxy: w.explainProxy(),
		Logs:         w.taskLogs(),
		Nodes:        func() any { return w.nodes() },
		RemoveNode:   w.removeNode(),
		AddNode:      w.addNode(),
		Metrics:      w.storeMetrics(),
		Registerer:   w.metrics,
		Hosts:        w.cfg.AdminHosts,
		Feed:         w.feed(),
		TLS:          tlsConfig(cert, "h2", "http/1.1"),
		Logger:       w.log.With("part", "admin"),
	})
	serve := func(ctx context.Context) error { return server.Serve(ctx, w.listeners.admin) }
	return component{name: "admin", run: serve, stopTimeout: adminStopTimeout}, err
}

func (w *wiring) apiComponent() (component, error) {
	server, err := aws.New(aws.Config{
		Replica:      w.rep,
		Rules:        w.currentRules,
		Auth:         w.newAuth(),
		Providers:    w.identityProviders,
		Accounts:     w.accountOf,
		Rates:        w.rates.current,
		Failures:     failureBudget(&w.cfg.Auth),
		Staleness:    w.rep.Staleness,
		MaxStaleness: w.refuseAfter(),
		RevisionWait: w.cfg.Nodes.RevisionWait.Duration,
		Audit:        w.audit,
		AuditReads:   w.cfg.Audit.Reads,
		Logger:       w.log.With("part", "api"),
		RequestLog:   w.requestLog.WithAttrs([]slog.Attr{slog.String("part", "api")}),
		Registerer:   w.metrics,
		Limits:       apiLimits(&w.cfg.Limits),
		TLS:          tlsConfig(w.apiCert, "http/1.1"),
		NewKey:       w.newSigningKey,
		Route53:      w.route53Config(),
	})
	w.gateways.api = server
	serve := func(ctx context.Context) error { return server.Serve(ctx, w.listeners.api) }
	return component{name: "api", run: w.edge("api", serve), stopTimeout: edgeStopTimeout}, err
}

// newAuth returns what authenticates calls, or nil in open mode.
func (n *Node) newAuth() *aws.Auth {
	if n.cfg.Auth.Mode == config.AuthOpen {
		return nil
	}
	auth := &aws.Auth{Directory: n.directory.current}
	if n.sealKey != nil {
		auth.Sessions = sts.NewSessions(n.sealKey)
	}
	return auth
}

// failureBudget limits the calls with invalid credentials; nil is no limit.
func failureBudget(a *config.Auth) *authlimit.Budget {
	return authlimit.New(authlimit.Config{PerSecond: a.FailuresPerSecond, Burst: a.FailureBurst})
}

// newIdentities returns the handler of operators' requests about identities. It
// is nil if the admin listener does not authenticate its callers: anyone who
// reaches it could then make a key that may do everything.
func (w *wiring) newIdentities() (http.Handler, error) {
	if !w.cfg.AdminAuthenticates() {
		return nil, nil
	}
	var records *adminidentity.AuditConfig
	if w.audit != nil {
		records = &adminidentity.AuditConfig{Log: w.audit, Region: w.cfg.Region, Reads: w.cfg.Audit.Reads}
	}
	return adminidentity.New(adminidentity.Config{
		Audit:     records,
		Replica:   w.rep,
		Rules:     w.currentRules,
		Directory: w.directory.current,
		Known: func(arn string) (access.Tagged, access.MapContext, error) {
			k, err := aws.Known(w.rep.Current().State, w.currentRules(), arn)
			return k.Tags, k.Keys, err
		},
		File:   w.identitySource,
		Seal:   w.sealKey,
		Logger: w.log.With("part", "identities"),
	})
}

// edge turns the error of requests that an edge had to cut off when it stopped
// into a line in the log: clients that are too slow must not make a stop fail.
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

func apiLimits(l *config.Limits) aws.Limits {
	return aws.Limits{
		MaxBody:                       l.MaxBodyBytes,
		MaxHeader:                     l.MaxHeaderBytes,
		ReadTimeout:                   l.ReadTimeout.Duration,
		WriteTimeout:                  l.WriteTimeout.Duration,
		IdleTimeout:                   l.IdleTimeout.Duration,
		MaxConnections:                l.MaxConnections,
		MaxConnectionsPerClient:       l.MaxConnectionsPerClient,
		MaxUnauthenticatedConnections: l.MaxUnauthenticatedConnections,
	}
}
