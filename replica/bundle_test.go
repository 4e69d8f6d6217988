package replica

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/internal/record"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
)

const otherAccount command.AccountID = "111111111111"

// as is a command of an account.
type as struct {
	command.Command
	account command.AccountID
}

func (c as) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	own := *m
	own.Account = c.account
	return c.Command.Decide(v, &own)
}

// failing is a command whose last change cannot be encoded.
type failing struct{ command.Command }

func (c failing) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	d, err := c.Command.Decide(v, m)
	d.Changes = append(d.Changes, panics{d.Changes[0]})
	return d, err
}

type panics struct{ command.Change }

func (panics) Value([]byte) ([]byte, bool) { panic("this cannot be encoded") }

// operations returns all operations of both accounts, as text.
func operations(s *Snapshot) (all []string) {
	for _, a := range []command.AccountID{account, otherAccount} {
		for id, op := range s.Registry.Operations(new(registry.Rules), a, "") {
			found, err := s.Registry.Operation(a, id)
			all = append(all, fmt.Sprintf("%s %+v %+v %v", id, *op, found, err))
		}
	}
	return all
}

// operationRecords returns the number of records of operations in a transaction.
func operationRecords(txn store.Txn) (n int) {
	for _, w := range txn.Writes {
		if strings.HasPrefix(w.Key, "5o/") {
			n++
		}
	}
	return n
}

// samePlaces compares a node with one that has followed it, one that loads now, and one that
// loads a copy of its records.
func samePlaces(t *testing.T, n, follower *node, data *memory.Store) {
	t.Helper()
	records := memory.New()
	load(t, records)
	var txn store.Txn
	for r := range n.Current().Records() {
		txn.Writes = append(txn.Writes, store.Write{Key: r.Key, Value: slices.Clone(r.Value)})
	}
	if _, err := records.Commit(t.Context(), txn); err != nil {
		t.Fatal(err)
	}
	want := n.Current()
	for name, got := range map[string]*Snapshot{
		"follower": follower.waitFor(want.Revision), "load": start(t, data.Share()).Current(), "copy": start(t, records).Current(),
	} {
		if a, b := operations(want), operations(got); !slices.Equal(a, b) {
			t.Errorf("%s: it has the operations\n%s\nwant\n%s", name, strings.Join(b, "\n"), strings.Join(a, "\n"))
		}
		if a, b := want.Registry.Counts(), got.Registry.Counts(); a != b {
			t.Errorf("%s: it counts %+v, want %+v", name, b, a)
		}
		if a, b := contents(want), contents(got); name != "copy" && a != b {
			t.Errorf("%s: it has\n%s\nwant\n%s", name, b, a)
		}
	}
}

