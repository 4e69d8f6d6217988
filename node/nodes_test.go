package node_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/nodetest"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
)

// cutStore is a handle on shared data that can be cut off.
type cutStore struct {
	store.Store
	cut *atomic.Bool
}

func (s cutStore) Commit(ctx context.Context, txn store.Txn) (store.Revision, error) {
	if s.cut.Load() {
		return 0, fmt.Errorf("test: %w", store.ErrUnreachable)
	}
	return s.Store.Commit(ctx, txn)
}

// shareStore starts a node on shared data.
func shareStore(t *testing.T, data *memory.Store, name string, change ...nodetest.Option) (*nodetest.Node, *atomic.Bool) {
	cut := new(atomic.Bool)
	return nodetest.Start(t, append([]nodetest.Option{nodetest.With(func(c *node.Config) {
		c.DataDir, c.NodeName, c.Shared = "-", name, true
		c.OpenStore = func() (store.Store, error) { return cutStore{data.Share(), cut}, nil }
	})}, change...)...), cut
}

// adminGet returns the status and the body of an answer of the admin listener.
func adminGet(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// eventually waits for a condition that nodes reach by themselves.
func eventually(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !reached(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not reached: %s", what)
		}
	}
}

// invoke calls an operation with a field in the header.
func invoke(t *testing.T, n *nodetest.Node, operation, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "Route53AutoNaming_v20170314."+operation)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

func liveNodes(t *testing.T, n *nodetest.Node) (names []string) {
	t.Helper()
	_, body := adminGet(t, n.AdminURL+"/nodes")
	var answer struct{ Nodes []struct{ Name string } }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	for _, one := range answer.Nodes {
		names = append(names, one.Name)
	}
	return names
}

// TestReadYourWritesAnywhere: a client that passes on the revision finds its write on
// every node.
func TestReadYourWritesAnywhere(t *testing.T) {
	data := memory.New()
	a, _ := shareStore(t, data, "a")
	b, _ := shareStore(t, data, "b")
	from, to := a, b
	for i := range 50 {
		name := fmt.Sprint("ns-", i)
		written, body := invoke(t, from, "CreateHttpNamespace", `{"Name":"`+name+`"}`)
		if written.StatusCode != http.StatusOK {
			t.Fatal(body)
		}
		read, body := invoke(t, to, "ListNamespaces", `{"MaxResults":100}`, "cairn-min-revision", written.Header.Get("cairn-revision"))
		if !strings.Contains(body, `"`+name+`"`) {
			t.Fatalf("%s is not in the answer at revision %s: %s", name, read.Header.Get("cairn-revision"), body)
		}
		from, to = to, from
	}
	eventually(t, "both nodes are members", func() bool { return fmt.Sprint(liveNodes(t, a)) == "[a b]" && fmt.Sprint(liveNodes(t, b)) == "[a b]" })
	if _, metrics := adminGet(t, b.AdminURL+"/metrics"); !strings.Contains(metrics, `cairn_node_info{admin="`+strings.TrimPrefix(a.AdminURL, "http://")) {
		t.Error("no cairn_node_info of node a")
	}
	b.Stop(t)
	eventually(t, "b has left", func() bool { return fmt.Sprint(liveNodes(t, a)) == "[a]" })
}

// TestStoreIsAway: reads go on and are marked, writes are refused at once, readiness
// turns red after the bound, and all is well again afterwards.
func TestStoreIsAway(t *testing.T) {
	a, cut := shareStore(t, memory.New(), "a", nodetest.With(func(c *node.Config) {
		c.Nodes.MaxStaleness.Duration = time.Second
		c.Nodes.Lease.Duration = time.Second
	}))
	invoke(t, a, "CreateHttpNamespace", `{"Name":"shop"}`)
	cut.Store(true)
	eventually(t, "writes are refused", func() bool {
		resp, _ := invoke(t, a, "CreateHttpNamespace", `{"Name":"other"}`)
		return resp.StatusCode == http.StatusServiceUnavailable
	})
	resp, body := invoke(t, a, "ListNamespaces", `{}`)
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, "shop") || resp.Header.Get("cairn-stale") == "" {
		t.Errorf("a read: %d %v %s", resp.StatusCode, resp.Header, body)
	}
	eventually(t, "the node is not ready", func() bool {
		status, text := adminGet(t, a.AdminURL+"/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(text, "nodes.max_staleness")
	})
	if status, text := adminGet(t, a.AdminURL+"/backup"); status != http.StatusOK {
		t.Errorf("a backup of what may be the last copy: %d %s", status, text)
	}
	cut.Store(false)
	eventually(t, "the node is ready again", func() bool { status, _ := adminGet(t, a.AdminURL+"/readyz"); return status == http.StatusOK })
	resp, body = invoke(t, a, "CreateHttpNamespace", `{"Name":"other"}`)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("cairn-stale") != "" {
		t.Errorf("a write afterwards: %d %v %s", resp.StatusCode, resp.Header, body)
	}
}

