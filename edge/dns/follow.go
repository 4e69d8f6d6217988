package dns

import (
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/edge/dns/forward"
)

// maxHops bounds how many aliases are followed for one query.
const maxHops = 8

// solveCNAME answers with the CNAME record of a service, and follows it: RFC
// 1034 section 4.3.2 step 3a.
func (a *answerer) solveCNAME(out []byte, cname *zone.RRset) []byte {
	target := cname.PickOne(&a.picker)
	if target == nil {
		return out
	}
	out = addHead(out, a.owner(), typeCNAME, classIN, cname.TTL, len(target.Data))
	at := len(out)
	out = append(out, target.Data...)
	a.answers++
	if a.req.qtype == typeCNAME || a.req.qtype == typeANY || a.hops == maxHops || at > maxPointer {
		return out
	}
	a.at = at
	return a.follow(out, target.Data)
}

// ask makes name the one that is looked up, and keeps it in buf.
func (a *answerer) ask(name string, buf *[maxName]byte) {
	a.hops++
	a.query.Name = buf[:copy(buf[:], name)]
	dnswire.Lower(a.query.Name)
	a.query.Hash, a.query.Found = zone.Hash(a.query.Name), false
}

// follow answers for the target of a CNAME record, which stands at a.at. The
// response code is that of the last name: RFC 6604 section 2.1.
func (a *answerer) follow(out []byte, target string) []byte {
	a.ask(target, &a.chased)
	if h := a.server.hostNamed(a.query.Name, a.query.Hash); h != nil {
		switch {
		case a.req.qtype == typeA:
			return a.addA(out, hostTTL, h.v4)
		case a.req.qtype == typeAAAA:
			return a.addAAAA(out, hostTTL, h.v6)
		}
		return out
	}
	res := a.snapshot.Zones.Lookup(&a.query)
	if res.Zone != nil && len(res.Zone.Keys) > 0 {
		a.meet(res.Zone)
	}
	switch res.State {
	case zone.Hit:
		return a.solveNode(out, &res)
	case zone.NXDOMAIN:
		return a.deny(out, res.Zone, nil)
	}
	if !a.mayRecurse() {
		return out
	}
	resp := a.resolve(a.query.Name, a.req.qtype)
	if resp == nil {
		a.rcode = rcodeServFail // unless a.later
		return out
	}
	a.rcode = resp.Rcode & 0xf
	out = a.addForwarded(out, resp.Answer, resp.Age, anSection)
	return a.addForwarded(out, resp.Authority, resp.Age, nsSection)
}

// addForwarded adds records of an upstream's answer to the name that is looked
// up. It is written as it stands in the message already: the upstream was asked
// in a case of its own.
func (a *answerer) addForwarded(out []byte, rrs []forward.RR, age uint32, s section) []byte {
	for i := range rrs {
		rr := &rrs[i]
		if dnswire.EqualName(rr.Name, a.query.Name) {
			out = add16(out, a.owner())
		} else {
			out = append(out, rr.Name...)
		}
		out = add64(out, uint64(rr.Type)<<48|uint64(rr.Class)<<32|uint64(rr.TTL-age))
		out = add16(out, uint16(len(rr.Data)))
		out = append(out, rr.Data...)
	}
	a.count(s, len(rrs))
	return out
}

// alias answers with the addresses of an alias's target as if they were the
// service's own. The target is the registrant's choice, so it is resolved for
// every client that sees the service, and nobody gets anything else resolved.
func (a *answerer) alias(out []byte, target *zone.Record) []byte {
	own := a.query
	defer func() { a.query = own }()
	for a.hops < maxHops {
		a.ask(target.Data, &a.aliased)
		res := a.snapshot.Zones.Lookup(&a.query)
		switch {
		case res.State == zone.Refused:
			return a.aliasOutside(out)
		case res.State == zone.NXDOMAIN:
			return out // no addresses: NODATA at the alias's own name
		case res.Node.Host() != nil:
			return a.solveTarget(out, res.Node.Host())
		case res.Node.Set() == nil:
			return out
		}
		set := res.Node.Set()
		if cname := set.CNAME(); cname != nil {
			if target = cname.PickOne(&a.picker); target == nil {
				return out
			}
			continue
		}
		r := set.RRset(a.req.qtype)
		if r == nil {
			return out
		}
		if r.ByLatency() {
			a.findRegion()
		}
		if a.signs {
			a.pickFrom(set, r)
		}
		if a.req.qtype == typeA {
			n, ttl, next := set.PickA(&a.picker, &a.v4)
			if target = next; target == nil {
				return a.addA(out, ttl, a.v4[:n])
			}
		} else {
			n, ttl, next := set.PickAAAA(&a.picker, &a.v6)
			if target = next; target == nil {
				return a.addAAAA(out, ttl, a.v6[:n])
			}
		}
	}
	a.rcode, a.aa = rcodeServFail, false
	return out
}

// aliasOutside asks an upstream resolver for the addresses of the name that is
// looked up.
func (a *answerer) aliasOutside(out []byte) []byte {
	resp := a.resolve(a.query.Name, a.req.qtype)
	if a.later {
		return out
	}
	if resp == nil || resp.Rcode != rcodeNoError && resp.Rcode != rcodeNXDomain {
		a.rcode, a.aa = rcodeServFail, false
		return out
	}
	ttl := resp.MinTTL() // all CNAME records on the way count
	a.state.aged = true
	for i := range resp.Answer {
		rr := &resp.Answer[i]
		if rr.Type == a.req.qtype && len(out)+recordLen+len(rr.Data) <= a.room {
			out = addHead(out, a.owner(), rr.Type, classIN, ttl, len(rr.Data))
			out = append(out, rr.Data...)
			a.answers++
		}
	}
	return out
}

// mayRecurse reports whether names outside our zones are resolved for the
// client. Everybody else must not find an open resolver here.
func (a *answerer) mayRecurse() bool {
	return a.server.cfg.Forward != nil && a.client.Recursion && a.req.flags&flagRD != 0
}

// forward answers from an upstream resolver, or refuses.
func (a *answerer) forward(out []byte) []byte {
	r := a.req
	if !a.mayRecurse() || a.server.cfg.Forward.IsOwnQuery(get16(r.msg), r.msg[headerLen:r.end]) {
		a.rcode = rcodeRefused
		return out
	}
	resp := a.resolve(r.name, r.qtype)
	if a.later {
		return out
	}
	if resp == nil {
		a.rcode = rcodeServFail
		return out
	}
	a.rcode = resp.Rcode & 0xf
	out, fits := resp.Append(out, a.room)
	a.answers, a.authority = get16(out[atANCount:]), get16(out[atNSCount:])
	a.tc = !fits
	return out
}

// resolve asks the cache, and the upstream resolvers if it may wait for them.
// Nil: there is no answer, or a.later is set and there may be one.
func (a *answerer) resolve(name []byte, qtype uint16) *forward.Response {
	f := a.server.cfg.Forward
	if f == nil {
		return nil
	}
	r := a.req
	q := forward.Question{Name: name, Type: qtype, Class: classIN, DO: r.edns.present && r.edns.do, CD: r.flags&flagCD != 0}
	if a.ctx == nil {
		if f.Cached(q, &a.cached) {
			return &a.cached
		}
		a.later = true
		return nil
	}
	resp, err := f.Resolve(a.ctx, q)
	if err != nil {
		a.server.cfg.Logger.Debug("not resolved", "name", dnswire.Text(name), "type", qtype, "err", err)
		return nil
	}
	return resp
}
