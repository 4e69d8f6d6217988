package notify

import (
	"encoding/binary"
	"time"

	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/internal/dnsname"
)

const (
	headerLen    = 12
	opcodeNotify = 4 << 11
	opcodeMask   = 0xf << 11
	flagQR       = 1 << 15
	flagAA       = 1 << 10
	typeSOA      = 6
	classIN      = 1
	typeTSIG     = 250

	rcodeNoError = 0
	rcodeNotImp  = 4
)

// message is the NOTIFY message: RFC 1996 section 3.7. The SOA record is a hint.
func (z *pending) message(now int64) []byte {
	b := binary.BigEndian.AppendUint16(nil, z.id)
	b = binary.BigEndian.AppendUint16(b, opcodeNotify|flagAA)
	b = append(b, 0, 1, 0, 1, 0, 0, 0, 0)
	b = append(b, z.change.Apex...)
	b = append(b, 0, typeSOA, 0, classIN)
	b = append(b, z.change.SOA...)
	if z.change.Key != nil {
		z.signed = z.change.Key.Request()
		b = z.signed.Sign(b, now)
	}
	return b
}

// answer is what a secondary says to a NOTIFY message.
type answer struct {
	id    uint16
	rcode uint16
	apex  string // in lower case
	tsig  int    // where a TSIG record begins; 0: there is none
}

// parse reads an answer. Anything else is nothing to us.
func (a *answer) parse(msg []byte) bool {
	if len(msg) < headerLen {
		return false
	}
	a.id = binary.BigEndian.Uint16(msg)
	flags := binary.BigEndian.Uint16(msg[2:])
	a.rcode = flags & 0xf
	if flags&flagQR == 0 || flags&opcodeMask != opcodeNotify || binary.BigEndian.Uint16(msg[4:]) != 1 {
		return false
	}
	end := dnsname.Skip(msg, headerLen)
	if end < 0 || end+4 > len(msg) || binary.BigEndian.Uint16(msg[end:]) != typeSOA {
		return false
	}
	name := append([]byte(nil), msg[headerLen:end]...)
	zone.Lower(name)
	a.apex = string(name)
	return a.records(msg, end+4)
}

// records finds the TSIG record, which is the last.
func (a *answer) records(msg []byte, at int) bool {
	a.tsig = 0
	n := int(binary.BigEndian.Uint16(msg[6:])) + int(binary.BigEndian.Uint16(msg[8:])) + int(binary.BigEndian.Uint16(msg[10:]))
	for i := range n {
		start := at
		at = dnsname.Skip(msg, at)
		if at < 0 || at+10 > len(msg) {
			return false
		}
		if i == n-1 && binary.BigEndian.Uint16(msg[at:]) == typeTSIG {
			a.tsig = start
		}
		if at += 10 + int(binary.BigEndian.Uint16(msg[at+8:])); at > len(msg) {
			return false
		}
	}
	return at == len(msg)
}

// acknowledged takes in what came from the secondary. Who does not know NOTIFY
// need not be told again: RFC 1996 section 3.6. Who refuses it may think better
// of it when its configuration changes.
func (p *peer) acknowledged(msg []byte) {
	var a answer
	if !a.parse(msg) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	z := p.zones[a.apex]
	if z == nil || z.tries == 0 || z.id != a.id {
		return // not ours, or to an earlier message
	}
	log := p.sender.cfg.Logger.With("secondary", p.addr, "zone", zone.Text(a.apex))
	if z.signed != nil {
		if err := z.signed.Check(msg, a.tsig, time.Now().Unix()); err != nil {
			p.refused(z)
			log.Warn("answer to NOTIFY not believed", "err", err, "rcode", a.rcode)
			return
		}
	}
	switch a.rcode {
	case rcodeNoError:
		p.sender.messages.WithLabelValues("acknowledged").Inc()
		log.Debug("NOTIFY acknowledged", "tries", z.tries)
		delete(p.zones, a.apex)
	case rcodeNotImp:
		p.refused(z)
		log.Info("secondary does not know NOTIFY")
		delete(p.zones, a.apex)
	default:
		p.refused(z)
		log.Warn("secondary refuses NOTIFY", "rcode", a.rcode)
	}
}

// refused makes the next try wait for as long as any does.
func (p *peer) refused(z *pending) {
	p.sender.messages.WithLabelValues("refused").Inc()
	z.next = time.Now().Add(maxRetry)
}
