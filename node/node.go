// Package node is the only place that wires, runs and stops the pieces of
// cairn: the store, the replica, the edges and the workers. It also reads the
// configuration, which goes no further than here: every piece gets what it
// needs as values of its own.
//
//	cfg, err := node.Load(node.Sources{File: "cairn.yaml"})
//	n, err := node.New(cfg)
//	err = n.Run(ctx) // until ctx ends
package node

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/dns/view"
	"github.com/cairn-discovery/cairn/internal/audit"
	"github.com/cairn-discovery/cairn/internal/buildinfo"
	"github.com/cairn-discovery/cairn/internal/certs"
)

// Node is one running cairn.
type Node struct {
	cfg   Config // as it was at New; what can change is in the atomics
	build buildinfo.Info
	log   *slog.Logger
	level *slog.LevelVar

	rules     atomic.Pointer[state.Rules]
	accounts  atomic.Pointer[map[string]string]
	directory *directory
	limits    requestRates
	audit     *audit.Log // nil without audit.file; made by wire
	views     atomic.Pointer[view.Table]
	sources   atomic.Pointer[[]*certs.Source] // nil without tls
	unready   atomic.Pointer[string]          // why the node does not serve; nil when it does

	ran   atomic.Bool
	ready chan struct{} // closed when every listener serves
	addrs Addrs         // written before ready is closed
}

// Addrs are the addresses on which a node really listens, as HOST:PORT.
// Those that are not served are empty.
type Addrs struct {
	API   string
	DNS   string
	DoT   string
	DoH   string
	Admin string
}

// Graces are how long each kind of part may take to stop. Their sum, with what
// the store needs to close, stays below the ten seconds that Run promises.
const (
	edgeGrace    = 4500 * time.Millisecond
	dnsGrace     = 1 * time.Second
	workerGrace  = 500 * time.Millisecond
	replicaGrace = 2 * time.Second
	adminGrace   = 1500 * time.Millisecond
	auditGrace   = 500 * time.Millisecond
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
		ready: make(chan struct{}),
	}
	n.build.Version = cmp.Or(cfg.Version, n.build.Version)
	n.log = newLogger(&cfg, n.level)
	key, err := cfg.sealKey()
	if err != nil {
		return nil, err
	}
	n.directory = &directory{log: n.log.With("part", "identities"), key: key}
	n.setUnready("starting")
	n.adopt(&cfg)
	return n, nil
}

// Run runs the node until ctx ends, and then stops it within ten seconds: it
// answers the requests in flight, commits the writes that wait, and closes the
// store. It returns nil if all of that went well. It can be called once.
func (n *Node) Run(ctx context.Context) error {
	if !n.ran.CompareAndSwap(false, true) {
		return errors.New("node: Run called twice")
	}
	n.log.Info("starting", "version", n.build.Version, "revision", n.build.Revision, "data_dir", n.cfg.DataDir)
	for _, key := range n.cfg.inert() {
		n.log.Warn("this setting has no effect yet", "key", key)
	}
	l, err := listen(ctx, &n.cfg)
	if err != nil {
		return err
	}
	defer l.close()
	return n.runOnStore(ctx, l)
}

// runOnStore opens the store first and closes it last, since every part may
// need it for as long as it runs.
func (n *Node) runOnStore(ctx context.Context, l *listeners) (err error) {
	st, err := n.openStore()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	parts, err := n.wire(st, l)
	if err != nil {
		return err
	}
	return runParts(ctx, parts, func() { n.onUp(l) }, n.onStop)
}

// Ready is closed when every listener serves.
func (n *Node) Ready() <-chan struct{} { return n.ready }

// Addrs returns the real addresses. It may be called once Ready is closed.
func (n *Node) Addrs() Addrs { return n.addrs }

func (n *Node) onUp(l *listeners) {
	n.addrs = Addrs{
		API: addrOf(l.api), DNS: l.dns.Addr().String(), DoT: addrOf(l.dot), DoH: addrOf(l.doh), Admin: addrOf(l.admin),
	}
	n.unready.Store(nil)
	n.log.Info("ready", n.addrs.attrs()...)
	close(n.ready)
	n.notify("READY=1")
}

// attrs are the addresses for the log.
func (a Addrs) attrs() []any {
	attrs := []any{"api", a.API, "dns", a.DNS, "admin", a.Admin}
	if a.DoT != "" {
		attrs = append(attrs, "dot", a.DoT)
	}
	if a.DoH != "" {
		attrs = append(attrs, "doh", a.DoH)
	}
	return attrs
}

// onStop makes the node unready before anything else stops, so that whoever
// asks /readyz sends its requests elsewhere while those in flight are answered.
func (n *Node) onStop() {
	n.setUnready("stopping")
	n.log.Info("stopping")
	n.notify("STOPPING=1")
}

func (n *Node) setUnready(why string) { n.unready.Store(&why) }

// readiness returns nil, or why the node does not serve.
func (n *Node) readiness() error {
	if why := n.unready.Load(); why != nil {
		return errors.New(*why)
	}
	return nil
}

// Log is the node's log, for the program around it.
func (n *Node) Log() *slog.Logger { return n.log }
