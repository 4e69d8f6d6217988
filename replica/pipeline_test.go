package replica

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/member"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
)

// parallel is a store that takes several commits at a time. Each waits until hold, which
// gets the number of the commit, has returned; then fail says how it ends.
type parallel struct {
	*memory.Store
	mu    sync.Mutex
	count int
	hold  func(n int)
	fail  func(n int) error
	// after gets the number of the commit when it is done; it says how it ends.
	after func(n int) error
	// unsettled: a commit was uncertain, and Load was not called since.
	unsettled bool
}

func (p *parallel) Load(ctx context.Context, visit func([]store.Change) error) (store.Revision, error) {
	p.mu.Lock()
	p.unsettled = false
	p.mu.Unlock()
	return p.Store.Load(ctx, visit)
}

func (*parallel) Limits() store.Limits {
	return store.Limits{Writes: 1000, Preconditions: 1000, Bytes: 1 << 20, InFlight: 4}
}

func (p *parallel) Commit(ctx context.Context, txn store.Txn) (store.Revision, error) {
	p.mu.Lock()
	n := p.count
	p.count++
	hold, fail, after, unsettled := p.hold, p.fail, p.after, p.unsettled
	p.mu.Unlock()
	if unsettled {
		return 0, store.ErrUnreachable
	}
	if hold != nil {
		hold(n)
	}
	if fail != nil {
		if err := fail(n); err != nil {
			return 0, err
		}
	}
	revision, err := p.Store.Commit(ctx, txn)
	if err == nil && after != nil {
		err = after(n)
	}
	if errors.Is(err, store.ErrUncertain) {
		p.mu.Lock()
		p.unsettled = true
		p.mu.Unlock()
	}
	return revision, err
}

// begin makes later commits count from 0.
func (p *parallel) begin(hold func(int), fail func(int) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count, p.hold, p.fail = 0, hold, fail
}

// joined starts a node that is a member, so that it has a number as writer.
func joined(t *testing.T, s store.Store, name string) *node {
	n := start(t, s, func(c *Config) { c.MemberID = name })
	n.do(&member.Renew{Node: member.Node{Name: name, ID: name, Lease: 1000}})
	return n
}

// TestSeveralInFlight: commits of one node do not wait for each other. Their order in the
// store may be any; each command is answered when it is visible. If there are so many
// nodes that each has one counter only, each commit counts in the record that the one
// before has written; then one that comes too early is sent again, once.
func TestSeveralInFlight(t *testing.T) {
	const few, many = 2, command.MaxWriter
	for _, c := range []struct {
		nodes   int
		order   [3]int
		commits int
	}{
		{few, [3]int{0, 1, 2}, 3}, {few, [3]int{0, 2, 1}, 3}, {few, [3]int{1, 0, 2}, 3}, {few, [3]int{2, 1, 0}, 3},
		{many, [3]int{0, 1, 2}, 3}, {many, [3]int{0, 2, 1}, 4}, {many, [3]int{1, 0, 2}, 4}, {many, [3]int{2, 1, 0}, 5},
	} {
		t.Run(fmt.Sprint(c.nodes, "nodes", c.order), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &parallel{Store: memory.New()}
				n := joined(t, s, "a")
				for i := range c.nodes - 1 {
					name := fmt.Sprint("b", i)
					n.do(&member.Renew{Node: member.Node{Name: name, ID: name, Lease: 1000}})
				}
				svc := n.service("web")
				var gates [3]chan struct{}
				for i := range gates {
					gates[i] = make(chan struct{})
				}
				s.begin(func(i int) {
					if i < len(gates) {
						<-gates[i]
					}
				}, nil)
				var wg sync.WaitGroup
				for i := range 3 {
					wg.Go(func() {
						id := fmt.Sprint("i-", i)
						n.do(register(svc, id))
						if !has(n.Current(), svc, id) {
							t.Errorf("%s is acknowledged and not visible", id)
						}
					})
					synctest.Wait()
				}
				if s.count != 3 {
					t.Fatalf("%d commits are in flight, want 3", s.count)
				}
				for _, i := range c.order {
					close(gates[i])
					synctest.Wait()
				}
				wg.Wait()
				if s.count != c.commits {
					t.Errorf("%d commits, want %d", s.count, c.commits)
				}
				service, _ := n.Current().Registry.Service(account, svc)
				if service.InstanceCount() != 3 || service.InstancesRevision() != 4 {
					t.Errorf("%d instances, revision %d; want 3 and 4", service.InstanceCount(), service.InstancesRevision())
				}
				n.same(s)
			})
		})
	}
}

// same compares a node with one that loads its store now.
func (n *node) same(s *parallel) {
	n.t.Helper()
	again := start(n.t, s.Share())
	if a, b := contents(n.Current()), contents(again.Current()); a != b {
		n.t.Errorf("the node has\n%s\nand its store\n%s", a, b)
	}
	again.stop()
}

// TestUncertainAndDone: the watch delivers a commit before the store says that its outcome is
// not known. The store takes no other commit before it is loaded again.
func TestUncertainAndDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &parallel{Store: memory.New()}
		n := joined(t, s, "a")
		svc := n.service("web")
		s.begin(nil, nil)
		s.after = func(i int) error {
			if i == 0 {
				time.Sleep(time.Second)
				return store.ErrUncertain
			}
			return nil
		}
		n.do(register(svc, "i-0"))
		n.do(register(svc, "i-1"))
		if !has(n.Current(), svc, "i-0") || !has(n.Current(), svc, "i-1") {
			t.Error("an instance is missing")
		}
		n.same(s)
	})
}

