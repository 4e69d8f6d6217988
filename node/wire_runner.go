package node

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"runtime"
	"time"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/worker/runner"
	"github.com/cairn-discovery/cairn/worker/runner/docker"
	"github.com/cairn-discovery/cairn/worker/runner/process"
)

// runnerStopTimeout is for steps of tasks that cannot be interrupted, such as the start
// of a process, and for the removal of what tasks have shared.
const runnerStopTimeout = time.Second + runner.LastCleanup

// apiHost is the name of the API in tasks. SDKs put "data-" before it for
// DiscoverInstances.
const apiHost = "api.cairn.internal"

// gatewayComponent serves the API and DNS for the tasks of this node.
func (w *wiring) gatewayComponent() (component, error) {
	if w.cfg.Runner.Driver == config.RunnerNone {
		return component{}, nil
	}
	g := &w.gateways
	g.log, g.apiPort = w.log.With("part", "gateway"), addrPortOf(w.listeners.api.Addr()).Port()
	return component{name: "gateway", run: g.run, stopTimeout: edgeStopTimeout}, nil
}

// runnerComponent runs the tasks of this node.
func (w *wiring) runnerComponent() (component, error) {
	if w.cfg.Runner.Driver == config.RunnerNone {
		return component{}, nil
	}
	driver, err := w.newDriver()
	if err != nil {
		return component{}, fmt.Errorf("runner.driver: %w", err)
	}
	cfg := w.runnerConfig(driver)
	if cfg.LogDir, err = filepath.Abs(cfg.LogDir); err != nil { // shims work in another folder
		return component{}, err
	}
	if cfg.Endpoint, err = w.newTaskEndpoint(driver); err != nil {
		return component{}, err
	}
	if cfg.Proxy, err = w.taskProxy(driver); err != nil {
		return component{}, err
	}
	if w.runner, err = runner.New(cfg); err != nil {
		return component{}, err
	}
	return component{name: "runner", run: w.runner.Run, stopTimeout: runnerStopTimeout}, nil
}

func (w *wiring) newDriver() (runner.Driver, error) {
	c := &w.cfg.Runner
	dir, err := filepath.Abs(w.cfg.DataDir)
	if err != nil {
		return nil, err
	}
	switch c.Driver {
	case config.RunnerProcess:
		cfg := process.Config{
			RunDir: runDir(dir), Others: runDirs, Owner: dir, DataDir: filepath.Join(dir, "runner", "tasks"), Images: map[string]process.Image{},
			Hidden: w.hidden(dir), HostPaths: c.HostPaths, Privileged: c.Privileged, NoCgroups: !c.Cgroups, MaxPIDs: c.MaxProcesses,
			Bridge: c.BridgeCIDR.Prefix, NoOutbound: !c.Outbound,
			Forbidden: []uint16{addrPortOf(w.listeners.admin.Addr()).Port()}, Logger: w.log.With("part", "process"),
		}
		for name, i := range c.Images {
			cfg.Images[name] = process.Image{Root: i.Root, Command: i.Command}
		}
		return process.New(cfg)
	case config.RunnerDocker:
		return w.newDocker(dir)
	}
	return nil, fmt.Errorf("%q is not supported by this build", c.Driver)
}

// newDocker returns the driver that uses the Docker Engine.
func (w *wiring) newDocker(dataDir string) (runner.Driver, error) {
	c := &w.cfg.Runner
	return docker.New(docker.Config{
		Node: w.taskNode().Name, Dir: filepath.Join(dataDir, "runner", "docker"),
		Socket: c.Docker.Socket, PullPolicy: c.Docker.Pull, AuthFile: c.Docker.RegistryAuth,
		HostPaths: c.HostPaths, ProtectedPaths: w.hidden(dataDir), Privileged: c.Privileged, PidsLimit: int64(c.MaxProcesses),
		Forbidden: []uint16{addrPortOf(w.listeners.admin.Addr()).Port()}, Logger: w.log.With("part", "docker"),
	})
}

// TaskCommand runs one of the hidden commands with which the program starts itself for
// the tasks of driver process. ok is false if args are none of them.
func TaskCommand(args []string) (code int, ok bool) {
	if len(args) > 0 && args[0] == task.ProxyCheck {
		return runner.CheckProxy(args[1:]), true
	}
	if len(args) == 0 || args[0] != process.ShimCommand && args[0] != process.InitCommand {
		return 0, false
	}
	return process.Main(args[0], args[1:]), true
}

// runDirs is the folder of what is lost when the machine restarts.
const runDirs = "/run/cairn"

// runDir returns the folder below runDirs that belongs to a data folder.
func runDir(dataDir string) string {
	sum := sha256.Sum256([]byte(dataDir))
	return filepath.Join(runDirs, hex.EncodeToString(sum[:6]))
}

