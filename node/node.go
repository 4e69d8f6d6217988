// Package node is the only place that wires, runs and stops the pieces of
// cairn: the store, the replica, the edges and the workers. The configuration,
// read by package config, is used only here: every piece gets what it needs as
// values of its own.
//
//	cfg, err := config.Load(config.Sources{File: "cairn.yaml"})
//	n, err := node.New(node.Config{Config: cfg})
//	err = n.Run(ctx) // until ctx ends
package node

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/aws"
	"github.com/cairn-discovery/cairn/edge/aws/throttle"
	"github.com/cairn-discovery/cairn/edge/dns/view"
	"github.com/cairn-discovery/cairn/edge/xds"
	"github.com/cairn-discovery/cairn/internal/audit"
	"github.com/cairn-discovery/cairn/internal/buildinfo"
	"github.com/cairn-discovery/cairn/internal/certs"
	"github.com/cairn-discovery/cairn/internal/loglines"
	"github.com/cairn-discovery/cairn/internal/seal"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/worker/membership"
)

// Config is what a node is started with.
type Config struct {
	config.Config
	// LogOutput is where logs go. Nil means stderr.
	LogOutput io.Writer
	// Version is shown in the log and in metrics. Empty means the version that the
	// Go build recorded.
	Version string
	// OpenStore opens the store that Run uses and closes. Nil means the store that
	// the configuration names.
	OpenStore func() (store.Store, error)
	// Shared says that other nodes use the store of OpenStore too.
	Shared bool
	// Notify informs the service manager about a change of state such as
	// "READY=1". Nil means systemd, if it started this process.
	Notify func(state string) error
}

// Node is one running cairn.
type Node struct {
	cfg   Config // as it was at New; what a reload changes is below
	build buildinfo.Info
	log   *slog.Logger
	level *slog.LevelVar
	// requestLog takes the lines of requests.
	requestLog slog.Handler
	logWriter  *loglines.Writer // writes the lines of both

	rules     atomic.Pointer[state.Rules]
	accounts  atomic.Pointer[map[string]string] // access key id -> account id
	directory merged[fileIdentities, identity.Directory]
	rates     merged[throttle.Rates, throttle.Rates]
	views     atomic.Pointer[view.Table]
	transfers atomic.Pointer[transfers] // nil until Run; set by wire
	dns       atomic.Pointer[dnsEdge]   // nil until Run; set by wire
	// xdsChanged tells the streams of xDS of a reload.
	xdsChanged chan struct{}
	xds        atomic.Pointer[xds.Server] // nil until Run, or if it is not served; set by wire

	catalog *access.Catalog                 // the actions that policies can name
	sealKey *seal.Key                       // nil: what is sealed cannot be opened
	replica atomic.Pointer[replica.Replica] // nil until Run; set by wire
	audit   *audit.Log                      // nil without audit.file; set by wire
	certs   atomic.Pointer[[]*certs.Source] // nil without tls; set by wire
	unready atomic.Pointer[string]          // why the node does not serve; nil when it does

	started    time.Time
	membership *membership.Membership // nil on a store of one node; set by wire

	stopping chan struct{} // closed when the node begins to stop

	reloads operation
	backups operation

	ran   atomic.Bool
	ready chan struct{} // closed when every listener serves
	addrs Addrs         // written before ready is closed
}

// Addrs are the real addresses of a node's listeners, as HOST:PORT. An address
// is empty if its protocol is not served.
type Addrs struct {
	API   string
	DNS   string
	DoT   string
	DoH   string
	Admin string
	XDS   string
}

// Stop timeouts: how long each kind of component may take to stop. Their sum,
// with the time that the store needs to close, stays below the ten seconds that
// Run promises.
const (
	edgeStopTimeout    = 4500 * time.Millisecond
	dnsStopTimeout     = 1 * time.Second
	workerStopTimeout  = 500 * time.Millisecond
	replicaStopTimeout = 2 * time.Second
	storeStopTimeout   = 2 * time.Second
	adminStopTimeout   = 1500 * time.Millisecond
	auditStopTimeout   = 500 * time.Millisecond
)

