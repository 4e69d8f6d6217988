package answer

import (
	"encoding/binary"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
)

// section is a part of the message: RFC 1035 section 4.1.
type section uint8

const (
	answerSection section = iota
	authoritySection
	additionalSection
	sections
)

// owner points to the name that is answered.
func (a *Answerer) owner() uint16 { return dnswire.Pointer(a.ownerAt) }

// wrote counts n records of one RRset that begin at an offset of the message,
// each with an owner of ownerLen octets.
func (a *Answerer) wrote(s section, start, ownerLen, n int) {
	a.counts[s] += uint16(n)
	if a.trackRRsets && n > 0 {
		a.signer.rrsets = append(a.signer.rrsets, rrset{section: s, start: start, ownerLen: ownerLen, count: n})
	}
}

// extend makes the message n octets longer and returns these, to be written.
func (a *Answerer) extend(n int) []byte {
	at := len(a.out)
	if cap(a.out)-at < n {
		a.out = append(a.out, make([]byte, n)...)
	}
	a.out = a.out[:at+n]
	return a.out[at:]
}

// addA writes A records as two words each; only the address differs.
func (a *Answerer) addA(ttl uint32, addrs [][4]byte) {
	const size = fixedLen + 4
	start := len(a.out)
	b := a.extend(len(addrs) * size)
	head := uint64(a.owner())<<48 | dnswire.TypeA<<32 | dnswire.ClassIN<<16 | uint64(ttl>>16)
	tail := uint64(ttl&0xffff)<<48 | 4<<32
	for i := range addrs {
		binary.BigEndian.PutUint64(b, head)
		binary.BigEndian.PutUint64(b[8:], tail|uint64(binary.BigEndian.Uint32(addrs[i][:])))
		b = b[size:]
	}
	a.wrote(answerSection, start, 2, len(addrs))
}

func (a *Answerer) addAAAA(ttl uint32, addrs [][16]byte) {
	const size = fixedLen + 16
	start := len(a.out)
	b := a.extend(len(addrs) * size)
	head := uint64(a.owner())<<48 | dnswire.TypeAAAA<<32 | dnswire.ClassIN<<16 | uint64(ttl>>16)
	tail := ttl<<16 | 16
	for i := range addrs {
		binary.BigEndian.PutUint64(b, head)
		binary.BigEndian.PutUint32(b[8:], tail)
		copy(b[fixedLen:size], addrs[i][:])
		b = b[size:]
	}
	a.wrote(answerSection, start, 2, len(addrs))
}

// addFixed writes a record up to its data, which has the given length. The caller
// counts it.
func (a *Answerer) addFixed(owner, rtype, class uint16, ttl uint32, data int) {
	a.out = appendFixed(a.out, owner, rtype, class, ttl, data)
}

func appendFixed(out []byte, owner, rtype, class uint16, ttl uint32, data int) []byte {
	out = add64(out, uint64(owner)<<48|uint64(rtype)<<32|uint64(class)<<16|uint64(ttl>>16))
	return add32(out, ttl<<16|uint32(data))
}

// addRecord writes a record of the name that is answered.
func addRecord[T string | []byte](a *Answerer, s section, rtype uint16, ttl uint32, data T) {
	start := len(a.out)
	a.addFixed(a.owner(), rtype, dnswire.ClassIN, ttl, len(data))
	a.out = append(a.out, data...)
	a.wrote(s, start, 2, 1)
}

// addRecords writes the records of an RRset whose data is not an address, and for
// SRV records the addresses of their targets in the additional section. Names in
// the data are not compressed: RFC 2782, RFC 3597 section 4.
func (a *Answerer) addRecords(r *zone.RRset, records []*zone.Record) {
	var targets [zone.MaxAnswer]int
	start, equal := len(a.out), r.EqualWeights(a.picker.Strict)
	out, owner := a.out, a.owner()
	for i, rec := range records {
		out = appendFixed(out, owner, r.Type, dnswire.ClassIN, r.TTL, len(rec.Data)+len(r.Suffix))
		at := len(out)
		out = append(append(out, rec.Data...), r.Suffix...)
		targets[i] = at + srvFixed
		if equal && r.Type == dnswire.TypeSRV {
			put16(out[at+2:], 1)
		}
	}
	a.out = out
	a.wrote(answerSection, start, 2, len(records))
	if r.Type != dnswire.TypeSRV || a.minimal {
		return
	}
	shared := a.snapshot.Zones.HasAmbiguousHosts() || a.zone != nil && a.zone.HasSubzones()
	for i, rec := range records {
		switch {
		case targets[i] > dnswire.MaxPointer:
		case shared:
			a.addTarget(targets[i])
		default:
			a.addAddresses(&rec.Host, dnswire.Pointer(targets[i]))
		}
	}
}

// addTarget adds the addresses that the name at an offset has when it is asked for:
// they need not be those of the record alone. Names that are no hosts are left to
// be asked for.
func (a *Answerer) addTarget(at int) {
	var buf [maxName]byte
	name := buf[:copy(buf[:], a.out[at:at+dnswire.NameLen(a.out[at:])])]
	dnswire.Lower(name)
	q := zone.Query{Name: name, Hash: zone.Hash(name), View: a.query.View, Strict: a.cfg.Strict, Fixed: a.fixed}
	res := a.snapshot.Zones.Lookup(&q)
	if res.State != zone.Hit {
		return
	}
	first := res.Node.Host()
	for h := first; h != nil; h = h.NextSameName() {
		if h.Pending {
			continue
		}
		distinct := *h
		for other := first; other != h; other = other.NextSameName() {
			if !other.Pending {
				distinct.HasV4 = distinct.HasV4 && !(other.HasV4 && other.V4 == h.V4)
				distinct.HasV6 = distinct.HasV6 && !(other.HasV6 && other.V6 == h.V6)
			}
		}
		a.addAddresses(&distinct, dnswire.Pointer(at))
	}
}

