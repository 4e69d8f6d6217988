package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/replica"
)

// Replica is what a Runner follows and writes to; a *replica.Replica.
type Replica interface {
	Loaded() <-chan struct{}
	Current() *replica.Snapshot
	Propose(ctx context.Context, account command.AccountID, op command.Command) (command.Reply, error)
}

// Endpoint serves the metadata and the credentials of a task within its network.
type Endpoint interface {
	// Open serves a task until Close. It may be called again.
	Open(ctx context.Context, t *task.Task) error
	// Close ends what Open has started.
	Close(taskID string)
	// Credentials returns the path of the task's credentials, or "" if it has none. An
	// error means that it cannot get those of its role.
	Credentials(t *task.Task, d *task.Definition) (string, error)
}

// Config is what a Runner needs. Replica, Rules, Driver, Node, Subnets and Logger are
// required.
type Config struct {
	Replica Replica
	Rules   func() *state.Rules
	Driver  Driver
	// Node is this machine as it is registered.
	Node task.Node
	// Lease is how long the node counts as alive after it was last registered; it is
	// registered again every third of it. 0: always, the store is of one machine.
	Lease time.Duration
	// Subnets give the addresses of tasks.
	Subnets []Subnet
	// DNS are the resolvers of tasks. Empty: the gateways of the subnet.
	DNS []netip.Addr
	// Search is the search list of tasks.
	Search []string
	// Hosts returns the lines of /etc/hosts of a task with these gateways. Nil: none.
	Hosts func(gateways []netip.Addr) []task.HostEntry
	// Variables are given to every container in awsvpc mode that does not set them.
	Variables []task.KeyValuePair
	// Gateway is called after a network with these addresses of this machine has been
	// made, so that the program can listen on them. It may be called again. Nil: nothing.
	Gateway func(ctx context.Context, gateways []netip.Addr) error
	// Endpoint serves tasks in awsvpc mode. Nil: they have no metadata.
	Endpoint Endpoint
	// Proxy is for tasks of services with Service Connect. Nil: they get none. It needs a
	// ProxyDriver.
	Proxy   *ProxyConfig
	Sources Sources
	// LogDir is the folder of the output of containers. LogBytes is when a file is full;
	// 0 means 10 MiB. LogFiles is how many files a container has; 0 means 5.
	// LogRetention is when files that are not written any more are deleted; 0: never.
	LogDir       string
	LogBytes     int64
	LogFiles     int
	LogRetention time.Duration
	// Parallel is how many networks and containers are made at the same time. 0 means 8.
	Parallel int
	// Logger is required, Registerer may be nil.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Runner runs the tasks of one node. Make it with New, then call Run.
//
// It is driven by levels, not by events: for each task a goroutine compares what the
// state wants with what the driver observes, does the next step, and reports what has
// changed. So it does not matter which events it has missed while it did not run.
type Runner struct {
	cfg     Config
	pool    *pool
	metrics *metrics
	heavy   chan struct{} // holds a token for each step that makes something
	idle    chan struct{} // has room for one: the node has no tasks

	mu      sync.Mutex
	working bool // workers may be started: Run has adopted the tasks and has not ended
	workers map[string]*worker
	tasks   sync.WaitGroup
}

// New checks the configuration. It starts nothing.
func New(cfg Config) (*Runner, error) {
	if cfg.Replica == nil || cfg.Rules == nil || cfg.Driver == nil || cfg.Node.Name == "" || cfg.Logger == nil {
		return nil, errors.New("runner: Replica, Rules, Driver, Node and Logger are required")
	}
	if cfg.Parallel == 0 {
		cfg.Parallel = 8
	}
	if cfg.LogBytes == 0 {
		cfg.LogBytes = 10 << 20
	}
	if cfg.LogFiles == 0 {
		cfg.LogFiles = 5
	}
	if err := cfg.checkProxy(); err != nil {
		return nil, err
	}
	p, err := newPool(cfg.Subnets)
	if err != nil {
		return nil, fmt.Errorf("runner: %w", err)
	}
	cfg.Node.Driver, cfg.Node.Proxy = cfg.Driver.Name(), cfg.Proxy != nil
	if p.subnets[DefaultSubnet] == nil {
		cfg.Node.Subnets = p.ids()
	}
	r := &Runner{cfg: cfg, pool: p, heavy: make(chan struct{}, cfg.Parallel), idle: make(chan struct{}, 1), workers: map[string]*worker{}}
	r.metrics = newMetrics(r, cfg.Registerer)
	return r, nil
}

// Run runs the tasks of the node until ctx ends. The tasks themselves go on; the next
// Run finds them.
func (r *Runner) Run(ctx context.Context) error {
	select {
	case <-r.cfg.Replica.Loaded():
	case <-ctx.Done():
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 1)
	var others sync.WaitGroup
	others.Go(func() {
		err := r.cfg.Driver.Run(ctx, func(id string) { r.changed(ctx, id) })
		if err != nil && ctx.Err() == nil {
			failed <- fmt.Errorf("driver %s: %w", r.cfg.Driver.Name(), err)
		}
		cancel()
	})
	others.Go(func() { r.deleteOldLogs(ctx) })
	others.Go(func() { r.register(ctx) })
	others.Go(func() { r.cleanup(ctx) })
	if r.adopt(ctx) {
		r.follow(ctx)
	}
	cancel()
	r.setWorking(false)
	r.tasks.Wait()
	others.Wait()
	r.lastCleanup(ctx)
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// adopt finds the tasks that run on this machine, and keeps their addresses, before any
// address is given to another. It returns false if ctx ended.
func (r *Runner) adopt(ctx context.Context) bool {
	tasks := slices.Collect(r.cfg.Replica.Current().Task.TasksOfNode(r.cfg.Node.Name))
	slices.SortFunc(tasks, func(a, b *task.Task) int { return cmp.Compare(a.Created, b.Created) })
	for _, t := range tasks {
		if t.Network == nil {
			continue
		}
		if a, err := netip.ParseAddr(t.Network.IPv4); err == nil {
			r.pool.given(a)
		}
		if t.LastStatus != task.StatusStopped {
			r.keep(t.ID, t.Network.IPv4)
		}
	}
	for attempt := 0; ; attempt++ {
		err := r.adoptAll(ctx)
		if err == nil {
			return true
		}
		r.cfg.Logger.Error("the tasks of this machine cannot be listed", "error", err)
		if !sleep(ctx, backOff(attempt)) {
			return false
		}
	}
}

func (r *Runner) adoptAll(ctx context.Context) error {
	ids, err := r.cfg.Driver.Tasks(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		o, err := r.cfg.Driver.Observe(ctx, id)
		if err != nil {
			return err
		}
		if o.Network == nil {
			continue
		}
		for _, p := range o.Network.Addresses {
			r.keep(id, p.Addr().String())
		}
	}
	r.setWorking(true)
	for _, id := range ids {
		r.worker(ctx, id)
	}
	if len(ids) == 0 {
		r.becameIdle()
	}
	return nil
}

func (r *Runner) keep(id, address string) {
	if a, err := netip.ParseAddr(address); err == nil {
		r.pool.keep(id, []netip.Addr{a})
	}
}

// follow gives each new snapshot to the workers until ctx ends.
func (r *Runner) follow(ctx context.Context) {
	for ctx.Err() == nil {
		snapshot := r.cfg.Replica.Current()
		known := map[string]*task.Task{}
		for t := range snapshot.Task.TasksOfNode(r.cfg.Node.Name) {
			known[t.ID] = t
			if t.LastStatus != task.StatusStopped {
				r.worker(ctx, t.ID)
			}
		}
		r.show(known)
		select {
		case <-snapshot.Superseded():
		case <-ctx.Done():
		}
	}
}

// worker makes sure that a task has a goroutine.
func (r *Runner) worker(ctx context.Context, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.workers[id] != nil || !r.working {
		return
	}
	w := newWorker(r, id)
	r.workers[id] = w
	r.tasks.Go(func() {
		w.run(ctx)
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.workers, id)
		if len(r.workers) == 0 {
			r.becameIdle()
		}
	})
}

// show wakes the workers of tasks that have changed.
func (r *Runner) show(known map[string]*task.Task) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, w := range r.workers {
		if t := known[id]; t != w.shown {
			w.shown = t
			w.kick()
		}
	}
}

