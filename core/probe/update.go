package probe

import (
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/member"
)

// Update stores votes and series of a node for the others. It does nothing unless the node is a member.
// Reply.Count is the number of changes.
type Update struct {
	// By is the name of the node.
	By string
	// Votes and Series are stored. Node of the votes and At of the series are set.
	Votes  []Vote
	Series []Series
	// DeleteVotes are votes to delete: of By, and of nodes that are no members.
	DeleteVotes []*Vote
	// DeleteSeries are the keys of checks whose series are deleted.
	DeleteSeries []string
}

// Len returns the number of changes.
func (c *Update) Len() int {
	return len(c.Votes) + len(c.Series) + len(c.DeleteVotes) + len(c.DeleteSeries)
}

// Decide implements command.Command.
func (c *Update) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, members := stateOf(v), member.StateOf(v)
	var d command.Decision
	if _, ok := members.Node(c.By); !ok {
		return d, nil
	}
	d.Reads = append(d.Reads, member.Live(c.By))
	for _, vote := range c.Votes {
		vote.Node = c.By
		if old := s.Vote(vote.Node, vote.Check); old == nil || *old != vote {
			d.Changes = append(d.Changes, votes.Put(&vote))
		}
	}
	for _, one := range c.Series {
		one.At = m.Now
		d.Changes = append(d.Changes, series.Put(&one))
	}
	for _, vote := range c.DeleteVotes {
		_, live := members.Node(vote.Node)
		if vote.Node != c.By && live || s.Vote(vote.Node, vote.Check) == nil {
			continue
		}
		d.Changes = append(d.Changes, votes.Delete(vote))
	}
	for _, check := range c.DeleteSeries {
		if s.Series(check) != nil {
			d.Changes = append(d.Changes, series.Delete(&Series{Check: check}))
		}
	}
	d.Reply.Count = len(d.Changes)
	return d, nil
}

// stateOf returns the state of a view.
func stateOf(v command.View) *State {
	s, _ := v.Slice("probe")
	return s.(*State)
}
