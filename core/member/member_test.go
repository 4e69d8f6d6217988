package member

import (
	"fmt"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/record"
)

// fixture is a state with only nodes.
type fixture struct {
	*testing.T
	state    *State
	revision uint64
}

func newFixture(t *testing.T) *fixture { return &fixture{T: t, state: new(State)} }

// Slice implements command.View.
func (w *fixture) Slice(string) (state, rules any)             { return w.state, nil }
func (w *fixture) Quota(command.AccountID, *command.Quota) int { return 0 }
func (w *fixture) Quotas() []*command.Quota                    { return nil }
func (w *fixture) decide(c command.Command) (command.Decision, error) {
	return c.Decide(w, new(command.Meta))
}

// do decides a command and applies what a store would return of it.
func (w *fixture) do(c command.Command) command.Decision {
	w.Helper()
	d, err := w.decide(c)
	if err != nil {
		w.Fatalf("%+v: %v", c, err)
	}
	w.revision++
	draft := NewDraft(w.state)
	for _, change := range d.Changes {
		value, isPut := change.Value([]byte{})
		if !isPut {
			value = nil
		}
		decoded, err := Slice{}.Decode(change.Key(), value)
		if err != nil {
			w.Fatal(err)
		}
		draft.Apply(w.revision, decoded)
	}
	w.state = draft.State()
	return d
}

func node(name, id string, sequence uint64) Node {
	return Node{Name: name, ID: id, Sequence: sequence, Started: 5, Renewed: 6, Lease: 6000, Applied: 1, Version: "v1", Format: 1,
		API: "192.0.2.1:8053", DNS: "192.0.2.1:8054", Admin: "192.0.2.1:8055"}
}

func TestJoinRenewLeave(t *testing.T) {
	w := newFixture(t)
	w.do(&Renew{node("b", "2", 1)})
	w.do(&Renew{node("a", "1", 1)})
	ring := w.state.Ring()
	w.do(&Renew{node("a", "1", 2)})
	if w.state.Ring() != ring {
		t.Error("a renewal changes the ring")
	}
	a, _ := w.state.Node("a")
	want := node("a", "1", 2)
	want.revision = 3
	if fmt.Sprint(*a) != fmt.Sprint(want) || a.Lag() != 1 {
		t.Errorf("got %+v, lag %d", *a, a.Lag())
	}
	w.do(&Leave{"b", "other"}) // does nothing
	w.do(&Leave{"a", "1"})
	w.do(&Leave{"a", "1"})
	if n := w.state.Nodes(); len(n) != 1 || n[0].Name != "b" || len(w.state.Ring().names) != 1 {
		t.Errorf("left: %v", n)
	}
	w.do(&Leave{"b", "2"})
	if w.state.Ring() != nil || w.state.Ring().Owner("x") != "" || w.state.Ring().Rank("x", "b") != -1 {
		t.Error("there is an owner without nodes")
	}
}

func TestNameIsOfOneInstallation(t *testing.T) {
	w := newFixture(t)
	w.do(&Renew{node("a", "1", 1)})
	if _, err := w.decide(&Renew{node("a", "2", 1)}); err == nil || err.(*NameTaken).ID != "1" {
		t.Errorf("a second node with the name: %v", err)
	}
	w.do(&Renew{node("a", "1", 0)}) // it was started again
	if w.state.nodes[0].Sequence != 0 {
		t.Error("the restart was not stored")
	}
}

func TestExpireOnlyWhatWasSeen(t *testing.T) {
	w := newFixture(t)
	w.do(&Renew{node("a", "1", 7)})
	for _, late := range []Expire{{"a", "1", 6}, {"a", "2", 7}, {"b", "1", 7}} {
		if d := w.do(&late); len(d.Changes) > 0 || d.Reply.Count != 0 {
			t.Errorf("%+v: %+v", late, d)
		}
	}
	if d := w.do(&Expire{"a", "1", 7}); d.Reply.Count != 1 || d.Reads[0] != Live("a") || len(w.state.Nodes()) != 0 {
		t.Errorf("%+v", d)
	}
}

