//go:build linux

package process

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/worker/runner"
)

// Pull implements runner.Driver. Images are folders of this machine, so it only looks
// them up.
func (d *Driver) Pull(_ context.Context, image string) (string, error) {
	i, ok := d.images[image]
	if !ok {
		return "", fmt.Errorf("CannotPullContainerError: image %q is not there; runner.images of this node has: %s", image, d.imageNames())
	}
	if i.Root == imageHost {
		return "", nil
	}
	info, err := os.Stat(i.Root)
	if err == nil && !info.IsDir() {
		err = errors.New("is not a folder")
	}
	if err != nil {
		d.cfg.Logger.Warn("an image has no root folder", "image", image, "root", i.Root, "error", err)
		return "", fmt.Errorf("CannotPullContainerError: the root folder of image %q cannot be used on this node", image)
	}
	return "", nil
}

func (d *Driver) imageNames() string {
	var names []string
	for name := range d.images {
		names = append(names, name)
	}
	slices.Sort(names)
	const shown = 20
	if len(names) > shown {
		names = append(names[:shown], "…")
	}
	return fmt.Sprint(names)
}

// startTimeout is how long a shim may take to start a container.
const startTimeout = 60 * time.Second

// Start implements runner.Driver.
func (d *Driver) Start(ctx context.Context, s *runner.Spec, name string) error {
	c := s.Container(name)
	if c == nil {
		return fmt.Errorf("CannotCreateContainerError: the task has no container %q", name)
	}
	dir, err := d.create(ctx, s, c)
	if errors.Is(err, errRuns) {
		return d.files.container(s.Task.ID, name).waitStart(ctx)
	}
	if err != nil {
		return err
	}
	defer dir.lock.Close()
	select {
	case d.starts <- struct{}{}:
		defer func() { <-d.starts }()
	case <-ctx.Done():
		return fmt.Errorf("CannotStartContainerError: %w", ctx.Err())
	}
	return d.startShim(s.Task.ID, name, dir)
}

// created is a container that is ready to be started.
type created struct {
	dir  containerDir
	lock *os.File // held
	spec *containerSpec
}

// create makes the files, the control group and the network of a container. It takes
// the lock of the container, which tells that it runs.
func (d *Driver) create(ctx context.Context, s *runner.Spec, c *runner.Container) (created, error) {
	fail := func(err error) (created, error) {
		return created{}, fmt.Errorf("CannotCreateContainerError: %w", err)
	}
	name := c.Definition.Name
	if err := errors.Join(checkTask(s.Task.ID), checkContainer(name)); err != nil {
		return fail(err)
	}
	spec, err := d.containerSpec(s, c)
	if err != nil {
		return fail(err)
	}
	dir := d.files.container(s.Task.ID, name)
	if err := os.MkdirAll(dir.root(), 0o700); err != nil {
		return fail(err)
	}
	lock, err := lockContainer(ctx, dir)
	if err != nil {
		return fail(err)
	}
	if err := d.makeContainer(s, c, dir, spec); err != nil {
		lock.Close()
		return fail(err)
	}
	return created{dir: dir, lock: lock, spec: spec}, nil
}

func (d *Driver) makeContainer(s *runner.Spec, c *runner.Container, dir containerDir, spec *containerSpec) error {
	record, err := d.nextRecord(s, c, dir)
	if err != nil {
		return err
	}
	record.Log = spec.Log
	if s.Network.Mode == runner.ModeHost {
		if err := hostPortsFree(c.Definition.PortMappings); err != nil {
			return err
		}
	}
	if err := d.makeFiles(s, c, dir, spec); err != nil {
		return err
	}
	if s.Network.Mode == runner.ModeBridge {
		if err := d.bridgeContainer(s, c, dir, record, spec); err != nil {
			return err
		}
	}
	if d.cgroups != nil {
		if err := d.limitContainer(s, c, spec); err != nil {
			return err
		}
	}
	for _, file := range []string{dir.shim(), dir.exit(), dir.health()} {
		if err := os.Remove(file); err != nil && !isMissing(err) {
			return err
		}
	}
	if err := writeRecord(dir.record(), record); err != nil {
		return err
	}
	return writeRecord(dir.spec(), spec)
}

// nextRecord returns the record of a new run of a container.
func (d *Driver) nextRecord(s *runner.Spec, c *runner.Container, dir containerDir) (*containerRecord, error) {
	r := new(containerRecord)
	again, err := readRecord(dir.record(), r)
	if err != nil {
		return nil, err
	}
	if again {
		if _, ended := stat(dir.exit()); ended {
			r.Restarts++
		}
		return r, nil
	}
	var id [32]byte
	rand.Read(id[:]) // never fails
	r.RuntimeID, r.Created = hex.EncodeToString(id[:]), time.Now().UnixMilli()
	return r, nil
}

