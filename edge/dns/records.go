package dns

import (
	"encoding/binary"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
)

// section is a part of the message: RFC 1035 section 4.1.
type section uint8

const (
	anSection section = iota
	nsSection
	arSection
)

func (a *answerer) count(s section, n int) {
	switch s {
	case anSection:
		a.answers += uint16(n)
	case nsSection:
		a.authority += uint16(n)
	default:
		a.extra += uint16(n)
	}
}

// recordLen is the length of a record with a pointer for its name and without
// data.
const recordLen = 12

// srvFixed is the length of what precedes the target in the data of an SRV
// record: RFC 2782.
const srvFixed = 6

// owner points to the name being answered.
func (a *answerer) owner() uint16 { return 0xc000 | uint16(a.at) }

// grown returns out with n more octets, to be written.
func grown(out []byte, n int) ([]byte, []byte) {
	at := len(out)
	if cap(out)-at < n {
		out = append(out, make([]byte, n)...)
	}
	out = out[:at+n]
	return out, out[at:]
}

// addA writes A records as two words each; only the address differs.
func (a *answerer) addA(out []byte, ttl uint32, addrs [][4]byte) []byte {
	const size = recordLen + 4
	out, b := grown(out, len(addrs)*size)
	head := uint64(a.owner())<<48 | typeA<<32 | classIN<<16 | uint64(ttl>>16)
	tail := uint64(ttl&0xffff)<<48 | 4<<32
	for i := range addrs {
		binary.BigEndian.PutUint64(b, head)
		binary.BigEndian.PutUint64(b[8:], tail|uint64(binary.BigEndian.Uint32(addrs[i][:])))
		b = b[size:]
	}
	a.answers += uint16(len(addrs))
	return out
}

func (a *answerer) addAAAA(out []byte, ttl uint32, addrs [][16]byte) []byte {
	const size = recordLen + 16
	out, b := grown(out, len(addrs)*size)
	head := uint64(a.owner())<<48 | typeAAAA<<32 | classIN<<16 | uint64(ttl>>16)
	tail := ttl<<16 | 16
	for i := range addrs {
		binary.BigEndian.PutUint64(b, head)
		binary.BigEndian.PutUint32(b[8:], tail)
		copy(b[recordLen:size], addrs[i][:])
		b = b[size:]
	}
	a.answers += uint16(len(addrs))
	return out
}

// addHead writes a record up to its data, which has the given length.
func addHead(out []byte, owner, rtype, class uint16, ttl uint32, data int) []byte {
	out = add64(out, uint64(owner)<<48|uint64(rtype)<<32|uint64(class)<<16|uint64(ttl>>16))
	return add32(out, ttl<<16|uint32(data))
}

// addRecords writes the records of an RRset whose data is not an address, and for
// SRV records the addresses of what they point to in the additional section. Names
// in the data are not compressed: RFC 2782, RFC 3597 section 4.
func (a *answerer) addRecords(out []byte, r *zone.RRset, records []*zone.Record) []byte {
	var targets [zone.MaxAnswer]int
	equal := r.EqualWeights(a.picker.Strict)
	for i, rec := range records {
		out = addHead(out, a.owner(), r.Type, classIN, r.TTL, len(rec.Data)+len(r.Suffix))
		at := len(out)
		out = append(out, rec.Data...)
		out = append(out, r.Suffix...)
		targets[i] = at + srvFixed
		if equal && r.Type == typeSRV {
			put16(out[at+2:], 1)
		}
	}
	a.answers += uint16(len(records))
	if r.Type != typeSRV {
		return out
	}
	for i, rec := range records {
		if targets[i] <= maxPointer {
			out = a.addTarget(out, &rec.Host, 0xc000|uint16(targets[i]))
		}
	}
	return out
}

// addTarget adds the addresses of a host, as far as there is room: what is left
// out of the additional section can be asked for (RFC 2181 section 9).
func (a *answerer) addTarget(out []byte, h *zone.Host, owner uint16) []byte {
	if h.HasV4 && len(out)+recordLen+4 <= a.room {
		out = addHead(out, owner, typeA, classIN, h.TTL, 4)
		out = append(out, h.V4[:]...)
		a.extra++
	}
	if h.HasV6 && len(out)+recordLen+16 <= a.room {
		out = addHead(out, owner, typeAAAA, classIN, h.TTL, 16)
		out = append(out, h.V6[:]...)
		a.extra++
	}
	return out
}

