package answer

import (
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/edge/dns/forward"
)

// maxDepth bounds how many aliases are followed for one query.
const maxDepth = 8

// solveCNAME answers with the CNAME record of a service, and follows it: RFC
// 1034 section 4.3.2 step 3a.
func (a *Answerer) solveCNAME(cname *zone.RRset) {
	target, ttl := a.pickCNAME(cname)
	if target == "" || a.meetsItself() || a.ownerNum == len(a.owners) {
		return
	}
	a.owners[a.ownerNum], a.ownerNum = a.ownerAt, a.ownerNum+1
	at := len(a.out) + fixedLen
	addRecord(a, answerSection, dnswire.TypeCNAME, ttl, target)
	if a.req.qtype == dnswire.TypeCNAME || a.req.qtype == dnswire.TypeANY || a.depth == maxDepth || at > dnswire.MaxPointer {
		return
	}
	a.ownerAt = at
	a.follow(target)
}

// pickCNAME chooses the target of a CNAME record, with the TTL of the record. "" is none.
func (a *Answerer) pickCNAME(cname *zone.RRset) (target string, ttl uint32) {
	g := cname.Group()
	if g == nil {
		if rec := cname.PickOne(&a.picker); rec != nil {
			target = rec.Data
		}
		return target, cname.TTL
	}
	if cname.ByLatency() {
		a.findRegion()
	}
	if cname.ByLocation() {
		a.findLocation()
	}
	for range maxDepth {
		a.sets = a.snapshot.Zones.Choose(g, &a.picker, a.sets[:0])
		if len(a.sets) == 0 {
			return "", 0
		}
		set := a.sets[0]
		if set.Alias == nil {
			return set.Data[0], set.TTL
		}
		r := a.snapshot.Zones.AliasTarget(set.Alias, dnswire.TypeCNAME)
		if r == nil || r.Group() == nil {
			return "", 0
		}
		g = r.Group()
	}
	return "", 0
}

// meetsItself reports whether the name that is looked up has a CNAME record in the
// answer already: the chain ends there, since a name has only one.
func (a *Answerer) meetsItself() bool {
	var room [maxName]byte
	for _, at := range a.owners[:a.ownerNum] {
		if name, _ := dnswire.AppendFullName(room[:0], a.out, at); dnswire.EqualName(name, a.query.Name) {
			a.inLoop = true
			return true
		}
	}
	return false
}

// setQueryName makes name the one that is looked up, and keeps it in buf.
func (a *Answerer) setQueryName(name string, buf *[maxName]byte) {
	a.depth++
	a.query.Name = buf[:copy(buf[:], name)]
	dnswire.Lower(a.query.Name)
	a.query.Hash, a.query.Found = zone.Hash(a.query.Name), false
}

// follow answers for the target of a CNAME record, which is at a.ownerAt. The
// response code is that of the last name: RFC 6604 section 2.1.
func (a *Answerer) follow(target string) {
	a.setQueryName(target, &a.cnameBuf)
	res := a.snapshot.Zones.Lookup(&a.query)
	if res.Zone != nil && len(res.Zone.Keys) > 0 {
		a.useZone(res.Zone)
	}
	switch res.State {
	case zone.Hit:
		a.solveNode(&res)
		return
	case zone.NXDOMAIN:
		a.deny(res.Zone, nil)
		return
	case zone.Referral:
		a.zone = res.Zone
		a.refer(&res)
		return
	}
	if !a.mayRecurse() || a.meetsItself() {
		return
	}
	resp := a.resolve(a.query.Name, a.req.qtype)
	if resp == nil {
		a.rcode = dnswire.RcodeServFail // unless a.needsWait
		return
	}
	if a.followUpstream(resp) {
		return
	}
	a.rcode = resp.Rcode & 0xf
	a.addForwarded(resp.Answer, resp.Age, answerSection)
	a.addForwarded(resp.Authority, resp.Age, authoritySection)
}

