package docker

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/worker/runner"
)

// placement is what a container needs to know about its surroundings on the engine.
type placement struct {
	pause string                 // id of the pause container, "" without
	names map[string]string      // container of the task → name on the engine
	mount map[string]mount.Mount // volume → mount without target
	cpus  int                    // of the machine
}

// createOptions translates a container of a task to the form of the engine.
func (d *Driver) createOptions(s *runner.Spec, c *runner.Container, p *placement) (client.ContainerCreateOptions, error) {
	def := c.Definition
	config := &container.Config{
		Image:       def.Image,
		Cmd:         def.Command,
		Entrypoint:  def.EntryPoint,
		Env:         c.Environment,
		User:        def.User,
		WorkingDir:  def.WorkingDirectory,
		Hostname:    def.Hostname,
		Tty:         yes(def.PseudoTerminal),
		OpenStdin:   yes(def.Interactive),
		Labels:      d.containerLabels(s, c),
		Healthcheck: healthCheck(def.HealthCheck),
	}
	host := &container.HostConfig{
		RestartPolicy:  container.RestartPolicy{Name: container.RestartPolicyDisabled}, // the agent restarts
		ReadonlyRootfs: yes(def.ReadonlyRootFilesystem),
		Privileged:     yes(def.Privileged),
		Resources:      d.resources(s, c, p),
	}
	o := client.ContainerCreateOptions{Name: p.names[def.Name], Config: config, HostConfig: host}
	for _, part := range []func() error{
		func() error { return d.checkAllowed(s, def) },
		func() error { return checkSize(c) },
		func() error { return d.setNetwork(s, c, p, config, host) },
		func() error { return d.setMounts(s, def, p, host) },
		func() error { return d.setLinux(def, host) },
		func() error { return setLog(c, host) },
	} {
		if err := part(); err != nil {
			return o, err
		}
	}
	setNamespaces(s, p, host)
	return o, nil
}

const (
	// maxVariables and maxArguments bound what a process is given. The kernel allows 2 MiB
	// by default, and the engine stops answering for minutes when it gets 100,000 variables.
	maxVariables = 10_000
	maxArguments = 1 << 20
)

func checkSize(c *runner.Container) error {
	if n := len(c.Environment); n > maxVariables {
		return fmt.Errorf("the environment has %d variables: at most %d are allowed", n, maxVariables)
	}
	size := 0
	for _, list := range [][]string{c.Environment, c.Definition.Command, c.Definition.EntryPoint} {
		for _, s := range list {
			size += len(s) + 1
		}
	}
	if size > maxArguments {
		return fmt.Errorf("environment and arguments have %d bytes: at most %d are allowed", size, maxArguments)
	}
	return nil
}

func yes(b *bool) bool { return b != nil && *b }

// value returns *p, or 0 if p is nil.
func value(p *int64) int64 {
	if p == nil {
		return 0
	}
	return *p
}

// containerLabels returns the labels of a container. Those of the user cannot replace
// ours.
func (d *Driver) containerLabels(s *runner.Spec, c *runner.Container) map[string]string {
	l := maps.Clone(c.Labels)
	if l == nil {
		l = map[string]string{}
	}
	maps.DeleteFunc(l, func(k, _ string) bool { return strings.HasPrefix(k, labelPrefix) })
	maps.Copy(l, d.taskLabels(s))
	l[labelContainer] = c.Definition.Name
	if copied(&c.Log) {
		target, err := json.Marshal(logTarget{File: c.Log.File, MaxBytes: c.Log.MaxBytes, MaxFiles: c.Log.MaxFiles})
		if err == nil { // strings and numbers can always be marshalled
			l[labelLog] = string(target)
		}
	}
	return l
}

// healthCheck translates a health check. Without one, that of the image is disabled:
// ECS ignores it.
func healthCheck(h *task.HealthCheck) *container.HealthConfig {
	if h == nil || len(h.Command) == 0 {
		return &container.HealthConfig{Test: []string{"NONE"}}
	}
	seconds := func(p *int64, or int64) time.Duration {
		if p != nil {
			or = *p
		}
		return time.Duration(or) * time.Second
	}
	retries := 3
	if h.Retries != nil {
		retries = int(*h.Retries)
	}
	return &container.HealthConfig{
		Test:        h.Command,
		Interval:    seconds(h.Interval, 30),
		Timeout:     seconds(h.Timeout, 5),
		StartPeriod: seconds(h.StartPeriod, 0),
		Retries:     retries,
	}
}