// TestFailureInFlight: the first of several commits fails in different ways. The others
// rest on it or not; each caller is told the truth.
func TestFailureInFlight(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want error // of the first
	}{
		"full":        {store.ErrFull, store.ErrFull},
		"unreachable": {store.ErrUnreachable, store.ErrUnreachable},
		"conflict":    {store.ErrConflict, nil},
		"uncertain":   {store.ErrUncertain, ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &parallel{Store: memory.New()}
				n := joined(t, s, "a")
				svc := n.service("web")
				gate := make(chan struct{})
				s.begin(func(i int) {
					if i < 2 {
						<-gate
					}
				}, func(i int) error {
					if i == 0 {
						return c.err
					}
					return nil
				})
				var wg sync.WaitGroup
				propose := func(c command.Command, want error) {
					wg.Go(func() {
						if _, err := n.Propose(t.Context(), account, c); !errors.Is(err, want) {
							t.Errorf("%+v: got %v, want %v", c, err, want)
						}
					})
					synctest.Wait()
				}
				propose(httpNamespace("one"), c.want) // fails first
				propose(register(svc, "a"), nil)      // does not rest on it
				// Rests on it without any change: it must not be told that the name is taken
				// if the first had not got it.
				var taken *registry.NamespaceAlreadyExists
				wg.Go(func() {
					_, err := n.Propose(t.Context(), account, httpNamespace("one"))
					if c.want == nil && !errors.As(err, &taken) || c.want != nil && err != nil {
						t.Errorf("the same name again: %v", err)
					}
				})
				synctest.Wait()
				close(gate)
				wg.Wait()
				if !has(n.Current(), svc, "a") {
					t.Error("what did not fail is missing")
				}
				n.same(s)
			})
		})
	}
}

// TestNodesCountBesideEachOther: two nodes add instances to one service at the same time.
// There is no conflict, every one is counted, and the quota holds exactly.
func TestNodesCountBesideEachOther(t *testing.T) {
	const quota, each = 300, 200
	data := memory.New()
	rules := func(c *Config) {
		c.Rules = func() *state.Rules {
			return &state.Rules{Registry: registry.Rules{Region: "us-east-1"}, Quotas: command.Quotas{Limits: command.Limits{"instances_per_service": quota}}}
		}
	}
	var nodes []*node
	for _, name := range []string{"a", "b", "c"} {
		s := &parallel{Store: data.Share(), hold: func(int) { time.Sleep(time.Millisecond) }}
		n := start(t, s, rules, func(c *Config) { c.MemberID = name })
		n.do(&member.Renew{Node: member.Node{Name: name, ID: name, Lease: 1000}})
		nodes = append(nodes, n)
	}
	svc := nodes[0].service("web")
	for _, n := range nodes {
		n.waitFor(nodes[0].Current().Revision)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	added := 0
	for k, n := range nodes {
		for w := range 4 {
			wg.Go(func() {
				for i := range each / 4 {
					_, err := n.Propose(t.Context(), account, register(svc, fmt.Sprintf("i-%d-%d-%d", k, w, i)))
					var over *command.LimitExceeded
					switch {
					case err == nil:
						mu.Lock()
						added++
						mu.Unlock()
					case !errors.As(err, &over):
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	last := uint64(0)
	for _, n := range nodes {
		last = max(last, n.Current().Revision)
	}
	for _, n := range nodes {
		service, _ := n.waitFor(last).Registry.Service(account, svc)
		if added != quota || service.InstanceCount() != quota || service.InstancesRevision() != quota+1 {
			t.Errorf("%d were added; there are %d, revision %d; want %d", added, service.InstanceCount(), service.InstancesRevision(), quota)
		}
	}
	service, _ := nodes[1].Current().Registry.Service(account, svc)
	for id := range service.Instances("") {
		nodes[1].do(&registry.DeregisterInstance{ServiceRef: string(svc), ID: id})
	}
	nodes[1].do(&registry.DeleteService{Ref: string(svc)})
	for r := range nodes[1].Current().Records() {
		if strings.HasPrefix(r.Key, "3t/") && strings.Contains(r.Key, string(svc)) {
			t.Errorf("the record %s is left", r.Key)
		}
	}
}

// TestWritersOf: the numbers of nodes do not overlap, and each node has one.
func TestWritersOf(t *testing.T) {
	for nodes := 1; nodes <= 2*command.MaxWriter; nodes++ {
		placeOf := map[int]int{}
		for place := range nodes {
			numbers := writersOf(place, nodes, 4)
			if len(numbers) == 0 || len(numbers) > 4 {
				t.Fatalf("of %d nodes, the one at %d has %v", nodes, place, numbers)
			}
			for _, number := range numbers {
				other, taken := placeOf[number]
				if number < 1 || number > command.MaxWriter || taken && nodes <= command.MaxWriter {
					t.Errorf("of %d nodes, the one at %d has %d, as the one at %d", nodes, place, number, other)
				}
				placeOf[number] = place
			}
		}
	}
}
