//go:build linux

package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// newRoot makes the root file system of a container and changes to it. The mounts of
// the host are not in it.
func newRoot(spec *initSpec) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mounts: %w", err)
	}
	r := &rootBuilder{spec: spec, path: spec.Root}
	if err := r.build(); err != nil {
		return err
	}
	if err := unix.Chdir(spec.Root); err != nil {
		return err
	}
	// The old root is mounted over the new one, and unmounted.
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("mounts: %w", err)
	}
	return unix.Chdir("/")
}

// rootBuilder makes a root file system below path.
type rootBuilder struct {
	spec *initSpec
	path string
	// own is the device of the file system in which missing folders may be made,
	// because it is the container's own.
	own uint64
}

func (r *rootBuilder) build() error {
	steps := []func() error{r.image, r.hide, r.targets, r.readOnly, r.system, r.mounts}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (r *rootBuilder) in(path string) string { return filepath.Join(r.path, path) }

// image mounts the image.
func (r *rootBuilder) image() (err error) {
	if r.spec.Image == imageHost {
		err = r.host()
	} else {
		err = r.overlay()
	}
	if err != nil {
		return err
	}
	var st unix.Stat_t
	err = unix.Stat(r.path, &st)
	r.own = st.Dev
	return err
}

// overlay keeps the changes of the container in a folder of its own.
func (r *rootBuilder) overlay() error {
	upper, work := filepath.Join(r.spec.Layer, "files"), filepath.Join(r.spec.Layer, "work")
	if err := errors.Join(os.MkdirAll(upper, 0o755), os.MkdirAll(work, 0o700)); err != nil {
		return err
	}
	for _, path := range []string{r.spec.Image, upper, work} {
		if strings.ContainsAny(path, `:,\`) {
			return fmt.Errorf("image: the path %q must not contain colons, commas and backslashes", path)
		}
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", r.spec.Image, upper, work)
	if err := unix.Mount("overlay", r.path, "overlay", unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("overlay of image %s: %w; the data folder must be on a file system that can hold overlays", r.spec.Image, err)
	}
	return nil
}

// ownFolders are those at the top of the host's root that a container has of its own.
func ownFolders() []string { return []string{"proc", "sys", "dev", "run"} }

// host makes a root in memory that has the entries of the host's root, but for those
// of the system. So folders that mounts need can be made without changing the host.
func (r *rootBuilder) host() error {
	if err := unix.Mount("tmpfs", r.path, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755,size=64m"); err != nil {
		return fmt.Errorf("root: %w", err)
	}
	entries, err := os.ReadDir("/")
	if err != nil {
		return err
	}
	for _, e := range entries {
		from, to := filepath.Join("/", e.Name()), r.in(e.Name())
		switch {
		case slices.Contains(ownFolders(), e.Name()):
			err = os.Mkdir(to, 0o755)
		case e.Type()&os.ModeSymlink != 0:
			err = copyLink(from, to)
		case e.IsDir():
			err = errors.Join(os.Mkdir(to, 0o755), attachTree(from, to, unix.MOUNT_ATTR_NODEV))
		case e.Type().IsRegular():
			err = errors.Join(os.WriteFile(to, nil, 0o644), attachTree(from, to, unix.MOUNT_ATTR_NODEV))
		}
		if err != nil {
			return fmt.Errorf("root: %s: %w", from, err)
		}
	}
	return nil
}

func copyLink(from, to string) error {
	target, err := os.Readlink(from)
	if err != nil {
		return err
	}
	return os.Symlink(target, to)
}

// attachTree mounts a copy of the mounts at and below a path.
func attachTree(from, to string, attributes uint64) error {
	tree, err := unix.OpenTree(unix.AT_FDCWD, from, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return explainMount(err)
	}
	defer unix.Close(tree)
	return attachFD(tree, unix.AT_FDCWD, to, attributes)
}

// attachFD mounts a detached tree. With an empty path the target is the descriptor.
func attachFD(tree, target int, path string, attributes uint64) error {
	if attributes != 0 {
		attr := &unix.MountAttr{Attr_set: attributes}
		if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, attr); err != nil {
			return explainMount(err)
		}
	}
	flags := unix.MOVE_MOUNT_F_EMPTY_PATH
	if path == "" {
		flags |= unix.MOVE_MOUNT_T_EMPTY_PATH
	}
	return explainMount(unix.MoveMount(tree, "", target, path, flags))
}

func explainMount(err error) error {
	if errors.Is(err, unix.ENOSYS) {
		return fmt.Errorf("%w; the process driver needs Linux 5.12 or newer", err)
	}
	return err
}

// hide covers what no container may see.
func (r *rootBuilder) hide() error {
	if r.spec.Image != imageHost {
		return nil
	}
	for _, path := range r.spec.Hidden {
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			continue // it does not exist
		}
		if err := cover(r.in(real)); err != nil {
			return fmt.Errorf("root: hide: %w", err)
		}
	}
	return nil
}

// cover mounts nothing over a file or folder.
func cover(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return nil // it is not in the root
	}
	if info.IsDir() {
		return unix.Mount("tmpfs", path, "tmpfs", unix.MS_RDONLY|unix.MS_NODEV|unix.MS_NOSUID, "mode=000,size=4k")
	}
	return unix.Mount("/dev/null", path, "", unix.MS_BIND, "")
}

// targets makes the files and folders that mounts need, while the root is writable.
func (r *rootBuilder) targets() error {
	for _, name := range []string{"proc", "sys", "dev"} {
		fd, err := r.target(name, true)
		if err != nil {
			return fmt.Errorf("image: /%s: %w", name, err)
		}
		unix.Close(fd)
	}
	for _, m := range r.spec.Mounts {
		if strings.HasPrefix(filepath.Clean(m.Target)+"/", "/dev/") {
			continue // made with /dev
		}
		fd, err := r.targetOf(m)
		if err != nil {
			return err
		}
		unix.Close(fd)
	}
	return nil
}

// readOnly makes all that is mounted so far read-only.
func (r *rootBuilder) readOnly() error {
	if !r.spec.ReadOnly {
		return nil
	}
	attr := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, r.path, unix.AT_RECURSIVE, attr); err != nil {
		return fmt.Errorf("root: read-only: %w", explainMount(err))
	}
	return nil
}

// mounts mounts the volumes.
func (r *rootBuilder) mounts() error {
	for _, m := range r.spec.Mounts {
		if err := r.mount(m); err != nil {
			return err
		}
	}
	return nil
}

func (r *rootBuilder) mount(m mountSpec) error {
	target, err := r.targetOf(m)
	if err != nil {
		return err
	}
	defer unix.Close(target)
	if m.Source == "" {
		return r.memory(m, target)
	}
	tree, err := openSource(m)
	if err != nil {
		return err
	}
	defer unix.Close(tree)
	attributes := uint64(unix.MOUNT_ATTR_NODEV)
	if m.ReadOnly {
		attributes |= unix.MOUNT_ATTR_RDONLY
	}
	if err := attachFD(tree, target, "", attributes); err != nil {
		return fmt.Errorf("mount of %s: %w", m.Target, err)
	}
	return nil
}

// openSource returns a copy of the mounts at a file or folder of the host. The path
// must have no symbolic links: it was checked as it is.
func openSource(m mountSpec) (int, error) {
	how := &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC}
	if !m.Trusted {
		how.Resolve = unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS
	}
	fd, err := unix.Openat2(unix.AT_FDCWD, m.Source, how)
	if err != nil {
		return -1, fmt.Errorf("volume: %s: %w", m.Source, err)
	}
	defer unix.Close(fd)
	tree, err := unix.OpenTree(fd, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE|unix.AT_EMPTY_PATH)
	if err != nil {
		return -1, fmt.Errorf("volume: %s: %w", m.Source, explainMount(err))
	}
	return tree, nil
}

// memory mounts a file system in memory on a descriptor.
func (r *rootBuilder) memory(m mountSpec, target int) error {
	flags, data, err := memoryOptions(m)
	if err != nil {
		return err
	}
	fd, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return explainMount(err)
	}
	defer unix.Close(fd)
	for _, d := range data {
		key, value, _ := strings.Cut(d, "=")
		if err := unix.FsconfigSetString(fd, key, value); err != nil {
			return fmt.Errorf("tmpfs %s: option %q: %w", m.Target, d, err)
		}
	}
	if err := unix.FsconfigCreate(fd); err != nil {
		return fmt.Errorf("tmpfs %s: %w", m.Target, err)
	}
	mount, err := unix.Fsmount(fd, unix.FSMOUNT_CLOEXEC, int(flags))
	if err != nil {
		return fmt.Errorf("tmpfs %s: %w", m.Target, err)
	}
	defer unix.Close(mount)
	return attachFD(mount, target, "", 0)
}

// memoryOptions splits the options of a tmpfs into attributes of the mount and options
// of the file system.
func memoryOptions(m mountSpec) (flags uint64, data []string, err error) {
	flags = unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC
	data = []string{fmt.Sprint("size=", m.Size)}
	for _, o := range m.Options {
		key, _, _ := strings.Cut(o, "=")
		switch {
		case o == "defaults" || o == "rw" || o == "nodev" || o == "nosuid" || o == "noexec" || o == "async" || o == "relatime":
		case o == "exec":
			flags &^= unix.MOUNT_ATTR_NOEXEC
		case o == "suid":
			flags &^= unix.MOUNT_ATTR_NOSUID
		case o == "ro":
			flags |= unix.MOUNT_ATTR_RDONLY
		case o == "noatime":
			flags |= unix.MOUNT_ATTR_NOATIME
		case key == "mode" || key == "uid" || key == "gid" || key == "nr_inodes":
			data = append(data, o)
		default:
			return 0, nil, fmt.Errorf("tmpfs %s: option %q is not supported", m.Target, o)
		}
	}
	return flags, data, nil
}