func TestRenewRefuses(t *testing.T) {
	w := newFixture(t)
	for name, change := range map[string]func(*Node){
		"no name": func(n *Node) { n.Name = "" }, "a slash": func(n *Node) { n.Name = "a/b" }, "a space": func(n *Node) { n.Name = "a b" },
		"no id": func(n *Node) { n.ID = "" }, "no lease": func(n *Node) { n.Lease = 0 },
		"a long text": func(n *Node) { n.API = string(make([]byte, 256)) },
	} {
		n := node("a", "1", 1)
		change(&n)
		if _, err := w.decide(&Renew{n}); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// Fields of a later version survive that this version writes the record again.
func TestUnknownFieldsAreKept(t *testing.T) {
	n := node("a", "1", 1)
	later := record.AppendString(record.AppendUint(n.encode(nil), 77, 5), 78, "new")
	c, err := Slice{}.Decode("member/a", later)
	if err != nil {
		t.Fatal(err)
	}
	w := newFixture(t)
	draft := NewDraft(w.state)
	draft.Apply(1, c)
	w.state = draft.State()
	w.do(&Renew{node("a", "1", 2)})
	value, _ := put{w.state.nodes[0]}.Value(nil)
	want := node("a", "1", 2)
	if string(value) != string(record.AppendString(record.AppendUint(want.encode(nil), 77, 5), 78, "new")) {
		t.Errorf("got %x", value)
	}
}

func TestRingIsEven(t *testing.T) {
	var names []string
	for i := range 7 {
		names = append(names, fmt.Sprint("node-", i))
	}
	ring, fewer := newRing(names), newRing(names[1:])
	counts := map[string]int{}
	const keys = 70_000
	for i := range keys {
		key := fmt.Sprintf("srv-%d/i-%d", i%100, i)
		owner := ring.Owner(key)
		counts[owner]++
		if ring.Rank(key, owner) != 0 {
			t.Fatalf("the owner of %s has rank %d", key, ring.Rank(key, owner))
		}
		if after := fewer.Owner(key); owner != names[0] && after != owner {
			t.Fatalf("%s moves from %s to %s", key, owner, after)
		} else if owner == names[0] && ring.Rank(key, after) != 1 {
			t.Fatalf("%s moves to the node of rank %d", key, ring.Rank(key, after))
		}
	}
	for _, name := range names {
		if n := counts[name]; n < keys/7*95/100 || n > keys/7*105/100 {
			t.Errorf("%s owns %d of %d", name, n, keys)
		}
	}
}

// TestTop: the nodes of a key are those of rank 0, 1 and so on.
func TestTop(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e"}
	ring := newRing(names)
	for i := range 50 {
		key := fmt.Sprint("key-", i)
		for k := range len(names) + 2 {
			top := ring.Top(key, k)
			if len(top) != min(k, len(names)) {
				t.Fatalf("%d of %d: %v", k, len(names), top)
			}
			for rank, name := range top {
				if ring.Rank(key, name) != rank {
					t.Errorf("%s of %v for %s has rank %d", name, top, key, ring.Rank(key, name))
				}
			}
		}
	}
	if top := (*Ring)(nil).Top("x", 3); top != nil {
		t.Errorf("without nodes: %v", top)
	}
}

// The hash is part of the contract between versions: nodes that run side by side must
// agree on owners.
func TestRingIsStable(t *testing.T) {
	ring := newRing([]string{"a", "b", "c"})
	var got string
	for i := range 20 {
		got += ring.Owner(fmt.Sprint("key-", i))
	}
	if want := "ccccbaaaaccbbcabbbba"; got != want {
		t.Errorf("owners %s, want %s", got, want)
	}
}

func BenchmarkOwner(b *testing.B) {
	ring := newRing([]string{"node-1", "node-2", "node-3"})
	for b.Loop() {
		ring.Owner("srv-abcdefghijklmnop/i-0123456789")
	}
}

func FuzzDecode(f *testing.F) {
	n := node("a", "1", 1)
	f.Add("member/a", n.encode(nil))
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		c, err := Slice{}.Decode(key, append([]byte{}, value...))
		if err != nil {
			return
		}
		again, _ := c.Value([]byte{})
		d, err := Slice{}.Decode(c.Key(), again)
		if err != nil {
			t.Fatal(err)
		}
		if once, _ := d.Value([]byte{}); string(once) != string(again) {
			t.Errorf("%x is stored as %x and then as %x", value, again, once)
		}
	})
}
