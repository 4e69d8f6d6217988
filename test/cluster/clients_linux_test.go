package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// sharedKeys is the number of instances that all clients of a round fight over.
const sharedKeys = 4

// load is the clients that use the nodes during all rounds.
type load struct {
	*fixture
	history *history
	service string
	newest  atomic.Uint64 // the highest revision that any client has seen
	round   atomic.Int64
	stop    chan struct{}
	once    sync.Once
	tasks   sync.WaitGroup

	counts struct{ done, refused, unknown, reads atomic.Int64 }
}

func (l *load) run(clients int) {
	for i := range clients {
		c := &client{load: l, number: i, random: rand.New(rand.NewPCG(uint64(i), 11))}
		l.tasks.Go(c.run)
	}
	for _, m := range l.nodes {
		l.tasks.Go(func() { l.readAlways(m) })
	}
}

// end ends the clients. It may be called again.
func (l *load) end() {
	l.once.Do(func() { close(l.stop) })
	l.tasks.Wait()
}

func (l *load) stopped() bool {
	select {
	case <-l.stop:
		return true
	default:
		return false
	}
}

// readAlways reads from one node. While the process runs, reads are answered, whatever
// happens to the store.
func (l *load) readAlways(m *machine) {
	for ; !l.stopped(); time.Sleep(50 * time.Millisecond) {
		before := m.up.Load()
		if before%2 == 0 {
			continue
		}
		a, err := m.call(context.Background(), "ListNamespaces", "{}", 0)
		if m.up.Load() != before {
			continue
		}
		if err != nil || a.status != http.StatusOK {
			l.t.Errorf("round %d: a read on node %s, which runs: %v, status %d %s", l.round.Load(), m.name, err, a.status, a.body)
			time.Sleep(time.Second)
			continue
		}
		l.counts.reads.Add(1)
	}
}

// client is one session: it passes on the highest revision that it has seen.
type client struct {
	*load
	number   int
	random   *rand.Rand
	revision uint64 // the highest that it has seen
	// own is an instance that only this client changes.
	own struct {
		round            int64
		acknowledged, at int // the last values that were acknowledged, and sent
	}
	instances uint64 // the highest DiscoverInstancesRevision that it has seen
}

func (c *client) run() {
	for !c.stopped() {
		time.Sleep(time.Duration(c.random.IntN(20)) * time.Millisecond)
		m := c.nodes[c.random.IntN(len(c.nodes))]
		if m.up.Load()%2 == 0 && c.random.IntN(4) > 0 {
			continue // most clients know what runs
		}
		key := fmt.Sprintf("r%d-%d", c.round.Load(), c.random.IntN(sharedKeys))
		switch c.random.IntN(8) {
		case 0, 1:
			c.change(m, call{register, key, fmt.Sprintf("%d-%d", c.number, c.history.now())})
		case 2:
			c.change(m, call{deregister, key, ""})
		case 3, 4:
			c.readNewest(m, key)
		case 5:
			c.writeOwn(m)
		case 6:
			c.readOwn(m)
		case 7:
			c.discoverRevision(m)
		}
	}
}

// saw notes the revision of an answer. A session never goes back.
func (c *client) saw(m *machine, a *answer, min uint64) {
	if a.status == http.StatusOK && a.revision < min {
		c.t.Errorf("node %s answers from revision %d and was asked for %d", m.name, a.revision, min)
	}
	c.revision = max(c.revision, a.revision)
	for old := c.newest.Load(); a.revision > old && !c.newest.CompareAndSwap(old, a.revision); {
		old = c.newest.Load()
	}
}

func body(in call, service string) (operation, text string) {
	switch in.kind {
	case register:
		return "RegisterInstance", fmt.Sprintf(`{"ServiceId":%q,"InstanceId":%q,"Attributes":{"v":%q}}`, service, in.key, in.value)
	case deregister:
		return "DeregisterInstance", fmt.Sprintf(`{"ServiceId":%q,"InstanceId":%q}`, service, in.key)
	}
	return "GetInstance", fmt.Sprintf(`{"ServiceId":%q,"InstanceId":%q}`, service, in.key)
}

// outcome returns what an answer says, and false if it says that nothing was done.
func (c *client) outcome(m *machine, in call, a *answer, err error) (result, bool) {
	switch {
	case errors.Is(err, errNotSent):
		return result{}, false
	case err != nil:
		return result{unknown: true}, true
	case a.status == http.StatusOK && in.kind == read:
		var got struct {
			Instance struct{ Attributes map[string]string }
		}
		if err := json.Unmarshal(a.body, &got); err != nil {
			c.t.Errorf("%s: %v", a.body, err)
		}
		return result{found: true, value: got.Instance.Attributes["v"]}, true
	case a.status == http.StatusOK:
		return result{found: true}, true
	case a.is("InstanceNotFound") && in.kind != register:
		return result{}, true
	case a.is("not known whether"):
		return result{unknown: true}, true
	case a.status == http.StatusServiceUnavailable, a.is("Throttling"), a.is("RequestLimitExceeded"):
		return result{}, false
	}
	c.t.Errorf("%v on node %s: status %d %s", in, m.name, a.status, a.body)
	return result{unknown: true}, true
}

