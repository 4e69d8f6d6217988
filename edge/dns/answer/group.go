package answer

import (
	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/rdata"
	"github.com/cairn-discovery/cairn/core/zone"
)

// Answers from the record sets of hosted zones, as their owners wrote them.

func hasGroup(set *zone.Set, rtype uint16) bool {
	if set == nil {
		return false
	}
	r := set.RRset(rtype)
	return r != nil && r.Group() != nil
}

// solveGroup answers from the record sets of the type that was asked for.
func (a *Answerer) solveGroup(g *zone.Group) {
	a.sets = a.snapshot.Zones.Choose(g, &a.picker, a.sets[:0])
	if len(a.sets) == 1 && a.sets[0].Alias != nil {
		a.resolveGroupAlias(a.sets[0].Alias)
		return
	}
	a.addSets(g.Type, a.sets)
}

// resolveGroupAlias answers with the records of the target of an alias as if they were
// those of the name.
func (a *Answerer) resolveGroupAlias(alias *zone.Alias) {
	for a.depth < maxDepth {
		z := a.snapshot.Zones.AliasZone(alias)
		if z == nil {
			// The records of an alias to a name of no zone of ours are addresses.
			if a.req.qtype == dnswire.TypeA || a.req.qtype == dnswire.TypeAAAA {
				a.resolveAlias(&zone.Record{Data: alias.Name})
			}
			return
		}
		a.depth++
		n := a.snapshot.Zones.Node(z, alias.Name)
		if n == nil {
			return // NODATA at the name of the alias
		}
		set := n.Set()
		if set == nil {
			if n.Host() != nil {
				a.solveTarget(n.Host())
			}
			return
		}
		r := a.rrset(set)
		if r == nil {
			return
		}
		if r.Group() == nil {
			a.solveMembers(set, r)
			return
		}
		a.sets = a.snapshot.Zones.Choose(r.Group(), &a.picker, a.sets[:0])
		if len(a.sets) != 1 || a.sets[0].Alias == nil {
			a.addSets(r.Type, a.sets)
			return
		}
		alias = a.sets[0].Alias
	}
	a.rcode, a.aa = dnswire.RcodeServFail, false
}

// addSets writes the records of record sets as one RRset: all have the smallest TTL (RFC
// 2181 section 5.2), and none is there twice. They begin at random, as those of other
// names do.
func (a *Answerer) addSets(rtype uint16, sets []*zone.RecordSet) {
	if len(sets) == 0 {
		return
	}
	ttl := sets[0].TTL
	for _, s := range sets {
		ttl = min(ttl, s.TTL)
	}
	start, n := len(a.out), 0
	for i, s := range sets {
		first := 0
		if len(s.Data) > 1 {
			first = int(a.picker.Rand.Below(uint64(len(s.Data))))
		}
		for j := range s.Data {
			data := s.Data[(first+j)%len(s.Data)]
			if i > 0 && repeated(sets[:i], data) {
				continue
			}
			if len(a.out) > maxMessage {
				break // it is truncated
			}
			a.addFixed(a.owner(), rtype, dnswire.ClassIN, ttl, len(data))
			a.out = append(a.out, data...)
			n++
		}
	}
	end := len(a.out)
	a.wrote(answerSection, start, 2, n)
	a.addTargets(start, end)
}

// maxMessage is the largest length of a message.
const maxMessage = 65535

func repeated(sets []*zone.RecordSet, data string) bool {
	for _, s := range sets {
		for _, other := range s.Data {
			if other == data {
				return true
			}
		}
	}
	return false
}

// addTargets adds the addresses of the names in the records between two offsets of the
// message to the additional section: RFC 1035 section 3.3, RFC 2782, RFC 9460 section 4.1.
// Addresses that do not fit are left out.
func (a *Answerer) addTargets(at, end int) {
	if a.minimal || a.zone == nil {
		return
	}
	var seen [16]int
	n := 0
	for at < end && n < len(seen) {
		rr, ok := dnswire.ParseRecord(a.out, at)
		if !ok {
			return
		}
		at = rr.End
		switch rr.Type {
		case dnswire.TypeNS, dnswire.TypeMX, dnswire.TypeSRV, dnswire.TypeSVCB, dnswire.TypeHTTPS:
		default:
			continue
		}
		for _, offset := range rdata.Names(rr.Type, string(a.out[rr.Data:rr.End])) {
			target := rr.Data + offset
			if target <= dnswire.MaxPointer && !a.sameTarget(seen[:n], target) {
				seen[n] = target
				n++
				a.addAddressesAt(target)
			}
		}
	}
}

func (a *Answerer) sameTarget(seen []int, at int) bool {
	for _, other := range seen {
		if dnswire.EqualName(a.out[other:other+dnswire.NameLen(a.out[other:])], a.out[at:at+dnswire.NameLen(a.out[at:])]) {
			return true
		}
	}
	return false
}