// changed wakes the worker of a task about which something has changed on the machine.
// A task that has none gets one, which removes what exists: a container may appear after
// its task was removed, if a call to the engine took effect after it had failed.
func (r *Runner) changed(ctx context.Context, id string) {
	r.worker(ctx, id)
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.workers[id]; w != nil {
		w.kick()
	}
}

func (r *Runner) setWorking(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.working = on
}

// registerPause is how long the runner waits before it registers its node again after
// a failure.
const registerPause = time.Second

// register registers the node, and renews its lease until ctx ends.
func (r *Runner) register(ctx context.Context) {
	for ctx.Err() == nil {
		n := r.cfg.Node
		if r.cfg.Lease > 0 {
			n.Expires = time.Now().Add(r.cfg.Lease).UnixMilli()
		}
		pause := r.cfg.Lease / 3
		_, err := r.cfg.Replica.Propose(ctx, "", &task.PutNode{Node: n})
		switch {
		case err == nil && r.cfg.Lease == 0:
			return
		case err != nil && ctx.Err() == nil:
			r.cfg.Logger.Warn("the node could not be registered", "error", err)
			pause = registerPause
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}

// backOff returns the pause before an attempt: 100 ms, doubled each time, at most 30 s.
func backOff(attempt int) time.Duration {
	const first, most = 100 * time.Millisecond, 30 * time.Second
	return min(first<<min(attempt, 10), most)
}

// sleep returns false if ctx ended meanwhile.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// wantedSubnets returns the subnets that a task names; the one that was chosen first.
func wantedSubnets(t *task.Task) []string {
	var all []string
	if t.Network != nil && t.Network.Subnet != "" {
		all = append(all, t.Network.Subnet)
	}
	if n := t.NetworkConfiguration; n != nil && n.AwsvpcConfiguration != nil {
		all = append(all, n.AwsvpcConfiguration.Subnets...)
	}
	return slices.Compact(all)
}
