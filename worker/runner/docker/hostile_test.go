package docker

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/moby/moby/client"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/worker/runner"
	"github.com/cairn-discovery/cairn/worker/runner/docker/enginetest"
)

// A path trick in a volume fails the task before anything runs.
func TestVolumePathTricks(t *testing.T) {
	h := start(t)
	for path, want := range map[string]string{
		"/tmp/../etc":     `ResourceInitializationError: volume "v": host path "/tmp/../etc": must not contain ".", ".." or empty elements`,
		h.cfg.Dir:         `ResourceInitializationError: volume "v": host path "` + h.cfg.Dir + `": not allowed on this node`,
		h.cfg.Socket:      `ResourceInitializationError: volume "v": host path "` + h.cfg.Socket + `": not allowed on this node`,
		"/tmp/new\nline":  `ResourceInitializationError: volume "v": host path "/tmp/new\nline": must not contain control characters`,
		"/proc/self/root": `ResourceInitializationError: volume "v": host path "/proc/self/root": not allowed on this node`,
	} {
		s := spec("a1", "none", run("web", "wait"))
		s.Definition.Volumes = []task.Volume{{Name: "v", Host: &task.HostVolumeProperties{SourcePath: path}}}
		if err := h.Prepare(t.Context(), s); err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", path, err, want)
		}
	}
}

// Volumes that an image declares are deleted with the task.
func TestVolumesOfTheImage(t *testing.T) {
	h := start(t)
	h.engine.Load(t, "cairn-test-volume:1", map[string]any{"Volumes": map[string]any{"/data": map[string]any{}}})
	before := h.volumes()
	c := run("web", "write", "/data/f", "x")
	c.Definition.Image = "cairn-test-volume:1"
	s := spec("a1", "none", c)
	h.up(s)
	h.ended(s, "web")
	if n := h.volumes(); n != before+1 {
		t.Errorf("%d volumes while the task exists, %d before", n, before)
	}
	if err := h.Remove(t.Context(), s.Task.ID); err != nil {
		t.Fatal(err)
	}
	if n := h.volumes(); n != before {
		t.Errorf("%d volumes afterwards, %d before", n, before)
	}
}

func (h *harness) volumes() int {
	h.t.Helper()
	r, err := h.Driver.engine.api().VolumeList(h.t.Context(), client.VolumeListOptions{})
	if err != nil {
		h.t.Fatal(err)
	}
	return len(r.Items)
}

// A container that fills the disk of the engine gives clear errors to others, and all
// goes on when it is removed.
func TestFullDisk(t *testing.T) {
	e := enginetest.Small(t, 64)
	h := start(t, func(c *Config) { c.Socket, c.Dir = e.Socket(), filepath.Join(e.DataDir(), "node") })
	e.Load(t, enginetest.Image, nil)
	other := spec("a1", "none", run("other", "wait"))
	h.up(other)
	hog := spec("a2", "none", run("hog", "fill", "/file"))
	hog.Containers[0].Log = runner.LogTarget{Driver: "awslogs", File: filepath.Join(e.DataDir(), "logs", "hog")}
	w := watch(t, h.Driver)
	h.up(hog)
	h.ended(hog, "hog")
	late := spec("a3", "none", run("late", "exit", "0"))
	err := h.Prepare(t.Context(), late)
	if err == nil {
		err = h.Start(t.Context(), late, "late")
	}
	if err == nil || !strings.Contains(err.Error(), "no space left on device") || strings.Contains(err.Error(), h.cfg.Dir) {
		t.Errorf("error %v", err)
	}
	if c := h.state(other, "other"); c.LastStatus != task.StatusRunning {
		t.Errorf("another task: %+v", c)
	}
	if err := h.Remove(t.Context(), hog.Task.ID); err != nil {
		t.Fatal(err)
	}
	h.up(late)
	if c := h.ended(late, "late"); *c.ExitCode != 0 {
		t.Errorf("afterwards: exit code %d", *c.ExitCode)
	}
	w.end()
}

// Many tasks start at the same time.
func TestManyTasksAtOnce(t *testing.T) {
	h := start(t)
	var tasks []*runner.Spec
	for i := range 10 {
		tasks = append(tasks, inSubnet(spec("b"+string(rune('0'+i)), "awsvpc", run("web", "serve", "80")), 20+i))
	}
	var group sync.WaitGroup
	for _, s := range tasks {
		group.Go(func() {
			if err := h.Prepare(t.Context(), s); err != nil {
				t.Error(err)
				return
			}
			if err := h.Start(t.Context(), s, "web"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, s := range tasks {
		h.ready(s, "web", "listening")
		if g := greeting(t, s.Network.Addresses[0].Addr().String()+":80"); !strings.HasPrefix(g, "hello") {
			t.Errorf("greeting %q", g)
		}
	}
	for _, s := range tasks {
		group.Go(func() {
			if err := h.Remove(t.Context(), s.Task.ID); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if _, err := os.Stat(h.taskDir(tasks[0].Task.ID)); !os.IsNotExist(err) {
		t.Errorf("folder of a removed task: %v", err)
	}
}
