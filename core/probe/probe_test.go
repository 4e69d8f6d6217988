package probe

import (
	"slices"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/member"
)

// fixture is a state with nodes and what they tell each other.
type fixture struct {
	*testing.T
	members *member.State
	state   *State
}

func newFixture(t *testing.T, nodes ...string) *fixture {
	w := &fixture{t, new(member.State), new(State)}
	for _, name := range nodes {
		d, err := (&member.Renew{Node: member.Node{Name: name, ID: name, Lease: 1000}}).Decide(w, new(command.Meta))
		if err != nil {
			t.Fatal(err)
		}
		draft := member.NewDraft(w.members)
		draft.Apply(1, d.Changes[0])
		w.members = draft.State()
	}
	return w
}

// Slice implements command.View.
func (w *fixture) Slice(name string) (state, rules any) {
	if name == "probe" {
		return w.state, nil
	}
	return w.members, nil
}
func (w *fixture) Quota(command.AccountID, *command.Quota) int { return 0 }
func (w *fixture) Quotas() []*command.Quota                    { return nil }

// do decides a command and applies what a store would return of it.
func (w *fixture) do(c *Update) command.Decision {
	w.Helper()
	d, err := c.Decide(w, &command.Meta{Now: 5})
	if err != nil {
		w.Fatal(err)
	}
	draft := NewDraft(w.state)
	for _, change := range d.Changes {
		value, isPut := change.Value([]byte{})
		if !isPut {
			value = nil
		}
		decoded, err := Slice().Decode(change.Key(), value)
		if err != nil {
			w.Fatal(err)
		}
		draft.Apply(1, decoded)
	}
	w.state = draft.State()
	return d
}

func (w *fixture) changed(before *State) (keys []string) {
	Diff(before, w.state, func(check string) { keys = append(keys, check) })
	return keys
}

func TestUpdate(t *testing.T) {
	w := newFixture(t, "a", "b")
	before := w.state
	version := Version{Registered: 7, Check: 9}
	d := w.do(&Update{By: "a", Votes: []Vote{{Check: "srv-1/i/1", Version: version, Verdict: health.Unhealthy}},
		Series: []Series{{Check: "srv-1/j", Version: version, Results: 2, Pass: true}}})
	if d.Reply.Count != 2 || !slices.Contains(d.Reads, member.Live("a")) {
		t.Errorf("%+v", d)
	}
	if v := w.state.Vote("a", "srv-1/i/1"); v == nil || *v != (Vote{"a", "srv-1/i/1", version, health.Unhealthy}) {
		t.Errorf("vote %+v", v)
	}
	if s := w.state.Series("srv-1/j"); s == nil || *s != (Series{"srv-1/j", version, 5, 2, true}) {
		t.Errorf("series %+v", s)
	}
	if got := w.changed(before); !slices.Equal(got, []string{"srv-1/i/1", "srv-1/j"}) {
		t.Errorf("changed: %v", got)
	}
	if d := w.do(&Update{By: "a", Votes: []Vote{{Check: "srv-1/i/1", Version: version, Verdict: health.Unhealthy}}}); len(d.Changes) != 0 {
		t.Error("the same vote is stored again")
	}

	// A node deletes its own votes and those of nodes that are gone, not those of others.
	w.do(&Update{By: "b", Votes: []Vote{{Check: "x", Version: version}}})
	if d := w.do(&Update{By: "a", DeleteVotes: []*Vote{{Node: "b", Check: "x"}}}); len(d.Changes) != 0 {
		t.Error("a deletes a vote of b")
	}
	if d := w.do(&Update{By: "gone", Votes: []Vote{{Check: "x"}}, DeleteSeries: []string{"srv-1/j"}}); len(d.Changes) != 0 {
		t.Error("a node that is no member changes something")
	}
	w.members = newFixture(t, "a").members
	if d := w.do(&Update{By: "a", DeleteVotes: []*Vote{{Node: "b", Check: "x"}, {Node: "a", Check: "srv-1/i/1"}}, DeleteSeries: []string{"srv-1/j", "none"}}); d.Reply.Count != 3 {
		t.Errorf("deleted %d", d.Reply.Count)
	}
	for v := range w.state.Votes() {
		t.Errorf("left: %+v", v)
	}
	for s := range w.state.AllSeries() {
		t.Errorf("left: %+v", s)
	}
}

func FuzzDecode(f *testing.F) {
	vote := Vote{"n", "srv-1/i", Version{7, 9}, health.Healthy}
	one := Series{"srv-1/i", Version{7, 9}, 5, 2, true}
	f.Add("vote/n/srv-1/i", vote.encode(nil))
	f.Add("series/srv-1/i", one.encode(nil))
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		c, err := Slice().Decode(key, append([]byte{}, value...))
		if err != nil {
			return
		}
		again, _ := c.Value([]byte{})
		d, err := Slice().Decode(c.Key(), again)
		if err != nil {
			t.Fatal(err)
		}
		if once, _ := d.Value([]byte{}); c.Key() != key || string(once) != string(again) {
			t.Errorf("%q %x is stored as %q %x and then as %x", key, value, c.Key(), again, once)
		}
	})
}
