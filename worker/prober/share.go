package prober

import (
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/member"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
)

// share is which checks this node runs. The zero value is all of them.
type share struct {
	self   string       // the name of this node; empty: it runs all checks
	ring   *member.Ring // of the live nodes
	voters int          // how many nodes run each check
}

// rank returns the place of this node among those that run the check with a key: 0 if it
// owns the check, below 0 if it does not run it.
func (s share) rank(key string) int {
	if s.self == "" {
		return 0
	}
	if r := s.ring.Rank(key, s.self); r < s.voters {
		return r
	}
	return -1
}

// rebalance gives up the checks that another node runs from now on, and takes over those
// that this node runs. It does so when the live nodes have changed; checks that stay with
// this node go on as they were.
//
// A check that was taken over begins with the verdict that the registry holds, and with the
// results that the other node has handed over, if there are any.
func (l *loop) rebalance(next *state.State) {
	if l.p.cfg.Self == nil {
		return
	}
	now := share{l.p.cfg.Self(), next.Member.Ring(), l.p.cfg.Voters}
	if now == l.share {
		return
	}
	l.share = now
	restoring := l.restoring
	l.restoring = true
	for id, g := range l.groups {
		svc, ok := l.snapshot.Registry.Service(g.accountID, id)
		if !ok {
			continue
		}
		for _, inst := range svc.Instances("") {
			c, rank := g.checks[inst.ID()], now.rank(registry.CheckKey(id, inst.ID()))
			switch {
			case rank >= 0 && c == nil:
				l.put(id, inst)
			case rank < 0 && c != nil:
				l.giveUp(c)
			case c != nil:
				c.owner = rank == 0
				l.mark(c)
			}
		}
	}
	hostedzone.DiffChecks(new(hostedzone.State), &l.snapshot.HostedZones, l.healthCheckChanged)
	l.restoring = restoring
	l.tidyAll(&next.Member)
}