// stat reports whether a file exists, and when it was changed.
func stat(file string) (changed time.Time, exists bool) {
	info, err := os.Stat(file)
	if err != nil {
		return time.Time{}, false
	}
	return info.ModTime(), true
}

// limitContainer makes the control group of a container.
func (d *Driver) limitContainer(s *runner.Spec, c *runner.Container, spec *containerSpec) error {
	name := c.Definition.Name
	l := limits{shares: max(c.CPUShares, minShares), memory: c.MemoryLimit, low: c.MemoryReservation, pids: int64(d.cfg.MaxPIDs)}
	if p := c.Definition.LinuxParameters; p != nil && p.MaxSwap != nil {
		l.swap = *p.MaxSwap << 20
	}
	if err := d.cgroups.create(l, s.Task.ID, name); err != nil {
		return err
	}
	spec.Cgroups = d.cgroups.members(s.Task.ID, name)
	spec.OOMFile = d.cgroups.oomFile(s.Task.ID, name)
	return nil
}

// lockContainer takes the lock of a container. The shim inherits it, so it is free only
// if no shim runs. A shim that has written its exit record holds it a little longer.
func lockContainer(ctx context.Context, dir containerDir) (*os.File, error) {
	f, err := os.OpenFile(dir.lock(), os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	const attempts = 200
	for range attempts {
		if err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
			return f, nil
		}
		if _, ended := stat(dir.exit()); !ended || ctx.Err() != nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	f.Close()
	return nil, fmt.Errorf("%w: %w", errRuns, err)
}

// errRuns says that a container has a shim already.
var errRuns = errors.New("the container runs")

// waitStart waits until a shim has started a container, or has ended. The program that
// started the shim was killed before that.
func (dir containerDir) waitStart(ctx context.Context) error {
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	late := time.NewTimer(startTimeout)
	defer late.Stop()
	for dir.runs() {
		var r shimRecord
		if ok, err := readRecord(dir.shim(), &r); ok && err == nil && r.Started != 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("CannotStartContainerError: %w", ctx.Err())
		case <-late.C:
			return errors.New("CannotStartContainerError: the container did not start")
		case <-pause.C:
		}
	}
	return nil // Observe tells how it ended; if it did not start, it is started again
}

// runs reports whether the shim of a container runs.
func (dir containerDir) runs() bool {
	f, err := os.Open(dir.lock())
	if err != nil {
		return false
	}
	defer f.Close()
	return unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil
}

// startShim starts the shim of a container and waits until it has started the command.
func (d *Driver) startShim(id, name string, c created) error {
	report, reportIn, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("CannotStartContainerError: %w", err)
	}
	defer report.Close()
	cmd := exec.Command("/proc/self/exe", ShimCommand, string(c.dir))
	cmd.Args[0] = "cairn"
	cmd.Env, cmd.Dir = []string{}, "/"
	cmd.ExtraFiles = []*os.File{reportIn, c.lock}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if !c.spec.HostPID {
		cmd.SysProcAttr.Cloneflags = unix.CLONE_NEWPID
	}
	err = cmd.Start()
	reportIn.Close()
	if err != nil {
		return fmt.Errorf("CannotStartContainerError: %w", err)
	}
	pid := cmd.Process.Pid
	start, startErr := startTime(pid)
	_ = cmd.Process.Release()
	if d.cgroups != nil {
		d.moveShim(pid)
	}
	_ = report.SetReadDeadline(time.Now().Add(startTimeout))
	text, err := io.ReadAll(io.LimitReader(report, 64<<10))
	var r startReport
	if err == nil && json.Unmarshal(text, &r) == nil && r.Error == "" && startErr == nil {
		d.watches.add(watched{id, name}, shimRecord{PID: pid, StartTime: start})
		return nil
	}
	_ = unix.Kill(pid, unix.SIGKILL) // it has not been waited for, so the id is its own
	_, _ = unix.Wait4(pid, nil, 0, nil)
	_ = os.Remove(c.dir.spec())
	if r.Error == "" {
		r.Error = fmt.Sprintf("CannotStartContainerError: the container did not start: %v", errors.Join(err, startErr))
	}
	return errors.New(r.Error)
}

// moveShim puts a shim into the control group of shims. So a service manager that ends
// the program does not end its containers, and starts do not slow down other tasks.
func (d *Driver) moveShim(pid int) {
	for _, file := range d.cgroups.keepers("shims") {
		if err := os.WriteFile(file, fmt.Append(nil, pid), 0); err != nil {
			d.cfg.Logger.Warn("a shim stays in the control group of the program", "error", err)
			return
		}
	}
}

