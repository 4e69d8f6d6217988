//go:build linux

package process

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/worker/runner"
)

// makeVolumes adds the mounts of the volumes of a container.
func (d *Driver) makeVolumes(s *runner.Spec, c *runner.Container, spec *containerSpec) error {
	for _, p := range c.Definition.MountPoints {
		i := slices.IndexFunc(s.Definition.Volumes, func(v task.Volume) bool { return v.Name == p.SourceVolume })
		if i < 0 {
			return fmt.Errorf("mountPoints: unknown volume %q", p.SourceVolume)
		}
		if err := checkTarget(p.ContainerPath); err != nil {
			return err
		}
		m := mountSpec{Target: p.ContainerPath, ReadOnly: isTrue(p.ReadOnly)}
		var err error
		if m.Source, m.Trusted, err = d.volume(s.Task.ID, &s.Definition.Volumes[i]); err != nil {
			return fmt.Errorf("volume %q: %w", p.SourceVolume, err)
		}
		spec.Init.Mounts = append(spec.Init.Mounts, m)
	}
	return nil
}

// volume returns the folder of a volume. Those of the host have to exist.
func (d *Driver) volume(id string, v *task.Volume) (folder string, own bool, err error) {
	switch {
	case v.DockerVolumeConfiguration != nil:
		c := v.DockerVolumeConfiguration
		if c.Scope == "shared" || c.Driver != "" && c.Driver != "local" || len(c.DriverOpts) > 0 {
			return "", false, fmt.Errorf("only local volumes of scope task are supported by the process driver")
		}
	case v.EFSVolumeConfiguration != nil, v.FSxWindowsFileServerVolumeConfiguration != nil, v.S3filesVolumeConfiguration != nil, isTrue(v.ConfiguredAtLaunch):
		return "", false, fmt.Errorf("only volumes of the host are supported")
	case v.Host != nil && v.Host.SourcePath != "":
		folder, err = d.hostPath(v.Host.SourcePath)
		return folder, false, err
	}
	if err := checkContainer(v.Name); err != nil {
		return "", false, err
	}
	folder = filepath.Join(d.files.big(id), "volumes", v.Name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", false, err
	}
	return folder, true, os.Chmod(folder, 0o777) // containers may run as any user
}

// hostPath checks a path of the host and returns it without symbolic links. When it is
// mounted, links are not followed again.
func (d *Driver) hostPath(path string) (string, error) {
	if !filepath.IsAbs(path) || path != filepath.Clean(path) || strings.ContainsRune(path, 0) {
		return "", fmt.Errorf("sourcePath %q must be absolute, without \"..\" and empty parts", path)
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", fmt.Errorf("sourcePath %q does not exist on the node", path)
	}
	refused := fmt.Errorf("sourcePath %q may not be mounted; see runner.host_paths", path)
	if d.cfg.HostPaths != nil {
		for _, allowed := range d.cfg.HostPaths {
			if within(real, allowed) {
				return d.notHidden(real, refused)
			}
		}
		return "", refused
	}
	for _, system := range []string{"/proc", "/sys", "/dev", "/run", "/var/run", "/boot", "/etc", "/root"} {
		if within(real, system) || within(system, real) {
			return "", refused
		}
	}
	return d.notHidden(real, refused)
}

// notHidden refuses folders of the program, and those that contain them.
func (d *Driver) notHidden(path string, refused error) (string, error) {
	for _, hidden := range append([]string{d.cfg.RunDir, d.cfg.DataDir}, d.cfg.Hidden...) {
		if real, err := filepath.EvalSymlinks(hidden); err == nil {
			hidden = real
		}
		if within(path, hidden) || within(hidden, path) {
			return "", refused
		}
	}
	return path, nil
}

// within reports whether a path is a folder or below it.
func within(path, folder string) bool {
	return path == folder || folder == "/" || strings.HasPrefix(path, folder+"/")
}
