package docker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/worker/runner"
)

// watched runs Run and counts the changes of each task.
type watched struct {
	mu      sync.Mutex
	changes map[string]int
	stop    context.CancelFunc
	done    chan struct{}
}

func watch(t *testing.T, d *Driver) *watched {
	ctx, cancel := context.WithCancel(t.Context())
	w := &watched{changes: map[string]int{}, stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		if err := d.Run(ctx, func(id string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.changes[id]++
		}); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(w.end)
	return w
}

func (w *watched) end() {
	w.stop()
	<-w.done
}

func (w *watched) count(s *runner.Spec) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changes[s.Task.ID]
}

// Run reports the start and the end of containers and changes of their health.
func TestRunReportsChanges(t *testing.T) {
	h := start(t)
	checked := run("web", "wait")
	checked.Definition.HealthCheck = &task.HealthCheck{Command: []string{"CMD", "/program", "exists", "/healthy"}, Interval: new(int64(1)), Retries: new(int64(1))}
	s := spec("a1", "none", checked, run("other", "wait"))
	w := watch(t, h.Driver)
	expect := func(what string, do func()) {
		t.Helper()
		before := w.count(s)
		do()
		h.until("a report of "+what, func() bool { return w.count(s) > before })
	}
	if err := h.Prepare(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	expect("start and health", func() {
		if err := h.Start(t.Context(), s, "web"); err != nil {
			t.Fatal(err)
		}
		h.until("unhealthy", func() bool { return h.state(s, "web").Health == task.HealthUnhealthy })
	})
	expect("the end", func() {
		if err := h.Stop(t.Context(), s.Task.ID, "web", time.Minute); err != nil {
			t.Fatal(err)
		}
	})
}

// The end of a process is reported also while the engine does not say anything.
func TestEndIsReportedBeforeTheEngineTells(t *testing.T) {
	h := start(t)
	s := spec("a1", "none", run("web", "wait"))
	w := watch(t, h.Driver)
	h.up(s)
	h.ready(s, "web", "ready")
	c, err := h.find(t.Context(), s.Task.ID, "web")
	if err != nil {
		t.Fatal(err)
	}
	i, err := h.inspect(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	h.until("the process is watched", func() bool {
		h.ends.mu.Lock()
		defer h.ends.mu.Unlock()
		return h.ends.open[c.ID] != nil
	})
	resume := h.engine.Pause()
	defer resume()
	before := w.count(s)
	if err := unix.Kill(i.State.Pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	h.until("the end is reported", func() bool { return w.count(s) > before })
	if h.ends.gone(c.ID) == nil {
		t.Error("the end was not noted")
	}
	resume()
	h.until("the end has an exit code", func() bool {
		o := h.observe(s)
		state := o.Containers[0]
		if state.LastStatus == task.StatusRunning && !o.Ended["web"] {
			t.Error("it is observed as running after its end")
		}
		return state.LastStatus == task.StatusStopped && *state.ExitCode == 137 && !o.Ended["web"]
	})
}

// A process of another container, or of another process namespace, is not watched.
func TestOpenProcess(t *testing.T) {
	if f, err := openProcess(os.Getpid(), strings.Repeat("0f", 32)); err == nil {
		f.Close()
		t.Error("a process that is in no container is taken for its process")
	}
}

// A new driver, as after kill -9, finds what runs, and ends that happened meanwhile.
func TestAdoption(t *testing.T) {
	h := start(t)
	s := inSubnet(spec("a1", "awsvpc", run("web", "serve", "8080"), run("other", "wait")), 10)
	h.up(s)
	h.ready(s, "web", "listening")
	before := h.observe(s)
	second, err := New(h.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Stop(t.Context(), s.Task.ID, "other", time.Minute); err != nil {
		t.Fatal(err)
	}
	ids, err := second.Tasks(t.Context())
	if err != nil || len(ids) != 1 || ids[0] != s.Task.ID {
		t.Fatalf("tasks %q, %v", ids, err)
	}
	after, err := second.Observe(t.Context(), s.Task.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(after.Network.Addresses) != 2 || after.Network.Addresses[0] != before.Network.Addresses[0] {
		t.Errorf("network %+v, was %+v", after.Network, before.Network)
	}
	for _, c := range after.Containers {
		want := map[string]string{"web": task.StatusRunning, "other": task.StatusStopped}[c.Name]
		if c.LastStatus != want {
			t.Errorf("%s is %s, want %s", c.Name, c.LastStatus, want)
		}
		for _, b := range before.Containers {
			if b.Name == c.Name && b.RuntimeID != c.RuntimeID {
				t.Errorf("%s has another id", c.Name)
			}
		}
	}
	// All steps again change nothing.
	if err := second.Prepare(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if err := second.Start(t.Context(), s, "web"); err != nil {
		t.Fatal(err)
	}
	if g := greeting(t, "10.77.1.10:8080"); !strings.HasPrefix(g, "hello") {
		t.Errorf("greeting %q", g)
	}
}

// An engine that is away is a clear error. When it is back, Run reports all tasks.
func TestEngineRestarts(t *testing.T) {
	h := start(t)
	s := inSubnet(spec("a1", "awsvpc", run("web", "wait")), 10)
	h.up(s)
	w := watch(t, h.Driver)
	h.until("the first report", func() bool { return w.count(s) > 0 })
	if err := h.engine.Stop(); err != nil {
		t.Fatal(err)
	}
	want := "the Docker Engine at " + h.cfg.Socket + " is not reachable"
	if _, err := h.Observe(t.Context(), s.Task.ID); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if err := h.Start(t.Context(), s, "web"); err == nil || err.Error() != createPrefix+want {
		t.Errorf("error %v, want %s", err, createPrefix+want)
	}
	before := w.count(s)
	if err := h.engine.Start(); err != nil {
		t.Fatal(err)
	}
	h.until("a report after the engine is back", func() bool { return w.count(s) > before })
	o := h.observe(s)
	if o.Network != nil || len(o.Containers) != 1 || o.Containers[0].LastStatus != task.StatusStopped {
		t.Errorf("after the restart of the engine: %+v", o)
	}
	// The task can run again.
	h.up(s)
	if o := h.observe(s); o.Network == nil || o.Containers[0].LastStatus != task.StatusRunning {
		t.Errorf("after Prepare and Start: %+v", o)
	}
}

// An engine that hangs does not hang the caller.
func TestEngineHangs(t *testing.T) {
	h := start(t)
	resume := h.engine.Pause()
	defer resume()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	want := "the Docker Engine at " + h.cfg.Socket + " did not answer in time"
	if _, err := h.Tasks(ctx); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// Output for a log group is copied to its file, exactly once, and can be read after the
// task is removed.
func TestLogFiles(t *testing.T) {
	h := start(t)
	file := filepath.Join(h.cfg.Dir, "groups", "group", "stream")
	c := run("web", "lines", "20000")
	c.Log = runner.LogTarget{Driver: "awslogs", Options: map[string]string{"awslogs-group": "group"}, File: file, MaxBytes: 100_000, MaxFiles: 20}
	long := run("long", "long", "50000")
	long.Log = runner.LogTarget{Driver: "awslogs", File: file + "-long"}
	s := spec("a1", "none", c, long)
	w := watch(t, h.Driver)
	h.up(s)
	h.ended(s, "web")
	h.ended(s, "long")
	w.end() // as after kill -9: another driver goes on
	second := h.cfg
	d, err := New(second)
	if err != nil {
		t.Fatal(err)
	}
	w = watch(t, d)
	h.until("the copy is complete", func() bool {
		b, _ := os.ReadFile(file)
		return strings.HasSuffix(string(b), "line 19999\n")
	})
	w.end()
	if err := d.Remove(t.Context(), s.Task.ID); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(h.output(s, "web"), "\n")
	if len(lines) != 20001 || lines[0] != "line 0" || lines[19999] != "line 19999" {
		t.Errorf("%d lines, from %q to %q", len(lines), lines[0], lines[len(lines)-2])
	}
	if out := h.output(s, "long"); out != strings.Repeat("x", 50000)+"\n" {
		t.Errorf("a long line has %d bytes", len(out))
	}
	if i, err := os.Stat(file); err != nil || i.Size() > 100_000 {
		t.Errorf("file: %v, %v", i.Size(), err)
	}
	r, err := h.Logs(t.Context(), s.Task.ID, "web", runner.LogOptions{Tail: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if first := make([]byte, 10); true {
		r.Read(first)
		if string(first) != "line 10000" {
			t.Errorf("the last 10,000 lines begin with %q", first)
		}
	}
	os.RemoveAll(filepath.Dir(file))
	h.pruneLogs()
	if _, err := h.Logs(t.Context(), s.Task.ID, "web", runner.LogOptions{}); !errors.Is(err, runner.ErrNoLog) {
		t.Errorf("error %v", err)
	}
}

// Follow ends with the container.
func TestFollow(t *testing.T) {
	h := start(t)
	s := spec("a1", "none", run("web", "wait"))
	h.up(s)
	r, err := h.Logs(t.Context(), s.Task.ID, "web", runner.LogOptions{Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b := make([]byte, 100)
	n, err := r.Read(b)
	if err != nil || string(b[:n]) != "ready\n" {
		t.Fatalf("%q, %v", b[:n], err)
	}
	if err := h.Stop(t.Context(), s.Task.ID, "web", time.Minute); err != nil {
		t.Fatal(err)
	}
	var rest strings.Builder
	for err == nil {
		n, err = r.Read(b)
		rest.Write(b[:n])
	}
	if rest.String() != "got SIGTERM\n" {
		t.Errorf("rest %q", rest.String())
	}
}
