package task

import (
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
)

// planNodes registers nodes in clusters, and notices nodes that are gone.
func (p *plan) planNodes() {
	joined := 0
	for c := range p.state.AllClusters() {
		if p.rules.joins(c) {
			joined++
		}
	}
	for n := range p.state.allNodes() {
		if n.Expires != 0 {
			p.at(max(n.Expires, p.hold))
		}
		if p.nodeDiffers(n, joined) {
			p.act("", &stepNode{n.Name, p.hold})
		}
	}
}

// nodeDiffers reports whether the instances of a node are not as they should be.
func (p *plan) nodeDiffers(n *Node, joined int) bool {
	expired, count := p.expired(n), 0
	for i := range p.state.instancesOfNode(n.Name) {
		if i.AgentConnected == expired {
			return true
		}
		if c, ok := p.state.Cluster(i.Account, i.Cluster); ok && p.rules.joins(c) {
			count++
		} else if i.Managed && !p.occupied(i) {
			return true
		}
	}
	return !expired && count != joined || expired && p.at(n.Expires+p.rules.StoppedRetention)
}

func (p *plan) occupied(i *ContainerInstance) bool {
	return len(liveTasks(p.state.TasksOfInstance(i.Account, i.Cluster, i.ID))) > 0
}

// stepNode brings the container instances of a node up to date.
type stepNode struct {
	name string
	hold int64 // see Plan
}

// Decide implements command.Command.
func (c *stepNode) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	p := newPlan(v, m.Now, c.hold)
	t := begin(v, m)
	n, ok := t.state().Node(c.name)
	if !ok {
		return command.Decision{}, nil
	}
	t.read(nodes.Read(n, true))
	expired := p.expired(n)
	gone := expired && m.Now >= n.Expires+t.rules.StoppedRetention
	for _, i := range slices.Collect(t.state().instancesOfNode(n.Name)) {
		cluster, ok := t.state().Cluster(i.Account, i.Cluster)
		unwanted := i.Managed && (gone || !ok || !t.rules.joins(cluster))
		switch {
		case unwanted && !p.occupied(i):
			t.read(instances.Read(i, true))
			t.add(instances.Delete(i))
		case i.AgentConnected == expired:
			next := *i
			next.AgentConnected = !expired
			next.Version++
			t.read(instances.Read(i, true))
			t.add(instances.Put(&next))
		}
	}
	switch {
	case !expired:
		t.joinClusters(n)
	case gone:
		t.add(nodes.Delete(n))
	}
	return t.reply(nil)
}
