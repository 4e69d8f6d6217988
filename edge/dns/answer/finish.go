package answer

import (
	"time"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/edge/dns/ratelimit"
)

const (
	optionLen = 4 // an option without data

	// padTo is the block size that RFC 8467 section 4.1 recommends for answers.
	padTo = 468
)

// errorResponse is a header without a question, for a query that cannot be
// understood.
func (a *Answerer) errorResponse(rcode uint16) ([]byte, Disposition) {
	a.rcode = rcode
	flags := dnswire.FlagQR | a.req.flags&(dnswire.OpcodeMask|dnswire.FlagRD) | rcode
	out := append(a.out, a.req.msg[:2]...)
	out = add16(out, flags)
	out = add64(out, 0)
	a.answered(len(out))
	return out, Send
}

// finish completes an answer: OPT record, header, TSIG record.
func (a *Answerer) finish() ([]byte, Disposition) {
	if len(a.out) > a.room {
		a.truncate() // RFC 2181 section 9: no RRset rather than a part of one
	}
	switch a.limited() {
	case ratelimit.Drop:
		return nil, a.dropped(dropLimited)
	case ratelimit.Truncate:
		a.truncate()
	}
	if a.req.edns.present {
		a.addOPT()
	}
	a.putHeader()
	if a.req.tsig != 0 {
		a.out = a.signature.Sign(a.out, a.unixTime())
	}
	a.answered(len(a.out))
	return a.out, Send
}

// truncate removes all records and sets TC.
func (a *Answerer) truncate() {
	a.out = a.out[:max(a.req.end, headerLen)]
	a.counts, a.tc = [sections]uint16{}, true
}

func (a *Answerer) putHeader() {
	flags := dnswire.FlagQR | a.req.flags&(dnswire.OpcodeMask|dnswire.FlagRD|dnswire.FlagCD) | a.rcode&0xf
	if a.aa {
		flags |= dnswire.FlagAA
	}
	if a.tc {
		flags |= dnswire.FlagTC
	}
	if a.client.Recursion && a.cfg.Forward != nil {
		flags |= dnswire.FlagRA
	}
	put16(a.out[flagsAt:], flags)
	put16(a.out[anCountAt:], a.counts[answerSection])
	put16(a.out[nsCountAt:], a.counts[authoritySection])
	put16(a.out[arCountAt:], a.counts[additionalSection])
}

// limited asks the rate limiter about answers that could be aimed at a victim:
// over UDP, to clients that only see what everybody sees, and that have not
// proved by a cookie or a key that the address is theirs.
func (a *Answerer) limited() ratelimit.Action {
	if a.cfg.Limit == nil || a.transport != UDP || a.client.Recursion || a.cookieValid || a.key() != nil {
		return ratelimit.Send
	}
	kind, name := ratelimit.Answer, a.req.name
	switch {
	case (a.rcode == dnswire.RcodeNXDomain || a.wantSigs && a.nxname) && a.zone != nil:
		kind, name = ratelimit.NXDomain, a.req.name[len(a.req.name)-len(a.zone.Apex):]
	case a.rcode != dnswire.RcodeNoError:
		kind = ratelimit.Error
	case a.counts[answerSection] == 0:
		kind = ratelimit.NoData
	}
	return a.cfg.Limit.Check(time.Unix(a.unixTime(), 0), a.from, kind, name)
}

// optSize returns the number of octets that addOPT will need, padding not
// included.
func (a *Answerer) optSize() int {
	e := &a.req.edns
	if !e.present {
		return 0
	}
	n := dnswire.OPTLen
	if e.cookie != nil {
		n += optionLen + cookieLen
	}
	if e.subnet.raw != nil {
		n += optionLen + len(e.subnet.raw)
	}
	if e.nsid {
		n += optionLen + len(a.cfg.Identity)
	}
	return n
}

// addOPT answers the OPT record with ours: RFC 6891 section 6.1.1.
func (a *Answerer) addOPT() {
	e := &a.req.edns
	a.counts[additionalSection]++
	at := len(a.out)
	flags := uint32(a.rcode>>4) << 24
	if e.do {
		flags |= 1 << 15 // RFC 3225 section 3: copied
	}
	if a.wantSigs && e.compact() {
		flags |= 1 << 14 // RFC 9824 section 5.1
	}
	out := append(a.out, 0)
	out = add64(out, dnswire.TypeOPT<<48|uint64(a.cfg.MaxUDPSize)<<32|uint64(flags))
	a.out = add16(out, 0)
	if e.version == 0 && (e.cookie != nil || e.subnet.raw != nil || e.nsid || e.keepalive || e.padding) {
		a.addOptions()
		put16(a.out[at+dnswire.OPTLen-2:], uint16(len(a.out)-at-dnswire.OPTLen))
	}
}

func (a *Answerer) addOptions() {
	e := &a.req.edns
	if e.cookie != nil {
		a.addOption(optionCookie, cookieLen)
		a.appendCookie()
	}
	if e.subnet.raw != nil {
		a.addOption(optionSubnet, len(e.subnet.raw))
		at := len(a.out)
		a.out = append(a.out, e.subnet.raw...)
		a.out[at+3] = e.subnet.scope
	}
	if e.nsid && a.cfg.Identity != "" {
		a.addOption(optionNSID, len(a.cfg.Identity))
		a.out = append(a.out, a.cfg.Identity...)
	}
	if e.keepalive && (a.transport == TCP || a.transport == TLS) {
		a.addOption(optionKeepalive, 2)
		a.out = add16(a.out, uint16(min(a.cfg.IdleTimeout/(100*time.Millisecond), 65535)))
	}
	if e.padding && a.transport.encrypted() {
		pad := (padTo - (len(a.out)+optionLen)%padTo) % padTo
		a.addOption(optionPadding, pad)
		a.out = append(a.out, make([]byte, pad)...)
	}
}

// addOption writes an option up to its data, which has n octets.
func (a *Answerer) addOption(code uint16, n int) { a.out = add32(a.out, uint32(code)<<16|uint32(n)) }
