package replica

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
)

// doTogether proposes commands that are decided in one batch, in their order, and
// returns the transactions that commit them. All must succeed but those of type failing.
func doTogether(n *node, s *spy, commands ...command.Command) []store.Txn {
	gate := make(chan struct{})
	var txns []store.Txn
	s.before = func(txn store.Txn) {
		if <-gate; len(txn.Writes) > 0 {
			txn.Writes = slices.Clone(txn.Writes)
			txns = append(txns, txn)
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() { n.do(httpNamespace("first")) }) // holds the loop
	synctest.Wait()
	for _, c := range commands {
		wg.Go(func() {
			_, fails := c.(failing)
			if _, err := n.Propose(n.t.Context(), account, c); (err != nil) != fails {
				n.t.Errorf("%T: %v", c, err)
			}
		})
		synctest.Wait()
	}
	close(gate)
	wg.Wait()
	s.before = nil
	return txns[1:]
}

// TestBatchWritesEachKeyOnce compares the node that decides with one that follows and
// so sees only the writes of each transaction.
func TestBatchWritesEachKeyOnce(t *testing.T) {
	tags := func(svc registry.ServiceID, value string) command.Command {
		return &registry.TagResource{ARN: "arn:aws:servicediscovery:us-east-1:" + string(account) + ":service/" + string(svc), Tags: []registry.Tag{{Key: "k", Value: value}}}
	}
	deregister := func(svc registry.ServiceID) command.Command {
		return &registry.DeregisterInstance{ServiceRef: string(svc), ID: "old"}
	}
	for _, c := range []struct {
		name     string
		commands func(ns registry.NamespaceID, svc registry.ServiceID) []command.Command
		batches  int
	}{
		{"revision of a service", func(_ registry.NamespaceID, svc registry.ServiceID) []command.Command {
			return []command.Command{register(svc, "a"), register(svc, "b"), register(svc, "c")}
		}, 1},
		{"put of a record that later writes need", func(ns registry.NamespaceID, svc registry.ServiceID) []command.Command {
			return []command.Command{tags(svc, "1"), register(svc, "a"), tags(svc, "2")}
		}, 1},
		{"deletion after the deletion of what it holds", func(ns registry.NamespaceID, svc registry.ServiceID) []command.Command {
			return []command.Command{tags(svc, "1"), deregister(svc), &registry.DeleteService{Ref: string(svc)}}
		}, 1},
		{"creation after a deletion", func(ns registry.NamespaceID, svc registry.ServiceID) []command.Command {
			return []command.Command{
				deregister(svc), &registry.DeleteService{Ref: string(svc)},
				&registry.CreateService{Name: "web", NamespaceRef: string(ns)},
				httpNamespace("more"),
			}
		}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				data := memory.New()
				s := &spy{Store: data}
				n, follower := start(t, s), start(t, data.Share())
				svc := n.service("web")
				n.do(register(svc, "old"))
				ns, _ := n.Current().Registry.Service(account, svc)
				txns := doTogether(n, s, c.commands(ns.Namespace, svc)...)
				if len(txns) != c.batches {
					t.Errorf("%d transactions, want %d", len(txns), c.batches)
				}
				for _, txn := range txns {
					keys := map[string]bool{}
					for _, p := range txn.Preconditions {
						if keys[p.Key] {
							t.Errorf("two preconditions on %q", p.Key)
						}
						keys[p.Key] = true
					}
					if err := txn.Check(); err != nil {
						t.Error(err)
					}
				}
				got := follower.waitFor(n.Current().Revision)
				if want := contents(n.Current()); contents(got) != want {
					t.Errorf("the follower has\n%s\nwant\n%s", contents(got), want)
				}
				if want := fmt.Sprint(n.Current().Registry.Counts()); fmt.Sprint(got.Registry.Counts()) != want {
					t.Errorf("the follower counts %v, want %s", got.Registry.Counts(), want)
				}
			})
		})
	}
}

// exclusive is a store that belongs to one node.
type exclusive struct{ store.Store }

func (exclusive) Exclusive() bool { return true }

// TestPreconditions: what a decision reads and writes are preconditions of its commit, unless
// the store belongs to this node alone.
func TestPreconditions(t *testing.T) {
	for _, alone := range []bool{false, true} {
		var last store.Txn
		s := store.Store(&spy{Store: memory.New(), before: func(txn store.Txn) { last = txn }})
		if alone {
			s = exclusive{s}
		}
		start(t, s).do(&registry.CreateNamespace{Type: registry.HTTP, Name: "example"})
		if len(last.Writes) == 0 || (len(last.Preconditions) == 0) != alone {
			t.Errorf("alone: %t, %d writes have %d preconditions", alone, len(last.Writes), len(last.Preconditions))
		}
	}
}
