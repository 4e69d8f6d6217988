package sim

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/storetest"
)

// observe looks at every node that has changed: two nodes at the same revision
// hold the same, and no InstancesRevision falls, not even that of a service
// which was deleted and made again under its name.
func (c *cluster) observe() {
	for _, n := range c.nodes {
		s := n.replica.Current()
		if c.seen[n] == s || n.store == nil || s.Revision == 0 {
			continue
		}
		c.seen[n] = s
		text := contents(s)
		if other, ok := c.states[s.Revision]; ok && other != text {
			c.t.Errorf("revision %d is\n%s\non one node and\n%s\non another", s.Revision, other, text)
		}
		c.states[s.Revision] = text
		c.observeRevisions(n, s)
	}
}

func (c *cluster) observeRevisions(n *node, s *replica.Snapshot) {
	last := c.revisions[n]
	if last == nil {
		last = map[string]uint64{}
		c.revisions[n] = last
	}
	for _, ns := range s.Registry.Namespaces(account, "") {
		for _, svc := range ns.ServicesNamed("") {
			name := ns.HTTPName + "/" + svc.Name
			if svc.InstancesRevision() < last[name] {
				c.t.Errorf("the InstancesRevision of %s fell from %d to %d", name, last[name], svc.InstancesRevision())
			}
			last[name] = svc.InstancesRevision()
		}
	}
}

// contents is a state as text, for comparing.
func contents(s *replica.Snapshot) string {
	var lines []string
	for r := range s.Records() {
		lines = append(lines, fmt.Sprintf("%s %x at %d\n", r.Key, r.Value, r.Revision))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// checkEnd looks at a cluster that is at rest.
func (c *cluster) checkEnd() {
	for _, call := range c.calls {
		c.checkCall(call)
	}
	first := c.nodes[0].replica.Current()
	for _, n := range c.nodes {
		if s := n.replica.Current(); s.Revision != uint64(c.logged()) || contents(s) != contents(first) {
			c.t.Errorf("a node ends at revision %d with\n%s\nanother at %d of %d with\n%s", s.Revision, contents(s), first.Revision, c.logged(), contents(first))
		}
	}
	if replayed := c.replay(); contents(replayed) != contents(first) {
		c.t.Errorf("the log amounts to\n%s\nthe nodes hold\n%s", contents(replayed), contents(first))
	}
	c.checkStored(first)
}

// checkCall compares what a client was told with what is in the log: what was
// acknowledged is there once, what was refused is not.
func (c *cluster) checkCall(k *call) {
	if !k.ended() {
		c.t.Errorf("%T got no answer", k.op)
		return
	}
	if k.blind && !k.lost {
		c.t.Errorf("%T %s was acknowledged before it was visible", k.op, k.token)
	}
	if k.err != nil && strings.Contains(k.err.Error(), "precondition") {
		c.t.Errorf("%T: the replica asked the store for what it should not: %v", k.op, k.err)
	}
	commits := -1
	switch {
	case k.token != "":
		commits = c.commitsWith(func(w store.Write) bool {
			once := strings.HasPrefix(w.Key, "5o/") || strings.HasPrefix(w.Key, "2s/") // an operation, or a service
			return once && bytes.Contains(w.Value, []byte(k.token))
		})
	case k.reply.ID != "":
		commits = c.commitsWith(func(w store.Write) bool { return hasOperation(w, registry.OperationID(k.reply.ID)) })
	default:
		return
	}
	switch v := k.verdict(); {
	case commits > 1, v == acknowledged && commits != 1, v == refused && commits != 0:
		c.t.Errorf("%T %s: the client was told %v (lost: %t), and it was committed %d times", k.op, k.token, k.err, k.lost, commits)
	}
}

// hasOperation reports whether a write stores an operation, perhaps with others.
func hasOperation(w store.Write, id registry.OperationID) bool {
	change, err := state.Decode(w.Key, w.Value)
	if err != nil || w.Delete || !strings.HasPrefix(w.Key, "5o/") {
		return false
	}
	_, err = state.Apply(new(state.State), 1, change).Registry.Operation(account, id)
	return err == nil
}

func (c *cluster) commitsWith(match func(store.Write) bool) int {
	n := 0
	for _, b := range c.log {
		if slices.ContainsFunc(b.Writes, match) {
			n++
		}
	}
	return n
}

// replay applies all that was committed, one transaction after the other.
func (c *cluster) replay() *replica.Snapshot {
	s := new(state.State)
	for _, b := range c.log {
		var changes []command.Change
		for _, w := range b.Writes {
			value := w.Value
			if w.Delete {
				value = nil
			} else if value == nil {
				value = []byte{}
			}
			change, err := state.Decode(w.Key, value)
			if err != nil {
				c.t.Error(err)
				continue
			}
			changes = append(changes, change)
		}
		s = state.Apply(s, uint64(b.Revision), changes...)
	}
	return replica.NewSnapshot(s)
}

// checkStored compares the state with what the store holds: a record that no
// state shows, such as an instance whose service is gone, is a lost one.
func (c *cluster) checkStored(s *replica.Snapshot) {
	stored, _, err := storetest.Contents(c.t.Context(), c.data.Share())
	if err != nil {
		c.t.Error(err)
	}
	shown := map[string]string{}
	for r := range s.Records() {
		shown[r.Key] = string(r.Value)
	}
	if !maps.Equal(stored, shown) {
		c.t.Errorf("the store holds\n%q\nthe state shows\n%q", stored, shown)
	}
}
