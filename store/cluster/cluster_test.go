package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/cluster"
	"github.com/cairn-discovery/cairn/store/etcd/etcdtest"
	"github.com/cairn-discovery/cairn/store/storetest"
)

// member is a store that runs.
type member struct {
	*cluster.Store
	cfg  cluster.Config
	t    testing.TB
	stop func() error // ends Run and closes; may be called again
}

func config(t testing.TB, name string, join ...string) cluster.Config {
	return cluster.Config{
		Dir: filepath.Join(t.TempDir(), name), Name: name, Addr: etcdtest.FreeAddr(t), Join: join, Prefix: "/cairn/",
		Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})).With("node", name),
	}
}

// start opens and runs a member and waits until it can be loaded.
func start(t testing.TB, cfg cluster.Config) *member {
	t.Helper()
	s, err := cluster.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() {
		err := s.Run(ctx)
		if err != nil && !errors.Is(err, cluster.ErrRemoved) {
			t.Errorf("node %s: %v", cfg.Name, err)
		}
		ended <- err
	}()
	m := &member{Store: s, cfg: cfg, t: t, stop: sync.OnceValue(func() error {
		cancel()
		err := <-ended
		return errors.Join(err, s.Close())
	})}
	t.Cleanup(func() { m.stop() })
	m.load()
	return m
}

// load loads as soon as the member is ready.
func (m *member) load() (map[string]string, store.Revision) {
	m.t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		state, revision, err := storetest.Contents(m.t.Context(), m.Store)
		if err == nil {
			return state, revision
		}
		if !errors.Is(err, store.ErrUnreachable) || time.Now().After(deadline) {
			m.t.Fatalf("load: %v", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// put commits one key, trying again while the cluster has no leader.
func (m *member) put(key, value string) error {
	deadline := time.Now().Add(time.Minute)
	for {
		_, err := m.Commit(context.WithoutCancel(m.t.Context()), store.Txn{Writes: []store.Write{{Key: key, Value: []byte(value)}}})
		if !errors.Is(err, store.ErrUnreachable) || time.Now().After(deadline) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestContract(t *testing.T) {
	cfg := config(t, "a")
	start(t, cfg).stop() // the server of all tests
	n := 0
	storetest.Run(t, func(t *testing.T) storetest.Opener {
		n++
		cfg := cfg
		cfg.Prefix = fmt.Sprintf("/test%d/", n)
		return func() (store.Store, error) {
			m := start(t, cfg)
			return closing{m}, nil
		}
	})
}

// closing is a store whose Close ends its server too.
type closing struct{ *member }

func (c closing) Close() error { return c.stop() }

// TestGrowAndShrink: one node becomes three and one again, under writes. Nothing that
// was acknowledged is lost.
func TestGrowAndShrink(t *testing.T) {
	a := start(t, config(t, "a"))
	written := map[string]string{}
	var mu sync.Mutex
	done := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				key := fmt.Sprintf("w%d/%d", w, i)
				if err := a.put(key, "x"); err != nil {
					t.Errorf("commit: %v", err)
					return
				}
				mu.Lock()
				written[key] = "x"
				mu.Unlock()
			}
		})
	}
	b := start(t, config(t, "b", a.cfg.Addr))
	c := start(t, config(t, "c", a.cfg.Addr, b.cfg.Addr))
	peers, err := a.Peers(t.Context())
	if err != nil || len(peers) != 3 || peers[0].Name != "a" || peers[2].Name != "c" || peers[1].Learner {
		t.Fatalf("peers %+v, %v", peers, err)
	}
	// A member restarts with its data.
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	b = start(t, b.cfg)
	for _, gone := range []*member{c, b} {
		if err := a.RemovePeer(t.Context(), gone.cfg.Name); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.stop(); !errors.Is(err, cluster.ErrRemoved) {
		t.Errorf("the removed node ended with %v", err)
	}
	close(done)
	wg.Wait()
	state, _ := a.load()
	for key := range written {
		if state[key] != "x" {
			t.Errorf("%s was acknowledged and is lost", key)
		}
	}
	t.Logf("%d writes", len(written))
	if err := a.RemovePeer(t.Context(), "a"); err == nil {
		t.Error("the only node was removed")
	}
	if err := a.RemovePeer(t.Context(), "z"); !errors.Is(err, cluster.ErrNoPeer) {
		t.Errorf("remove of an unknown node: %v", err)
	}
}

// TestReplaceNode: a node that has lost its data joins again under its name.
func TestReplaceNode(t *testing.T) {
	a := start(t, config(t, "a"))
	b := start(t, config(t, "b", a.cfg.Addr))
	c := start(t, config(t, "c", a.cfg.Addr))
	if err := a.put("key", "1"); err != nil {
		t.Fatal(err)
	}
	b.stop()
	b.cfg.Dir = t.TempDir()
	b = start(t, b.cfg)
	if state, _ := b.load(); state["key"] != "1" {
		t.Errorf("the new node has %v", state)
	}
	if peers, err := c.Peers(t.Context()); err != nil || len(peers) != 3 {
		t.Errorf("peers %+v, %v", peers, err)
	}
	other := config(t, "b", a.cfg.Addr)
	s, err := cluster.Open(other)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Run(t.Context()); err == nil {
		t.Error("a second node of the same name has joined")
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := config(t, "a")
	for _, change := range []func(*cluster.Config){
		func(c *cluster.Config) { c.Name = "" },
		func(c *cluster.Config) { c.Dir = "" },
		func(c *cluster.Config) { c.Addr = "here" },
		func(c *cluster.Config) { c.CertFile = "x" },
	} {
		cfg := good
		change(&cfg)
		if _, err := cluster.Open(cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
}
