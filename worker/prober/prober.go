// Package prober runs the active health checks: of instances of the registry, and of
// Route 53. It follows the published state, probes every target of a check, and proposes
// changes of verdict, never single results.
//
//	p, err := prober.New(prober.Config{Replica: rep, Interval: 30 * time.Second, …})
//	err = p.Run(ctx)
//
// One goroutine, the loop, owns all bookkeeping: checks, the schedule, what waits
// to be proposed. Each probe that runs has a goroutine of its own; there are
// never more than Config.MaxProbes. docs/health.md describes a probe.
package prober

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/replica"
)

// Replica is what a Prober follows and writes to; a *replica.Replica.
type Replica interface {
	Loaded() <-chan struct{}
	Current() *replica.Snapshot
	Propose(ctx context.Context, account command.AccountID, op command.Command) (command.Reply, error)
}

// Config is what a Prober needs. Replica, Logger and the two intervals are
// required.
type Config struct {
	Replica Replica
	Logger  *slog.Logger
	// Registerer takes the metrics. Nil: none are kept.
	Registerer prometheus.Registerer
	// Interval is the time between two probes of an instance.
	Interval time.Duration
	// InitialInterval is the time between probes until the first verdict.
	InitialInterval time.Duration
	// SuccessThreshold is how many probes in a row must pass; 0 means as many as
	// the service's FailureThreshold. Not used with Strict.
	SuccessThreshold int
	// Strict ignores the service attributes and settings that AWS does not have.
	Strict bool

	// MaxProbes bounds the probes, and so the sockets, at a time. Zero means
	// 4096.
	MaxProbes int
	// MaxRate bounds the probes begun in a second. Zero means 5000.
	MaxRate int
	// MaxRatePerAddress bounds the probes that one account begins in a second at
	// one IP address. Zero means no limit.
	MaxRatePerAddress int

	// Allow, unless empty, are the only addresses that may be probed; Deny are
	// those that may not, even if allowed.
	Allow, Deny []netip.Prefix
	// AllowReserved are addresses that may be probed although they are reserved:
	// link-local, cloud metadata, a listener of this node, or loopback while a
	// listener is not on loopback. Multicast and unspecified addresses and the
	// admin listener are never probed.
	AllowReserved []netip.Prefix
	// Admin is the node's admin listener, Listeners are all others.
	Admin     netip.AddrPort
	Listeners []netip.AddrPort

	// Control are addresses that are always reachable by TCP unless something is
	// wrong with this node. None: the prober always trusts itself.
	Control []netip.AddrPort
	// DistrustShare is the share of good checks that must turn bad within an
	// interval for the prober to look at Control. Zero means 0.8.
	DistrustShare float64

	// Self returns the name of this node among the live nodes, which share the checks.
	// Nil: this node runs all checks.
	Self func() string
	// Voters is how many of the live nodes run each check. Zero means 1: there is no vote.
	Voters int
	// HealthyShare is the share of the voters; if more of them find a target healthy, it
	// is. From 0 to less than 1.
	HealthyShare float64

	// Operations returns how many operations the store takes in one transaction. Nil, or 0:
	// there is no limit.
	Operations func() int

	// Version is in the User-Agent of probes.
	Version string
	// Resolve finds the IPv4 addresses of the name of a health check. Nil means the
	// resolver of the machine.
	Resolve func(ctx context.Context, name string) ([]netip.Addr, error)
	// Dial opens a TCP connection. Nil means the network.
	Dial func(ctx context.Context, to netip.AddrPort) (net.Conn, error)
}

// Prober runs the health checks of one node. Make it with New, then call Run.
type Prober struct {
	cfg          Config
	loopbackOnly bool // all listeners are on loopback, so probes of it are harmless
	// interfaces returns the addresses of this machine: net.InterfaceAddrs, or what a
	// test says.
	interfaces func() ([]net.Addr, error)
	metrics    *metrics
	asks       chan func(*loop)
	stopped    chan struct{}
}

// New checks the configuration. It starts nothing.
func New(cfg Config) (*Prober, error) {
	if cfg.Replica == nil || cfg.Logger == nil {
		return nil, errors.New("prober: Replica and Logger are required")
	}
	if cfg.Interval <= 0 || cfg.InitialInterval <= 0 {
		return nil, errors.New("prober: Interval and InitialInterval must be positive")
	}
	if cfg.MaxProbes == 0 {
		cfg.MaxProbes = 4096
	}
	if cfg.MaxRate == 0 {
		cfg.MaxRate = 5000
	}
	cfg.Voters = max(cfg.Voters, 1)
	if cfg.DistrustShare == 0 {
		cfg.DistrustShare = 0.8
	}
	if cfg.Resolve == nil {
		cfg.Resolve = lookUp
	}
	if cfg.Dial == nil {
		cfg.Dial = dialTCP
	}
	return &Prober{
		cfg:          cfg,
		loopbackOnly: onLoopback(append([]netip.AddrPort{cfg.Admin}, cfg.Listeners...)...),
		interfaces:   net.InterfaceAddrs,
		metrics:      newMetrics(cfg.Registerer),
		asks:         make(chan func(*loop)),
		stopped:      make(chan struct{}),
	}, nil
}

// Run probes until ctx ends, and returns when the last probe has.
func (p *Prober) Run(ctx context.Context) error {
	defer close(p.stopped)
	select {
	case <-p.cfg.Replica.Loaded():
	case <-ctx.Done():
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	l := newLoop(p)
	l.run(ctx)
	cancel()
	l.leave(ctx)
	l.tasks.Wait()
	return nil
}
