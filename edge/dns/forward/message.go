package forward

import (
	"encoding/binary"
	"errors"

	"github.com/miekg/dns"
)

const (
	rcodeServFail = dns.RcodeServerFailure

	flagResponse  = 1 << 15
	flagTruncated = 1 << 9
	flagRecursion = 1 << 8 // desired
	flagAuthentic = 1 << 5
	flagCheckOff  = 1 << 4
	opcodeMask    = 0xf << 11
)

// message is what an upstream's answer says.
type message struct {
	flags             uint16
	rcode             uint16 // extended
	answer, authority []RR
}

var errMalformed = errors.New("malformed answer")

// parse reads an answer whose question has been checked. It believes nothing
// else: each length and pointer is checked, and anything out of order makes the
// whole answer worthless.
func parse(raw []byte) (*message, error) {
	p := parser{raw: raw, at: headerLen}
	flags := binary.BigEndian.Uint16(raw[2:])
	m := &message{flags: flags, rcode: flags & 0xf}
	if !p.skipName() || !p.skip(4) {
		return nil, errMalformed
	}
	var sections [3][]RR
	for i := range sections {
		for range binary.BigEndian.Uint16(raw[countsAt+2*i:]) {
			rr, ok := p.record()
			if !ok {
				return nil, errMalformed
			}
			if rr.Type == dns.TypeOPT {
				m.rcode |= uint16(rr.TTL>>24) << 4
				continue
			}
			sections[i] = append(sections[i], rr)
		}
	}
	// The additional section is read for its form and the OPT record only.
	m.answer, m.authority = sections[0], sections[1]
	return m, nil
}

// parser walks through a message.
type parser struct {
	raw []byte
	at  int
}

func (p *parser) skip(n int) bool {
	p.at += n
	return p.at <= len(p.raw)
}

func (p *parser) skipName() bool {
	_, ok := p.appendName(nil)
	return ok
}

// appendName reads a name that may be compressed and appends it in full.
func (p *parser) appendName(to []byte) ([]byte, bool) {
	start, at, end := len(to), p.at, 0
	for {
		if at >= len(p.raw) {
			return nil, false
		}
		c := int(p.raw[at])
		switch {
		case c == 0:
			if end == 0 {
				end = at + 1
			}
			p.at = end
			to = append(to, 0)
			return to, len(to)-start <= maxName
		case c < 64:
			if at+1+c > len(p.raw) || len(to)-start+1+c >= maxName {
				return nil, false
			}
			to = append(to, p.raw[at:at+1+c]...)
			at += 1 + c
		case c >= 192 && at+1 < len(p.raw):
			if end == 0 {
				end = at + 2
			}
			// Pointers lead back only (RFC 1035 section 4.1.4), and labels,
			// which lead forward, are bounded in number by the name's length:
			// the walk ends.
			next := int(binary.BigEndian.Uint16(p.raw[at:]) & maxPointer)
			if next >= at || next < headerLen {
				return nil, false
			}
			at = next
		default:
			return nil, false
		}
	}
}

// record reads a record and takes the compression out of it.
func (p *parser) record() (RR, bool) {
	name, ok := p.appendName(nil)
	if !ok || p.at+rrFixedSize > len(p.raw) {
		return RR{}, false
	}
	fixed := p.raw[p.at:]
	rr := RR{
		Name:  name,
		Type:  binary.BigEndian.Uint16(fixed),
		Class: binary.BigEndian.Uint16(fixed[2:]),
		TTL:   binary.BigEndian.Uint32(fixed[4:]),
	}
	p.at += rrFixedSize
	end := p.at + int(binary.BigEndian.Uint16(fixed[8:]))
	if end > len(p.raw) {
		return RR{}, false
	}
	rr.Data, ok = p.data(rr.Type, end)
	return rr, ok && p.at == end
}
