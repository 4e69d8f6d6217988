package sim

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
)

// cluster is a number of nodes on the same data.
type cluster struct {
	t     *testing.T
	rng   *rand.Rand // of the goroutine that runs the history
	data  *memory.Store
	nodes []*node
	calls []*call

	mu  sync.Mutex
	log []store.Batch // all that was ever committed

	states    map[uint64]string           // by revision, as some node showed it
	revisions map[*node]map[string]uint64 // InstancesRevision last seen on a node, by name
	seen      map[*node]*replica.Snapshot // what observe has looked at
}

func newCluster(t *testing.T, rng *rand.Rand, nodes int) *cluster {
	c := &cluster{
		t: t, rng: rng, data: memory.New(), states: map[uint64]string{},
		revisions: map[*node]map[string]uint64{}, seen: map[*node]*replica.Snapshot{},
	}
	for range nodes {
		n := &node{cluster: c}
		c.nodes = append(c.nodes, n)
		n.restart()
	}
	return c
}

func (c *cluster) node() *node { return c.nodes[c.rng.IntN(len(c.nodes))] }

// logged returns the newest revision.
func (c *cluster) logged() store.Revision {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.log) == 0 {
		return 0
	}
	return c.log[len(c.log)-1].Revision
}

// node is one process, or none while it is down.
type node struct {
	*cluster
	replica *replica.Replica
	store   *faulty // nil while the node is down
	stop    context.CancelFunc
	ended   chan error
}

// restart starts the node if it is down.
func (n *node) restart() {
	if n.store != nil {
		return
	}
	n.store = &faulty{Store: n.data.Share(), cluster: n.cluster, dead: make(chan struct{})}
	r, err := replica.New(replica.Config{
		Store: n.store,
		Rules: func() *state.Rules { return &state.Rules{Registry: registry.Rules{Region: "us-east-1"}} },
		// A small queue and small batches, so that both are full now and then.
		QueueSize: 4, BatchSize: 3,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		n.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	n.replica, n.stop, n.ended = r, stop, make(chan error, 1)
	go func(ended chan<- error) { ended <- r.Run(ctx) }(n.ended)
	synctest.Wait()
}

// crash ends the node without warning: what it still says reaches nobody.
func (n *node) crash() {
	if n.store == nil {
		return
	}
	for _, call := range n.calls {
		call.lose(n.replica)
	}
	close(n.store.dead)
	n.stop()
	<-n.ended
	n.store = nil
}

// release lets one thing go on that waits on some node: a commit, well or ill,
// or what a watch has to tell.
func (c *cluster) release() {
	start := c.rng.IntN(len(c.nodes))
	for i := range c.nodes {
		n := c.nodes[(start+i)%len(c.nodes)]
		if n.store != nil && n.store.release(c.rng) {
			return
		}
	}
}

// heal ends all trouble and waits until everything is at rest.
func (c *cluster) heal() {
	for _, n := range c.nodes {
		n.restart()
		n.store.heal()
	}
	time.Sleep(10 * time.Second)
	synctest.Wait()
	c.observe()
}

func (c *cluster) stop() {
	for _, n := range c.nodes {
		n.stop()
		if err := <-n.ended; err != nil && !c.t.Failed() {
			c.t.Errorf("a node that was told to stop says: %v", err)
		}
	}
}