const (
	minMemory = 6 << 20 // of the engine
	minShares = 2       // of the kernel
	mebibyte  = 1 << 20
)

// resources returns the limits of a container. The limits of the task are limits of
// each of its containers.
func (d *Driver) resources(s *runner.Spec, c *runner.Container, p *placement) container.Resources {
	memory := c.MemoryLimit
	if memory == 0 {
		memory = s.MemoryLimit
	}
	if memory > 0 {
		memory = max(memory, minMemory)
	}
	r := container.Resources{
		CPUShares:         max(c.CPUShares, minShares),
		Memory:            memory,
		MemoryReservation: c.MemoryReservation,
		PidsLimit:         &d.cfg.PidsLimit,
	}
	if r.MemoryReservation > 0 {
		r.MemoryReservation = max(r.MemoryReservation, minMemory)
	}
	// The engine refuses more than the machine has.
	r.NanoCPUs = min(s.CPULimit*1_000_000_000/1024, int64(p.cpus)*1_000_000_000)
	if l := c.Definition.LinuxParameters; l != nil {
		if l.MaxSwap != nil && memory > 0 {
			r.MemorySwap = memory + *l.MaxSwap*mebibyte
		}
		r.MemorySwappiness = l.Swappiness
	}
	for _, u := range c.Definition.Ulimits {
		r.Ulimits = append(r.Ulimits, &container.Ulimit{Name: u.Name, Soft: value(u.SoftLimit), Hard: value(u.HardLimit)})
	}
	return r
}

// setNetwork sets the network mode, published ports, and what depends on them.
func (d *Driver) setNetwork(s *runner.Spec, c *runner.Container, p *placement, config *container.Config, host *container.HostConfig) error {
	def := c.Definition
	switch s.Network.Mode {
	case runner.ModeAWSVPC:
		// Host name, DNS and hosts are those of the pause container.
		host.NetworkMode = container.NetworkMode("container:" + p.pause)
		config.Hostname = ""
		return nil
	case runner.ModeHost, runner.ModeNone:
		host.NetworkMode = container.NetworkMode(s.Network.Mode)
	case runner.ModeBridge, "":
		host.NetworkMode = "bridge"
		if yes(def.DisableNetworking) {
			host.NetworkMode = "none"
			break
		}
		if err := publish(def, config, host); err != nil {
			return err
		}
		for _, l := range def.Links {
			name, alias, _ := strings.Cut(l, ":")
			target, ok := p.names[name]
			if !ok {
				return fmt.Errorf("link %q: the task has no container %q", l, name)
			}
			if alias == "" {
				alias = name
			}
			host.Links = append(host.Links, target+":"+alias)
		}
	default:
		return fmt.Errorf("network mode %q: must be awsvpc, bridge, host or none", s.Network.Mode)
	}
	host.ExtraHosts = extraHosts(slices.Concat(s.Network.Hosts, def.ExtraHosts))
	host.DNS, host.DNSSearch = s.Network.DNS, s.Network.Search
	if len(def.DNSServers) > 0 {
		host.DNS = nil
		for _, a := range def.DNSServers {
			addr, err := netip.ParseAddr(a)
			if err != nil {
				return fmt.Errorf("dnsServers %q: must be an IP address", a)
			}
			host.DNS = append(host.DNS, addr)
		}
	}
	if len(def.DNSSearchDomains) > 0 {
		host.DNSSearch = def.DNSSearchDomains
	}
	return nil
}

