//go:build linux

// Package runner_test runs tasks of ECS on a replica, an agent and the process driver.
package runner_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
	"github.com/cairn-discovery/cairn/worker/runner"
	"github.com/cairn-discovery/cairn/worker/runner/drivertest"
	"github.com/cairn-discovery/cairn/worker/runner/process"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == process.ShimCommand || os.Args[1] == process.InitCommand) {
		os.Exit(process.Main(os.Args[1], os.Args[2:]))
	}
	drivertest.Isolate()
	os.Exit(m.Run())
}

const account = command.AccountID("000000000000")

// bench is a machine with a store that outlives the program.
type bench struct {
	t       *testing.T
	store   store.Store
	config  process.Config
	replica *replica.Replica
	runner  *runner.Runner
	stop    func()
}

func newBench(t *testing.T) *bench {
	if os.Geteuid() != 0 {
		t.Skip("namespaces need root")
	}
	run, err := os.MkdirTemp("/run", "cairn-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(run) })
	image := filepath.Join(t.TempDir(), "image")
	if err := os.MkdirAll(image, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(drivertest.Build(t), filepath.Join(image, "program")); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, store: memory.New(), config: process.Config{
		RunDir: filepath.Join(run, "one"), Others: run, Owner: t.TempDir(), DataDir: filepath.Join(t.TempDir(), "data"),
		Images: map[string]process.Image{"program": {Root: image}}, CgroupParent: "cairn-test-agent", MaxPIDs: 100, Logger: slog.New(slog.DiscardHandler),
	}}
	b.start()
	t.Cleanup(func() {
		b.stop()
		d, err := process.New(b.config)
		if err != nil {
			t.Fatal(err)
		}
		ids, err := d.Tasks(context.Background())
		if err != nil {
			t.Error(err)
		}
		for _, id := range ids {
			if err := d.Remove(context.Background(), id); err != nil {
				t.Error(err)
			}
		}
		if err := d.Cleanup(context.Background()); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(b.config.RunDir); err == nil && len(ids) == 0 {
			t.Errorf("left in the folder of running tasks: %v", left)
		}
	})
	return b
}

// start starts the program.
func (b *bench) start() {
	log := slog.New(slog.NewTextHandler(testWriter{b.t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	rules := &state.Rules{Task: task.Rules{Region: "eu-central-1", MaxDrain: 1000, HealthyAfter: 100, StoppedRetention: 60000, StartTimeout: 60000}}
	rules.Registry.Region = "eu-central-1"
	getRules := func() *state.Rules { return rules }
	rep, err := replica.New(replica.Config{Store: b.store, Rules: getRules, Logger: log})
	b.must(err)
	driver, err := process.New(b.config)
	b.must(err)
	r, err := runner.New(runner.Config{
		Replica: rep, Rules: getRules, Driver: driver, Logger: log, LogDir: b.config.DataDir + "-logs",
		Node:    task.Node{Name: "one", CPU: 1 << 20, Memory: 1 << 20, Zone: "eu-central-1a", IPv4: "192.0.2.1"},
		Subnets: []runner.Subnet{{ID: runner.DefaultSubnet, IPv4: netip.MustParsePrefix("10.98.0.0/16"), IPv6: netip.MustParsePrefix("fd98::/64")}},
	})
	b.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, f := range []func(context.Context) error{rep.Run, r.Run} {
		running.Go(func() {
			if err := f(ctx); err != nil && ctx.Err() == nil {
				b.t.Error(err)
			}
		})
	}
	<-rep.Loaded()
	b.replica, b.runner = rep, r
	b.stop = func() {
		cancel()
		running.Wait()
	}
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", p)
	return len(p), nil
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) propose(c command.Command) any {
	b.t.Helper()
	reply, err := b.replica.Propose(b.t.Context(), account, c)
	b.must(err)
	return reply.Value
}

func ptr[T any](v T) *T { return &v }

// define registers a task definition of containers with the test program.
func (b *bench) define(family string, containers ...task.ContainerDefinition) {
	b.t.Helper()
	for i := range containers {
		c := &containers[i]
		c.Image, c.EntryPoint, c.Memory = "program", []string{"/program"}, ptr(int64(64))
	}
	b.propose(&task.RegisterTaskDefinition{Definition: task.Definition{Family: family, NetworkMode: "awsvpc", ContainerDefinitions: containers}})
}

func (b *bench) run(family string, count int) []*task.Task {
	b.t.Helper()
	b.waitNode()
	got := b.propose(&task.RunTask{
		Cluster: "default", Family: family, Count: count,
		NetworkConfiguration: &task.NetworkConfiguration{AwsvpcConfiguration: &task.AwsVpcConfiguration{Subnets: []string{"subnet-1"}}},
	}).(*task.RunResult)
	if len(got.Failures) > 0 {
		b.t.Fatalf("%+v", got.Failures)
	}
	return got.Tasks
}

func (b *bench) waitNode() {
	b.t.Helper()
	b.until("the node is registered", func(s *replica.Snapshot) bool {
		_, ok := s.Task.Node("one")
		return ok
	})
}

func (b *bench) until(what string, good func(*replica.Snapshot) bool) *replica.Snapshot {
	b.t.Helper()
	late := time.After(60 * time.Second)
	for {
		s := b.replica.Current()
		if good(s) {
			return s
		}
		select {
		case <-s.Superseded():
		case <-late:
			for x := range s.Task.TasksOfNode("one") {
				b.t.Logf("%+v", *x)
			}
			b.t.Fatalf("it never happened that %s", what)
		}
	}
}

func (b *bench) task(id, status string) *task.Task {
	b.t.Helper()
	var found *task.Task
	b.until("task "+id+" is "+status, func(s *replica.Snapshot) bool {
		found, _ = s.Task.Task(account, "default", id)
		return found != nil && found.LastStatus == status
	})
	return found
}

// get asks until there is an answer: nothing tells when a program listens.
func (b *bench) get(url string) (body string) {
	b.t.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	b.poll("there is an answer from "+url, func() bool {
		resp, err := client.Get(url)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		b.must(err)
		body = string(text)
		return true
	})
	return body
}

func TestTaskRunsAndStopsInOrder(t *testing.T) {
	b := newBench(t)
	b.define("web",
		task.ContainerDefinition{Name: "app", Command: []string{"serve", "80"}, DependsOn: []task.ContainerDependency{{ContainerName: "setup", Condition: "SUCCESS"}, {ContainerName: "db", Condition: "HEALTHY"}}},
		task.ContainerDefinition{Name: "setup", Command: []string{"exit", "0"}, Essential: ptr(false)},
		task.ContainerDefinition{Name: "db", Command: []string{"serve", "81"}, HealthCheck: &task.HealthCheck{Command: []string{"CMD", "/program", "check", "http://127.0.0.1:81/health"}, Interval: ptr(int64(5))}},
	)
	id := b.run("web", 1)[0].ID
	x := b.task(id, task.StatusRunning)
	if x.Network == nil || x.Network.IPv4 == "" || x.Network.IPv6 == "" || x.Network.MAC == "" {
		t.Fatalf("network %+v", x.Network)
	}
	env := b.get(fmt.Sprintf("http://[%s]/env", x.Network.IPv6))
	if !strings.Contains(env, "AWS_REGION=eu-central-1\n") || !strings.Contains(env, "AWS_EXECUTION_ENV=AWS_ECS_EC2\n") {
		t.Errorf("environment %s", env)
	}
	b.propose(&task.StopTask{Cluster: "default", Task: id})
	x = b.task(id, task.StatusStopped)
	finished := map[string]int64{}
	for _, c := range x.Containers {
		finished[c.Name] = c.Finished
		if c.ExitCode == nil || *c.ExitCode != 0 {
			t.Errorf("%+v", c)
		}
	}
	if finished["app"] == 0 || finished["app"] > finished["db"] {
		t.Errorf("ends: %v", finished)
	}
	// The output is kept after the task was removed.
	d, _ := b.replica.Current().Task.Definition(x.Account, x.Family, x.Revision)
	log, err := b.runner.Logs(t.Context(), x, d, "app", runner.LogOptions{})
	b.must(err)
	defer log.Close()
	if text, err := io.ReadAll(log); err != nil || !strings.Contains(string(text), "serving") {
		t.Errorf("output of a stopped task: %q, %v", text, err)
	}
	if _, err := b.runner.Logs(t.Context(), x, d, "other", runner.LogOptions{}); !errors.Is(err, runner.ErrNoLog) {
		t.Errorf("output of a container that does not exist: %v", err)
	}
}

// TestAdoption restarts the program while tasks run and end.
func TestAdoption(t *testing.T) {
	b := newBench(t)
	b.define("web", task.ContainerDefinition{Name: "app", Command: []string{"serve", "80"}})
	tasks := b.run("web", 3)
	before := map[string]*task.Task{}
	for _, x := range tasks {
		before[x.ID] = b.task(x.ID, task.StatusRunning)
	}
	b.stop()
	ends := tasks[0].ID
	d, err := process.New(b.config)
	b.must(err)
	b.must(d.Stop(t.Context(), ends, "app", time.Minute)) // it ends while the program does not run
	b.start()
	if x := b.task(ends, task.StatusStopped); x.StopCode != task.StopEssentialExited {
		t.Errorf("%+v", x)
	}
	for _, x := range tasks[1:] {
		now := b.task(x.ID, task.StatusRunning)
		if old := before[x.ID]; now.Containers[0].RuntimeID != old.Containers[0].RuntimeID || now.Network.IPv4 != old.Network.IPv4 || now.Containers[0].Restarts != 0 {
			t.Errorf("before %+v, after %+v", old, now)
		}
		b.get("http://" + now.Network.IPv4 + "/")
	}
	for _, x := range tasks[1:] {
		b.propose(&task.StopTask{Cluster: "default", Task: x.ID})
		b.task(x.ID, task.StatusStopped)
	}
}

// TestReasons looks at tasks that cannot start.
func TestReasons(t *testing.T) {
	b := newBench(t)
	for _, test := range []struct {
		name   string
		change func(*task.ContainerDefinition)
		want   string
	}{
		{"image", func(c *task.ContainerDefinition) { c.Image = "nope:1" }, `CannotPullContainerError: image "nope:1" is not there`},
		{"command", func(c *task.ContainerDefinition) { c.EntryPoint = []string{"/nope"} }, "CannotStartContainerError: exec"},
		{"secret", func(c *task.ContainerDefinition) {
			c.Secrets = []task.Secret{{Name: "KEY", ValueFrom: "file:/etc/shadow"}}
		}, "ResourceInitializationError: unable to pull secrets or registry auth: "},
		{"user", func(c *task.ContainerDefinition) { c.User = "nobody-here" }, "CannotStartContainerError: unable to find user"},
		{"capability", func(c *task.ContainerDefinition) {
			c.LinuxParameters = &task.LinuxParameters{Capabilities: &task.KernelCapabilities{Add: []string{"SYS_ADMIN"}}}
		}, "CannotCreateContainerError: capability SYS_ADMIN is not allowed on this node"},
	} {
		c := task.ContainerDefinition{Name: "app", Command: []string{"sleep"}}
		b.defineWith(test.name, &c, test.change)
		id := b.run(test.name, 1)[0].ID
		x := b.task(id, task.StatusStopped)
		if x.StopCode != task.StopFailedToStart || !strings.HasPrefix(x.StoppedReason, test.want) {
			t.Errorf("%s: %s %s", test.name, x.StopCode, x.StoppedReason)
		}
	}
}

func (b *bench) defineWith(family string, c *task.ContainerDefinition, change func(*task.ContainerDefinition)) {
	b.t.Helper()
	c.Image, c.EntryPoint, c.Memory = "program", []string{"/program"}, ptr(int64(64))
	change(c)
	d := task.Definition{Family: family, NetworkMode: "awsvpc", ContainerDefinitions: []task.ContainerDefinition{*c}}
	if c.Secrets != nil {
		d.ExecutionRoleARN = "reader"
	}
	b.propose(&task.RegisterTaskDefinition{Definition: d})
}

// TestManyTasks starts 200 tasks.
func TestManyTasks(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	b := newBench(t)
	b.define("web", task.ContainerDefinition{Name: "app", Command: []string{"serve", "80"}})
	begin := time.Now()
	var ids []string
	for range 20 {
		for _, x := range b.run("web", 10) {
			ids = append(ids, x.ID)
		}
	}
	for _, id := range ids {
		b.task(id, task.StatusRunning)
	}
	t.Logf("%d tasks run after %v", len(ids), time.Since(begin))
	begin = time.Now()
	for _, id := range ids {
		b.propose(&task.StopTask{Cluster: "default", Task: id})
	}
	for _, id := range ids {
		b.task(id, task.StatusStopped)
	}
	var own, others syscall.Rusage
	b.must(syscall.Getrusage(syscall.RUSAGE_SELF, &own))
	b.must(syscall.Getrusage(syscall.RUSAGE_CHILDREN, &others))
	cpu := func(r *syscall.Rusage) time.Duration { return time.Duration(r.Utime.Nano() + r.Stime.Nano()) }
	t.Logf("they have stopped after %v; CPU time of the program %v, of the tasks %v", time.Since(begin), cpu(&own), cpu(&others))
}
