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

// maxLinks is how many symbolic links a path may have, as in path_resolution(7).
const maxLinks = 40

// targetOf opens the place of a mount, and makes it if it does not exist.
func (r *rootBuilder) targetOf(m mountSpec) (int, error) {
	folder := m.Source == ""
	if !folder {
		info, err := os.Stat(m.Source)
		if err != nil {
			return -1, fmt.Errorf("volume: %w", err)
		}
		folder = info.IsDir()
	}
	fd, err := r.target(m.Target, folder)
	if err != nil {
		return -1, fmt.Errorf("mount of %s: %w", m.Target, err)
	}
	return fd, nil
}

// target opens a path of the container. Links are followed within the root, and ".." does
// not leave it. Missing folders and files are made if they are in the container's own file
// system. The caller closes the descriptor, which has O_PATH.
func (r *rootBuilder) target(path string, folder bool) (int, error) {
	root, err := unix.Open(r.path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	w := &pathWalk{builder: r, folders: []int{root}, rest: parts(path)}
	defer w.close()
	return w.walk(folder)
}

// pathWalk resolves a path part by part.
type pathWalk struct {
	builder *rootBuilder
	folders []int // open folders from the root to the current one
	rest    []string
	links   int
}

func parts(path string) []string {
	return strings.FieldsFunc(path, func(c rune) bool { return c == '/' })
}

func (w *pathWalk) current() int { return w.folders[len(w.folders)-1] }

func (w *pathWalk) close() {
	for _, fd := range w.folders {
		unix.Close(fd)
	}
}

func (w *pathWalk) walk(folder bool) (int, error) {
	for len(w.rest) > 0 {
		name := w.rest[0]
		w.rest = w.rest[1:]
		switch name {
		case ".":
			continue
		case "..":
			if len(w.folders) > 1 {
				unix.Close(w.current())
				w.folders = w.folders[:len(w.folders)-1]
			}
			continue
		}
		last := len(w.rest) == 0
		fd, done, err := w.step(name, last, folder)
		if err != nil || done {
			return fd, err
		}
	}
	return unix.FcntlInt(uintptr(w.current()), unix.F_DUPFD_CLOEXEC, 0)
}

// step goes to an entry of the current folder. done means that fd is the result.
func (w *pathWalk) step(name string, last, folder bool) (fd int, done bool, err error) {
	fd, err = unix.Openat(w.current(), name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		fd, err = w.create(name, !last || folder)
	}
	if err != nil {
		return -1, false, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return -1, false, err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		w.folders = append(w.folders, fd)
		if last && !folder {
			return -1, false, errors.New("is a folder in the container, but a file is to be mounted")
		}
		return -1, false, nil
	case unix.S_IFLNK:
		defer unix.Close(fd)
		return -1, false, w.follow(fd)
	}
	if !last || folder {
		unix.Close(fd)
		return -1, false, unix.ENOTDIR
	}
	return fd, true, nil
}

// follow puts the target of a link in place of it.
func (w *pathWalk) follow(fd int) error {
	if w.links++; w.links > maxLinks {
		return unix.ELOOP
	}
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	if err != nil {
		return err
	}
	target := string(buf[:n])
	if filepath.IsAbs(target) {
		for _, fd := range w.folders[1:] {
			unix.Close(fd)
		}
		w.folders = w.folders[:1]
	}
	w.rest = append(parts(target), w.rest...)
	return nil
}

// create makes a missing file or folder, if the current folder is the container's own.
func (w *pathWalk) create(name string, folder bool) (int, error) {
	var st unix.Stat_t
	if err := unix.Fstat(w.current(), &st); err != nil {
		return -1, err
	}
	if st.Dev != w.builder.own {
		return -1, errors.New("does not exist in the image, and the image must not be changed")
	}
	if folder {
		if err := unix.Mkdirat(w.current(), name, 0o755); err != nil {
			return -1, err
		}
	} else {
		fd, err := unix.Openat(w.current(), name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o644)
		if err != nil {
			return -1, err
		}
		unix.Close(fd)
	}
	return unix.Openat(w.current(), name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
}
