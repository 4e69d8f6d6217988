package prober

import (
	"strings"

	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/member"
	"github.com/cairn-discovery/cairn/core/probe"
	"github.com/cairn-discovery/cairn/core/registry"
)

// Voting. Several nodes run each check. Its owner publishes a verdict, by the ballot of all
// of them; the others publish their votes, see core/probe. Without voting only the owner
// runs the check.

// voting reports whether several nodes run each check.
func (l *loop) voting() bool { return l.share.self != "" && l.share.voters > 1 }

// wanted returns the verdict that the state should have by what the owner of a check knows.
// Unknown changes nothing.
func (l *loop) wanted(c *check) health.Verdict {
	if !l.voting() {
		return c.track.Verdict()
	}
	var b health.Ballot
	for _, v := range l.ballot(c) {
		if !v.Abstains {
			b.Add(v.Verdict)
		}
	}
	return b.Verdict(l.p.cfg.HealthyShare)
}

// ballot returns the votes of the nodes that run a check. A node that has not found
// anything yet agrees with the stored verdict.
func (l *loop) ballot(c *check) []health.Vote {
	key := c.key()
	top := l.share.ring.Top(key, l.share.voters)
	votes := make([]health.Vote, 0, len(top))
	for _, name := range top {
		v := health.Vote{Node: name, Verdict: c.published}
		stored := l.told.Vote(name, key)
		switch {
		case name == l.share.self && c.track.Found() != health.Unknown:
			v.Verdict = c.track.Found()
		case name == l.share.self:
			v.Abstains = c.last.Kind == health.Forbidden
		case stored != nil && stored.Version == c.version():
			v.Verdict, v.Abstains = stored.Verdict, stored.Verdict == health.Unknown
		}
		votes = append(votes, v)
	}
	return votes
}

// vote returns the vote that this node has to store about a check that another node owns,
// or the stored one that it has to delete.
func (l *loop) vote(c *check) (put *probe.Vote, outdated *probe.Vote) {
	key, found := c.key(), c.track.Found()
	stored := l.told.Vote(l.share.self, key)
	current := stored != nil && stored.Version == c.version()
	mine := &probe.Vote{Check: key, Version: c.version(), Verdict: found}
	abstains := found == health.Unknown && c.last.Kind == health.Forbidden && c.published == health.Unknown
	switch {
	case found == health.Unknown && !abstains:
		if stored != nil && !current {
			return nil, stored
		}
		return nil, nil
	case current && stored.Verdict == found:
		return nil, nil
	case found == c.published && !abstains:
		return nil, stored // no vote agrees
	}
	return mine, nil
}

// key returns the key by which a check is given to nodes.
func (c *check) key() string {
	if c.group.healthCheck != nil {
		return string(c.group.service)
	}
	return registry.CheckKey(c.group.service, c.id)
}

// version returns the version of what a check probes.
func (c *check) version() probe.Version {
	return probe.Version{Registered: c.registered, Check: c.group.check.Stamp}
}

// find returns the check with a key if this node runs it, or nil.
func (l *loop) find(key string) *check {
	if g := l.groups[registry.ServiceID(key)]; g != nil { // of Route 53
		for _, c := range g.checks {
			return c
		}
	}
	service, instance, _ := strings.Cut(key, "/")
	if g := l.groups[registry.ServiceID(service)]; g != nil {
		return g.checks[registry.InstanceID(instance)]
	}
	return nil
}

// toldChanged handles a change of what nodes have stored about a check.
func (l *loop) toldChanged(key string) {
	c := l.find(key)
	if c != nil {
		l.resumeSeries(c)
		l.mark(c)
	}
	l.tidy(key, c)
}

// tidy plans to delete the vote of this node on a check that it does not run, or owns.
func (l *loop) tidy(key string, c *check) {
	if v := l.told.Vote(l.share.self, key); v != nil && (c == nil || c.owner) {
		l.outdated.votes[v] = struct{}{}
	}
}

// tidyAll plans to delete all that is of no use after a change of the live nodes: votes of
// nodes that are gone, and series that no node has taken. Each is deleted by one node.
func (l *loop) tidyAll(members *member.State) {
	for v := range l.told.Votes() {
		if _, live := members.Node(v.Node); !live && l.share.rank(v.Check) == 0 {
			l.outdated.votes[v] = struct{}{}
		} else if v.Node == l.share.self {
			l.tidy(v.Check, l.find(v.Check))
		}
	}
	for s := range l.told.AllSeries() {
		c := l.find(s.Check)
		if l.share.rank(s.Check) == 0 && (c == nil || !l.fresh(c, s)) {
			l.outdated.series[s.Check] = struct{}{}
		}
	}
}
