package prober

import (
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/member"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
)

// share is which checks this node runs. The zero value is all of them.
type share struct {
	self string       // the name of this node; empty: it runs all checks
	ring *member.Ring // of the live nodes
}

// owns reports whether this node runs the check with a key.
func (s share) owns(key string) bool { return s.self == "" || s.ring.Owner(key) == s.self }

// rebalance gives up the checks that another node runs from now on, and takes over those
// that this node runs. It does so when the live nodes have changed; checks that stay with
// this node go on as they were.
//
// A check that was taken over begins with the verdict that the registry holds and no
// results of its own, so it takes as many failures as its threshold to change it.
func (l *loop) rebalance(next *state.State) {
	if l.p.cfg.Self == nil {
		return
	}
	now := share{l.p.cfg.Self(), next.Member.Ring()}
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
			c, owned := g.checks[inst.ID()], now.owns(registry.CheckKey(id, inst.ID()))
			switch {
			case owned && c == nil:
				l.put(id, inst)
			case !owned && c != nil:
				l.drop(c)
			}
		}
	}
	hostedzone.DiffChecks(new(hostedzone.State), &l.snapshot.HostedZones, l.healthCheckChanged)
	l.restoring = restoring
}
