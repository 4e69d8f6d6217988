package janitor_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
	"github.com/cairn-discovery/cairn/worker/janitor"
)

const account command.AccountID = "000000000000"

// fixture is a replica with a janitor, in a synctest bubble.
type fixture struct {
	*testing.T
	replica *replica.Replica
	stop    func()
	service registry.ServiceID
}

func start(t *testing.T, st store.Store) *fixture { return startWith(t, st, false) }

func startWith(t *testing.T, st store.Store, strict bool) *fixture {
	rules := func() *state.Rules {
		return &state.Rules{Registry: registry.Rules{Region: "us-east-1", DefaultTTL: 60, Strict: strict}}
	}
	log := slog.New(slog.DiscardHandler)
	rep, err := replica.New(replica.Config{Store: st, Rules: rules, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	cfg := janitor.Config{Replica: rep, Rules: rules, Logger: log}
	if s, ok := st.(store.Limited); ok {
		cfg.Operations = func() int { return s.Limits().Writes }
	}
	jan, err := janitor.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() { done <- rep.Run(ctx) }()
	go func() { done <- jan.Run(ctx) }()
	<-rep.Loaded()
	return &fixture{T: t, replica: rep, stop: func() {
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}}
}

func (w *fixture) do(c command.Command) command.Reply {
	w.Helper()
	reply, err := w.replica.Propose(w.Context(), account, c)
	if err != nil {
		w.Fatalf("%T: %v", c, err)
	}
	return reply
}

func (w *fixture) register() {
	w.Helper()
	w.do(&registry.RegisterInstance{ServiceRef: string(w.service), ID: "i", Attributes: map[string]string{"cairn.ttl": "16"}})
}

// status is the instance's health, or nothing where it is not there.
func (w *fixture) status() string {
	svc, _ := w.replica.Current().Registry.Service(account, w.service)
	inst, ok := svc.Instance("i")
	if !ok {
		return ""
	}
	return svc.Health(inst).String()
}

// after checks the status after a time.
func (w *fixture) after(d time.Duration, want string) {
	w.Helper()
	time.Sleep(d) // the bubble's time
	synctest.Wait()
	if got := w.status(); got != want {
		w.Errorf("after %v: got %q, want %q", d, got, want)
	}
}

func (w *fixture) setUp() {
	w.do(&registry.CreateNamespace{Type: registry.HTTP, Name: "h"})
	for id := range w.replica.Current().Registry.Namespaces(account, "") {
		w.service = w.do(&registry.CreateService{Name: "s", NamespaceRef: string(id), CustomHealth: true}).Value.(*registry.Service).ID
	}
}

func TestLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, memory.New())
		defer w.stop()
		w.setUp()
		w.register()
		for range 10 { // renewed in time
			w.after(10*time.Second, "HEALTHY")
			w.register()
		}
		w.after(16*time.Second, "HEALTHY")
		w.after(2*time.Second, "UNHEALTHY")
		w.register() // comes back
		w.after(0, "HEALTHY")
		w.after(18*time.Second, "UNHEALTHY")
		w.after(14*time.Second, "UNHEALTHY")
		w.after(2*time.Second, "")
	})
}

// TestRestartEndsNoLease: who could not be heard has not been silent.
func TestRestartEndsNoLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		w := start(t, st)
		w.setUp()
		w.register()
		w.stop()
		time.Sleep(time.Hour)
		service := w.service
		w = start(t, st)
		w.service = service
		defer func() { w.stop() }()
		w.after(16*time.Second, "HEALTHY")
		w.after(2*time.Second, "UNHEALTHY")
		w.stop()
		time.Sleep(time.Hour)
		w = start(t, st)
		w.service = service
		w.after(30*time.Second, "UNHEALTHY") // twice the TTL from the start
		w.after(4*time.Second, "")
	})
}
