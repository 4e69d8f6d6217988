package runner

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store/memory"
)

// machine is a driver for tests: tasks exist by name only.
type machine struct {
	changed chan func(string) // gets what Run was given

	mu       sync.Mutex
	exist    map[string]bool
	failures int // Cleanup fails so often
	cleanups int
}

func newMachine() *machine {
	return &machine{changed: make(chan func(string), 1), exist: map[string]bool{}}
}

func (m *machine) Name() string { return "test" }

func (m *machine) Run(ctx context.Context, changed func(string)) error {
	m.changed <- changed
	<-ctx.Done()
	return nil
}

func (m *machine) set(id string, exists bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if exists {
		m.exist[id] = true
		return
	}
	delete(m.exist, id)
}

func (m *machine) Tasks(context.Context) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []string
	for id := range m.exist {
		ids = append(ids, id)
	}
	return ids, nil
}

func (m *machine) Observe(context.Context, string) (*Observation, error) {
	return new(Observation), nil // a container that was created and never started is not observed
}

func (m *machine) Remove(_ context.Context, id string) error {
	m.set(id, false)
	return nil
}

func (m *machine) Cleanup(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cleanups++
	if m.cleanups <= m.failures {
		return errors.New("a network has active endpoints")
	}
	return nil
}

var errUnused = errors.New("not used in these tests")

func (m *machine) Pull(context.Context, string) (string, error)              { return "", errUnused }
func (m *machine) Prepare(context.Context, *Spec) error                      { return errUnused }
func (m *machine) Start(context.Context, *Spec, string) error                { return errUnused }
func (m *machine) Stop(context.Context, string, string, time.Duration) error { return errUnused }
func (m *machine) Logs(context.Context, string, string, LogOptions) (io.ReadCloser, error) {
	return nil, errUnused
}
func (m *machine) Stats(context.Context, string, string) (json.RawMessage, error) {
	return nil, errUnused
}
func (m *machine) Listen(context.Context, string, netip.AddrPort) (net.Listener, error) {
	return nil, errUnused
}

// startAgent runs a Runner without tasks in the bubble of a test.
func startAgent(t *testing.T, m *machine) (changed func(string)) {
	t.Helper()
	rules := &state.Rules{}
	rep, err := replica.New(replica.Config{Store: memory.New(), Rules: func() *state.Rules { return rules }, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Config{
		Replica: rep, Rules: func() *state.Rules { return rules }, Driver: m, Node: task.Node{Name: "one"}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = rep.Run(ctx) }) // ends with ctx
	running.Go(func() {
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	changed = <-m.changed
	synctest.Wait()
	return changed
}

// A call to the engine can take effect after it has failed and its task was removed.
func TestLateContainerIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		changed := startAgent(t, m)
		m.set("late", true)
		changed("late")
		synctest.Wait()
		if ids, _ := m.Tasks(t.Context()); len(ids) > 0 {
			t.Errorf("left: %v", ids)
		}
	})
}

// What tasks share is removed at a later attempt, if the first one fails.
func TestCleanupIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		m.failures = 3
		startAgent(t, m)
		time.Sleep(time.Minute) // of the bubble
		m.mu.Lock()
		defer m.mu.Unlock()
		if want := m.failures + 1; m.cleanups != want {
			t.Errorf("Cleanup was called %d times, want %d", m.cleanups, want)
		}
	})
}
