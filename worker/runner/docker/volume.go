package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/worker/runner"
)

// ensureVolumes checks the volumes of a task and makes those that are not there.
func (d *Driver) ensureVolumes(ctx context.Context, s *runner.Spec) error {
	for i := range s.Definition.Volumes {
		v := &s.Definition.Volumes[i]
		if _, err := d.volumeMount(ctx, s, v); err != nil {
			return fmt.Errorf("volume %q: %w", v.Name, err)
		}
	}
	return nil
}

// volumeMount returns what is mounted for a volume, without target, after it has made
// it if it is not there.
func (d *Driver) volumeMount(ctx context.Context, s *runner.Spec, v *task.Volume) (mount.Mount, error) {
	switch {
	case v.EFSVolumeConfiguration != nil, v.FSxWindowsFileServerVolumeConfiguration != nil, v.S3filesVolumeConfiguration != nil,
		v.ConfiguredAtLaunch != nil && *v.ConfiguredAtLaunch:
		return mount.Mount{}, errors.New("this kind of volume is not supported: use host or dockerVolumeConfiguration")
	case v.DockerVolumeConfiguration != nil:
		return d.dockerVolume(ctx, s, v)
	case v.Host != nil && v.Host.SourcePath != "":
		path, err := d.hostPath(ctx, v.Host.SourcePath)
		if err != nil {
			return mount.Mount{}, err
		}
		return mount.Mount{Type: mount.TypeBind, Source: path}, nil
	}
	name := containerName(s, "volume/"+v.Name)
	return d.createVolume(ctx, client.VolumeCreateOptions{Name: name, Labels: d.taskLabels(s)})
}

func (d *Driver) taskLabels(s *runner.Spec) map[string]string {
	return map[string]string{labelNode: d.cfg.Node, labelTask: s.Task.ID}
}

