package docker

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/worker/runner"
	"github.com/cairn-discovery/cairn/worker/runner/docker/enginetest"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// harness is a driver with the engine of the tests.
type harness struct {
	*Driver
	t      *testing.T
	engine *enginetest.Engine
}

// start returns a driver of a node of its own. At the end of the test it checks that
// nothing of the node is left.
func start(t *testing.T, change ...func(*Config)) *harness {
	t.Helper()
	e := enginetest.Need(t)
	e.Load(t, enginetest.Image, nil)
	cfg := Config{
		Node:   "node-" + digest([]byte(t.Name()))[:8],
		Socket: e.Socket(),
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	cfg.Dir = filepath.Join(e.Dir(), cfg.Node)
	for _, f := range change {
		f(&cfg)
	}
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{d, t, e}
	t.Cleanup(h.finish)
	return h
}

// finish removes all tasks and checks that nothing is left.
func (h *harness) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	ids, err := h.Tasks(ctx)
	if err != nil {
		h.t.Error(err)
		return
	}
	for _, id := range ids {
		if err := h.Remove(ctx, id); err != nil {
			h.t.Error(err)
		}
	}
	if err := h.Cleanup(ctx); err != nil {
		h.t.Error(err)
	}
	if left := h.left(ctx); len(left) > 0 {
		h.t.Errorf("left on the engine: %q", left)
	}
	os.RemoveAll(h.cfg.Dir)
}

// left returns what exists of the node on the engine.
func (h *harness) left(ctx context.Context) []string {
	var out []string
	api := h.Driver.engine.api()
	containers, err := api.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: h.ours("")})
	if err != nil {
		h.t.Error(err)
	}
	for _, c := range containers.Items {
		out = append(out, "container "+c.Names[0])
	}
	networks, err := api.NetworkList(ctx, client.NetworkListOptions{Filters: h.ours("")})
	if err != nil {
		h.t.Error(err)
	}
	for _, n := range networks.Items {
		out = append(out, "network "+n.Name)
	}
	volumes, err := api.VolumeList(ctx, client.VolumeListOptions{Filters: h.ours("")})
	if err != nil {
		h.t.Error(err)
	}
	for _, v := range volumes.Items {
		if v.Labels[labelAccount] == "" { // shared volumes stay
			out = append(out, "volume "+v.Name)
		}
	}
	return out
}

// spec returns a task with containers in a network mode.
func spec(id, mode string, containers ...runner.Container) *runner.Spec {
	s := &runner.Spec{
		Task:       &task.Task{Account: "123456789012", Cluster: "default", ID: strings.Repeat("0", 32-len(id)) + id},
		Definition: &task.Definition{Account: "123456789012", Family: "web", Revision: 1, NetworkMode: mode},
		Network:    runner.NetworkSpec{Mode: mode},
		Containers: containers,
	}
	for i := range containers {
		s.Definition.ContainerDefinitions = append(s.Definition.ContainerDefinitions, *containers[i].Definition)
	}
	return s
}

// inSubnet gives a task addresses.
func inSubnet(s *runner.Spec, host int) *runner.Spec {
	s.Network.Subnet = "subnet-abcd1234"
	s.Network.Addresses = []netip.Prefix{
		netip.MustParsePrefix(fmt.Sprintf("10.77.1.%d/24", host)),
		netip.MustParsePrefix(fmt.Sprintf("fd77:1::%x/64", host)),
	}
	s.Network.Gateways = []netip.Addr{netip.MustParseAddr("10.77.1.1"), netip.MustParseAddr("fd77:1::1")}
	s.Network.DNS = s.Network.Gateways[:1]
	s.Network.Search = []string{"internal.example.com"}
	s.Network.Hostname = "task-host"
	return s
}

// run returns a container of the test program.
func run(name string, args ...string) runner.Container {
	return runner.Container{
		Definition: &task.ContainerDefinition{Name: name, Image: enginetest.Image, Command: args},
		Labels: map[string]string{
			"com.amazonaws.ecs.container-name": name,
			"com.amazonaws.ecs.cluster":        "default",
			"cairn.node":                       "somebody-else",
		},
	}
}

// up prepares a task and starts its containers.
func (h *harness) up(s *runner.Spec) {
	h.t.Helper()
	if err := h.Prepare(h.t.Context(), s); err != nil {
		h.t.Fatal(err)
	}
	for i := range s.Containers {
		if err := h.Start(h.t.Context(), s, s.Containers[i].Definition.Name); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *harness) observe(s *runner.Spec) *runner.Observation {
	h.t.Helper()
	o, err := h.Observe(h.t.Context(), s.Task.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return o
}

// state returns the state of a container, and fails the test if there is none.
func (h *harness) state(s *runner.Spec, name string) task.ContainerState {
	h.t.Helper()
	for _, c := range h.observe(s).Containers {
		if c.Name == name {
			return c
		}
	}
	h.t.Fatalf("container %s does not exist", name)
	return task.ContainerState{}
}

// until waits until a condition holds. The engine tells nobody but Run of changes, so
// it is asked again and again.
func (h *harness) until(what string, holds func() bool) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			h.t.Fatalf("not within a minute: %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// ended waits until a container has ended and returns its state.
func (h *harness) ended(s *runner.Spec, name string) task.ContainerState {
	h.t.Helper()
	var c task.ContainerState
	h.until("container "+name+" ends", func() bool {
		c = h.state(s, name)
		return c.LastStatus == task.StatusStopped
	})
	return c
}

// output returns what a container has printed.
func (h *harness) output(s *runner.Spec, name string) string {
	h.t.Helper()
	r, err := h.Logs(h.t.Context(), s.Task.ID, name, runner.LogOptions{})
	if err != nil {
		h.t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(b)
}

// ready waits until a container has printed a text.
func (h *harness) ready(s *runner.Spec, name, text string) {
	h.t.Helper()
	h.until(fmt.Sprintf("%s prints %q", name, text), func() bool { return strings.Contains(h.output(s, name), text) })
}
