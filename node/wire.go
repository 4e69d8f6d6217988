package node

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/edge/admin"
	adminidentity "github.com/cairn-discovery/cairn/edge/admin/identity"
	"github.com/cairn-discovery/cairn/edge/aws"
	"github.com/cairn-discovery/cairn/edge/aws/sts"
	"github.com/cairn-discovery/cairn/edge/aws/throttle"
	"github.com/cairn-discovery/cairn/internal/certs"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/embedded"
	"github.com/cairn-discovery/cairn/worker/janitor"
	"github.com/cairn-discovery/cairn/worker/prober"
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
		return nil, err
	}
	n.directory.replica.Store(rep)
	if err := n.newAudit(metrics); err != nil {
		return nil, err
	}
	apiCert, dnsCert, err := n.certificates()
	if err != nil {
		return nil, err
	}
	checks, err5 := n.newProber(rep, metrics, l)
	// The admin listener answers from the first moment to the last, so that
	// probes and scrapers see loading and stopping for what they are.
	adm, err1 := n.newAdmin(rep, checks, metrics, l.admin, apiCert)
	// Workers write, so they stop before the replica.
	jan, err2 := n.newJanitor(rep)
	// Edges come last and go first: no request arrives before it can be
	// answered, and those in flight find everything they need. The xDS listener
	// belongs here too, once it exists.
	dns, err3 := n.newDNS(rep, metrics, l, dnsCert)
	api, err4 := n.newAPI(rep, metrics, l.api, apiCert)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return nil, err
	}
	parts := []part{
		// Records come from the admin listener too.
		n.auditPart(), adm,
		// The replica loads the registry; nothing can be asked before that. It
		// stops after everything that writes, and commits what still waits.
		{name: "replica", run: n.loading(rep.Run), up: rep.Loaded(), grace: replicaGrace},
		jan, proberPart(checks),
	}
	if apiCert != nil {
		parts = append(parts, part{name: "certificates", run: n.renewing, grace: workerGrace})
	}
	return append(parts, dns, api), nil
}

func (n *Node) newAdmin(
	rep *replica.Replica, checks *prober.Prober, metrics prometheus.Gatherer, ln net.Listener, cert *certs.Source,
) (part, error) {
	token, err := n.cfg.adminToken()
	if err != nil {
		return part{}, err
	}
	if !n.cfg.TLS.Admin {
		cert = nil
	}
	identities, err := n.newIAM(rep, token)
	if err != nil {
		return part{}, err
	}
	if identities != nil {
		identities = n.audited(identities)
	}
	server, err := admin.New(admin.Config{
		Token:       token,
		Certificate: n.cfg.TLS.certifiesAdmin(),
		Failures:    n.cfg.failureBudget(),
		Identities:  identities,
		Ready:       n.readiness,
		Backup:      func(w io.Writer) error { return writeBackup(w, rep) },
		Explain:     n.explainer(rep, checks),
		Metrics:     metrics,
		Hosts:       n.cfg.AdminHosts,
		TLS:         spoken(cert),
		Logger:      n.log.With("part", "admin"),
	})
	serve := func(ctx context.Context) error { return server.Serve(ctx, ln) }
	return part{name: "admin", run: serve, grace: adminGrace}, err
}

func (n *Node) newJanitor(rep *replica.Replica) (part, error) {
	worker, err := janitor.New(janitor.Config{
		Replica: rep,
		Rules:   n.currentRules,
		Logger:  n.log.With("part", "janitor"),
	})
	run := func(ctx context.Context) error { return worker.Run(ctx) }
	return part{name: "janitor", run: run, grace: workerGrace}, err
}

func (n *Node) newAPI(rep *replica.Replica, metrics prometheus.Registerer, ln net.Listener, cert *certs.Source) (part, error) {
	server, err := aws.New(aws.Config{
		Replica:    rep,
		Rules:      n.currentRules,
		Auth:       n.newAuth(),
		Providers:  n.directory.providers,
		Accounts:   n.accountOf,
		Rates:      func() *throttle.Rates { return n.limits.with(rep.Current().Identity) },
		Failures:   n.cfg.failureBudget(),
		Audit:      n.audit,
		AuditReads: n.cfg.Audit.Reads,
		Logger:     n.log.With("part", "api"),
		Registerer: metrics,
		Limits:     apiLimits(n.cfg.Limits),
		TLS:        spoken(cert),
		NewKey:     n.newSigningKey,
	})
	serve := func(ctx context.Context) error { return server.Serve(ctx, ln) }
	return part{name: "api", run: n.edge("api", serve), grace: edgeGrace}, err
}

// newAuth is nil in open mode.
func (n *Node) newAuth() *aws.Auth {
	if n.cfg.Auth.Mode == authOpen {
		return nil
	}
	auth := &aws.Auth{Directory: n.directory.current}
	if n.directory.key != nil {
		auth.Sessions = sts.NewSessions(n.directory.key)
	}
	return auth
}

// newIAM is nil where the admin listener does not ask who its callers are:
// whoever reached it could make a key for everything.
func (n *Node) newIAM(rep *replica.Replica, token string) (http.Handler, error) {
	if token == "" && !n.cfg.TLS.certifiesAdmin() {
		return nil, nil
	}
	return adminidentity.New(adminidentity.Config{
		Replica:   rep,
		Rules:     n.currentRules,
		Directory: n.directory.current,
		File:      n.directory.inFile,
		Seal:      n.directory.key,
		Logger:    n.log.With("part", "identities"),
	})
}

func (n *Node) newDNS(
	rep *replica.Replica, metrics prometheus.Registerer, l *listeners, cert *certs.Source,
) (part, error) {
	server, err := n.wireDNS(rep, l, cert, metrics)
	if err != nil {
		return part{}, err
	}
	return part{name: "dns", run: n.edge("dns", server.run), grace: dnsGrace}, nil
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
