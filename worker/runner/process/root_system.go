//go:build linux

package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// system mounts /proc, /sys and /dev.
func (r *rootBuilder) system() error {
	if err := r.proc(); err != nil {
		return fmt.Errorf("/proc: %w", err)
	}
	if err := r.mountAt("sysfs", "sys", r.systemFlags()); err != nil {
		return fmt.Errorf("/sys: %w", err)
	}
	if err := r.devices(); err != nil {
		return fmt.Errorf("/dev: %w", err)
	}
	return nil
}

func (r *rootBuilder) systemFlags() uintptr {
	flags := uintptr(unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
	if !r.spec.Privileged {
		flags |= unix.MS_RDONLY
	}
	return flags
}

// mountAt mounts a file system on a folder of the root; the folder may not be a link
// that leads out of it.
func (r *rootBuilder) mountAt(kind, path string, flags uintptr) error {
	info, err := os.Lstat(r.in(path))
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return errors.New("is not a folder in the image")
	}
	return unix.Mount(kind, r.in(path), kind, flags, "")
}

// proc mounts /proc, without what would reach the host.
func (r *rootBuilder) proc() error {
	if err := r.mountAt("proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC); err != nil {
		return err
	}
	// While /proc/sys can be written.
	if err := setSysctls(r.in("proc/sys"), r.spec.Sysctls); err != nil {
		return err
	}
	if r.spec.Privileged {
		return nil
	}
	for _, name := range []string{"kcore", "keys", "latency_stats", "timer_list", "timer_stats", "sched_debug", "scsi", "acpi", "asound"} {
		if err := cover(r.in("proc/" + name)); err != nil {
			return err
		}
	}
	for _, name := range []string{"bus", "fs", "irq", "sys", "sysrq-trigger"} {
		path := r.in("proc/" + name)
		if _, err := os.Lstat(path); err != nil {
			continue
		}
		if err := attachTree(path, path, unix.MOUNT_ATTR_RDONLY); err != nil {
			return err
		}
	}
	return nil
}

// devices makes /dev in memory, with the harmless devices of the host.
func (r *rootBuilder) devices() error {
	dev := r.in("dev")
	info, err := os.Lstat(dev)
	if err != nil || !info.IsDir() {
		return errors.Join(err, errors.New("is not a folder in the image"))
	}
	if err := unix.Mount("tmpfs", dev, "tmpfs", unix.MS_NOSUID, "mode=755,size=64k"); err != nil {
		return err
	}
	all := []mountSpec{}
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		all = append(all, mountSpec{Source: "/dev/" + name, Target: "/dev/" + name})
	}
	for _, m := range append(all, r.spec.Devices...) {
		if err := r.device(m); err != nil {
			return fmt.Errorf("%s: %w", m.Source, err)
		}
	}
	for _, f := range []struct {
		name, kind, options string
		flags               uintptr
	}{
		{"pts", "devpts", "newinstance,ptmxmode=0666,mode=620", unix.MS_NOSUID | unix.MS_NOEXEC},
		{"shm", "tmpfs", fmt.Sprint("mode=1777,size=", r.spec.SharedSize), unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
		{"mqueue", "mqueue", "", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
	} {
		path := filepath.Join(dev, f.name)
		if err := os.Mkdir(path, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(f.kind, path, f.kind, f.flags, f.options); err != nil && !errors.Is(err, unix.ENODEV) {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	for name, target := range map[string]string{
		"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
		"ptmx": "pts/ptmx",
	} {
		if err := os.Symlink(target, filepath.Join(dev, name)); err != nil {
			return err
		}
	}
	return nil
}

// device binds a device of the host into /dev.
func (r *rootBuilder) device(m mountSpec) error {
	target := filepath.Clean(m.Target)
	if !strings.HasPrefix(target, "/dev/") {
		return fmt.Errorf("%q is not below /dev", m.Target)
	}
	path := r.in(target)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		return err
	}
	var attributes uint64
	if m.ReadOnly {
		attributes = unix.MOUNT_ATTR_RDONLY
	}
	return attachTree(m.Source, path, attributes)
}