// TestOperationsShareRecords: the operations of a batch share records, by account, up to a
// number and a size. A node that follows has the same operations, and so has one that loads.
func TestOperationsShareRecords(t *testing.T) {
	several := func(n int, c func(i int) command.Command) (all []command.Command) {
		for i := range n {
			all = append(all, c(i))
		}
		return all
	}
	leased := func(svc registry.ServiceID, id string) *registry.RegisterInstance {
		return &registry.RegisterInstance{ServiceRef: string(svc), ID: registry.InstanceID(id), Attributes: map[string]string{"cairn.ttl": "5"}}
	}
	for _, c := range []struct {
		name     string
		commands func(n *node, svc, other registry.ServiceID) []command.Command
		records  int // of operations
	}{
		{"one", func(_ *node, svc, _ registry.ServiceID) []command.Command {
			return []command.Command{register(svc, "a")}
		}, 1},
		{"some", func(_ *node, svc, _ registry.ServiceID) []command.Command {
			return []command.Command{register(svc, "a"), register(svc, "b"), &registry.DeregisterInstance{ServiceRef: string(svc), ID: "old"}, register(svc, "c")}
		}, 1},
		{"one instance again and again", func(_ *node, svc, _ registry.ServiceID) []command.Command {
			return []command.Command{register(svc, "a"), register(svc, "a"), &registry.DeregisterInstance{ServiceRef: string(svc), ID: "a"}}
		}, 1},
		{"as many as a record has", func(_ *node, svc, _ registry.ServiceID) []command.Command {
			return several(bundleChanges, func(i int) command.Command { return register(svc, fmt.Sprint(i)) })
		}, 1},
		{"more", func(_ *node, svc, _ registry.ServiceID) []command.Command {
			return several(2*bundleChanges+1, func(i int) command.Command { return register(svc, fmt.Sprint(i)) })
		}, 3},
		{"large ones", func(_ *node, svc, _ registry.ServiceID) []command.Command {
			return several(9, func(i int) command.Command {
				return &registry.RegisterInstance{ServiceRef: string(svc), ID: registry.InstanceID(fmt.Sprint(i)), CreatorRequestID: strings.Repeat("x", bundleBytes/4)}
			})
		}, 3},
		{"of two accounts", func(_ *node, svc, other registry.ServiceID) []command.Command {
			return []command.Command{
				register(svc, "a"), as{register(other, "a"), otherAccount}, register(svc, "b"), as{register(other, "b"), otherAccount},
			}
		}, 2},
		{"on namespaces, too", func(_ *node, svc, _ registry.ServiceID) []command.Command {
			return []command.Command{register(svc, "a"), httpNamespace("more"), register(svc, "b"), httpNamespace("again")}
		}, 3},
		{"a command that fails between others", func(n *node, svc, _ registry.ServiceID) []command.Command {
			return []command.Command{register(svc, "a"), failing{register(svc, "b")}, register(svc, "c"), register(svc, "d")}
		}, 2},
		{"a command that fails first", func(n *node, svc, _ registry.ServiceID) []command.Command {
			return []command.Command{failing{register(svc, "b")}, register(svc, "c"), register(svc, "d")}
		}, 1},
		{"of one command", func(n *node, svc, _ registry.ServiceID) []command.Command {
			for _, id := range []string{"a", "b", "c"} {
				n.do(leased(svc, id))
			}
			end := func() command.Command {
				c := new(registry.EndLeases)
				for l := range n.Current().Registry.Leases() {
					c.Leases = append(c.Leases, l)
				}
				return c
			}
			n.do(end()) // they have expired; the next one deregisters
			return []command.Command{end(), register(svc, "d")}
		}, 1},
		{"the first one is deleted before others come", func(_ *node, svc, _ registry.ServiceID) []command.Command {
			return []command.Command{
				register(svc, "a"), register(svc, "b"), &registry.ExpireOperations{Before: time.Now().Add(time.Hour).UnixMilli(), Max: 1000},
				register(svc, "c"), register(svc, "d"),
			}
		}, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				data := memory.New()
				s := &spy{Store: data}
				n, follower := start(t, s), start(t, data.Share())
				svc := n.service("web")
				n.do(register(svc, "old"))
				n.do(as{&registry.CreateNamespace{Name: "theirs", Type: registry.HTTP}, otherAccount})
				var other registry.ServiceID
				for id := range n.Current().Registry.Namespaces(otherAccount, "") {
					other = n.do(as{&registry.CreateService{Name: "s", NamespaceRef: string(id)}, otherAccount}).Value.(*registry.Service).ID
				}
				txns := doTogether(n, s, c.commands(n, svc, other)...)
				if len(txns) != 1 {
					t.Fatalf("%d transactions, want 1", len(txns))
				}
				if got := operationRecords(txns[0]); c.records >= 0 && got != c.records {
					t.Errorf("%d records, want %d", got, c.records)
				}
				samePlaces(t, n, follower, data)
			})
		})
	}
}

// TestOperationsOfOneNodeHaveRecords: a store that belongs to one node has a record for each.
func TestOperationsOfOneNodeHaveRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &spy{Store: memory.New()}
		n := start(t, exclusive{s})
		svc := n.service("web")
		if txns := doTogether(n, s, register(svc, "a"), register(svc, "b")); len(txns) != 1 || operationRecords(txns[0]) != 2 {
			t.Errorf("%d transactions, want 1 with 2 records of operations: %v", len(txns), txns)
		}
	})
}

