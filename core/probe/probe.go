// Package probe is the slice of the state with what the probers of several nodes tell each
// other about the checks that they run: votes, and results that they hand over.
//
// Several nodes may run one check. The first of them by member.Ring.Top owns it: it decides
// the verdict, and health.Ballot says how. The others store a vote when what they find
// differs from the stored health; no vote means that they agree with it. So an outage
// costs one write for each voter and instance, and single probes cost none. A vote counts
// only while its node is a member.
//
// A node that gives up a check in the middle of a series of equal results, because it stops
// or another node has come, stores the series for the node that runs the check next.
package probe

import (
	"iter"
	"strings"

	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/table"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// Version is the version of what was probed. Results of one say nothing about another.
type Version struct {
	// Registered is registry.Instance.Registered; 0 for a health check of Route 53.
	Registered int64
	// Check is registry.Check.Stamp, or the version of a health check of Route 53.
	Check uint64
}

// Vote is what a node has found of a check. It is immutable.
type Vote struct {
	// Node is the name of the voter.
	Node string
	// Check is the key by which the check is given to nodes, such as registry.CheckKey.
	Check string
	Version
	// Verdict is Unknown if the node may not probe the address: it has no say.
	Verdict health.Verdict
}

// Series is results of a check that are not enough for a verdict yet. It is immutable.
type Series struct {
	// Check is the key by which the check is given to nodes.
	Check string
	Version
	// At is when it was stored, in milliseconds since 1970, by the clock of the node that
	// ran the check.
	At int64
	// Results is the number of equal results, 1 to 255, and Pass what they were.
	Results uint8
	Pass    bool
}

// State is the votes and series. It is immutable; the zero value has none.
type State struct {
	votes  table.Map[*Vote]
	series table.Map[*Series]
}

// Vote returns the vote of a node on a check, or nil.
func (s *State) Vote(node, check string) *Vote {
	v, _ := s.votes.Get(node + "/" + check)
	return v
}

// Votes yields all votes, by node and check.
func (s *State) Votes() iter.Seq[*Vote] { return table.Within(s.votes, "", "") }

// Series returns the series of a check, or nil.
func (s *State) Series(check string) *Series {
	v, _ := s.series.Get(check)
	return v
}

// AllSeries yields all series, by check.
func (s *State) AllSeries() iter.Seq[*Series] { return table.Within(s.series, "", "") }

// Diff yields the keys of the checks of which votes or series differ between two states.
func Diff(old, now *State, changed func(check string)) {
	ptree.Diff(old.votes, now.votes, func(name string, _, _ *Vote) {
		_, check, _ := strings.Cut(name, "/")
		changed(check)
	})
	ptree.Diff(old.series, now.series, func(check string, _, _ *Series) { changed(check) })
}