// TestStaleAnswersAreRefused: with nodes.stale_answers refuse.
func TestStaleAnswersAreRefused(t *testing.T) {
	a, cut := shareStore(t, memory.New(), "a", nodetest.With(func(c *node.Config) {
		c.Nodes.MaxStaleness.Duration, c.Nodes.StaleAnswers = time.Second, "refuse"
		c.Nodes.Lease.Duration = time.Second
	}))
	cut.Store(true)
	eventually(t, "reads are refused", func() bool {
		resp, _ := invoke(t, a, "ListNamespaces", `{}`)
		return resp.StatusCode == http.StatusServiceUnavailable
	})
	cut.Store(false)
	eventually(t, "reads work again", func() bool {
		resp, _ := invoke(t, a, "ListNamespaces", `{}`)
		return resp.StatusCode == http.StatusOK
	})
}

// TestWriteWaits: with nodes.write_wait a write waits for the store.
func TestWriteWaits(t *testing.T) {
	a, cut := shareStore(t, memory.New(), "a", nodetest.With(func(c *node.Config) {
		c.Nodes.WriteWait.Duration, c.Nodes.Lease.Duration = time.Minute, time.Second
	}))
	cut.Store(true)
	done := make(chan int, 1)
	go func() {
		resp, _ := invoke(t, a, "CreateHttpNamespace", `{"Name":"shop"}`)
		done <- resp.StatusCode
	}()
	eventually(t, "the node notices", func() bool {
		_, text := adminGet(t, a.AdminURL+"/metrics")
		return !strings.Contains(text, "\ncairn_staleness_seconds 0\n")
	})
	cut.Store(false)
	if status := <-done; status != http.StatusOK {
		t.Errorf("status %d", status)
	}
}

// TestFollower: a node with upstream answers reads and DNS from the state of another
// node, refuses writes, and can be followed itself.
func TestFollower(t *testing.T) {
	a := nodetest.Start(t, nodetest.WithMemoryStore())
	_, before := invoke(t, a, "CreateHttpNamespace", `{"Name":"before"}`)
	follow := func(of *nodetest.Node) *nodetest.Node {
		return nodetest.Start(t, nodetest.With(func(c *node.Config) { c.Upstream = of.AdminURL }))
	}
	b := follow(a)
	c := follow(b)
	invoke(t, a, "CreateHttpNamespace", `{"Name":"own"}`)
	written, _ := invoke(t, a, "CreateHttpNamespace", `{"Name":"shop"}`)
	for _, n := range []*nodetest.Node{b, c} {
		resp, body := invoke(t, n, "ListNamespaces", `{}`, "cairn-min-revision", written.Header.Get("cairn-revision"))
		if resp.StatusCode != http.StatusOK || !strings.Contains(body, "shop") || resp.Header.Get("cairn-stale") != "" {
			t.Errorf("%d %v %s (%s)", resp.StatusCode, resp.Header, body, before)
		}
		if resp, body := invoke(t, n, "CreateHttpNamespace", `{"Name":"other"}`); resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "follows another node") {
			t.Errorf("a write: %d %s", resp.StatusCode, body)
		}
	}
	a.Stop(t)
	eventually(t, "the loss of the upstream node is marked", func() bool {
		resp, body := invoke(t, c, "ListNamespaces", `{}`)
		return resp.Header.Get("cairn-stale") != "" && strings.Contains(body, "shop")
	})
	if resp, body := invoke(t, c, "CreateHttpNamespace", `{"Name":"other"}`); resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "follows another node") {
		t.Errorf("a write without the upstream node: %d %s", resp.StatusCode, body)
	}
}