// addAddressesAt adds the addresses that this zone has of the name at an offset.
func (a *Answerer) addAddressesAt(at int) {
	var buf [maxName]byte
	name := buf[:copy(buf[:], a.out[at:at+dnswire.NameLen(a.out[at:])])]
	dnswire.Lower(name)
	if !dnswire.IsSubdomain(string(name), a.zone.Apex) {
		return
	}
	n := a.snapshot.Zones.Node(a.zone, string(name))
	if n == nil {
		n = a.wildcardOf(name)
	}
	if n == nil || n.Set() == nil {
		return
	}
	for _, rtype := range [...]uint16{dnswire.TypeA, dnswire.TypeAAAA} {
		r := n.Set().RRset(rtype)
		if r == nil || r.Group() == nil || r.ByLatency() || r.ByLocation() {
			continue
		}
		var some [zone.MaxAnswer]*zone.RecordSet
		for _, s := range a.snapshot.Zones.Choose(r.Group(), &a.picker, some[:0]) {
			a.addGlueOf(s, rtype, dnswire.Pointer(at))
		}
	}
}

// wildcardOf returns the wildcard of this zone that has the records of a name that does not
// exist, or nil.
func (a *Answerer) wildcardOf(name []byte) *zone.Node {
	q := a.query
	q.Name, q.Hash, q.Head, q.Found = name, zone.Hash(name), nil, false
	r := a.snapshot.Zones.Lookup(&q)
	if !r.Wildcard || r.Zone != a.zone {
		return nil
	}
	return r.Node
}

// addGlueOf adds the addresses of a record set if there is room for all of them.
func (a *Answerer) addGlueOf(s *zone.RecordSet, rtype, owner uint16) {
	start := len(a.out)
	for _, data := range s.Data {
		a.addFixed(owner, rtype, dnswire.ClassIN, s.TTL, len(data))
		a.out = append(a.out, data...)
	}
	if len(a.out) > a.room {
		a.out = a.out[:start]
		return
	}
	a.wrote(additionalSection, start, 2, len(s.Data))
}

// refer answers with a delegation: RFC 1034 section 4.3.2 step 3b. The DS record of the
// delegated name itself is in this zone: RFC 4035 section 3.1.4.1.
func (a *Answerer) refer(res *zone.Result) {
	cut := res.Node.Name()
	at := a.ownerAt + len(a.query.Name) - len(cut)
	ds := res.Node.Set().RRset(dnswire.TypeDS)
	if a.req.qtype == dnswire.TypeDS && len(a.query.Name) == len(cut) {
		a.aa = true
		if ds == nil {
			a.denyAtCut(res.Zone, res.Node)
			return
		}
		a.solveGroup(ds.Group())
		return
	}
	ns := res.Node.Set().RRset(dnswire.TypeNS)
	if a.counts[answerSection] == 0 {
		a.aa = false
	}
	start, owner := len(a.out), dnswire.Pointer(at)
	set := ns.Group().Sets[0]
	for _, data := range set.Data {
		a.addFixed(owner, dnswire.TypeNS, dnswire.ClassIN, set.TTL, len(data))
		a.out = append(a.out, data...)
	}
	end := len(a.out)
	a.counts[authoritySection] += uint16(len(set.Data)) // NS records of a delegation are not signed
	if a.mustSign(res.Zone) {
		a.proveDelegation(res, ds, at)
	}
	a.referralGlue(start, end)
}

// referralGlue adds the addresses that clients need to follow a delegation: even in an
// answer that is to be small (RFC 9471).
func (a *Answerer) referralGlue(start, end int) {
	minimal := a.minimal
	a.minimal = false
	a.addTargets(start, end)
	a.minimal = minimal
}

// proveDelegation adds the DS records of a delegation, or the proof that there are none.
func (a *Answerer) proveDelegation(res *zone.Result, ds *zone.RRset, at int) {
	ownerAt, name := a.ownerAt, a.query.Name
	a.ownerAt, a.query.Name = at, name[len(name)-len(res.Node.Name()):]
	if ds == nil {
		a.addCutNSEC(res.Zone)
	} else {
		set := ds.Group().Sets[0]
		start := len(a.out)
		for _, data := range set.Data {
			a.addFixed(a.owner(), dnswire.TypeDS, dnswire.ClassIN, set.TTL, len(data))
			a.out = append(a.out, data...)
		}
		a.wrote(authoritySection, start, 2, len(set.Data))
	}
	a.ownerAt, a.query.Name = ownerAt, name
}

// addCutNSEC proves that a delegated name has no DS records.
func (a *Answerer) addCutNSEC(z *zone.Zone) {
	start := len(a.out)
	a.addFixed(a.owner(), dnswire.TypeNSEC, dnswire.ClassIN, z.NegativeTTL(a.cfg.Strict), 0)
	a.out = dnssec.AppendNSEC(a.out, a.query.Name, dnswire.TypeRRSIG, dnswire.TypeNSEC, dnswire.TypeNS)
	put16(a.out[start+fixedLen-2:], uint16(len(a.out)-start-fixedLen))
	a.wrote(authoritySection, start, 2, 1)
}

// denyAtCut answers that a delegated name has no DS records.
func (a *Answerer) denyAtCut(z *zone.Zone, n *zone.Node) {
	a.addSOA(z, len(a.query.Name), authoritySection)
	if a.mustSign(z) {
		a.addCutNSEC(z)
	}
}