// publish sets the published ports of a container in bridge mode. Host port 0 lets the
// engine choose one.
func publish(def *task.ContainerDefinition, config *container.Config, host *container.HostConfig) error {
	for _, m := range def.PortMappings {
		text := strconv.FormatInt(value(m.ContainerPort), 10)
		if m.ContainerPortRange != "" {
			text = m.ContainerPortRange
		}
		if m.Protocol != "" {
			text += "/" + m.Protocol
		}
		ports, err := network.ParsePortRange(text)
		if err != nil {
			return fmt.Errorf("port mapping: %w", err)
		}
		for port := range ports.All() {
			if config.ExposedPorts == nil {
				config.ExposedPorts, host.PortBindings = network.PortSet{}, network.PortMap{}
			}
			binding := network.PortBinding{}
			if h := value(m.HostPort); h != 0 && m.ContainerPortRange == "" {
				binding.HostPort = strconv.FormatInt(h, 10)
			}
			config.ExposedPorts[port] = struct{}{}
			host.PortBindings[port] = append(host.PortBindings[port], binding)
		}
	}
	return nil
}

// setMounts sets the volumes and temporary file systems of a container.
func (d *Driver) setMounts(s *runner.Spec, def *task.ContainerDefinition, p *placement, host *container.HostConfig) error {
	taken := false
	for _, m := range def.MountPoints {
		v, ok := p.mount[m.SourceVolume]
		if !ok {
			return fmt.Errorf("mount point %q: the task has no volume %q", m.ContainerPath, m.SourceVolume)
		}
		v.Target, v.ReadOnly = m.ContainerPath, yes(m.ReadOnly)
		taken = taken || filepath.Clean(m.ContainerPath) == "/etc/resolv.conf"
		host.Mounts = append(host.Mounts, v)
	}
	if resolvConf(&s.Network) != "" && !taken {
		host.Mounts = append(host.Mounts, mount.Mount{
			Type: mount.TypeBind, Source: filepath.Join(d.taskDir(s.Task.ID), "resolv.conf"), Target: "/etc/resolv.conf", ReadOnly: true,
		})
	}
	for _, v := range def.VolumesFrom {
		name, ok := p.names[v.SourceContainer]
		if !ok {
			return fmt.Errorf("volumesFrom: the task has no container %q", v.SourceContainer)
		}
		if yes(v.ReadOnly) {
			name += ":ro"
		}
		host.VolumesFrom = append(host.VolumesFrom, name)
	}
	return nil
}

// setNamespaces sets the namespaces of processes and of IPC.
func setNamespaces(s *runner.Spec, p *placement, host *container.HostConfig) {
	switch s.Definition.PIDMode {
	case "host":
		host.PidMode = "host"
	case "task":
		host.PidMode = container.PidMode("container:" + p.pause)
	}
	switch s.Definition.IPCMode {
	case "host":
		host.IpcMode = container.IPCModeHost
	case "task":
		host.IpcMode = container.IpcMode("container:" + p.pause)
	case "none":
		host.IpcMode = container.IPCModeNone
	}
}

// logDrivers are the log drivers of the engine that tasks may use. "awslogs" is not one
// of them: its output goes to files of this node.
var logDrivers = []string{"fluentd", "gelf", "journald", "json-file", "local", "none", "splunk", "syslog"}

// setLog sets the log driver. The files of the engine are bounded unless the user says
// otherwise.
func setLog(c *runner.Container, host *container.HostConfig) error {
	driver := c.Log.Driver
	options := maps.Clone(c.Log.Options)
	switch driver {
	case "", "awslogs":
		driver = "json-file"
		maps.DeleteFunc(options, func(k, _ string) bool { return k != "mode" && k != "max-buffer-size" })
	}
	if !slices.Contains(logDrivers, driver) {
		return fmt.Errorf("log driver %q: must be awslogs, %s", driver, strings.Join(logDrivers, ", "))
	}
	if driver == "json-file" {
		if options == nil {
			options = map[string]string{}
		}
		if options["max-size"] == "" {
			options["max-size"] = "10m"
			if options["max-file"] == "" {
				options["max-file"] = "3"
			}
		}
	}
	host.LogConfig = container.LogConfig{Type: driver, Config: options}
	return nil
}

// errNotAllowed says that only a node with Config.Privileged runs a task.
var errNotAllowed = errors.New("not allowed on this node (runner.privileged)")