// change writes an instance that others write too.
func (c *client) change(m *machine, in call) {
	began := c.history.now()
	operation, text := body(in, c.service)
	a, err := m.call(context.Background(), operation, text, 0)
	out, done := c.outcome(m, in, &a, err)
	if !done {
		c.counts.refused.Add(1)
		time.Sleep(20 * time.Millisecond)
		return
	}
	c.history.add(c.number, in, began, out)
	if out.unknown {
		c.counts.unknown.Add(1)
		return
	}
	c.counts.done.Add(1)
	c.saw(m, &a, 0)
}

// readNewest reads an instance from a state that has all that was acknowledged to any
// client before. So these reads are linearizable with the writes.
func (c *client) readNewest(m *machine, key string) {
	in := call{read, key, ""}
	began, min := c.history.now(), c.newest.Load()
	operation, text := body(in, c.service)
	a, err := m.call(context.Background(), operation, text, min)
	out, done := c.outcome(m, in, &a, err)
	if !done || out.unknown {
		return
	}
	c.saw(m, &a, min)
	c.history.add(c.number, in, began, out)
	c.history.sawAt(m.name, key, a.revision, out)
}

func (c *client) ownKey() string { return fmt.Sprintf("own%d-%d", c.number, c.own.round) }

// writeOwn writes the next number into the client's own instance.
func (c *client) writeOwn(m *machine) {
	if round := c.round.Load(); round != c.own.round {
		c.own.round, c.own.acknowledged, c.own.at = round, 0, 0
	}
	c.own.at++
	operation, text := body(call{register, c.ownKey(), fmt.Sprint(c.own.at)}, c.service)
	a, err := m.call(context.Background(), operation, text, 0)
	if err == nil && a.status == http.StatusOK {
		c.own.acknowledged = c.own.at
		c.saw(m, &a, 0)
		c.acknowledge(c.ownKey(), c.own.at)
	}
}

// readOwn reads it on any node with the session's revision: it finds what it wrote.
func (c *client) readOwn(m *machine) {
	operation, text := body(call{read, c.ownKey(), ""}, c.service)
	min := c.revision
	a, err := m.call(context.Background(), operation, text, min)
	if out, done := c.outcome(m, call{kind: read}, &a, err); done && !out.unknown {
		c.saw(m, &a, min)
		got := 0
		fmt.Sscan(out.value, &got)
		if got < c.own.acknowledged || got > c.own.at {
			c.t.Errorf("client %d wrote %d (acknowledged %d) and finds %d on node %s", c.number, c.own.at, c.own.acknowledged, got, m.name)
		}
	}
}

// discoverRevision asks for the revision of the service's instances, which never falls.
func (c *client) discoverRevision(m *machine) {
	min := c.revision
	a, err := m.call(context.Background(), "DiscoverInstancesRevision", `{"NamespaceName":"faults","ServiceName":"web"}`, min)
	if err != nil || a.status != http.StatusOK {
		return
	}
	c.saw(m, &a, min)
	var got struct{ InstancesRevision uint64 }
	if err := json.Unmarshal(a.body, &got); err != nil {
		c.t.Errorf("%s: %v", a.body, err)
	}
	if got.InstancesRevision < c.instances {
		c.t.Errorf("client %d: InstancesRevision falls from %d to %d on node %s", c.number, c.instances, got.InstancesRevision, m.name)
	}
	c.instances = got.InstancesRevision
}

// acknowledged is the last number that was acknowledged for each own instance.
type acknowledged struct {
	mu   sync.Mutex
	last map[string]int
}

func (a *acknowledged) acknowledge(key string, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last == nil {
		a.last = map[string]int{}
	}
	a.last[key] = n
}

// must calls an operation on a node until it is done, and decodes the answer.
func (m *machine) must(operation, body string, into any) {
	m.t.Helper()
	var a answer
	var err error
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if a, err = m.call(context.Background(), operation, body, 0); err == nil && a.status == http.StatusOK {
			if err := json.Unmarshal(a.body, into); err != nil {
				m.t.Fatal(err)
			}
			return
		}
	}
	m.t.Fatalf("%s on %s: %v %s", operation, m.name, err, strings.TrimSpace(string(a.body)))
}
