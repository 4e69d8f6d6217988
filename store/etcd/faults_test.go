package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/etcd"
	"github.com/cairn-discovery/cairn/store/etcd/etcdtest"
)

// open opens a store, loads it and runs its upkeep until the test ends.
func open(t *testing.T, cfg etcd.Config) *etcd.Store {
	t.Helper()
	s, err := etcd.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	load(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done; s.Close() })
	return s
}

// load returns the keys of a store and its revision.
func load(t *testing.T, s store.Store) (keys []string, revision store.Revision) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		keys = nil
		revision, err := s.Load(t.Context(), func(changes []store.Change) error {
			for _, c := range changes {
				keys = append(keys, c.Key)
			}
			return nil
		})
		if err == nil {
			return keys, revision
		}
		if !errors.Is(err, store.ErrUnreachable) && !errors.Is(err, store.ErrUncertain) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func put(s store.Store, key string) (store.Revision, error) {
	return s.Commit(context.Background(), store.Txn{Writes: []store.Write{{Key: key, Value: []byte("v")}}})
}

func mustPut(t *testing.T, s store.Store, key string) store.Revision {
	t.Helper()
	revision, err := put(s, key)
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

// follow sends the keys that a watch delivers, and its error.
func follow(t *testing.T, s store.Store, after store.Revision) (<-chan string, <-chan error) {
	keys, ended := make(chan string, 10_000), make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for b, err := range s.Watch(ctx, after) {
			if err != nil {
				ended <- err
				return
			}
			for _, w := range b.Writes {
				keys <- w.Key
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return keys, ended
}

func want(t *testing.T, keys <-chan string, all ...string) {
	t.Helper()
	for _, key := range all {
		select {
		case got := <-keys:
			if got != key {
				t.Fatalf("the watch has %s, want %s", got, key)
			}
		case <-time.After(time.Minute):
			t.Fatalf("the watch does not deliver %s", key)
		}
	}
}

// TestPausedEtcd: an etcd that hangs makes writes fail within the time limit, and those
// after it at once. When it goes on, so does the store, without a gap.
func TestPausedEtcd(t *testing.T) {
	server := etcdtest.Start(t)
	cfg := config(t, server)
	cfg.Timeout = time.Second
	s := open(t, cfg)
	mustPut(t, s, "before")
	_, revision := load(t, s)
	keys, _ := follow(t, s, revision)
	server.Pause()
	start := time.Now()
	if _, err := put(s, "unknown"); !errors.Is(err, store.ErrUncertain) && !errors.Is(err, store.ErrUnreachable) {
		t.Errorf("the first write: %v", err)
	}
	t.Logf("the first write failed after %v with a limit of %v", time.Since(start), cfg.Timeout)
	for {
		_, err := put(s, "refused")
		if !errors.Is(err, store.ErrUnreachable) {
			t.Fatalf("a later write: %v", err)
		}
		if strings.Contains(err.Error(), "no member of etcd answers") {
			break // known to be away: at once from now on
		}
	}
	server.Resume()
	got, _ := load(t, s)
	mustPut(t, s, "after")
	if len(got) == 2 { // the uncertain one was made
		want(t, keys, "unknown")
	}
	want(t, keys, "after")
}

// TestKilledEtcd: the watch goes on without a gap after a restart of etcd.
func TestKilledEtcd(t *testing.T) {
	server := etcdtest.Start(t)
	s := open(t, config(t, server))
	_, revision := load(t, s)
	keys, _ := follow(t, s, revision)
	var all []string
	for i := range 4 {
		all = append(all, fmt.Sprint("a", i), fmt.Sprint("b", i))
		mustPut(t, s, all[2*i])
		server.Kill()
		server.Run()
		load(t, s)
		mustPut(t, s, all[2*i+1])
	}
	want(t, keys, all...)
}

// TestCompactedHistory: a watch of history that is gone says so, and a load works.
func TestCompactedHistory(t *testing.T) {
	server := etcdtest.Start(t)
	s := open(t, config(t, server))
	_, first := load(t, s)
	for i := range 10 {
		mustPut(t, s, fmt.Sprint("k", i))
	}
	client := etcdtest.Client(t, server.Endpoint)
	now, err := client.Get(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Compact(t.Context(), now.Header.Revision-1); err != nil {
		t.Fatal(err)
	}
	_, ended := follow(t, s, first)
	if err := <-ended; !errors.Is(err, store.ErrCompacted) {
		t.Errorf("got %v, want ErrCompacted", err)
	}
	keys, revision := load(t, s)
	if len(keys) != 10 {
		t.Errorf("%d records, want 10", len(keys))
	}
	rest, _ := follow(t, s, revision)
	mustPut(t, s, "more")
	want(t, rest, "more")
}

// TestLoadIsOfOneRevision: a load of many pages has the state of one moment, while another
// client adds a pair of records, one at the begin and one at the end, in each transaction.
func TestLoadIsOfOneRevision(t *testing.T) {
	server := etcdtest.Start(t)
	s := open(t, config(t, server))
	for i := range 25 {
		var txn store.Txn
		for k := range 100 {
			txn.Writes = append(txn.Writes, store.Write{Key: fmt.Sprintf("m/%02d/%02d", i, k), Value: []byte("v")})
		}
		if _, err := s.Commit(t.Context(), txn); err != nil {
			t.Fatal(err)
		}
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; !stop.Load(); i++ {
			if _, err := s.Commit(t.Context(), store.Txn{Writes: []store.Write{
				{Key: fmt.Sprint("a/", i), Value: []byte("v")}, {Key: fmt.Sprint("z/", i), Value: []byte("v")},
			}}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 10 {
		keys, _ := load(t, s)
		counts := map[string]int{}
		for _, k := range keys {
			counts[k[:2]]++
		}
		if counts["m/"] != 2500 || counts["a/"] != counts["z/"] {
			t.Errorf("records: %v", counts)
		}
	}
	stop.Store(true)
	wg.Wait()
}

// cutter passes bytes on to an etcd. When it is armed, it passes on the next request and
// cuts the connection instead of passing the answer back.
type cutter struct {
	net.Listener
	target string
	armed  atomic.Bool
	cut    chan struct{}
}

func newCutter(t *testing.T, target string) *cutter {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: l, target: target, cut: make(chan struct{}, 10)}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go c.pass(conn)
		}
	}()
	return c
}

func (c *cutter) pass(conn net.Conn) {
	defer conn.Close()
	up, err := net.Dial("tcp", c.target)
	if err != nil {
		return
	}
	defer up.Close()
	go func() {
		io.Copy(up, conn)
		up.Close()
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := up.Read(buf)
		if err != nil {
			return
		}
		if c.armed.CompareAndSwap(true, false) {
			c.cut <- struct{}{}
			return
		}
		if _, err := conn.Write(buf[:n]); err != nil {
			return
		}
	}
}

// TestUncertainCommitIsSettled: the answer to a commit is lost. The store finds out that
// it was made, and its revision.
func TestUncertainCommitIsSettled(t *testing.T) {
	server := etcdtest.Start(t)
	proxy := newCutter(t, strings.TrimPrefix(server.Endpoint, "http://"))
	cfg := config(t)
	cfg.Endpoints = []string{"http://" + proxy.Addr().String()}
	s, err := etcd.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	load(t, s)
	direct := open(t, config(t, server))
	for i := range 10 {
		key := fmt.Sprint("k", i)
		mustPut(t, s, key+"-before")
		proxy.armed.Store(true)
		revision, err := put(s, key)
		<-proxy.cut
		keys, _ := load(t, direct)
		there := false
		for _, k := range keys {
			there = there || k == key
		}
		if there != (err == nil) {
			t.Fatalf("round %d: revision %d, %v; in etcd: %t", i, revision, err, there)
		}
	}
}

// TestRestoredEtcd: an etcd that was put back to an earlier state is noticed, and nothing
// is written to it.
func TestRestoredEtcd(t *testing.T) {
	server := etcdtest.Start(t)
	s := open(t, config(t, server))
	mustPut(t, s, "old")
	server.Kill()
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(server.DataDir)); err != nil {
		t.Fatal(err)
	}
	server.Run()
	_, revision := load(t, s)
	_, ended := follow(t, s, revision)
	for i := range 20 {
		mustPut(t, s, fmt.Sprint("new", i))
	}
	server.Kill()
	if err := os.RemoveAll(server.DataDir); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(server.DataDir, os.DirFS(copied)); err != nil {
		t.Fatal(err)
	}
	server.Run()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "restored from a snapshot") {
		t.Errorf("the watch ended with %v", err)
	}
	if _, err := put(s, "late"); err == nil || errors.Is(err, store.ErrUnreachable) {
		t.Errorf("a write: %v", err)
	}
}

// TestLimitIsNamed: a transaction that is too large for etcd is refused with the limit. The
// largest ones that are not are accepted.
func TestLimitIsNamed(t *testing.T) {
	for limit, args := range map[int][]string{128: nil, 256: {"--max-txn-ops", "256"}} {
		s := open(t, config(t, etcdtest.Start(t, args...)))
		commit := func(name string, writes, preconditions int) error {
			var txn store.Txn
			for i := range writes {
				txn.Writes = append(txn.Writes, store.Write{Key: fmt.Sprint(name, "/", i), Value: []byte("v")})
			}
			for i := range preconditions {
				txn.Preconditions = append(txn.Preconditions, store.Precondition{Key: fmt.Sprint("absent/", i)})
			}
			_, err := s.Commit(t.Context(), txn)
			return err
		}
		accepted := func(writes, preconditions int) {
			t.Helper()
			if err := commit(fmt.Sprint("w", writes), writes, preconditions); err != nil {
				t.Errorf("limit %d: %d writes, %d preconditions: %v", limit, writes, preconditions, err)
			}
		}
		refused := func(writes, preconditions, have, most int) {
			t.Helper()
			var size *store.SizeError
			err := commit("refused", writes, preconditions)
			if !errors.As(err, &size) || !errors.Is(err, store.ErrTooLarge) || size.Limit != most || size.Have != have {
				t.Errorf("limit %d: %d writes, %d preconditions: %v", limit, writes, preconditions, err)
			}
		}
		half := limit / 2
		accepted(limit-1, limit-2)
		accepted(limit, 0)
		accepted(half*half-1, half-2)
		refused(half*half, 0, half*half+1, half*half)
		accepted((limit-10)*10-1, limit-12)
		refused((limit-10)*10, limit-12, (limit-10)*10+1, (limit-10)*10)
		refused(1, limit-1, limit+1, limit)
	}
}