// addSOA writes the zone's SOA record; nameLen is the length of the name being
// answered, which ends in the apex. In the authority section its TTL is that of
// the negative answer: RFC 2308 section 3.
func (a *answerer) addSOA(out []byte, z *zone.Zone, nameLen int, s section) []byte {
	strict := a.server.cfg.Strict
	ttl := z.SOATTL
	if s == nsSection {
		ttl = z.NegativeTTL(strict)
	}
	owner := a.owner() + uint16(nameLen-len(z.Apex))
	a.count(s, 1)
	return a.appendSOA(out, owner, ttl, z.Minimum(strict))
}

func (a *answerer) appendSOA(out []byte, owner uint16, ttl, minimum uint32) []byte {
	soa := a.server.authority.soa
	out = addHead(out, owner, typeSOA, classIN, ttl, len(soa)+20)
	out = append(out, soa...)
	out = add32(out, zone.Serial(a.snapshot.Revision))
	out = add32(out, soaRefresh)
	out = add32(out, soaRetry)
	out = add32(out, soaExpire)
	return add32(out, minimum)
}

// addHostSOA says that a host, or a name below it, has no such records.
func (a *answerer) addHostSOA(out []byte, h *host) []byte {
	owner := a.owner() + uint16(len(a.req.name)-len(h.name))
	a.authority++
	return a.appendSOA(out, owner, hostTTL, hostTTL)
}

// addNS writes the zone's name servers and the addresses that are known here:
// RFC 9471 is about referrals, of which there are none, but what spares a query
// is welcome.
func (a *answerer) addNS(out []byte) []byte {
	auth := &a.server.authority
	var at [8]int
	for i, name := range auth.servers {
		out = addHead(out, a.owner(), typeNS, classIN, nsTTL, len(name))
		if i < len(at) {
			at[i] = len(out)
		}
		out = append(out, name...)
	}
	a.answers += uint16(len(auth.servers))
	for i, name := range auth.servers[:min(len(at), len(auth.servers))] {
		if h := a.server.hostOf(name); h != nil && at[i] <= maxPointer {
			out = a.addGlue(out, h, 0xc000|uint16(at[i]))
		}
	}
	return out
}

func (a *answerer) addGlue(out []byte, h *host, owner uint16) []byte {
	if len(out)+len(h.v4)*(recordLen+4)+len(h.v6)*(recordLen+16) > a.room {
		return out
	}
	for _, addr := range h.v4 {
		out = addHead(out, owner, typeA, classIN, hostTTL, 4)
		out = append(out, addr[:]...)
	}
	for _, addr := range h.v6 {
		out = addHead(out, owner, typeAAAA, classIN, hostTTL, 16)
		out = append(out, addr[:]...)
	}
	a.extra += uint16(len(h.v4) + len(h.v6))
	return out
}

// hostOf is hostNamed for a name in any case.
func (s *Server) hostOf(name string) *host {
	lower := []byte(name)
	dnswire.Lower(lower)
	return s.hostNamed(lower, zone.Hash(lower))
}

// addAny answers ANY with as little as possible: RFC 8482 section 4. Where there
// is a CNAME record it is that, else the HINFO record of section 4.2.
func (a *answerer) addAny(out []byte, res *zone.Result) []byte {
	set, host := res.Node.Set(), res.Node.Host()
	switch {
	case set != nil && set.CNAME() != nil:
		return a.solveCNAME(out, set.CNAME())
	case set != nil && set.Members() == 0, set == nil && host == nil:
		if !res.Node.IsApex() {
			return out
		}
	}
	const data = "\x07RFC8482\x00"
	out = addHead(out, a.owner(), typeHINFO, classIN, res.Zone.SOATTL, len(data))
	a.answers++
	return append(out, data...)
}

// addText answers with one TXT record that is not to be cached.
func (a *answerer) addText(out []byte, class uint16, text string) []byte {
	text = text[:min(len(text), 255)]
	out = addHead(out, a.owner(), typeTXT, class, 0, 1+len(text))
	a.answers++
	out = append(out, byte(len(text)))
	return append(out, text...)
}
