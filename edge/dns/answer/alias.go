package answer

import (
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
)

// resolveAlias answers with the addresses of the target of an alias as if they
// were the service's own. The registrant chose the target, so it is resolved for
// every client that sees the service, and nothing else is resolved for strangers.
func (a *Answerer) resolveAlias(target *zone.Record) {
	own := a.query
	defer func() { a.query = own }()
	name := target.Data
	for a.depth < maxDepth {
		a.setQueryName(name, &a.aliasBuf)
		res := a.snapshot.Zones.Lookup(&a.query)
		switch {
		case res.State == zone.Refused:
			if name = a.resolveExternalAlias(); name == "" {
				return
			}
			continue
		case res.State == zone.NXDOMAIN, res.State == zone.Referral:
			return // no addresses: NODATA at the name of the alias
		case res.Node.Host() != nil:
			a.solveTarget(res.Node.Host())
			return
		case res.Node.Set() == nil:
			return
		}
		if name = a.solveAliasTarget(res.Node.Set()); name == "" {
			return
		}
	}
	a.rcode, a.aa = dnswire.RcodeServFail, false
}

// solveAliasTarget answers with the addresses of a set, or returns the next
// target.
func (a *Answerer) solveAliasTarget(set *zone.Set) string {
	if cname := set.CNAME(); cname != nil {
		target, _ := a.pickCNAME(cname)
		return target
	}
	r := a.rrset(set)
	if r == nil {
		return ""
	}
	if g := r.Group(); g != nil {
		a.solveGroup(g)
		return ""
	}
	if a.req.qtype == dnswire.TypeA {
		n, ttl, next := set.PickA(&a.picker, &a.v4)
		if next == nil {
			a.addA(ttl, a.v4[:n])
		}
		return targetName(next)
	}
	n, ttl, next := set.PickAAAA(&a.picker, &a.v6)
	if next == nil {
		a.addAAAA(ttl, a.v6[:n])
	}
	return targetName(next)
}

// targetName returns the name that an alias leads to, or "" for no alias.
func targetName(alias *zone.Record) string {
	if alias == nil {
		return ""
	}
	return alias.Data
}

// resolveExternalAlias asks an upstream resolver for the addresses of the name
// that is looked up. If its aliases lead to a name of ours, that is returned.
func (a *Answerer) resolveExternalAlias() string {
	resp := a.resolve(a.query.Name, a.req.qtype)
	if a.needsWait {
		return ""
	}
	if resp == nil || resp.Rcode != dnswire.RcodeNoError && resp.Rcode != dnswire.RcodeNXDomain {
		a.rcode, a.aa = dnswire.RcodeServFail, false
		return ""
	}
	if _, own := a.ownTarget(resp.Answer); own != nil {
		return string(own)
	}
	ttl := resp.MinTTL() // all CNAME records on the way count
	a.aged = true
	for i := range resp.Answer {
		rr := &resp.Answer[i]
		if rr.Type == a.req.qtype && len(a.out)+fixedLen+len(rr.Data) <= a.room {
			addRecord(a, answerSection, rr.Type, ttl, rr.Data)
		}
	}
	return ""
}
