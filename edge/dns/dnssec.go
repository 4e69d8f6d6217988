package dns

import (
	"encoding/binary"

	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
)

// A zone that is signed is answered without signatures to all clients that do
// not ask for them by DO (RFC 3225), and that costs nothing. What is here and in
// signatures.go is for those who do.
//
// Nothing of a zone is signed beforehand. What does not exist is denied by an
// NSEC record made for the question alone: RFC 9824.

// With few, MULTIVALUE and LATENCY answers of more than MaxAnswer instances are
// drawn from a few samples at a time, or there would be no end of RRsets to
// sign. All samples are as likely as any, and every fewSeconds there are others.
const (
	fewSamples = 16
	fewSeconds = 10
)

// signing is what an answerer needs for an answer with signatures.
type signing struct {
	nxname bool       // the name does not exist, whatever the response code
	aged   bool       // addresses are from a cache, so their TTL falls
	cut    *zone.Zone // whose answer it is about a zone below; nil: none
	few    zone.Rand  // see pickFrom
	sigs   *signatures
}

// signing reports whether an answer from a zone carries signatures.
func (a *answerer) signing(z *zone.Zone) bool {
	return len(z.Keys) > 0 && (a.req.edns.present && a.req.edns.do || a.req.qtype == dnswire.TypeRRSIG)
}

// meet takes note of a zone that the answer comes from.
func (a *answerer) meet(z *zone.Zone) {
	if !a.signs && a.signing(z) {
		a.signs = true
		a.state.nxname, a.state.aged, a.state.cut = false, false, nil
	}
}

// pickFrom makes the picker ready for a set of a signed answer.
func (a *answerer) pickFrom(set *zone.Set, r *zone.RRset) {
	if !r.Samples() {
		a.picker.Rand = a.random
		return
	}
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], uint64(a.seconds()/fewSeconds))
	seed[8] = byte(a.random.Below(fewSamples))
	seed[9] = byte(a.req.qtype)
	copy(seed[10:], set.Source)
	first := zone.Hash(seed[:])
	seed[31]++
	a.state.few.Seed(first, zone.Hash(seed[:]))
	a.picker.Rand = &a.state.few
}

// deny ends an answer that has no records of the type that was asked for, or of
// a name that does not exist: then node is nil.
func (a *answerer) deny(out []byte, z *zone.Zone, node *zone.Node) []byte {
	if len(z.Keys) > 0 {
		return a.denySigned(out, z, node)
	}
	if node == nil {
		a.rcode = rcodeNXDomain
	}
	return a.addSOA(out, z, len(a.query.Name), nsSection)
}

// denySigned proves it to those who ask for proof.
func (a *answerer) denySigned(out []byte, z *zone.Zone, node *zone.Node) []byte {
	sign := a.signing(z)
	if (sign || node != nil) && (a.req.qtype == dnswire.TypeNSEC || a.req.qtype == dnswire.TypeRRSIG) {
		return a.addNSEC(out, z, node, anSection)
	}
	if node == nil {
		a.state.nxname = true
		if !sign || a.req.edns.compact() {
			a.rcode = rcodeNXDomain
		}
	}
	out = a.addSOA(out, z, len(a.query.Name), nsSection)
	if sign {
		out = a.addNSEC(out, z, node, nsSection)
	}
	return out
}

// addNSEC adds the NSEC record of the name being answered. Its TTL is that of
// the negative answer: RFC 9077.
func (a *answerer) addNSEC(out []byte, z *zone.Zone, node *zone.Node, s section) []byte {
	var buf [16]uint16
	types := append(buf[:0], dnswire.TypeRRSIG, dnswire.TypeNSEC)
	switch {
	case a.signs && a.state.cut != nil:
		types = append(types, typeNS)
	case node == nil:
		types = append(types, dnswire.TypeNXNAME)
	default:
		types = a.typesOf(types, z, node)
	}
	at := len(out)
	out = addHead(out, a.owner(), dnswire.TypeNSEC, classIN, z.NegativeTTL(a.server.cfg.Strict), 0)
	out = dnssec.AppendNSEC(out, a.query.Name, types...)
	put16(out[at+recordLen-2:], uint16(len(out)-at-recordLen))
	a.count(s, 1)
	return out
}

// typesOf appends the types of records that a name has, without the one that was
// asked for and not found.
func (a *answerer) typesOf(types []uint16, z *zone.Zone, n *zone.Node) []uint16 {
	add := func(t uint16, has bool) {
		if has && t != a.req.qtype {
			types = append(types, t)
		}
	}
	if n.IsApex() {
		add(typeNS, true)
		add(typeSOA, true)
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
	add(typeA, v4)
	add(typeAAAA, v6)
	return types
}

// asksForDNSSEC reports whether the question is for records that only signed
// zones have.
func (r *request) asksForDNSSEC() bool {
	return r.qtype >= dnswire.TypeRRSIG && r.qtype <= dnswire.TypeDNSKEY || r.qtype == dnswire.TypeCDS || r.qtype == dnswire.TypeCDNSKEY
}

// solveKeys answers for what is at the apex alone. The rest is for deny: every
// name has an NSEC record and some RRSIG records, even beside a CNAME record, and
// of these one is enough (RFC 8482 section 4.1).
func (a *answerer) solveKeys(out []byte, res *zone.Result) []byte {
	switch {
	case a.req.qtype == dnswire.TypeNSEC || a.req.qtype == dnswire.TypeRRSIG:
	case res.Node.IsApex():
		return a.addKeys(out, res.Zone)
	case res.Node.Set() != nil && res.Node.Set().CNAME() != nil:
		return a.solveCNAME(out, res.Node.Set().CNAME())
	}
	return out
}

// addKeys answers for the apex of a signed zone: RFC 4034 section 2, RFC 7344.
// The parent is to have a DS record for the key that signs.
func (a *answerer) addKeys(out []byte, z *zone.Zone) []byte {
	active := z.Keys.Active(a.server.now().UnixMilli())
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
		out = a.addData(out, a.req.qtype, dnssec.KeyTTL, data)
	}
	return out
}

// addData adds a record to the answer section.
func (a *answerer) addData(out []byte, rtype uint16, ttl uint32, data []byte) []byte {
	out = addHead(out, a.owner(), rtype, classIN, ttl, len(data))
	a.answers++
	return append(out, data...)
}

// solveDS answers for the DS record, which is the parent's, where a zone begins
// in another one: RFC 4035 section 3.1.4.1. It is false everywhere else.
func (a *answerer) solveDS(out []byte) ([]byte, bool) {
	name := a.query.Name
	if name[0] == 0 {
		return out, false
	}
	var child *zone.Zone // nil: the name is one of the server's own hosts
	if a.server.hostNamed(name, a.query.Hash) == nil {
		res := a.snapshot.Zones.Lookup(&a.query)
		if res.State != zone.Hit || !res.Node.IsApex() {
			return out, false
		}
		child = res.Zone
	}
	above := a.query
	above.Name, above.Found = name[1+name[0]:], false
	above.Hash = zone.Hash(above.Name)
	parent := a.snapshot.Zones.Lookup(&above).Zone
	if parent == nil {
		return out, false
	}
	a.zone, a.aa = parent, true
	if a.meet(parent); a.signs {
		a.state.cut = parent
	}
	if child == nil || len(child.Keys) == 0 {
		return a.deny(out, parent, &zone.Node{}), true
	}
	for i := range child.Keys {
		ds := child.Keys[i].DS(child.Apex)
		out = a.addData(out, dnswire.TypeDS, dnssec.KeyTTL, ds[:])
	}
	return out, true
}
