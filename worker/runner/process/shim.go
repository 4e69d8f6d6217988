//go:build linux

package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Files that a shim and the first stage of a process inherit.
const (
	reportFD = 3 // takes the outcome of the start
	lockFD   = 4 // shim only: the lock of its container
	specFD   = 4 // first stage only: its initSpec
)

// killSignal tells a shim to kill its container.
const killSignal = unix.SIGUSR1

// startReport is what a shim says about the start of its container. No error: the
// command runs.
type startReport struct {
	Error string `json:"error,omitempty"`
}

// Main runs one of the hidden commands. It returns the exit code.
func Main(command string, args []string) int {
	// Namespaces belong to threads, and children are started in those of the thread.
	runtime.LockOSThread()
	var err error
	switch {
	case command == ShimCommand && len(args) == 1:
		err = runShim(containerDir(args[0]))
	case command == InitCommand && len(args) == 0:
		err = runInit()
	default:
		err = fmt.Errorf("%s is started by the program itself", command)
	}
	if err == nil {
		return 0
	}
	report := os.NewFile(reportFD, "report")
	_ = json.NewEncoder(report).Encode(startReport{Error: err.Error()}) // nobody else can be told
	return 1
}

// shim watches one container.
type shim struct {
	dir  containerDir
	spec *containerSpec
	// main is the process of the container's command.
	main    int
	started time.Time
	log     *logWriter
	output  *os.File // that the container writes to
	signals chan os.Signal
	health  healthState
	// killed means that the container is to end at once.
	killed bool
}

func runShim(dir containerDir) error {
	s := &shim{dir: dir, spec: new(containerSpec), signals: make(chan os.Signal, 64)}
	unix.CloseOnExec(reportFD)
	unix.CloseOnExec(lockFD)
	// The shim takes the signals that would end it. To ignore them would make the
	// container ignore them too.
	signal.Notify(s.signals, unix.SIGTERM, killSignal, unix.SIGCHLD, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT)
	if ok, err := readRecord(dir.spec(), s.spec); !ok || err != nil {
		return fmt.Errorf("CannotStartContainerError: %w", errors.Join(err, os.Remove(dir.spec())))
	}
	if err := os.Remove(dir.spec()); err != nil {
		return err
	}
	if err := s.prepare(); err != nil {
		return fmt.Errorf("CannotStartContainerError: %w", err)
	}
	copied, err := s.start()
	if err != nil {
		return err
	}
	report := os.NewFile(reportFD, "report")
	_ = json.NewEncoder(report).Encode(startReport{}) // the program may have ended
	report.Close()
	code := s.watch()
	s.finish(code, copied)
	return nil
}

// prepare puts the shim where its container will be.
func (s *shim) prepare() error {
	// Nothing in the container can look into the shim or trace it.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return err
	}
	if s.spec.HostPID { // else the shim is process 1, which gets the orphans anyway
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			return err
		}
	}
	pid, err := ownHostPID()
	if err != nil {
		return err
	}
	start, err := startTime(pid)
	if err != nil {
		return err
	}
	if err := writeRecord(s.dir.shim(), shimRecord{PID: pid, StartTime: start}); err != nil {
		return err
	}
	if s.spec.Namespace == "" {
		return nil
	}
	fd, err := unix.Open(s.spec.Namespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("network namespace: %w", err)
	}
	defer unix.Close(fd)
	return unix.Setns(fd, unix.CLONE_NEWNET)
}

