package answer

import (
	"encoding/binary"

	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
)

// Answers from a signed zone have no signatures for clients that do not ask for
// them by DO (RFC 3225), and cost these clients nothing. This file and
// signatures.go are for those that ask.
//
// Nothing is signed in advance. Names that do not exist are denied by an NSEC
// record made for the question alone: RFC 9824.

// Signed MULTIVALUE and LATENCY answers with more than MaxAnswer records are drawn from
// fewSamples fixed samples, which are replaced every fewSeconds. So the number of RRsets to
// sign is limited.
const (
	fewSamples = 16
	fewSeconds = 10
)

// mustSign reports whether an answer from a zone carries signatures.
func (a *Answerer) mustSign(z *zone.Zone) bool {
	return len(z.Keys) > 0 && (a.req.edns.present && a.req.edns.do || a.req.qtype == dnswire.TypeRRSIG)
}

// useZone is called for every zone that records of the answer come from.
func (a *Answerer) useZone(z *zone.Zone) {
	a.wantSigs = a.wantSigs || a.mustSign(z)
}

// seedPicker prepares the picker for an RRset of a signed answer.
func (a *Answerer) seedPicker(set *zone.Set, r *zone.RRset) {
	if !r.Samples() {
		a.picker.Rand = a.random
		return
	}
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], uint64(a.unixTime()/fewSeconds))
	seed[8] = byte(a.random.Below(fewSamples))
	seed[9] = byte(a.req.qtype)
	copy(seed[10:], set.Source)
	first := zone.Hash(seed[:])
	seed[31]++
	a.signer.few.Seed(first, zone.Hash(seed[:]))
	a.picker.Rand = &a.signer.few
}

// deny ends an answer that has no records of the type that was asked for, or of
// a name that does not exist: then node is nil.
func (a *Answerer) deny(z *zone.Zone, node *zone.Node) {
	if len(z.Keys) > 0 {
		a.denySigned(z, node)
		return
	}
	if node == nil {
		a.rcode = dnswire.RcodeNXDomain
	}
	a.addSOA(z, len(a.query.Name), authoritySection)
}

// denySigned is deny for a signed zone: it adds the proof if the client asks for
// signatures.
func (a *Answerer) denySigned(z *zone.Zone, node *zone.Node) {
	sign := a.mustSign(z)
	if (sign || node != nil) && (a.req.qtype == dnswire.TypeNSEC || a.req.qtype == dnswire.TypeRRSIG) {
		a.addNSEC(z, node, answerSection)
		return
	}
	if node == nil {
		a.nxname = true
		if !sign || a.req.edns.compact() {
			a.rcode = dnswire.RcodeNXDomain
		}
	}
	a.addSOA(z, len(a.query.Name), authoritySection)
	if sign {
		a.addNSEC(z, node, authoritySection)
	}
}

// addNSEC adds the NSEC record of the name that is answered. Its TTL is that of
// the negative answer: RFC 9077.
func (a *Answerer) addNSEC(z *zone.Zone, node *zone.Node, s section) {
	var buf [16]uint16
	types := append(buf[:0], dnswire.TypeRRSIG, dnswire.TypeNSEC)
	switch {
	case a.wantSigs && a.cut != nil:
		types = append(types, dnswire.TypeNS)
	case node == nil:
		types = append(types, dnswire.TypeNXNAME)
	default:
		types = a.typesOf(types, z, node)
	}
	start := len(a.out)
	a.addFixed(a.owner(), dnswire.TypeNSEC, dnswire.ClassIN, z.NegativeTTL(a.cfg.Strict), 0)
	a.out = dnssec.AppendNSEC(a.out, a.query.Name, types...)
	put16(a.out[start+fixedLen-2:], uint16(len(a.out)-start-fixedLen))
	a.wrote(s, start, 2, 1)
}