// ended handles the end of a shim. One that was killed has left no exit record.
func (d *Driver) ended(w watched) {
	dir := d.files.container(w.task, w.container)
	if _, ok := stat(dir.exit()); ok {
		return
	}
	if _, ok := stat(dir.record()); !ok {
		return // it has been removed
	}
	r := exitRecord{Code: 137, Reason: "ContainerVanishedError: the process that watched the container was killed", Finished: time.Now().UnixMilli()}
	if err := writeRecord(dir.exit(), r); err != nil {
		d.cfg.Logger.Warn("the end of a container could not be written down", "task", w.task, "container", w.container, "error", err)
	}
}

// observeContainer returns the state of a container, or nil if it was never started.
func (d *Driver) observeContainer(id, name string) (*task.ContainerState, error) {
	dir := d.files.container(id, name)
	var r containerRecord
	if ok, err := readRecord(dir.record(), &r); !ok || err != nil {
		return nil, err
	}
	var shim shimRecord
	if ok, err := readRecord(dir.shim(), &shim); !ok || err != nil {
		return nil, err
	}
	s := &task.ContainerState{
		Name: name, RuntimeID: r.RuntimeID, ImageDigest: r.Digest, Restarts: r.Restarts, Created: r.Created,
		Started: shim.Started, Bindings: r.Bindings,
	}
	var h healthRecord
	if ok, err := readRecord(dir.health(), &h); err == nil && ok {
		s.Health, s.HealthSince, s.HealthOutput = h.Health, h.Since, h.Output
	}
	running := dir.runs() // before the exit record is read, which is written earlier
	var exit exitRecord
	ended, err := readRecord(dir.exit(), &exit)
	switch {
	case err != nil:
		return nil, err
	case ended:
		s.LastStatus = task.StatusStopped
		s.ExitCode, s.Reason, s.Finished = &exit.Code, exit.Reason, exit.Finished
	case running && shim.Started != 0:
		s.LastStatus = task.StatusRunning
		d.watches.add(watched{id, name}, shim) // it may have been started by an earlier run of the program
	case running:
		return nil, nil // it is starting
	case shim.Started == 0:
		return nil, nil // it has not started
	default:
		code := int64(137)
		s.LastStatus, s.ExitCode, s.Reason = task.StatusStopped, &code, "ContainerVanishedError: the process that watched the container was killed"
	}
	return s, nil
}

// Stop implements runner.Driver.
func (d *Driver) Stop(ctx context.Context, id, name string, timeout time.Duration) error {
	if err := errors.Join(checkTask(id), checkContainer(name)); err != nil {
		return err
	}
	dir := d.files.container(id, name)
	if err := dir.signal(unix.SIGTERM); err != nil {
		return err
	}
	if dir.waitEnd(ctx, timeout) {
		return ctx.Err()
	}
	return dir.kill(ctx)
}

// kill ends a container at once: by its shim, and if that does not answer, by ending
// the shim, with which the kernel ends the container.
func (dir containerDir) kill(ctx context.Context) error {
	const patience = 5 * time.Second
	for _, signal := range []unix.Signal{killSignal, unix.SIGKILL} {
		if err := dir.signal(signal); err != nil {
			return err
		}
		if dir.waitEnd(ctx, patience) {
			return ctx.Err()
		}
	}
	return errors.New("the container does not end")
}

// signal sends a signal to the shim, if it runs.
func (dir containerDir) signal(s unix.Signal) error {
	var r shimRecord
	ok, err := readRecord(dir.shim(), &r)
	if !ok || err != nil || !dir.runs() {
		return err
	}
	return signalProcess(r, s)
}

// waitEnd waits until the container has ended. It returns false at the timeout, and
// true when ctx ends too.
func (dir containerDir) waitEnd(ctx context.Context, timeout time.Duration) bool {
	end := time.NewTimer(timeout)
	defer end.Stop()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for {
		if !dir.runs() {
			return true
		}
		select {
		case <-ctx.Done():
			return true
		case <-end.C:
			return !dir.runs()
		case <-pause.C:
		}
	}
}

// removeContainer ends a container and its network. Its files are deleted with those
// of the task.
func (d *Driver) removeContainer(ctx context.Context, id, name string) error {
	dir := d.files.container(id, name)
	if dir.runs() {
		if err := dir.kill(ctx); err != nil {
			return err
		}
	}
	if err := removeNamespace(dir.netns()); err != nil {
		return err
	}
	return removeLink(d.hostInterface(id, name))
}
