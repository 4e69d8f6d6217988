package docker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/worker/runner"
)

// safeCapabilities are those that a container has by default on the engine, and some
// that have no effect outside of its namespaces and limits.
var safeCapabilities = []string{
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW",
	"SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
	"IPC_LOCK", "LEASE", "SYS_PTRACE",
}

// checkAllowed refuses what gives a container control over the machine, unless the node
// allows it.
func (d *Driver) checkAllowed(s *runner.Spec, def *task.ContainerDefinition) error {
	if d.cfg.Privileged {
		return nil
	}
	switch {
	case yes(def.Privileged):
		return fmt.Errorf("privileged: %w", errNotAllowed)
	case s.Definition.PIDMode == "host":
		return fmt.Errorf("pidMode host: %w", errNotAllowed)
	case s.Definition.IPCMode == "host":
		return fmt.Errorf("ipcMode host: %w", errNotAllowed)
	}
	for _, o := range def.DockerSecurityOptions {
		if !strings.HasPrefix(o, "no-new-privileges") && !strings.HasPrefix(o, "label") {
			return fmt.Errorf("dockerSecurityOptions %q: %w", o, errNotAllowed)
		}
	}
	l := def.LinuxParameters
	if l == nil {
		return nil
	}
	if len(l.Devices) > 0 {
		return fmt.Errorf("linuxParameters.devices %q: %w", l.Devices[0].HostPath, errNotAllowed)
	}
	if l.Capabilities != nil {
		for _, c := range l.Capabilities.Add {
			if !slices.Contains(safeCapabilities, strings.TrimPrefix(strings.ToUpper(c), "CAP_")) {
				return fmt.Errorf("capability %q: %w", c, errNotAllowed)
			}
		}
	}
	return nil
}

// setLinux sets linuxParameters, systemControls and security options.
func (d *Driver) setLinux(def *task.ContainerDefinition, host *container.HostConfig) error {
	if len(def.ResourceRequirements) > 0 {
		return fmt.Errorf("resourceRequirements of type %q: not supported", def.ResourceRequirements[0].Type)
	}
	if len(def.CredentialSpecs) > 0 {
		return fmt.Errorf("credentialSpecs: not supported, they are for Windows")
	}
	host.SecurityOpt = def.DockerSecurityOptions
	for _, c := range def.SystemControls {
		if strings.HasPrefix(c.Namespace, "net.") && host.NetworkMode.IsContainer() {
			continue // of the pause container; see networkControls
		}
		if host.Sysctls == nil {
			host.Sysctls = map[string]string{}
		}
		host.Sysctls[c.Namespace] = c.Value
	}
	l := def.LinuxParameters
	if l == nil {
		return nil
	}
	host.Init = l.InitProcessEnabled
	host.ShmSize = value(l.SharedMemorySize) * mebibyte
	if l.Capabilities != nil {
		host.CapAdd, host.CapDrop = l.Capabilities.Add, l.Capabilities.Drop
	}
	for _, t := range l.Tmpfs {
		if host.Tmpfs == nil {
			host.Tmpfs = map[string]string{}
		}
		host.Tmpfs[t.ContainerPath] = strings.Join(append([]string{fmt.Sprintf("size=%dm", value(t.Size))}, t.MountOptions...), ",")
	}
	for _, v := range l.Devices {
		host.Devices = append(host.Devices, device(v))
	}
	return nil
}

func device(v task.Device) container.DeviceMapping {
	m := container.DeviceMapping{PathOnHost: v.HostPath, PathInContainer: v.ContainerPath, CgroupPermissions: "rwm"}
	if m.PathInContainer == "" {
		m.PathInContainer = v.HostPath
	}
	if len(v.Permissions) > 0 {
		m.CgroupPermissions = ""
		letters := map[string]string{"read": "r", "write": "w", "mknod": "m"}
		for _, p := range v.Permissions {
			m.CgroupPermissions += letters[p]
		}
	}
	return m
}