// typesOf appends the types of records that a name has, without the one that was
// asked for and not found.
func (a *Answerer) typesOf(types []uint16, z *zone.Zone, n *zone.Node) []uint16 {
	add := func(t uint16, has bool) {
		if has && t != a.req.qtype {
			types = append(types, t)
		}
	}
	if n.IsApex() {
		add(dnswire.TypeNS, true)
		add(dnswire.TypeSOA, true)
		for _, t := range [...]uint16{dnswire.TypeDNSKEY, dnswire.TypeCDS, dnswire.TypeCDNSKEY} {
			add(t, len(z.Keys) > 0)
		}
	}
	if set := n.Set(); set != nil {
		for i := range set.RRsets() {
			r := &set.RRsets()[i]
			add(r.Type, r.Answers())
		}
	}
	v4, v6 := false, false
	for h := n.Host(); h != nil; h = h.NextSameName() {
		v4, v6 = v4 || h.HasV4 && !h.Pending, v6 || h.HasV6 && !h.Pending
	}
	add(dnswire.TypeA, v4)
	add(dnswire.TypeAAAA, v6)
	return types
}

// asksForDNSSEC reports whether the question is for records that only signed
// zones have.
func (r *Request) asksForDNSSEC() bool {
	return r.qtype >= dnswire.TypeRRSIG && r.qtype <= dnswire.TypeDNSKEY || r.qtype == dnswire.TypeCDS || r.qtype == dnswire.TypeCDNSKEY
}

// solveKeys answers for the types that exist at the apex only. NSEC and RRSIG are
// left to deny: every name has an NSEC record and some RRSIG records, even beside a
// CNAME record, and one of these is enough (RFC 8482 section 4.1).
func (a *Answerer) solveKeys(res *zone.Result) {
	switch {
	case a.req.qtype == dnswire.TypeNSEC || a.req.qtype == dnswire.TypeRRSIG:
	case res.Node.IsApex():
		a.addKeys(res.Zone)
	case res.Node.Set() != nil && res.Node.Set().CNAME() != nil:
		a.solveCNAME(res.Node.Set().CNAME())
	}
}

// addKeys answers for the apex of a signed zone: RFC 4034 section 2, RFC 7344.
// The parent is to have a DS record for the key that signs.
func (a *Answerer) addKeys(z *zone.Zone) {
	active := z.Keys.Active(a.now().UnixMilli())
	for i := range z.Keys {
		k := &z.Keys[i]
		if k != active && a.req.qtype != dnswire.TypeDNSKEY {
			continue
		}
		key, ds := k.DNSKEY(), k.DS(z.Apex)
		data := key[:]
		if a.req.qtype == dnswire.TypeCDS {
			data = ds[:]
		}
		addRecord(a, answerSection, a.req.qtype, dnssec.KeyTTL, data)
	}
}

// solveDS answers for the DS record, which is the parent's, where a zone begins
// in another one: RFC 4035 section 3.1.4.1. It is false everywhere else.
func (a *Answerer) solveDS() bool {
	name := a.query.Name
	if name[0] == 0 {
		return false
	}
	res := a.snapshot.Zones.Lookup(&a.query)
	if res.State != zone.Hit || !res.Node.IsApex() {
		return false
	}
	child := res.Zone
	above := a.query
	above.Name, above.Found = dnswire.Parent(name), false
	above.Hash = zone.Hash(above.Name)
	parent := a.snapshot.Zones.Lookup(&above).Zone
	if parent == nil {
		return false
	}
	a.zone, a.aa = parent, true
	if a.useZone(parent); a.wantSigs {
		a.cut = parent
	}
	if n := a.snapshot.Zones.Node(parent, string(name)); n != nil && hasGroup(n.Set(), dnswire.TypeDS) {
		a.solveGroup(n.Set().RRset(dnswire.TypeDS).Group())
		return true
	}
	if len(child.Keys) == 0 {
		a.deny(parent, &zone.Node{})
		return true
	}
	for i := range child.Keys {
		ds := child.Keys[i].DS(child.Apex)
		addRecord(a, answerSection, dnswire.TypeDS, dnssec.KeyTTL, ds[:])
	}
	return true
}