// New checks the configuration and makes a node. It opens and starts nothing.
func New(cfg Config) (*Node, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	n := &Node{
		cfg:   cfg,
		build: buildinfo.Read(),
		level: new(slog.LevelVar),

		started: time.Now(), stopping: make(chan struct{}),
		ready: make(chan struct{}), xdsChanged: make(chan struct{}, 1),
	}
	n.build.Version = cmp.Or(cfg.Version, n.build.Version)
	n.openLog()
	var err error
	if n.sealKey, err = cfg.Auth.Key(); err != nil {
		return nil, err
	}
	if n.catalog, err = aws.Catalog(); err != nil {
		return nil, err
	}
	n.directory.merge, n.directory.stored = n.compileDirectory, n.storedIdentities
	n.rates.merge, n.rates.stored = mergeRates, n.storedIdentities
	n.setUnready("starting")
	n.applyReloadable(&cfg.Config)
	return n, n.reloads.note(nil)
}

// Run runs the node until ctx ends, and then stops it within ten seconds: it
// answers the requests in flight, commits the writes that wait, and closes the
// store. It returns nil if all of that went well. It can be called once.
func (n *Node) Run(ctx context.Context) error {
	if !n.ran.CompareAndSwap(false, true) {
		return errors.New("node: Run called twice")
	}
	n.log.Info("starting", "version", n.build.Version, "revision", n.build.Revision, "data_dir", n.cfg.DataDir)
	defer n.logWriter.Close()
	l, err := listen(ctx, &n.cfg.Config)
	if err != nil {
		return err
	}
	defer l.close()
	return n.runOnStore(ctx, l)
}

// runOnStore opens the store first and closes it last, because every component
// may need it until it has stopped.
func (n *Node) runOnStore(ctx context.Context, l *listeners) (err error) {
	st, err := n.openStore()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	components, err := n.wire(st, l)
	if err != nil {
		return err
	}
	return runComponents(ctx, components, func() { n.onUp(l) }, n.onStop)
}

// Ready is closed when every listener serves.
func (n *Node) Ready() <-chan struct{} { return n.ready }

// Addrs returns the real addresses. It may be called once Ready is closed.
func (n *Node) Addrs() Addrs { return n.addrs }

func (n *Node) onUp(l *listeners) {
	n.addrs = Addrs{
		API: addrOf(l.api), DNS: l.dns.Addr().String(), DoT: addrOf(l.dot), DoH: addrOf(l.doh), Admin: addrOf(l.admin), XDS: addrOf(l.xds),
	}
	n.unready.Store(nil)
	n.warnWithoutUsers()
	if l.xdsInUse != nil {
		n.log.Warn("xDS is not served: its default address is in use; set xds_addr", "error", l.xdsInUse)
	}
	n.log.Info("ready", n.addrs.attrs()...)
	close(n.ready)
	n.notify("READY=1")
}

// attrs returns the addresses as attributes of a log line.
func (a Addrs) attrs() []any {
	attrs := []any{"api", a.API, "dns", a.DNS, "admin", a.Admin}
	if a.DoT != "" {
		attrs = append(attrs, "dot", a.DoT)
	}
	if a.DoH != "" {
		attrs = append(attrs, "doh", a.DoH)
	}
	if a.XDS != "" {
		attrs = append(attrs, "xds", a.XDS)
	}
	return attrs
}

// onStop makes the node unready before anything else stops, so that clients that
// ask /readyz send their requests elsewhere while those in flight are answered.
func (n *Node) onStop() {
	n.setUnready("stopping")
	close(n.stopping)
	n.log.Info("stopping")
	n.notify("STOPPING=1")
}

func (n *Node) setUnready(reason string) { n.unready.Store(&reason) }

// readiness returns nil, or the reason why the node does not serve.
func (n *Node) readiness() error {
	if reason := n.unready.Load(); reason != nil {
		return errors.New(*reason)
	}
	return nil
}

// Log returns the node's log, for the program that runs it.
func (n *Node) Log() *slog.Logger { return n.log }