// TestTwoNodesShareRecords: two nodes register the same instances at the same time, and so
// decide many commands again, and delete operations meanwhile. They agree, and each operation
// that was acknowledged and not deleted is there. A commit takes a moment of simulated time, in
// which the other commands come: so each batch has several, however busy the machine is.
func TestTwoNodesShareRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := memory.New()
		var nodes []*node
		for _, name := range []string{"a", "b"} {
			nodes = append(nodes, joined(t, &parallel{Store: data.Share(), hold: func(int) { time.Sleep(time.Millisecond) }}, name))
		}
		svc := nodes[0].service("web")
		nodes[1].waitFor(nodes[0].Current().Revision)
		var wg sync.WaitGroup
		var mu sync.Mutex
		ids := map[registry.OperationID]bool{}
		for k, n := range nodes {
			for w := range 16 {
				wg.Go(func() {
					for i := range 20 {
						own := register(svc, fmt.Sprintf("i-%d-%d-%d", k, w, i))
						both := &registry.RegisterInstance{ServiceRef: string(svc), ID: registry.InstanceID(fmt.Sprint(w % 4)), Attributes: map[string]string{"a": fmt.Sprint(k, w, i)}}
						for _, c := range []command.Command{own, both} {
							reply := n.do(c)
							mu.Lock()
							ids[registry.OperationID(reply.ID)] = true
							mu.Unlock()
						}
					}
				})
			}
		}
		wg.Wait()
		last := max(nodes[0].Current().Revision, nodes[1].Current().Revision)
		nodes[0].waitFor(last)
		nodes[1].waitFor(last)
		records := 0
		for r := range nodes[0].Current().Records() {
			if strings.HasPrefix(r.Key, "5o/") {
				records++
			}
		}
		if len(ids) != 2*16*20*2 || records > len(ids)/2 {
			t.Errorf("%d operations are in %d records", len(ids), records)
		}
		for id := range ids {
			if _, err := nodes[1].Current().Registry.Operation(account, id); err != nil {
				t.Error(err)
			}
		}
		samePlaces(t, nodes[0], nodes[1], data)
		for _, most := range []int{7, 100, 1 << 20} {
			nodes[1].do(&registry.ExpireOperations{Before: time.Now().Add(time.Hour).UnixMilli(), Max: most})
			nodes[0].waitFor(nodes[1].Current().Revision)
			samePlaces(t, nodes[1], nodes[0], data)
		}
		if n := nodes[0].Current().Registry.Counts().Operations; n != 0 {
			t.Errorf("%d operations are left", n)
		}
	})
}

// TestFieldsOfTheNextVersionInBundles: fields that a newer version has added to a record of
// operations, and to one of the operations in it, are in copies of the state.
func TestFieldsOfTheNextVersionInBundles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := memory.New()
		s := &spy{Store: data}
		n := start(t, s)
		svc := n.service("web")
		txns := doTogether(n, s, register(svc, "a"), register(svc, "b"), register(svc, "c"))
		i := slices.IndexFunc(txns[0].Writes, func(w store.Write) bool { return strings.HasPrefix(w.Key, "5o/") })
		key, parts, newer := txns[0].Writes[i].Key, 0, []byte(nil)
		r := record.NewReader(txns[0].Writes[i].Value)
		for f, ok := r.Next(); ok; f, ok = r.Next() {
			if f.Number == 11 {
				if parts++; parts == 2 {
					f.Bytes = newFields(slices.Clone(f.Bytes))
				}
			}
			newer = record.AppendField(newer, f)
		}
		newer = record.AppendString(newer, 900, "of the first one")
		before := operations(n.Current())
		other := data.Share()
		load(t, other)
		if _, err := other.Commit(t.Context(), store.Txn{Writes: []store.Write{{Key: key, Value: newer}}}); err != nil {
			t.Fatal(err)
		}
		n.waitFor(n.Current().Revision + 1)
		for name, n := range map[string]*node{"watch": n, "load": start(t, data.Share())} {
			if got := n.value(key); string(got) != string(newer) {
				t.Errorf("%s: the state has %q of %q", name, got, newer)
			}
			if got := operations(n.Current()); !slices.Equal(got, before) {
				t.Errorf("%s: it has the operations %q, want %q", name, got, before)
			}
		}
		if parts != 2 {
			t.Errorf("%d parts, want 2", parts)
		}
	})
}
