//go:build linux

package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/worker/runner"
)

// containerSpec returns what the shim of a container needs, or which member of the
// definition this driver does not support.
func (d *Driver) containerSpec(s *runner.Spec, c *runner.Container) (*containerSpec, error) {
	def := c.Definition
	image, ok := d.images[def.Image]
	if !ok {
		return nil, fmt.Errorf("image %q is not there", def.Image)
	}
	if err := d.checkSupported(s, c); err != nil {
		return nil, err
	}
	dir := d.files.container(s.Task.ID, def.Name)
	spec := &containerSpec{
		Task: s.Task.ID, Events: d.files.events(), HostPID: s.Definition.PIDMode == "host", HostIPC: s.Definition.IPCMode == "host",
		Log: logSpec{File: c.Log.File, MaxBytes: c.Log.MaxBytes, MaxFiles: c.Log.MaxFiles},
		Init: initSpec{
			Root: dir.root(), Image: image.Root, ReadOnly: isTrue(def.ReadonlyRootFilesystem), SharedSize: 64 << 20,
			Hostname: d.hostname(s, c), Privileged: isTrue(def.Privileged), Args: commandOf(def, image), Env: c.Environment,
			Dir: def.WorkingDirectory, User: def.User, NoNewPrivs: slices.Contains(def.DockerSecurityOptions, "no-new-privileges"),
		},
	}
	if c.Log.Driver == "none" {
		spec.Log = logSpec{}
	}
	init := &spec.Init
	if image.Root == imageHost {
		init.Hidden = append([]string{d.cfg.RunDir, d.cfg.DataDir}, d.cfg.Hidden...)
	} else {
		init.Layer = filepath.Join(d.files.big(s.Task.ID), def.Name)
	}
	switch s.Network.Mode {
	case runner.ModeAWSVPC, runner.ModeNone:
		spec.Namespace = d.files.netns(s.Task.ID)
	case runner.ModeBridge:
		spec.Namespace = dir.netns()
	}
	if isTrue(def.DisableNetworking) {
		return nil, errors.New("disableNetworking is not supported by the process driver")
	}
	var err error
	if spec.Health, err = healthOf(def.HealthCheck); err != nil {
		return nil, err
	}
	if init.Rlimits, err = rlimitsOf(def.Ulimits); err != nil {
		return nil, err
	}
	if init.Sysctls, err = sysctlsOf(s, def); err != nil {
		return nil, err
	}
	return spec, d.linuxParameters(def, init)
}

// checkSupported refuses what this driver cannot do, rather than ignore it.
func (d *Driver) checkSupported(s *runner.Spec, c *runner.Container) error {
	def := c.Definition
	unsupported := func(what string) error {
		return fmt.Errorf("%s is not supported by the process driver", what)
	}
	switch {
	case s.Definition.PIDMode == "task":
		return unsupported("pidMode task")
	case s.Definition.IPCMode == "task":
		return unsupported("ipcMode task")
	case len(def.Links) > 0:
		return unsupported("links")
	case len(def.VolumesFrom) > 0:
		return unsupported("volumesFrom")
	case isTrue(def.PseudoTerminal) || isTrue(def.Interactive):
		return unsupported("a terminal (pseudoTerminal, interactive)")
	case len(def.ResourceRequirements) > 0:
		return unsupported("resourceRequirements")
	case !slices.Contains([]string{"", "awslogs", "json-file", "none"}, c.Log.Driver):
		return unsupported(fmt.Sprintf("log driver %q", c.Log.Driver))
	}
	if d.cfg.Privileged {
		return nil
	}
	needs := func(what string) error {
		return fmt.Errorf("%s is not allowed on this node, because it reaches the host; see runner.privileged", what)
	}
	switch {
	case isTrue(def.Privileged):
		return needs("privileged")
	case s.Definition.PIDMode == "host":
		return needs("pidMode host")
	case s.Definition.IPCMode == "host":
		return needs("ipcMode host")
	}
	if p := def.LinuxParameters; p != nil {
		if len(p.Devices) > 0 {
			return needs("linuxParameters.devices")
		}
		if p.Capabilities != nil {
			for _, name := range p.Capabilities.Add {
				if reachesHost(name) {
					return needs("capability " + name)
				}
			}
		}
	}
	return nil
}

