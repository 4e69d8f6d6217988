package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/internal/atomicfile"
	"github.com/cairn-discovery/cairn/internal/xdsbootstrap"
)

// ProxyConfig says how the proxies of Service Connect run: an Envoy in a container of its own
// in each task. All members are required.
type ProxyConfig struct {
	// Program is Envoy, and Checker the program that checks its health; see task.ProxyCheck.
	// Both are absolute paths.
	Program, Checker string
	// Serve serves xDS to the proxy of a task on a listener, until ctx ends.
	Serve func(ctx context.Context, ln net.Listener, t *task.Task) error
}

func (c *Config) checkProxy() error {
	if c.Proxy == nil {
		return nil
	}
	if _, ok := c.Driver.(ProxyDriver); !ok {
		return fmt.Errorf("runner: driver %s runs no proxies of Service Connect", c.Driver.Name())
	}
	if !filepath.IsAbs(c.Proxy.Program) || !filepath.IsAbs(c.Proxy.Checker) || c.Proxy.Serve == nil {
		return errors.New("runner: the proxy needs absolute paths of its programs, and Serve")
	}
	return nil
}

// runnable returns a definition with what the container of the proxy runs on this node.
func runnable(d *task.Definition, t *task.Task) *task.Definition {
	if t.Proxy == "" {
		return d
	}
	with := *d
	with.ContainerDefinitions = slices.Clone(d.ContainerDefinitions)
	if c := containerOf(&with, t.Proxy); c != nil {
		c.Image, c.ReadonlyRootFilesystem = "host", new(true)
		c.LinuxParameters = &task.LinuxParameters{Capabilities: &task.KernelCapabilities{Drop: []string{"ALL"}}}
		c.DockerSecurityOptions = []string{"no-new-privileges"}
		c.Command = []string{
			task.ProxyProgram, "--config-path", task.ProxyFolder + "/" + proxyBootstrap, "--disable-hot-restart",
			"--log-level", "warning", "--concurrency", strconv.FormatInt(proxyThreads(size(d.CPU)), 10),
		}
	}
	return &with
}

// proxyThreads returns how many threads of a proxy serve requests: one for each processor of
// the task.
func proxyThreads(units int64) int64 {
	const perCPU, most = 1024, 8
	if units == 0 {
		return 2
	}
	return min((units+perCPU-1)/perCPU, most)
}

// Files in the folder of a proxy.
const (
	proxyBootstrap = "envoy.json"
	proxySettings  = "settings.json"
)

// proxyRecord is what is kept of the proxy of a task: it stays as long as the task runs.
type proxyRecord struct {
	Settings  *task.ProxySettings `json:"settings"`
	Redirects []task.Redirect     `json:"redirects,omitempty"`
}

// addProxy adds to a task what its proxy needs: the names in /etc/hosts, the redirects and
// the files.
func (r *Runner) addProxy(s *Spec) error {
	c := s.Container(s.Task.Proxy)
	if s.Task.Proxy == "" || c == nil {
		return nil
	}
	driver, ok := r.cfg.Driver.(ProxyDriver)
	if !ok || r.cfg.Proxy == nil {
		return errors.New("this node runs no proxies of Service Connect any more")
	}
	folder := driver.Folder(s.Task.ID)
	record, err := r.proxyRecord(s, folder)
	if err != nil {
		return err
	}
	s.Network.Redirects, s.Network.ConnectPort = record.Redirects, record.Settings.Egress
	s.Network.Hosts = slices.Concat(s.Network.Hosts, hostEntries(record.Settings.Hosts))
	c.Mounts = []Mount{
		{Source: folder, Target: task.ProxyFolder},
		{Source: r.cfg.Proxy.Program, Target: task.ProxyProgram, ReadOnly: true},
		{Source: r.cfg.Proxy.Checker, Target: task.ProxyChecker, ReadOnly: true},
	}
	return nil
}

