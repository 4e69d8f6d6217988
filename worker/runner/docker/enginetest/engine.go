// Package enginetest runs a Docker Engine for tests, with its own socket and data, in a
// network namespace that is connected to nothing.
//
//	func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }
//
//	func TestX(t *testing.T) { e := enginetest.Need(t); … e.Socket() … }
//
// Main runs the tests in the new network namespace, so they can use the addresses of
// containers. The engine starts when the first test needs it and ends with the tests.
package enginetest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/cairn-discovery/cairn/internal/testtool"
)

// inside is the variable that marks the process in the new network namespace.
const inside = "CAIRN_ENGINETEST_INSIDE"

// Engine is a Docker Engine of the tests.
type Engine struct {
	dir   string
	flags []string

	mu  sync.Mutex
	cmd *exec.Cmd // nil: does not run
	end chan error
}

// shared is the engine of this test process.
var shared Engine

// Main runs the tests and returns the exit code. It is called in TestMain.
func Main(m *testing.M) int {
	flag.Parse()
	switch {
	case fuzzing() || os.Getuid() != 0:
		return m.Run() // Need explains what is missing
	case os.Getenv(inside) == "":
		return runInside()
	}
	if err := loopbackUp(); err != nil {
		log.Print(err)
		return 1
	}
	defer shared.remove()
	return m.Run()
}

// fuzzing reports whether this is a fuzz run: its workers talk to each other by file
// descriptors and cannot be run in another process.
func fuzzing() bool {
	for _, name := range []string{"test.fuzz", "test.fuzzworker", "test.list"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != f.DefValue {
			return true
		}
	}
	return false
}

// runInside runs this test binary again in a network namespace of its own.
func runInside() int {
	runtime.LockOSThread() // Pdeathsig is about the thread
	defer runtime.UnlockOSThread()
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGTERM}
	ignored := make(chan os.Signal, 1)
	signal.Notify(ignored, os.Interrupt) // the child gets it too, and ends first
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return max(exit.ExitCode(), 1)
	}
	if err != nil {
		log.Print(err)
		return 1
	}
	return 0
}

func loopbackUp() error {
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	return err
}

// Need returns the engine, and starts it if it does not run. Where it cannot run, the
// test fails in CI and is skipped elsewhere.
func Need(t testing.TB) *Engine {
	t.Helper()
	testtool.Need(t, "dockerd", "docker.io")
	if os.Getenv(inside) == "" {
		testtool.Missing(t, "root (for the Docker Engine)", "docker.io")
	}
	if err := shared.Start(); err != nil {
		t.Fatal(err)
	}
	return &shared
}

// Small returns another engine, whose data is in a file system of the given size. It
// ends with the test.
func Small(t testing.TB, mebibytes int) *Engine {
	t.Helper()
	Need(t)
	e := &Engine{dir: t.TempDir()}
	data := filepath.Join(e.dir, "data")
	if err := errors.Join(os.Mkdir(data, 0o711), os.Mkdir(e.Dir(), 0o755), e.writeConfig()); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", data, "tmpfs", 0, fmt.Sprintf("size=%dm", mebibytes)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Stop(); err != nil {
			t.Error(err)
		}
		unmountBelow(e.dir)
	})
	// The bridge of the engine of the other tests has the usual addresses.
	if err := e.start(append([]string{"--bridge=none"}, shared.flags...)); err != nil {
		t.Fatal(err)
	}
	return e
}

// DataDir returns the folder of the engine's data.
func (e *Engine) DataDir() string { return filepath.Join(e.dir, "data") }

func (e *Engine) writeConfig() error {
	return os.WriteFile(filepath.Join(e.dir, "daemon.json"), []byte("{}\n"), 0o644)
}

// Socket returns the path of the engine's socket.
func (e *Engine) Socket() string { return filepath.Join(e.dir, "docker.sock") }

// Dir returns a folder for the state of tests that the engine does not use itself.
func (e *Engine) Dir() string { return filepath.Join(e.dir, "tests") }

// fallbacks are flags for machines that lack something: the tables of iptables in the
// kernel, or a file system on which overlayfs works.
var fallbacks = [][]string{
	nil,
	{"--iptables=false"},
	{"--iptables=false", "--storage-driver=vfs"},
}

// Start starts the engine if it does not run.
func (e *Engine) Start() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cmd != nil {
		return nil
	}
	if e.dir != "" {
		return e.start(e.flags)
	}
	dir, err := os.MkdirTemp("", "cairn-engine-")
	if err != nil {
		return err
	}
	e.dir = dir
	if err := os.Mkdir(e.Dir(), 0o755); err != nil {
		return err
	}
	if err := e.writeConfig(); err != nil {
		return err
	}
	var errs error
	for _, flags := range fallbacks {
		err := e.start(flags)
		if err == nil {
			return nil
		}
		errs = errors.Join(errs, err)
	}
	return errs
}

// start starts the engine with additional flags and waits until it listens.
func (e *Engine) start(flags []string) error {
	out, err := os.OpenFile(filepath.Join(e.dir, "engine.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command("dockerd", append([]string{
		"--host", "unix://" + e.Socket(),
		"--data-root", filepath.Join(e.dir, "data"),
		"--exec-root", filepath.Join(e.dir, "exec"),
		"--pidfile", filepath.Join(e.dir, "engine.pid"),
		"--config-file", filepath.Join(e.dir, "daemon.json"),
	}, flags...)...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	end, started := make(chan error, 1), make(chan error, 1)
	go func() { // keeps its thread as long as the engine runs, because of Pdeathsig
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			end <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	if err := waitListening(e.Socket(), end); err != nil {
		cmd.Process.Kill()
		return fmt.Errorf("the Docker Engine with flags %q: %w\n%s", flags, err, e.logTail())
	}
	e.cmd, e.end, e.flags = cmd, end, flags
	return nil
}

func waitListening(socket string, end <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		if c, err := net.Dial("unix", socket); err == nil {
			c.Close()
			return nil
		}
		select {
		case err := <-end:
			return fmt.Errorf("ended: %w", err)
		case <-ctx.Done():
			return errors.New("does not listen after a minute")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (e *Engine) logTail() string {
	b, _ := os.ReadFile(filepath.Join(e.dir, "engine.log"))
	return string(b[max(0, len(b)-2000):])
}

// Stop ends the engine, which stops its containers.
func (e *Engine) Stop() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cmd == nil {
		return nil
	}
	cmd, end := e.cmd, e.end
	e.cmd = nil
	cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-end:
		return nil
	case <-time.After(time.Minute):
		cmd.Process.Kill()
		<-end
		return errors.New("the Docker Engine did not end within a minute")
	}
}

// Pause stops the process of the engine for a moment: it accepts connections and does
// not answer. The result lets it go on.
func (e *Engine) Pause() (resume func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.cmd.Process
	p.Signal(syscall.SIGSTOP)
	return func() { p.Signal(syscall.SIGCONT) }
}

// remove ends the engine and deletes its data.
func (e *Engine) remove() {
	if e.dir == "" {
		return
	}
	if err := e.Stop(); err != nil {
		log.Print(err)
	}
	unmountBelow(e.dir)
	if err := os.RemoveAll(e.dir); err != nil {
		log.Print(err)
	}
}

// unmountBelow unmounts what the engine has left mounted.
func unmountBelow(dir string) {
	b, _ := os.ReadFile("/proc/self/mountinfo")
	var points []string
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 4 && strings.HasPrefix(f[4], dir+"/") {
			points = append(points, f[4])
		}
	}
	slices.Reverse(points)
	for _, p := range points {
		unix.Unmount(p, unix.MNT_DETACH)
	}
}