func isTrue(b *bool) bool { return b != nil && *b }

func commandOf(def *task.ContainerDefinition, image Image) []string {
	args := append(slices.Clone(def.EntryPoint), def.Command...)
	if len(args) == 0 {
		args = image.Command
	}
	return args
}

func (d *Driver) hostname(s *runner.Spec, c *runner.Container) string {
	switch {
	case s.Network.Mode == runner.ModeHost:
		return ""
	case c.Definition.Hostname != "":
		return c.Definition.Hostname
	case s.Network.Hostname != "":
		return s.Network.Hostname
	}
	return s.Task.ID[:min(12, len(s.Task.ID))]
}

// healthOf returns a health check with the defaults of ECS.
func healthOf(h *task.HealthCheck) (*healthSpec, error) {
	if h == nil || len(h.Command) == 0 || h.Command[0] == "NONE" {
		return nil, nil
	}
	spec := &healthSpec{
		Interval: seconds(h.Interval, 30), Timeout: seconds(h.Timeout, 5), Retries: int(value(h.Retries, 3)), StartPeriod: seconds(h.StartPeriod, 0),
	}
	switch {
	case h.Command[0] == "CMD" && len(h.Command) > 1:
		spec.Command = h.Command[1:]
	case h.Command[0] == "CMD-SHELL" && len(h.Command) == 2:
		spec.Command = []string{"/bin/sh", "-c", h.Command[1]}
	case h.Command[0] == "CMD-SHELL" || h.Command[0] == "CMD":
		return nil, fmt.Errorf("healthCheck.command: %s needs a command", h.Command[0])
	default:
		spec.Command = []string{"/bin/sh", "-c", strings.Join(h.Command, " ")}
	}
	return spec, nil
}

func value(v *int64, otherwise int64) int64 {
	if v == nil {
		return otherwise
	}
	return *v
}

func seconds(v *int64, otherwise int64) time.Duration {
	return time.Duration(value(v, otherwise)) * time.Second
}

// rlimitsOf converts ulimits; see getrlimit(2).
func rlimitsOf(all []task.Ulimit) ([]rlimitSpec, error) {
	resources := map[string]int{
		"core": unix.RLIMIT_CORE, "cpu": unix.RLIMIT_CPU, "data": unix.RLIMIT_DATA, "fsize": unix.RLIMIT_FSIZE,
		"locks": unix.RLIMIT_LOCKS, "memlock": unix.RLIMIT_MEMLOCK, "msgqueue": unix.RLIMIT_MSGQUEUE, "nice": unix.RLIMIT_NICE,
		"nofile": unix.RLIMIT_NOFILE, "nproc": unix.RLIMIT_NPROC, "rss": unix.RLIMIT_RSS, "rtprio": unix.RLIMIT_RTPRIO,
		"rttime": unix.RLIMIT_RTTIME, "sigpending": unix.RLIMIT_SIGPENDING, "stack": unix.RLIMIT_STACK,
	}
	var specs []rlimitSpec
	for _, u := range all {
		resource, ok := resources[u.Name]
		if !ok {
			return nil, fmt.Errorf("ulimits: name %q is not supported", u.Name)
		}
		specs = append(specs, rlimitSpec{Resource: resource, Soft: rlimit(u.SoftLimit), Hard: rlimit(u.HardLimit)})
	}
	return specs, nil
}

func rlimit(v *int64) uint64 {
	if v == nil || *v < 0 {
		return unix.RLIM_INFINITY
	}
	return uint64(*v)
}

func sysctlsOf(s *runner.Spec, def *task.ContainerDefinition) (map[string]string, error) {
	all := map[string]string{}
	for _, c := range def.SystemControls {
		if !namespaced(c.Namespace) {
			return nil, fmt.Errorf("systemControls: %q is not a parameter of a container", c.Namespace)
		}
		if s.Network.Mode == runner.ModeHost && strings.HasPrefix(c.Namespace, "net.") {
			return nil, fmt.Errorf("systemControls: %q would change the host, because networkMode is host", c.Namespace)
		}
		all[c.Namespace] = c.Value
	}
	return all, nil
}