// ownHostPID returns the id of this process in the process namespace of the host, that
// of /proc.
func ownHostPID() (int, error) {
	text, err := os.Readlink("/proc/self")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

// start starts the command of the container and the copying of its output.
func (s *shim) start() (copied chan struct{}, err error) {
	s.log, err = openLog(s.spec.Log)
	if err != nil {
		return nil, fmt.Errorf("CannotStartContainerError: log: %w", err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.output = write
	s.spec.Init.Cgroups = s.spec.Cgroups
	s.main, err = s.fork(&s.spec.Init, write, s.cloneFlags())
	if err != nil {
		return nil, err
	}
	write.Close()
	s.started = time.Now()
	copied = make(chan struct{})
	go func() {
		defer close(copied)
		_, _ = io.Copy(s.log, read) // never fails to write
	}()
	s.saveStart()
	s.health.begin(s)
	return copied, nil
}

func (s *shim) saveStart() {
	var r shimRecord
	if ok, err := readRecord(s.dir.shim(), &r); ok && err == nil {
		r.Started = s.started.UnixMilli()
		_ = writeRecord(s.dir.shim(), r) // the time of the file's change serves as well
	}
}

func (s *shim) cloneFlags() uintptr {
	flags := uintptr(unix.CLONE_NEWNS | unix.CLONE_NEWUTS)
	if !s.spec.HostIPC {
		flags |= unix.CLONE_NEWIPC
	}
	return flags
}

// fork starts the first stage of a process and returns when the command runs, or the
// reason why it does not.
func (s *shim) fork(init *initSpec, output *os.File, flags uintptr) (pid int, err error) {
	spec, err := json.Marshal(init)
	if err != nil {
		return 0, err
	}
	report, reportIn, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer report.Close()
	specOut, specIn, err := os.Pipe()
	if err != nil {
		reportIn.Close()
		return 0, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	pid, err = syscall.ForkExec("/proc/self/exe", []string{"cairn", InitCommand}, &syscall.ProcAttr{
		Env: []string{},
		Files: []uintptr{
			null.Fd(), output.Fd(), output.Fd(), reportIn.Fd(), specOut.Fd(),
		},
		Sys: &syscall.SysProcAttr{Cloneflags: flags, Setsid: true},
	})
	null.Close()
	reportIn.Close()
	specOut.Close()
	if err != nil {
		specIn.Close()
		return 0, fmt.Errorf("CannotStartContainerError: %w", err)
	}
	_, err = specIn.Write(spec)
	specIn.Close()
	text, readErr := io.ReadAll(io.LimitReader(report, 64<<10))
	if err = errors.Join(err, readErr); err == nil && len(text) == 0 {
		return pid, nil
	}
	_ = unix.Kill(pid, unix.SIGKILL)
	_, _ = unix.Wait4(pid, nil, 0, nil)
	var r startReport
	if json.Unmarshal(text, &r) == nil && r.Error != "" {
		return 0, errors.New(r.Error)
	}
	return 0, fmt.Errorf("CannotStartContainerError: the first stage failed: %w", err)
}

// watch handles events until the command has ended, and returns its exit code.
func (s *shim) watch() int64 {
	for {
		select {
		case sig := <-s.signals:
			if code, ended := s.signal(sig); ended {
				return code
			}
		case now := <-s.health.timer():
			s.health.due(s, now)
		}
	}
}

func (s *shim) signal(sig os.Signal) (code int64, ended bool) {
	switch sig {
	case unix.SIGTERM:
		_ = unix.Kill(s.main, unix.SIGTERM)
	case killSignal:
		s.killed = true
		_ = unix.Kill(s.main, unix.SIGKILL)
	case unix.SIGCHLD:
		return s.reap()
	}
	return 0, false
}

// reap collects the processes that have ended.
func (s *shim) reap() (code int64, ended bool) {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		switch {
		case err != nil || pid <= 0:
			return code, ended
		case pid == s.main:
			code, ended = exitCode(status), true
		default:
			s.health.ended(s, pid, exitCode(status))
		}
	}
}

// exitCode returns the code of a shell: 128 and the signal if a signal ended it.
func exitCode(status unix.WaitStatus) int64 {
	if status.Signaled() {
		return 128 + int64(status.Signal())
	}
	return int64(status.ExitStatus())
}

// finish ends what is left of the container and writes down how it ended.
func (s *shim) finish(code int64, copied <-chan struct{}) {
	s.killRest()
	s.health.stop()
	select { // output that is in the pipe
	case <-copied:
	case <-time.After(2 * time.Second): // something outside of the container has the pipe
	}
	s.log.Close()
	r := exitRecord{Code: code, Finished: time.Now().UnixMilli()}
	if code == 137 && !s.killed && s.spec.OOMFile != "" && oomKills(s.spec.OOMFile) > 0 {
		r.Reason = "OutOfMemoryError: Container killed due to memory usage"
	}
	for range 100 {
		if writeRecord(s.dir.exit(), r) == nil {
			break
		}
		time.Sleep(100 * time.Millisecond) // memory may be short
	}
	s.notify()
}

// killRest ends all other processes of the container.
func (s *shim) killRest() {
	if s.spec.HostPID {
		for _, file := range s.spec.Cgroups {
			for _, pid := range pidsIn(file) {
				_ = unix.Kill(pid, unix.SIGKILL)
			}
		}
		return
	}
	_ = unix.Kill(-1, unix.SIGKILL) // all in the process namespace but this one
	for {
		_, err := unix.Wait4(-1, nil, 0, nil)
		if errors.Is(err, unix.ECHILD) {
			return
		}
	}
}

func pidsIn(file string) []int {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var pids []int
	for line := range strings.Lines(string(data)) {
		if pid, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids
}

// notify tells the program, if it runs, that the task has changed.
func (s *shim) notify() {
	c, err := net.Dial("unixgram", s.spec.Events)
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = c.Write([]byte(s.spec.Task)) // the program looks at everything when it starts
}

// startTime returns when a process started, in clock ticks since boot (proc_pid_stat(5)).
func startTime(pid int) (uint64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	text := string(data)
	// The name of the command is in parentheses and may contain anything.
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	const index = 22 - 3 // field 22; field 3 is the first after the name
	if len(fields) <= index {
		return 0, fmt.Errorf("/proc/%d/stat: too few fields", pid)
	}
	return strconv.ParseUint(fields[index], 10, 64)
}
