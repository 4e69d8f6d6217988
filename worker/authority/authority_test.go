package authority

import (
	"context"
	"crypto/x509"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/internal/seal"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store/memory"
)

const owner = command.AccountID("111122223333")

var shop = mesh.MeshRef(owner, "shop")

type fixture struct {
	t       *testing.T
	replica *replica.Replica
	rules   state.Rules
	seal    *seal.Key
}

func start(t *testing.T) *fixture {
	w := &fixture{t: t}
	w.rules.Mesh.Authority = mesh.AuthorityRules{Meshes: []string{"shop"}, LeafLife: 1000, RootLife: 100_000}
	var err error
	if w.seal, err = seal.ParseKey(seal.NewKey()); err != nil {
		t.Fatal(err)
	}
	w.replica, err = replica.New(replica.Config{Store: memory.New(), Rules: func() *state.Rules { return &w.rules }, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() { _ = w.replica.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	<-w.replica.Loaded()
	return w
}

func (w *fixture) create(ref mesh.Ref) {
	w.t.Helper()
	if _, err := w.replica.Propose(w.t.Context(), owner, &mesh.Create{Ref: ref, Spec: &mesh.MeshSpec{}}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *fixture) worker() *Authority {
	w.t.Helper()
	a, err := New(Config{Replica: w.replica, Rules: func() *state.Rules { return &w.rules }, Seal: w.seal, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *fixture) roots() []mesh.Root { return rootsOf(w.replica.Current()) }

func rootsOf(s *replica.Snapshot) []mesh.Root {
	a, ok := s.Mesh.Authority(shop)
	if !ok {
		return nil
	}
	return a.Roots
}

// TestRun: a mesh that the settings name gets one as soon as it exists, another one
// does not.
func TestRun(t *testing.T) {
	w := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.worker().Run(ctx) }()
	w.create(mesh.MeshRef(owner, "other"))
	w.create(shop)
	for s := w.replica.Current(); len(rootsOf(s)) == 0; s = w.replica.Current() {
		<-s.Superseded()
	}
	if _, ok := w.replica.Current().Mesh.Authority(mesh.MeshRef(owner, "other")); ok {
		t.Error("the other mesh has an authority")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestRotation: at half of its life a root gets a successor, which has another key; when
// it has expired, it goes. Two nodes that decide on the same state store one root.
func TestRotation(t *testing.T) {
	w := start(t)
	w.create(shop)
	begin := time.Now()
	for _, step := range []struct {
		at   time.Duration
		want int
	}{{0, 1}, {49 * time.Second, 1}, {50 * time.Second, 2}, {99 * time.Second, 2}, {100 * time.Second, 2}, {300 * time.Second, 1}} {
		snapshot := w.replica.Current()
		for range 2 {
			w.worker().sweep(t.Context(), snapshot, begin.Add(step.at))
		}
		if got := w.roots(); len(got) != step.want {
			t.Fatalf("after %v: %d roots, want %d", step.at, len(got), step.want)
		}
	}
}

// TestRotateNow: a root that is asked for is made at once, also if the clock of this node is
// slow, and only one.
func TestRotateNow(t *testing.T) {
	w := start(t)
	w.create(shop)
	now := time.Now()
	w.worker().sweep(t.Context(), w.replica.Current(), now.Add(-time.Minute))
	if _, err := w.replica.Propose(t.Context(), owner, &mesh.RotateAuthority{Mesh: "shop"}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		at   time.Duration
		want int
	}{{-time.Hour, 2}, {0, 2}, {1900 * time.Millisecond, 2}, {20 * time.Second, 1}} {
		w.worker().sweep(t.Context(), w.replica.Current(), now.Add(step.at))
		if got := w.roots(); len(got) != step.want {
			t.Fatalf("at %v: %d roots, want %d", step.at, len(got), step.want)
		}
	}
}

// TestSealed: the private key of a root is sealed for its mesh, and fits its certificate.
func TestSealed(t *testing.T) {
	w := start(t)
	w.create(shop)
	w.worker().sweep(t.Context(), w.replica.Current(), time.Now())
	r := w.roots()[0]
	if _, err := x509.ParsePKCS8PrivateKey(r.Key); err == nil {
		t.Error("the key is not sealed")
	}
	if _, err := w.seal.Open(r.Key, "mesh authority 111122223333/other"); err == nil {
		t.Error("the key can be used for another mesh")
	}
	key, err := w.seal.Open(r.Key, (&mesh.Authority{Mesh: shop}).SealContext())
	if err == nil {
		_, err = x509.ParsePKCS8PrivateKey(key)
	}
	if err != nil {
		t.Error(err)
	}
	w.seal = nil
	w.worker().sweep(t.Context(), w.replica.Current(), time.Now().Add(60*time.Second))
	if n := len(w.roots()); n != 1 {
		t.Errorf("%d roots without a seal key", n)
	}
}
