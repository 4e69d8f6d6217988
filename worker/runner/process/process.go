//go:build linux

package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/cairn-discovery/cairn/worker/runner"
)

// Driver runs containers as processes of this machine. It implements runner.Driver.
type Driver struct {
	cfg     Config
	files   layout
	cgroups *cgroups // nil: there are no limits
	table   string   // of nftables
	// images are those of the configuration, and "host".
	images map[string]Image
	// starts has a token for each process that starts. More at a time than the processors
	// can run would only take them from tasks.
	starts chan struct{}

	// network is held while bridges, addresses of bridge mode and rules change.
	network sync.Mutex
	// ruled are the bridges of subnets whose rules this run of the program has made.
	ruled map[string]bool

	running atomic.Bool // Run has not ended
	watches watches
}

// New checks the configuration and the machine. It starts nothing.
func New(cfg Config) (*Driver, error) {
	if cfg.RunDir == "" || cfg.DataDir == "" || cfg.Logger == nil {
		return nil, errors.New("process: RunDir, DataDir and Logger are required")
	}
	if !filepath.IsAbs(cfg.RunDir) || !filepath.IsAbs(cfg.DataDir) {
		return nil, errors.New("process: RunDir and DataDir must be absolute")
	}
	const maxSocket = 108 // sun_path of unix(7)
	if len(cfg.RunDir)+len("/events") >= maxSocket {
		return nil, fmt.Errorf("process: %s is too long for the name of a socket", cfg.RunDir)
	}
	if os.Geteuid() != 0 {
		return nil, errors.New("the process driver makes namespaces and mounts, so it needs root")
	}
	if cfg.CgroupParent == "" {
		cfg.CgroupParent = "cairn"
	}
	if cfg.MaxPIDs == 0 {
		cfg.MaxPIDs = 4096
	}
	if !cfg.Bridge.IsValid() {
		cfg.Bridge = netip.MustParsePrefix("172.30.0.0/16")
	}
	d := &Driver{
		cfg: cfg, files: layout{cfg.RunDir, cfg.DataDir}, table: shortName("cairn_", cfg.RunDir),
		images: map[string]Image{imageHost: {Root: imageHost}}, ruled: map[string]bool{},
		starts: make(chan struct{}, 2*runtime.NumCPU()),
	}
	for name, i := range cfg.Images {
		d.images[name] = i
	}
	if cfg.NoCgroups {
		return d, nil
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	// Each driver of a machine has groups of its own.
	d.cgroups, err = findCgroups(string(mounts), filepath.Join(cfg.CgroupParent, d.groupName(cfg.RunDir)))
	return d, err
}

// groupName returns the name of the control group of the driver with a RunDir.
func (d *Driver) groupName(runDir string) string { return shortName("", runDir) }

// Name returns "process".
func (d *Driver) Name() string { return "process" }

// Run implements runner.Driver.
func (d *Driver) Run(ctx context.Context, changed func(taskID string)) error {
	lock, err := d.claim()
	if err != nil {
		return err
	}
	d.running.Store(true)
	defer func() {
		d.running.Store(false)
		lock.Close()
	}()
	events, err := d.listenEvents()
	if err != nil {
		return err
	}
	defer os.Remove(d.files.events())
	var leftovers sync.WaitGroup
	leftovers.Go(func() { d.removeLeftovers(ctx) })
	defer leftovers.Wait()
	stop := context.AfterFunc(ctx, func() { events.Close() })
	defer stop()
	defer d.watches.stop()
	d.watches.begin(func(w watched) {
		d.ended(w)
		changed(w.task)
	})
	if err := d.adopt(ctx); err != nil {
		return err
	}
	buf := make([]byte, 256)
	for {
		n, err := events.Read(buf)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if id := string(buf[:n]); checkTask(id) == nil {
			changed(id)
		}
	}
}

// listenEvents opens the socket by which shims say that something has changed.
func (d *Driver) listenEvents() (*net.UnixConn, error) {
	if err := os.Remove(d.files.events()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: d.files.events()})
}

// adopt watches the containers that an earlier run of the program has started.
func (d *Driver) adopt(ctx context.Context) error {
	ids, err := d.Tasks(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		for _, name := range d.containerNames(id) {
			var r shimRecord
			if ok, err := readRecord(d.files.container(id, name).shim(), &r); ok && err == nil {
				d.watches.add(watched{task: id, container: name}, r)
			}
		}
	}
	return nil
}

// Tasks implements runner.Driver.
func (d *Driver) Tasks(context.Context) ([]string, error) {
	var ids []string
	for _, folder := range []string{d.files.tasks(), d.files.data} {
		entries, err := os.ReadDir(folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, e := range entries {
			if checkTask(e.Name()) == nil && !slices.Contains(ids, e.Name()) {
				ids = append(ids, e.Name())
			}
		}
	}
	return ids, nil
}

// Folder implements runner.ProxyDriver.
func (d *Driver) Folder(id string) string { return d.files.agent(id) }

func (d *Driver) containerNames(id string) []string {
	entries, err := os.ReadDir(d.files.containers(id))
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if checkContainer(e.Name()) == nil {
			names = append(names, e.Name())
		}
	}
	return names
}

// Cleanup implements runner.Driver.
func (d *Driver) Cleanup(ctx context.Context) error {
	d.network.Lock()
	defer d.network.Unlock()
	ids, err := d.Tasks(ctx)
	if err != nil || len(ids) > 0 {
		return err
	}
	clear(d.ruled)
	err = removeLinks(d.alias())
	fw := d.emptyFirewall()
	if e := fw.remove(); e != nil && !errors.Is(e, unix.EOPNOTSUPP) && !errors.Is(e, unix.EPROTONOSUPPORT) {
		err = errors.Join(err, e)
	}
	if d.cgroups != nil {
		err = errors.Join(err, d.cgroups.remove(ctx), d.cgroups.removeParent(d.cfg.CgroupParent))
	}
	if err == nil && !d.running.Load() {
		d.removeRunDir()
	}
	return err
}

// alias marks the interfaces of this driver.
func (d *Driver) alias() string { return "cairn " + d.cfg.RunDir }

var _ runner.ProxyDriver = (*Driver)(nil)