// linuxParameters sets capabilities, devices, the size of /dev/shm and tmpfs mounts.
func (d *Driver) linuxParameters(def *task.ContainerDefinition, init *initSpec) error {
	p := def.LinuxParameters
	if p == nil {
		p = new(task.LinuxParameters)
	}
	var err error
	if init.Caps, err = capabilitiesOf(p.Capabilities); err != nil {
		return err
	}
	if p.SharedMemorySize != nil {
		init.SharedSize = *p.SharedMemorySize << 20
	}
	for _, dev := range p.Devices {
		init.Devices = append(init.Devices, mountSpec{
			Source: dev.HostPath, Target: orElse(dev.ContainerPath, dev.HostPath),
			ReadOnly: len(dev.Permissions) > 0 && !slices.Contains(dev.Permissions, "write"),
		})
	}
	for _, t := range p.Tmpfs {
		if err := checkTarget(t.ContainerPath); err != nil {
			return err
		}
		m := mountSpec{Target: t.ContainerPath, Size: value(t.Size, 64) << 20, Options: t.MountOptions}
		if _, _, err := memoryOptions(m); err != nil {
			return err
		}
		init.Mounts = append(init.Mounts, m)
	}
	return nil
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// capabilitiesOf returns the capabilities that a container has.
func capabilitiesOf(k *task.KernelCapabilities) ([]string, error) {
	keep := defaultCapabilities()
	if k == nil {
		return keep, nil
	}
	known := capabilities()
	for _, name := range append(slices.Clone(k.Drop), k.Add...) {
		if _, ok := known[name]; !ok && name != "ALL" {
			return nil, fmt.Errorf("linuxParameters.capabilities: %q is not a capability", name)
		}
	}
	if slices.Contains(k.Drop, "ALL") {
		keep = nil
	}
	if slices.Contains(k.Add, "ALL") {
		for name := range known {
			keep = append(keep, name)
		}
	}
	keep = append(keep, k.Add...)
	return slices.DeleteFunc(keep, func(name string) bool {
		return name == "ALL" || slices.Contains(k.Drop, name) && !slices.Contains(k.Add, name)
	}), nil
}

// checkTarget refuses paths in a container on which nothing may be mounted.
func checkTarget(path string) error {
	clean := filepath.Clean(path)
	switch {
	case !filepath.IsAbs(path):
		return fmt.Errorf("containerPath %q must be absolute", path)
	case strings.ContainsRune(path, 0):
		return fmt.Errorf("containerPath %q must not contain a zero byte", path)
	case clean == "/":
		return errors.New("containerPath must not be the root of the container")
	case clean == "/proc" || clean == "/sys" || clean == "/dev" || strings.HasPrefix(clean, "/proc/") || strings.HasPrefix(clean, "/sys/"):
		return fmt.Errorf("containerPath %q belongs to the system", path)
	}
	return nil
}

// makeFiles makes the files that are mounted into a container, and its volumes.
func (d *Driver) makeFiles(s *runner.Spec, c *runner.Container, dir containerDir, spec *containerSpec) error {
	def := c.Definition
	servers, search := s.Network.DNS, s.Network.Search
	if len(def.DNSServers) > 0 {
		servers = nil
	}
	if len(def.DNSSearchDomains) > 0 {
		search = def.DNSSearchDomains
	}
	files := map[string]string{"hosts": hostsFile(&s.Network, def.ExtraHosts), "hostname": spec.Init.Hostname + "\n"}
	if len(servers)+len(def.DNSServers) > 0 {
		files["resolv.conf"] = resolverFile(servers, def.DNSServers, search)
	}
	if s.Network.Mode == runner.ModeHost {
		files = nil // those of the host
	}
	for _, name := range []string{"hosts", "hostname", "resolv.conf"} {
		text, ok := files[name]
		if !ok {
			continue
		}
		if strings.ContainsAny(text, "\x00\r") {
			return fmt.Errorf("/etc/%s must not contain control characters", name)
		}
		file := filepath.Join(string(dir), name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
		spec.Init.Mounts = append(spec.Init.Mounts, mountSpec{Source: file, Target: "/etc/" + name, Trusted: true})
	}
	for _, m := range c.Mounts {
		spec.Init.Mounts = append(spec.Init.Mounts, mountSpec{Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly, Trusted: true})
	}
	return d.makeVolumes(s, c, spec)
}
