package replica

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
)

// pair starts two replicas on the same data and compares them in the end.
func pair(t *testing.T) (a, b *node) {
	data := memory.New()
	a, b = start(t, data), start(t, data.Share())
	t.Cleanup(func() {
		revision := max(a.Current().Revision, b.Current().Revision)
		if x, y := contents(a.waitFor(revision)), contents(b.waitFor(revision)); x != y {
			t.Errorf("the nodes differ:\n%s\n%s", x, y)
		}
	})
	return a, b
}

// race runs a number of functions at the same time and counts the successes.
func race(t *testing.T, tasks ...func() error) int {
	var won atomic.Int32
	var wg sync.WaitGroup
	for _, task := range tasks {
		wg.Go(func() {
			if task() == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	return int(won.Load())
}

func propose(n *node, op command.Command) func() error {
	return func() error {
		_, err := n.Propose(n.t.Context(), account, op)
		return err
	}
}

func TestOneOfManyGetsAName(t *testing.T) {
	a, b := pair(t)
	for i := range 30 {
		name := fmt.Sprint("ns-", i)
		won := race(t, propose(a, httpNamespace(name)), propose(b, httpNamespace(name)), propose(a, httpNamespace(name)), propose(b, httpNamespace(name)))
		if won != 1 {
			t.Errorf("%d of 4 made namespace %s", won, name)
		}
		a.waitFor(b.Current().Revision)
		b.waitFor(a.Current().Revision)
	}
	ns := a.namespace("services")
	b.waitFor(a.Current().Revision)
	for i := range 30 {
		create := func() *registry.CreateService {
			return &registry.CreateService{Name: fmt.Sprint("s-", i), NamespaceRef: string(ns)}
		}
		if won := race(t, propose(a, create()), propose(b, create())); won != 1 {
			t.Errorf("%d of 2 made service s-%d", won, i)
		}
	}
}

// TestDeletionAgainstCreation: a namespace is deleted on one node while the
// other makes a service in it, or a service while the other registers an
// instance. Exactly one of them can win.
func TestDeletionAgainstCreation(t *testing.T) {
	a, b := pair(t)
	for i := range 30 {
		ns := a.namespace(fmt.Sprint("ns-", i))
		b.waitFor(a.Current().Revision)
		if won := race(t,
			propose(a, &registry.DeleteNamespace{Ref: string(ns)}),
			propose(b, &registry.CreateService{Name: "s", NamespaceRef: string(ns)}),
		); won != 1 {
			t.Errorf("%d of 2 won over namespace %s", won, ns)
		}
		svc := b.service(fmt.Sprint("s-", i))
		a.waitFor(b.Current().Revision)
		if won := race(t,
			propose(a, &registry.DeleteService{Ref: string(svc)}),
			propose(b, register(svc, "i")),
		); won != 1 {
			t.Errorf("%d of 2 won over service %s", won, svc)
		}
		a.waitFor(b.Current().Revision)
		b.waitFor(a.Current().Revision)
	}
}

// TestNodesFollowEachOther: what one node acknowledges the other gets to see.
func TestNodesFollowEachOther(t *testing.T) {
	a, b := pair(t)
	svc := a.service("web")
	b.waitFor(a.Current().Revision)
	for i := range 20 {
		from, to := a, b
		if i%2 == 1 {
			from, to = b, a
		}
		id := fmt.Sprint("i-", i)
		from.do(register(svc, id))
		if !has(to.waitFor(from.Current().Revision), svc, id) {
			t.Errorf("%s has not arrived", id)
		}
	}
}

// late is a store whose watch delivers nothing until it is let go.
type late struct {
	*memory.Store
	hold chan struct{}
}

func (s *late) Watch(ctx context.Context, after store.Revision) iter.Seq2[store.Batch, error] {
	return func(yield func(store.Batch, error) bool) {
		for b, err := range s.Store.Watch(ctx, after) {
			select {
			case <-s.hold:
			case <-ctx.Done():
				return
			}
			if !yield(b, err) {
				return
			}
		}
	}
}

// TestRefusalsAreOfTheNewestState: a node that is behind does not refuse what another node
// has made possible, and does not take for done what another node has undone.
func TestRefusalsAreOfTheNewestState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := memory.New()
		a := start(t, data)
		ns := a.namespace("web")
		svc := a.service("there")
		behind := &late{data.Share(), make(chan struct{})}
		b := start(t, behind)
		b.waitFor(a.Current().Revision)
		made := a.service("made")
		description := &registry.UpdateNamespace{Ref: string(ns), Type: registry.HTTP, Description: new("")}
		a.do(&registry.UpdateNamespace{Ref: string(ns), Type: registry.HTTP, Description: new("other")})
		results := make(chan error, 2)
		go func() { results <- propose(b, register(made, "i"))() }()
		go func() { results <- propose(b, description)() }()
		synctest.Wait()
		if len(results) > 0 {
			t.Errorf("a node that is behind has decided: %v", <-results)
		}
		close(behind.hold)
		for range 2 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		got, _ := a.waitFor(b.Current().Revision).Registry.Namespace(account, ns)
		if got.Description != "" {
			t.Errorf("the description is %q: the last change was taken for done", got.Description)
		}
		if _, err := b.Propose(t.Context(), account, register(svc+"x", "i")); err == nil {
			t.Error("a service that does not exist was found")
		}
	})
}