// hidden returns the files of the program that no task may see.
func (w *wiring) hidden(dataDir string) []string {
	all := []string{dataDir}
	for _, file := range w.cfg.Files() {
		if path, err := filepath.Abs(file); err == nil {
			all = append(all, path)
		}
	}
	return all
}

func (w *wiring) runnerConfig(driver runner.Driver) runner.Config {
	c := &w.cfg.Runner
	cfg := runner.Config{
		Replica: w.rep, Rules: w.currentRules, Driver: driver, Node: w.taskNode(),
		DNS: addrsOf(c.DNS), Search: c.Search, Gateway: w.openGateways,
		Sources: runner.Sources{
			SecretFolders: c.SecretFolders, SecretVariables: c.SecretVariables, EnvironmentFiles: c.EnvironmentFiles,
		},
		LogDir: filepath.Join(w.cfg.DataDir, "runner", "logs"), LogBytes: c.LogMaxBytes, LogFiles: c.LogMaxFiles, LogRetention: c.LogRetention.Duration,
		Parallel: c.Parallel, Logger: w.log.With("part", "runner"), Registerer: w.metrics,
	}
	if w.shared() {
		cfg.Lease = c.Lease.Duration
	}
	for _, s := range c.Subnets {
		cfg.Subnets = append(cfg.Subnets, runner.Subnet{ID: s.ID, IPv4: s.CIDR.Prefix, IPv6: s.CIDRIPv6.Prefix})
	}
	if s := c.DefaultSubnet; s.CIDR.IsValid() {
		cfg.Subnets = append(cfg.Subnets, runner.Subnet{ID: runner.DefaultSubnet, IPv4: s.CIDR.Prefix, IPv6: s.CIDRIPv6.Prefix})
	}
	w.addEndpoint(&cfg)
	return cfg
}

// addEndpoint lets SDKs in tasks find the API.
func (w *wiring) addEndpoint(cfg *runner.Config) {
	url := w.cfg.Runner.EndpointURL
	if url == "" {
		scheme := "http"
		if w.apiCert != nil {
			scheme = "https"
		}
		url = fmt.Sprintf("%s://%s:%d", scheme, apiHost, addrPortOf(w.listeners.api.Addr()).Port())
		cfg.Hosts = func(gateways []netip.Addr) []task.HostEntry {
			var all []task.HostEntry
			for _, a := range gateways {
				for _, name := range []string{apiHost, "data-" + apiHost} {
					all = append(all, task.HostEntry{Hostname: name, IpAddress: a.String()})
				}
			}
			return all
		}
	}
	cfg.Variables = []task.KeyValuePair{{Name: "AWS_ENDPOINT_URL", Value: &url}}
}

// openGateways serves the API and DNS on the node's addresses in a subnet.
func (w *wiring) openGateways(ctx context.Context, all []netip.Addr) error {
	for _, a := range all {
		if err := w.gateways.open(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// taskNode returns this machine as it is registered.
func (w *wiring) taskNode() task.Node {
	c := &w.cfg.Runner
	n := task.Node{Name: w.nodeName(), Zone: cmp.Or(c.Zone, w.cfg.Region+"a"), CPU: c.CPU, Memory: c.MemoryMiB}
	if n.CPU == 0 {
		n.CPU = int64(runtime.NumCPU()) * 1024
	}
	if n.Memory == 0 {
		n.Memory = machineMemory()
	}
	if n.IPv4 = nodeAddress(); c.Address.IsValid() {
		n.IPv4 = c.Address.String()
	}
	if c.AddressIPv6.IsValid() {
		n.IPv6 = c.AddressIPv6.String()
	}
	n.Attributes = []task.Attribute{
		{Name: "ecs.cpu-architecture", Value: cpuArchitecture()}, {Name: "ecs.os-family", Value: "LINUX"}, {Name: "ecs.os-type", Value: "linux"},
	}
	n.VersionInfo = &task.VersionInfo{AgentVersion: w.build.Version}
	return n
}

// cpuArchitecture returns the architecture of this machine as Amazon ECS names it.
func cpuArchitecture() string {
	if runtime.GOARCH == "amd64" {
		return "x86_64"
	}
	return runtime.GOARCH
}

// nodeAddress returns an IPv4 address of this machine by which others reach it, or its
// loopback address.
func nodeAddress() string {
	all, err := net.InterfaceAddrs()
	if err == nil {
		for _, a := range all {
			p, err := netip.ParsePrefix(a.String())
			if addr := p.Addr().Unmap(); err == nil && addr.Is4() && addr.IsGlobalUnicast() {
				return addr.String()
			}
		}
	}
	return "127.0.0.1"
}
