// Package drivertest has the suite that every driver of worker/runner passes, and the
// program that the containers of its tests run.
//
//	func TestDriver(t *testing.T) {
//		drivertest.Run(t, drivertest.Options{New: newDriver, Image: image})
//	}
package drivertest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/worker/runner"
)

// Options describe a driver.
type Options struct {
	// New makes a driver. Each call has what the calls before it have left, as after a
	// restart of the program.
	New func(t *testing.T) runner.Driver
	// Image is an image with the program of Build at /program.
	Image string
	// Subnet has the addresses of tasks. The first one is the host's.
	Subnet netip.Prefix
	// Count counts what is on the machine: processes, interfaces, namespaces, rules,
	// control groups, mounts. The test of leftovers compares it. Nil: nothing.
	Count func(t *testing.T) map[string]int
}

// Run runs the suite.
func Run(t *testing.T, o Options) {
	before := map[string]int{}
	if o.Count != nil {
		before = o.Count(t)
	}
	for _, test := range suite() {
		t.Run(test.name, func(t *testing.T) {
			d := start(t, &o)
			test.run(t, d)
		})
	}
	if err := o.New(t).Cleanup(t.Context()); err != nil {
		t.Fatal(err)
	}
	if o.Count == nil {
		return
	}
	for what, n := range o.Count(t) {
		if n != before[what] {
			t.Errorf("%s: %d before the tests, %d after Cleanup", what, before[what], n)
		}
	}
}

// Build compiles the program for containers and returns its file.
func Build(t testing.TB) string {
	file := filepath.Join(t.TempDir(), "program")
	if err := testtool.Build(file, "github.com/cairn-discovery/cairn/worker/runner/drivertest/program"); err != nil {
		t.Fatal(err)
	}
	return file
}

// driven is a driver that runs, with the tasks of one test.
type driven struct {
	runner.Driver
	o       *Options
	t       *testing.T
	changes chan string
	next    int // of the addresses
	stop    func()
}

// start runs a driver until the end of the test.
func start(t *testing.T, o *Options) *driven {
	d := &driven{o: o, t: t, changes: make(chan string, 4096), next: 10}
	d.run()
	t.Cleanup(func() { d.stop() })
	return d
}

// run makes a driver and runs it.
func (d *driven) run() {
	d.Driver = d.o.New(d.t)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		err := d.Run(ctx, func(id string) {
			select {
			case d.changes <- id:
			default: // nobody waits for so many
			}
		})
		if err != nil {
			d.t.Error("Run:", err)
		}
	})
	d.stop = func() {
		cancel()
		running.Wait()
	}
}

// container is a container for a test.
func (d *driven) container(name string, args ...string) task.ContainerDefinition {
	return task.ContainerDefinition{Name: name, Image: d.o.Image, EntryPoint: []string{"/program"}, Command: args}
}

// spec makes a task of containers in awsvpc mode and prepares it. It is removed at the
// end of the test.
func (d *driven) spec(containers ...task.ContainerDefinition) *runner.Spec {
	d.next++
	gateway := d.o.Subnet.Masked().Addr().Next()
	address := gateway
	for range d.next {
		address = address.Next()
	}
	return d.specOf(runner.NetworkSpec{
		Mode: runner.ModeAWSVPC, Subnet: "default", Gateways: []netip.Addr{gateway},
		Addresses: []netip.Prefix{netip.PrefixFrom(address, d.o.Subnet.Bits())},
		DNS:       []netip.Addr{gateway}, Search: []string{"test.internal"}, Hostname: "task-host",
		Hosts: []task.HostEntry{{Hostname: "gateway.test", IpAddress: gateway.String()}},
	}, containers...)
}

func (d *driven) specOf(n runner.NetworkSpec, containers ...task.ContainerDefinition) *runner.Spec {
	d.t.Helper()
	var id [16]byte
	rand.Read(id[:])
	def := &task.Definition{Family: "test", Revision: 1, NetworkMode: n.Mode, ContainerDefinitions: containers}
	s := &runner.Spec{
		Task: &task.Task{ID: hex.EncodeToString(id[:]), Family: "test", Revision: 1}, Definition: def, Network: n,
	}
	logs := d.t.TempDir()
	for i := range containers {
		c := &def.ContainerDefinitions[i]
		s.Containers = append(s.Containers, runner.Container{
			Definition: c, Environment: []string{"TEST=1"}, CPUShares: 128, MemoryLimit: 64 << 20,
			Log: runner.LogTarget{Driver: "awslogs", File: filepath.Join(logs, c.Name), MaxBytes: 1 << 20, MaxFiles: 2},
		})
	}
	d.t.Cleanup(func() {
		if err := d.Remove(context.Background(), s.Task.ID); err != nil {
			d.t.Error("Remove:", err)
		}
	})
	return s
}

// begin prepares a task and starts all its containers.
func (d *driven) begin(s *runner.Spec) {
	d.t.Helper()
	d.must(d.Prepare(d.t.Context(), s))
	for _, c := range s.Containers {
		d.must(d.Start(d.t.Context(), s, c.Definition.Name))
	}
}

func (d *driven) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// patience is how long a test waits for something.
const patience = 30 * time.Second

// state waits until a container has a state that is good.
func (d *driven) state(s *runner.Spec, name string, good func(*task.ContainerState) bool) *task.ContainerState {
	d.t.Helper()
	end := time.After(patience)
	for {
		last := d.observe(s, name)
		if last != nil && good(last) {
			return last
		}
		select {
		case <-d.changes:
		case <-time.After(100 * time.Millisecond): // changes of other kinds are not announced
		case <-end:
			d.t.Fatalf("container %s: %+v\n%s", name, last, d.logs(s, name))
		}
	}
}

func (d *driven) observe(s *runner.Spec, name string) *task.ContainerState {
	d.t.Helper()
	o, err := d.Observe(d.t.Context(), s.Task.ID)
	d.must(err)
	for i := range o.Containers {
		if o.Containers[i].Name == name {
			return &o.Containers[i]
		}
	}
	return nil
}

func stopped(s *task.ContainerState) bool { return s.LastStatus == task.StatusStopped }
func running(s *task.ContainerState) bool { return s.LastStatus == task.StatusRunning }

// logs returns the output of a container.
func (d *driven) logs(s *runner.Spec, name string) string {
	d.t.Helper()
	r, err := d.Logs(d.t.Context(), s.Task.ID, name, runner.LogOptions{})
	if err != nil {
		return err.Error()
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	d.must(err)
	return string(text)
}

// output runs a container to its end and returns its output. The exit code must be 0.
func (d *driven) output(c task.ContainerDefinition, change ...func(*runner.Spec)) string {
	d.t.Helper()
	s := d.spec(c)
	for _, f := range change {
		f(s)
	}
	d.begin(s)
	end := d.state(s, c.Name, stopped)
	text := d.logs(s, c.Name)
	if end.ExitCode == nil || *end.ExitCode != 0 {
		d.t.Fatalf("exit code %v: %s", show(end.ExitCode), text)
	}
	return text
}

func show(code *int64) string {
	if code == nil {
		return "none"
	}
	return fmt.Sprint(*code)
}

// waitFor waits until the log of a container has a text.
func (d *driven) waitFor(s *runner.Spec, name, text string) {
	d.t.Helper()
	end := time.After(patience)
	for !strings.Contains(d.logs(s, name), text) {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-end:
			d.t.Fatalf("container %s has not printed %q: %s %+v", name, text, d.logs(s, name), d.observe(s, name))
		}
	}
}