// addAddresses adds the addresses of a host if there is room: what is left out
// of the additional section can be asked for (RFC 2181 section 9).
func (a *Answerer) addAddresses(h *zone.Host, owner uint16) {
	out := a.out
	if start := len(out); h.HasV4 && start+fixedLen+4 <= a.room {
		out = append(appendFixed(out, owner, dnswire.TypeA, dnswire.ClassIN, h.TTL, 4), h.V4[:]...)
		a.wrote(additionalSection, start, 2, 1)
	}
	if start := len(out); h.HasV6 && start+fixedLen+16 <= a.room {
		out = append(appendFixed(out, owner, dnswire.TypeAAAA, dnswire.ClassIN, h.TTL, 16), h.V6[:]...)
		a.wrote(additionalSection, start, 2, 1)
	}
	a.out = out
}

func (a *Answerer) addAdditional(owner, rtype uint16, ttl uint32, data []byte) {
	start := len(a.out)
	a.addFixed(owner, rtype, dnswire.ClassIN, ttl, len(data))
	a.out = append(a.out, data...)
	a.wrote(additionalSection, start, 2, 1)
}

// addSOA writes the SOA record of the zone; nameLen is the length of the name
// that is answered, which ends in the apex. In the authority section its TTL is
// that of the negative answer: RFC 2308 section 3.
func (a *Answerer) addSOA(z *zone.Zone, nameLen int, s section) {
	strict := a.cfg.Strict
	ttl := z.SOATTL
	if s == authoritySection {
		ttl = z.NegativeTTL(strict)
	}
	owner := a.owner() + uint16(nameLen-len(z.Apex))
	if z.SOA != "" {
		start, data := len(a.out), zone.SOAData(z.SOA, zone.Serial(a.snapshot.Revision, a.unixTime()))
		a.addFixed(owner, dnswire.TypeSOA, dnswire.ClassIN, ttl, len(data))
		a.out = append(a.out, data...)
		a.wrote(s, start, 2, 1)
		return
	}
	a.writeSOA(s, owner, ttl, z.Minimum(strict))
}

func (a *Answerer) writeSOA(s section, owner uint16, ttl, minimum uint32) {
	soa, start := a.authority.soa, len(a.out)
	a.addFixed(owner, dnswire.TypeSOA, dnswire.ClassIN, ttl, len(soa)+20)
	out := append(a.out, soa...)
	out = add32(out, uint32(zone.Serial(a.snapshot.Revision, a.unixTime())))
	out = add32(out, soaRefresh)
	out = add32(out, soaRetry)
	out = add32(out, soaExpire)
	a.out = add32(out, minimum)
	a.wrote(s, start, 2, 1)
}

// addNS writes the name servers of the zone and their addresses that are known
// here: they are not required (RFC 9471 is about referrals), but save the client
// a query.
func (a *Answerer) addNS() {
	servers := a.authority.servers
	var at [8]int
	start := len(a.out)
	for i, name := range servers {
		a.addFixed(a.owner(), dnswire.TypeNS, dnswire.ClassIN, nsTTL, len(name))
		if i < len(at) {
			at[i] = len(a.out)
		}
		a.out = append(a.out, name...)
	}
	a.wrote(answerSection, start, 2, len(servers))
	if a.minimal {
		return
	}
	for i := range servers[:min(len(at), len(servers))] {
		if at[i] <= dnswire.MaxPointer {
			a.addGlue(&a.authority.glue[i], dnswire.Pointer(at[i]))
		}
	}
}

func (a *Answerer) addGlue(h *glue, owner uint16) {
	if len(a.out)+len(h.v4)*(fixedLen+4)+len(h.v6)*(fixedLen+16) > a.room {
		return
	}
	for _, addr := range h.v4 {
		a.addAdditional(owner, dnswire.TypeA, zone.FixedTTL, addr[:])
	}
	for _, addr := range h.v6 {
		a.addAdditional(owner, dnswire.TypeAAAA, zone.FixedTTL, addr[:])
	}
}

// addAny answers ANY with as little as possible: RFC 8482 section 4. If there is
// a CNAME record it is that, otherwise the HINFO record of section 4.2.
func (a *Answerer) addAny(res *zone.Result) {
	set, host := res.Node.Set(), res.Node.Host()
	switch {
	case set != nil && set.CNAME() != nil:
		a.solveCNAME(set.CNAME())
		return
	case set != nil && set.Members() == 0, set == nil && host == nil:
		if !res.Node.IsApex() {
			return
		}
	}
	addRecord(a, answerSection, dnswire.TypeHINFO, res.Zone.SOATTL, "\x07RFC8482\x00")
}

// addText answers with one TXT record that is not to be cached.
func (a *Answerer) addText(class uint16, text string) {
	text = text[:min(len(text), 255)]
	start := len(a.out)
	a.addFixed(a.owner(), dnswire.TypeTXT, class, 0, 1+len(text))
	a.out = append(append(a.out, byte(len(text))), text...)
	a.wrote(answerSection, start, 2, 1)
}
