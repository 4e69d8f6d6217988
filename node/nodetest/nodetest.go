// Package nodetest runs whole nodes inside a test.
//
//	n := nodetest.Start(t)
//	resp, err := http.Post(n.URL, …)
package nodetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
)

// Node is a running node. The test's cleanup stops it and checks that it
// stopped well and left no goroutine behind.
type Node struct {
	*node.Node
	// URL is the API's address, as http://127.0.0.1:PORT, or https with TLS.
	URL string
	// AdminURL is the admin listener's address, as http://127.0.0.1:PORT.
	AdminURL string
	// DataDir is the embedded store's folder. Empty with the memory store.
	DataDir string

	stop func()
	done chan struct{} // closed when Run has returned
	err  error         // what Run returned; read after done
}

// Option changes the configuration that a node is started with.
type Option func(*node.Config)

// With changes the configuration freely.
func With(change func(*node.Config)) Option { return change }

// WithDataDir keeps the registry in a folder of the test's choice, so that a
// second node can be started on it after the first was stopped.
func WithDataDir(dir string) Option {
	return func(c *node.Config) { c.DataDir = dir }
}

// WithMemoryStore keeps the registry in memory, for tests that need no disk.
func WithMemoryStore() Option {
	return func(c *node.Config) {
		c.DataDir = "-"
		c.OpenStore = func() (store.Store, error) { return memory.New(), nil }
	}
}

// patience bounds every wait, for the slowest machine that runs the tests.
const patience = time.Minute

// Start runs a node on free ports of 127.0.0.1, with an embedded store in a
// temporary folder, and returns when it is ready. Logs go to the test's output.
func Start(t testing.TB, options ...Option) *Node {
	t.Helper()
	c := Config(t)
	for _, change := range options {
		change(&c)
	}
	inner, err := node.New(c)
	if err != nil {
		t.Fatalf("node.New: %v", err)
	}
	n := &Node{Node: inner, done: make(chan struct{})}
	if c.OpenStore == nil {
		n.DataDir = c.DataDir
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	n.stop = cancel
	marked := marked{label: fmt.Sprintf("%s %p", t.Name(), n)} // unlike every other node's
	go marked.run(ctx, func(ctx context.Context) {
		n.err = inner.Run(ctx)
		close(n.done)
	})
	t.Cleanup(func() {
		n.Stop(t)
		marked.checkGone(t)
	})
	n.waitReady(t)
	if c.TLS.CertFile != "" {
		n.URL = "https://" + n.Addrs().API
	}
	return n
}

// Config is what Start begins with.
func Config(t testing.TB) node.Config {
	c := node.Config{Config: config.Default()}
	c.APIAddr, c.DNSAddr, c.AdminAddr, c.XDSAddr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	c.DataDir = t.TempDir()
	c.LogLevel = "debug"
	c.LogOutput = t.Output()
	c.Notify = func(string) error { return nil }
	return c
}

func (n *Node) waitReady(t testing.TB) {
	t.Helper()
	select {
	case <-n.Ready():
	case <-n.done:
		t.Fatalf("node ended before it was ready: %v", n.err)
	case <-time.After(patience):
		t.Fatalf("node not ready within %v", patience)
	}
	n.URL = "http://" + n.Addrs().API
	n.AdminURL = "http://" + n.Addrs().Admin
}

// Stop stops the node as SIGTERM would and waits until it has. A second call
// does nothing.
func (n *Node) Stop(t testing.TB) {
	t.Helper()
	n.stop()
	select {
	case <-n.done:
	case <-time.After(patience):
		t.Errorf("node did not stop within %v", patience)
		return
	}
	if n.err != nil {
		t.Errorf("Run() = %v, want nil", n.err)
		n.err = nil // reported
	}
}
