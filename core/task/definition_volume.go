package task

import (
	"slices"
	"strings"
)

func (d *Definition) checkVolumes() error {
	seen := map[string]bool{}
	for i := range d.Volumes {
		v := &d.Volumes[i]
		if err := v.check(); err != nil {
			return err
		}
		if seen[v.Name] {
			return invalid("Volume names must be unique within a task definition: '%s'", v.Name)
		}
		seen[v.Name] = true
	}
	if err := d.eachContainer(d.checkMounts); err != nil {
		return err
	}
	return d.checkLaunchVolumes()
}

func (v *Volume) check() error {
	switch {
	case v.Name == "":
		return invalid("Volume.name should not be null or empty.")
	case !namePattern.MatchString(v.Name):
		return invalid("Volume.name contains invalid characters. %s must match %s", quote(v.Name), namePattern)
	}
	kinds := 0
	for _, has := range []bool{
		v.Host != nil && v.Host.SourcePath != "", v.DockerVolumeConfiguration != nil, v.EFSVolumeConfiguration != nil,
		v.FSxWindowsFileServerVolumeConfiguration != nil, v.S3filesVolumeConfiguration != nil, deref(v.ConfiguredAtLaunch),
	} {
		if has {
			kinds++
		}
	}
	if kinds > 1 {
		return invalid("Volume '%s' has more than one kind of configuration. Remove all but one", v.Name)
	}
	if v.Host != nil && v.Host.SourcePath != "" {
		return checkPath("host.sourcePath of volume '"+v.Name+"'", v.Host.SourcePath)
	}
	if c := v.DockerVolumeConfiguration; c != nil {
		return c.check(v.Name)
	}
	return nil
}

func (c *DockerVolumeConfiguration) check(volume string) error {
	if c.Driver != "" && !namePattern.MatchString(c.Driver) {
		return invalid("dockerVolumeConfiguration.driver %s of volume '%s' must match %s", quote(c.Driver), volume, namePattern)
	}
	if deref(c.Autoprovision) && c.Scope != "shared" {
		return invalid("dockerVolumeConfiguration.autoprovision of volume '%s' needs the scope shared", volume)
	}
	// These options of Docker's local driver name paths of the host, as host.sourcePath
	// does.
	if device := c.DriverOpts["device"]; strings.HasPrefix(device, "/") || strings.Contains(c.DriverOpts["o"], "bind") {
		return checkPath("dockerVolumeConfiguration.driverOpts.device of volume '"+volume+"'", device)
	}
	return nil
}

// checkPath checks a path of a host or of a container: it is absolute and has no part
// that leads elsewhere.
func checkPath(member, path string) error {
	const most = 4096 // PATH_MAX of Linux
	switch {
	case len(path) > most:
		return invalid("%s has %d bytes: it can have at most %d", member, len(path), most)
	case !strings.HasPrefix(path, "/"):
		return invalid("%s is %s: it must be an absolute path", member, quote(path))
	case control(path, ""):
		return invalid("%s is %s: it must not have control characters", member, quote(path))
	case slices.Contains(strings.Split(path, "/"), ".."):
		return invalid("%s is %s: it must not have the part '..'", member, quote(path))
	}
	return nil
}

func (d *Definition) checkMounts(c *ContainerDefinition) error {
	targets := map[string]bool{}
	for _, m := range c.MountPoints {
		if m.SourceVolume == "" {
			return invalid("mountPoints of container '%s' has no sourceVolume", c.Name)
		}
		if !slices.ContainsFunc(d.Volumes, func(v Volume) bool { return v.Name == m.SourceVolume }) {
			return invalid("Unknown volume '%s'.", truncate(m.SourceVolume))
		}
		target := strings.TrimRight(m.ContainerPath, "/")
		if err := checkPath("containerPath of a mount point of container '"+c.Name+"'", m.ContainerPath); err != nil {
			return err
		}
		if target == "" || targets[target] {
			return invalid("containerPath %s of container '%s' must be a directory below / that no other mount point has", quote(m.ContainerPath), c.Name)
		}
		targets[target] = true
	}
	for _, v := range c.VolumesFrom {
		if d.container(v.SourceContainer) == nil || v.SourceContainer == c.Name {
			return invalid("volumesFrom of container '%s' has %s: it must name another container of the task definition", c.Name, quote(v.SourceContainer))
		}
	}
	return nil
}

// checkLaunchVolumes checks that volumes whose configuration comes with a service or a
// task are used.
func (d *Definition) checkLaunchVolumes() error {
	var unused []string
	for _, v := range d.Volumes {
		used := slices.ContainsFunc(d.ContainerDefinitions, func(c ContainerDefinition) bool {
			return slices.ContainsFunc(c.MountPoints, func(m MountPoint) bool { return m.SourceVolume == v.Name })
		})
		if deref(v.ConfiguredAtLaunch) && !used {
			unused = append(unused, v.Name)
		}
	}
	if len(unused) > 0 {
		return invalid("Volumes [%s] are not referenced by any of the containers", strings.Join(unused, ", "))
	}
	return nil
}

// truncate cuts a value that a text of AWS contains without quotes.
func truncate(text string) string {
	q := quote(text)
	return q[1 : len(q)-1]
}