// TestEndlessConflicts: a node that always comes second says so in the end.
func TestEndlessConflicts(t *testing.T) {
	data := memory.New()
	other := start(t, data.Share())
	svc := other.service("web")
	s := &spy{Store: data}
	n := start(t, s)
	n.waitFor(other.Current().Revision)
	s.before = func(store.Txn) { other.do(register(svc, "i")) }
	_, err := n.Propose(t.Context(), account, register(svc, "i"))
	if err != ErrBusy {
		t.Errorf("got %v, want ErrBusy", err)
	}
	s.before = nil
	n.do(register(svc, "j"))
}

// gated is a store whose watches begin only when the gate is open.
type gated struct {
	store.Store
	open chan struct{}
}

func (g *gated) Watch(ctx context.Context, after store.Revision) iter.Seq2[store.Batch, error] {
	return func(yield func(store.Batch, error) bool) {
		select {
		case <-g.open:
			g.Store.Watch(ctx, after)(yield)
		case <-ctx.Done():
			yield(store.Batch{}, ctx.Err())
		}
	}
}

// TestFallenBehind: a node that is further behind than the store remembers loads
// again and goes on.
func TestFallenBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := memory.New()
		a := start(t, data)
		gate := &gated{Store: data.Share(), open: make(chan struct{})}
		b := start(t, gate)
		svc := a.service("web")
		for i := range 10 {
			a.do(register(svc, fmt.Sprint("i-", i)))
		}
		synctest.Wait()
		data.Compact(store.Revision(a.Current().Revision) - 3)
		close(gate.open)
		b.waitFor(a.Current().Revision)
		if x, y := contents(a.Current()), contents(b.Current()); x != y {
			t.Errorf("the nodes differ:\n%s\n%s", x, y)
		}
		b.do(register(svc, "more"))
		if !has(a.waitFor(b.Current().Revision), svc, "more") {
			t.Error("the node that had fallen behind does not take part any more")
		}
	})
}

// TestFallenBehindWithACommit: the same is found out in the middle of a batch.
func TestFallenBehindWithACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := memory.New()
		a := start(t, data)
		gate := &gated{Store: data.Share(), open: make(chan struct{})}
		b := start(t, gate)
		svc := a.service("web")
		synctest.Wait()
		result := make(chan error, 1)
		go func() {
			_, err := b.Propose(t.Context(), account, httpNamespace("mine"))
			result <- err
		}()
		synctest.Wait()
		data.Compact(store.Revision(a.Current().Revision))
		close(gate.open)
		if err := <-result; err != nil {
			t.Error(err)
		}
		if _, ok := b.Current().Registry.Service(account, svc); !ok {
			t.Error("what the other node did is missing")
		}
		if errors.Is(b.stop(), store.ErrCompacted) {
			t.Error("it gave up")
		}
	})
}