// dockerVolume returns the volume of a dockerVolumeConfiguration. One of scope "task"
// belongs to the task and is deleted with it; one of scope "shared" belongs to the
// account and stays.
func (d *Driver) dockerVolume(ctx context.Context, s *runner.Spec, v *task.Volume) (mount.Mount, error) {
	c := v.DockerVolumeConfiguration
	if err := d.checkDriverOptions(ctx, c); err != nil {
		return mount.Mount{}, err
	}
	labels := maps.Clone(c.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.DeleteFunc(labels, func(k, _ string) bool { return strings.HasPrefix(k, labelPrefix) })
	o := client.VolumeCreateOptions{Driver: c.Driver, DriverOpts: c.DriverOpts, Labels: labels}
	if c.Scope != "shared" {
		o.Name = containerName(s, "volume/"+v.Name)
		maps.Copy(labels, d.taskLabels(s))
		return d.createVolume(ctx, o)
	}
	found, err := d.sharedVolume(ctx, v.Name, string(s.Task.Account))
	if err != nil {
		return mount.Mount{}, err
	}
	if found {
		return mount.Mount{Type: mount.TypeVolume, Source: v.Name}, nil
	}
	if c.Autoprovision == nil || !*c.Autoprovision {
		return mount.Mount{}, errors.New("a shared volume without autoprovision has to exist on the node")
	}
	o.Name = v.Name
	labels[labelNode], labels[labelAccount] = d.cfg.Node, string(s.Task.Account)
	return d.createVolume(ctx, o)
}

// sharedVolume reports whether a shared volume exists. It is an error if the account
// may not use it: the volumes of all accounts and programs have one space of names.
func (d *Driver) sharedVolume(ctx context.Context, name, account string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := d.engine.api().VolumeInspect(ctx, name, client.VolumeInspectOptions{})
	switch {
	case cerrdefs.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, err
	case r.Volume.Labels[labelAccount] != account:
		return false, fmt.Errorf("the volume was not made for account %s: it has no label %s=%s", account, labelAccount, account)
	}
	return true, nil
}

func (d *Driver) createVolume(ctx context.Context, o client.VolumeCreateOptions) (mount.Mount, error) {
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	if _, err := d.engine.api().VolumeCreate(ctx, o); err != nil {
		return mount.Mount{}, err
	}
	return mount.Mount{Type: mount.TypeVolume, Source: o.Name}, nil
}

// networkFileSystems are the types of file systems that the driver "local" may mount
// without access to a device or folder of this machine.
var networkFileSystems = []string{"nfs", "nfs4", "cifs", "tmpfs"}

// checkDriverOptions refuses options of the volume driver "local" that mount a device,
// or a folder that is not allowed as a host path.
func (d *Driver) checkDriverOptions(ctx context.Context, c *task.DockerVolumeConfiguration) error {
	if c.Driver != "" && c.Driver != "local" || len(c.DriverOpts) == 0 {
		return nil
	}
	// With the option "bind" the kernel does not look at the type.
	if slices.ContainsFunc(strings.Split(c.DriverOpts["o"], ","), func(o string) bool {
		o = strings.TrimSpace(o)
		return o == "bind" || o == "rbind"
	}) {
		path, err := d.hostPath(ctx, c.DriverOpts["device"])
		if err == nil && path != c.DriverOpts["device"] {
			err = fmt.Errorf("driverOpts.device %q: must not contain symbolic links", c.DriverOpts["device"])
		}
		return err
	}
	if slices.Contains(networkFileSystems, c.DriverOpts["type"]) {
		return nil
	}
	return fmt.Errorf("driverOpts.type %q: must be %s, or o must contain bind", c.DriverOpts["type"], strings.Join(networkFileSystems, ", "))
}

// protectedPaths are folders of the system. To write to one of them is to control the
// machine.
var protectedPaths = []string{
	"/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys", "/usr",
	"/var/lib", "/var/run", "/var/spool",
}

// hostPath checks a path of the host that a task mounts, makes the folder if nothing is
// there, and returns the path without symbolic links.
func (d *Driver) hostPath(ctx context.Context, path string) (string, error) {
	if err := checkPath(path); err != nil {
		return "", err
	}
	real, err := realPath(filepath.Clean(path))
	if err != nil {
		return "", fmt.Errorf("host path %q: %w", path, pathless(err))
	}
	if !d.hostPathAllowed(ctx, real) {
		return "", fmt.Errorf("host path %q: not allowed on this node", path)
	}
	if err := os.MkdirAll(real, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		if _, e := os.Stat(real); e != nil { // a file is fine
			return "", fmt.Errorf("host path %q: %w", path, pathless(err))
		}
	}
	return real, nil
}

// checkPath refuses paths that may mean another place than they seem to.
func checkPath(path string) error {
	if strings.ContainsFunc(path, unicode.IsControl) {
		return fmt.Errorf("host path %q: must not contain control characters", path)
	}
	if !filepath.IsAbs(path) {
		return fmt.Errorf("host path %q: must be absolute", path)
	}
	if path != "/" {
		path = strings.TrimSuffix(path, "/")
	}
	if filepath.Clean(path) != path {
		return fmt.Errorf("host path %q: must not contain \".\", \"..\" or empty elements", path)
	}
	return nil
}

// realPath resolves the symbolic links of a clean absolute path. The end of the path
// need not exist.
func realPath(path string) (string, error) {
	rest := ""
	for p := path; ; p = filepath.Dir(p) {
		real, err := filepath.EvalSymlinks(p)
		if err == nil {
			return filepath.Join(real, rest), nil
		}
		if !errors.Is(err, fs.ErrNotExist) || p == "/" {
			return "", err
		}
		if _, err := os.Lstat(p); err == nil {
			return "", errors.New("is a symbolic link to nothing")
		}
		rest = filepath.Join(filepath.Base(p), rest)
	}
}

// hostPathAllowed reports whether tasks may mount a path without symbolic links.
func (d *Driver) hostPathAllowed(ctx context.Context, path string) bool {
	secret := append([]string{d.cfg.Dir, d.cfg.Socket}, d.cfg.ProtectedPaths...)
	if f, err := d.engine.facts(ctx); err != nil {
		return false
	} else {
		secret = append(secret, f.root)
	}
	if overlaps(path, secret) {
		return false
	}
	if len(d.cfg.HostPaths) == 0 {
		return !overlaps(path, protectedPaths)
	}
	return slices.ContainsFunc(d.cfg.HostPaths, func(p string) bool { return within(path, p) })
}

// overlaps reports whether a path is, contains or is within one of others.
func overlaps(path string, others []string) bool {
	return slices.ContainsFunc(others, func(o string) bool {
		if real, err := realPath(filepath.Clean(o)); err == nil && (within(path, real) || within(real, path)) {
			return true
		}
		return within(path, o) || within(o, path)
	})
}

// within reports whether path is dir or below it. Both are clean.
func within(path, dir string) bool {
	return path == dir || dir == "/" || strings.HasPrefix(path, dir+"/")
}

// pathless returns the reason of an error of the file system without the path: users
// do not see paths of the node.
func pathless(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