// hostEntries returns the lines of /etc/hosts, in order of the names.
func hostEntries(hosts map[string]string) []task.HostEntry {
	var all []task.HostEntry
	for name, address := range hosts {
		all = append(all, task.HostEntry{Hostname: name, IpAddress: address})
	}
	slices.SortFunc(all, func(a, b task.HostEntry) int { return strings.Compare(a.Hostname, b.Hostname) })
	return all
}

// proxyRecord returns what is kept of a proxy, and makes it and the files of the proxy for a
// task that starts.
func (r *Runner) proxyRecord(s *Spec, folder string) (*proxyRecord, error) {
	file := filepath.Join(folder, proxySettings)
	text, err := os.ReadFile(file)
	if err == nil {
		record := new(proxyRecord)
		return record, json.Unmarshal(text, record)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	record := r.newProxyRecord(s)
	bootstrap, err := r.bootstrapOf(s, record.Settings)
	if err != nil {
		return nil, err
	}
	if text, err = json.Marshal(record); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	if err := writeFile(filepath.Join(folder, proxyBootstrap), bootstrap); err != nil {
		return nil, err
	}
	return record, writeFile(file, text)
}

func writeFile(path string, text []byte) error {
	return atomicfile.Write(path, true, func(f *os.File) error {
		_, err := f.Write(text)
		return err
	})
}

func (r *Runner) newProxyRecord(s *Spec) *proxyRecord {
	state := r.cfg.Replica.Current().State
	config, _ := state.Task.ConnectOf(s.Task)
	var endpoints []task.ConnectEndpoint
	if ns, ok := state.Task.ConnectNamespace(&state.Registry, &r.cfg.Rules().Registry, s.Task); ok {
		endpoints = state.Task.ConnectEndpoints(&state.Registry, ns)
	}
	if config == nil { // the service is gone; the task will stop
		config = new(task.ServiceConnectConfiguration)
	}
	record := new(proxyRecord)
	record.Settings, record.Redirects = task.ProxySettingsOf(s.Definition, config, endpoints)
	return record
}

// bootstrapOf returns the file with which the proxy of a task starts.
func (r *Runner) bootstrapOf(s *Spec, settings *task.ProxySettings) ([]byte, error) {
	metadata, err := settings.Metadata()
	if err != nil {
		return nil, err
	}
	t, rules := s.Task, r.cfg.Rules()
	return xdsbootstrap.Envoy(&xdsbootstrap.Config{
		Server: xdsbootstrap.Unix + task.ProxyXDS, Admin: xdsbootstrap.Unix + task.ProxyAdmin,
		ID: rules.Task.TaskARN(t.Account, t.Cluster, t.ID), Cluster: t.Service, Region: rules.Task.Region, Zone: t.Zone,
		Metadata: map[string]any{task.ProxyMetadata: metadata},
	})
}

// proxyServer serves xDS to one proxy.
type proxyServer struct {
	stop context.CancelFunc
	done sync.WaitGroup
}

// serveProxy serves xDS to the proxy of a task. The socket is in the folder of the proxy, so
// no other program than the proxy can connect.
func (w *worker) serveProxy(ctx context.Context, t *task.Task) error {
	driver, ok := w.r.cfg.Driver.(ProxyDriver)
	if !ok || w.r.cfg.Proxy == nil {
		w.r.cfg.Logger.Warn("a task has a proxy that gets no changes: this node has no Envoy any more", "task", t.ID)
		return nil
	}
	folder := driver.Folder(t.ID)
	socket := filepath.Join(folder, filepath.Base(task.ProxyXDS))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) { // of an earlier run of the program
		return err
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "unix", socket)
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(ctx)
	w.proxy = &proxyServer{stop: stop}
	w.proxy.done.Go(func() {
		if err := w.r.cfg.Proxy.Serve(serving, ln, t); err != nil && serving.Err() == nil {
			w.r.cfg.Logger.Warn("the proxy of a task gets no changes any more", "task", t.ID, "error", err)
		}
	})
	return nil
}

func (w *worker) closeProxy() {
	if w.proxy != nil {
		w.proxy.stop()
		w.proxy.done.Wait()
		w.proxy = nil
	}
}
