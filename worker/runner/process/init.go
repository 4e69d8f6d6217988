//go:build linux

package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// runInit is the first stage of a process in a container. It runs in the namespaces of
// the container, makes the root file system, gives up privileges, and becomes the
// command. It returns only with an error.
func runInit() error {
	unix.CloseOnExec(reportFD)
	unix.CloseOnExec(specFD)
	data, err := io.ReadAll(io.LimitReader(os.NewFile(specFD, "spec"), maxRecord))
	if err != nil {
		return err
	}
	spec := new(initSpec)
	if err := json.Unmarshal(data, spec); err != nil {
		return err
	}
	for _, file := range spec.Cgroups {
		if err := os.WriteFile(file, []byte("0"), 0); err != nil {
			return fmt.Errorf("CannotStartContainerError: control groups: %w", err)
		}
	}
	if spec.Join != 0 {
		err = joinMounts(spec.Join)
	} else {
		err = newRoot(spec)
	}
	if err != nil {
		return fmt.Errorf("CannotCreateContainerError: %w", err)
	}
	return fmt.Errorf("CannotStartContainerError: %w", become(spec))
}

// joinMounts enters the namespaces of a process that the parent of this process is in
// only in part.
func joinMounts(pid int) error {
	// The ids of Join are those of this process namespace, and /proc is that of the
	// host, so the process is looked up by its descriptor.
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("the container has ended: %w", err)
	}
	// A thread may change its mount namespace only if it shares no file system state
	// with others.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return err
	}
	if err := unix.Setns(fd, unix.CLONE_NEWNS|unix.CLONE_NEWUTS|unix.CLONE_NEWIPC); err != nil {
		return fmt.Errorf("the container has ended: %w", err)
	}
	return nil
}

// become gives up privileges and runs the command in place of this process.
func become(spec *initSpec) error {
	if spec.Join == 0 {
		if err := unix.Sethostname([]byte(spec.Hostname)); spec.Hostname != "" && err != nil {
			return fmt.Errorf("host name: %w", err)
		}
	}
	who, err := findUser(spec.User)
	if err != nil {
		return err
	}
	if err := enterDir(spec.Dir); err != nil {
		return err
	}
	if err := setRlimits(spec.Rlimits); err != nil {
		return err
	}
	if !spec.Privileged {
		if err := dropCapabilities(spec.Caps); err != nil {
			return err
		}
	}
	if err := who.become(); err != nil {
		return err
	}
	if spec.NoNewPrivs {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return err
		}
	}
	env := who.environment(spec.Env)
	path, err := findCommand(spec.Args, env)
	if err != nil {
		return err
	}
	err = unix.Exec(path, spec.Args, env)
	return fmt.Errorf("exec: %q: %w", spec.Args[0], err)
}

// enterDir changes to the working directory, which is made if it does not exist.
func enterDir(dir string) error {
	if dir == "" {
		dir = "/"
	}
	err := unix.Chdir(dir)
	if errors.Is(err, unix.ENOENT) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("working directory: %w", err)
		}
		err = unix.Chdir(dir)
	}
	if err != nil {
		return fmt.Errorf("working directory %q: %w", dir, err)
	}
	return nil
}

// findCommand returns the file of a command, looked up in the PATH of env.
func findCommand(args, env []string) (string, error) {
	if len(args) == 0 || args[0] == "" {
		return "", errors.New("no command specified")
	}
	name := args[0]
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, dir := range filepath.SplitList(valueOf(env, "PATH")) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 && filepath.IsAbs(file) {
			return file, nil
		}
	}
	return "", &exec.Error{Name: name, Err: exec.ErrNotFound}
}

// valueOf returns the value of a variable; the last one counts.
func valueOf(env []string, name string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(env[i], name+"="); ok {
			return v
		}
	}
	return ""
}

// setSysctls sets kernel parameters of the container's namespaces. The folder is /proc/sys
// of the container.
func setSysctls(folder string, all map[string]string) error {
	for name, value := range all {
		if !namespaced(name) {
			return fmt.Errorf("system control %q is not one of a container: net.*, fs.mqueue.* or kernel.shm*, kernel.msg*, kernel.sem", name)
		}
		file := filepath.Join(folder, strings.ReplaceAll(name, ".", "/"))
		if err := os.WriteFile(file, []byte(value), 0); err != nil {
			return fmt.Errorf("system control %q: %w", name, errors.Unwrap(err))
		}
	}
	return nil
}

// namespaced reports whether a parameter belongs to a namespace that a container has.
func namespaced(name string) bool {
	if strings.ContainsAny(name, "/") || strings.Contains(name, "..") {
		return false
	}
	for _, prefix := range []string{"net.", "fs.mqueue.", "kernel.shm", "kernel.msg", "kernel.sem"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func setRlimits(all []rlimitSpec) error {
	for _, l := range all {
		if err := unix.Setrlimit(l.Resource, &unix.Rlimit{Cur: l.Soft, Max: l.Hard}); err != nil {
			return fmt.Errorf("ulimit: %w", err)
		}
	}
	return nil
}