// addForwarded adds records of an upstream's answer to the name that is looked
// up. That name is written as it is in the message already: the upstream was
// asked in a case of its own.
func (a *Answerer) addForwarded(rrs []forward.RR, age uint32, s section) {
	for i := range rrs {
		rr, start := &rrs[i], len(a.out)
		if dnswire.EqualName(rr.Name, a.query.Name) {
			a.out = add16(a.out, a.owner())
		} else {
			a.out = append(a.out, rr.Name...)
		}
		ownerLen := len(a.out) - start
		out := add64(a.out, uint64(rr.Type)<<48|uint64(rr.Class)<<32|uint64(rr.TTL-age))
		out = add16(out, uint16(len(rr.Data)))
		a.out = append(out, rr.Data...)
		a.wrote(s, start, ownerLen, 1)
	}
}

// mayRecurse reports whether names outside our zones are resolved for the
// client. For others this is not an open resolver.
func (a *Answerer) mayRecurse() bool {
	return a.cfg.Forward != nil && a.client.Recursion && a.req.flags&dnswire.FlagRD != 0
}

// forward answers from an upstream resolver, or refuses.
func (a *Answerer) forward() {
	r := a.req
	if !a.mayRecurse() || a.cfg.Forward.IsOwnQuery(get16(r.msg), r.msg[headerLen:r.end]) {
		a.rcode = dnswire.RcodeRefused
		return
	}
	resp := a.resolve(r.name, r.qtype)
	if a.needsWait {
		return
	}
	if resp == nil {
		a.rcode = dnswire.RcodeServFail
		return
	}
	if a.followUpstream(resp) {
		return
	}
	a.rcode = resp.Rcode & 0xf
	out, fits := resp.Append(a.out, a.room)
	a.out = out
	a.counts[answerSection], a.counts[authoritySection] = get16(out[anCountAt:]), get16(out[nsCountAt:])
	a.tc = !fits
}

// followUpstream handles an answer of an upstream whose aliases lead to a name of our
// zones, or to a host of ours: the answer contains the aliases, and the name is answered
// here. Records of the upstream about the name are not used. It returns false for every
// other answer.
func (a *Answerer) followUpstream(resp *forward.Response) bool {
	before, target := a.ownTarget(resp.Answer)
	if target == nil {
		return false
	}
	start := len(a.out)
	a.addForwarded(resp.Answer[:before], resp.Age, answerSection)
	for at := start; at < len(a.out); {
		rr, ok := dnswire.ParseRecord(a.out, at)
		if !ok {
			break
		}
		if at = rr.End; rr.Type == dnswire.TypeCNAME {
			a.ownerAt = rr.Data
			if a.ownerNum < len(a.owners) {
				a.owners[a.ownerNum], a.ownerNum = rr.Start, a.ownerNum+1
			}
		}
	}
	if a.depth < maxDepth && a.ownerAt <= dnswire.MaxPointer {
		a.follow(string(target))
	}
	return true
}

// ownTarget returns the first target of an alias that is a name of ours, and the number
// of records before those of the target. It returns nil if there is none.
func (a *Answerer) ownTarget(rrs []forward.RR) (before int, target []byte) {
	var room [maxName]byte
	for i := range rrs {
		if rrs[i].Type != dnswire.TypeCNAME {
			continue
		}
		q := a.query
		q.Name, q.Found = room[:copy(room[:], rrs[i].Data)], false
		dnswire.Lower(q.Name)
		q.Hash = zone.Hash(q.Name)
		if a.snapshot.Zones.Lookup(&q).State == zone.Refused {
			continue
		}
		for before = i + 1; before < len(rrs) && !dnswire.EqualName(rrs[before].Name, q.Name); before++ {
		}
		return before, rrs[i].Data
	}
	return 0, nil
}

// resolve asks the cache, and the upstream resolvers if it may wait for them. It
// returns nil if there is no answer, or if a.needsWait is set and there may be
// one.
func (a *Answerer) resolve(name []byte, qtype uint16) *forward.Response {
	f := a.cfg.Forward
	if f == nil {
		return nil
	}
	r := a.req
	q := forward.Question{Name: name, Type: qtype, Class: dnswire.ClassIN, DO: r.edns.present && r.edns.do, CD: r.flags&dnswire.FlagCD != 0}
	if a.ctx == nil {
		if f.Cached(q, &a.cached) {
			return &a.cached
		}
		a.needsWait = true
		return nil
	}
	resp, err := f.Resolve(a.ctx, q)
	if err != nil {
		a.cfg.Logger.Debug("not resolved", "name", dnswire.Text(name), "type", qtype, "err", err)
		return nil
	}
	return resp
}
