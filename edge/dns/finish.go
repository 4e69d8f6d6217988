package dns

import (
	"time"

	"github.com/cairn-discovery/cairn/edge/dns/ratelimit"
)

const (
	optLen    = 11 // an OPT record without options
	optionLen = 4  // an option without data

	// padTo is the block size that RFC 8467 section 4.1 recommends for answers.
	padTo = 468
)

// bare is an answer of a header alone, for a query that cannot be understood.
func (a *answerer) bare(out []byte, rcode uint16) []byte {
	a.rcode = rcode
	flags := flagQR | a.req.flags&(opcodeMask|flagRD) | rcode
	out = append(out, a.req.msg[:2]...)
	out = add16(out, flags)
	out = add64(out, 0)
	a.answered(len(out))
	return out
}

// finish completes an answer: OPT record, header, signature.
func (a *answerer) finish(out []byte) ([]byte, verdict) {
	question := max(a.req.end, headerLen)
	if len(out) > a.room {
		// RFC 2181 section 9: rather no RRset than part of one.
		out = out[:question]
		a.answers, a.authority, a.extra, a.tc = 0, 0, 0, true
	}
	switch a.limited() {
	case ratelimit.Drop:
		return nil, a.dropped(dropLimited)
	case ratelimit.Truncate:
		out = out[:question]
		a.answers, a.authority, a.extra, a.tc = 0, 0, 0, true
	}
	if a.req.edns.present {
		out = a.addOPT(out)
	}
	a.header(out)
	if a.req.tsig != 0 {
		out = a.signed.Sign(out, a.seconds())
	}
	a.answered(len(out))
	return out, send
}

func (a *answerer) header(out []byte) {
	flags := flagQR | a.req.flags&(opcodeMask|flagRD|flagCD) | a.rcode&0xf
	if a.aa {
		flags |= flagAA
	}
	if a.tc {
		flags |= flagTC
	}
	if a.client.Recursion && a.server.cfg.Forward != nil {
		flags |= flagRA
	}
	put16(out[atFlags:], flags)
	put16(out[atANCount:], a.answers)
	put16(out[atNSCount:], a.authority)
	put16(out[atARCount:], a.extra)
}

// limited asks the rate limiter about answers that could be aimed at a victim:
// over UDP, to clients that only see what everybody sees, and that have not
// shown by a cookie that the address is theirs.
func (a *answerer) limited() ratelimit.Action {
	if a.server.cfg.Limit == nil || a.transport != UDP || a.client.Recursion || a.cookieValid || a.key() != nil {
		return ratelimit.Send
	}
	kind, name := ratelimit.Answer, a.req.name
	switch {
	case (a.rcode == rcodeNXDomain || a.signs && a.state.nxname) && a.zone != nil:
		kind, name = ratelimit.NXDomain, a.req.name[len(a.req.name)-len(a.zone.Apex):]
	case a.rcode != rcodeNoError:
		kind = ratelimit.Error
	case a.answers == 0:
		kind = ratelimit.NoData
	}
	return a.server.cfg.Limit.Check(time.Unix(a.seconds(), 0), a.from, kind, name)
}

// optSize is what addOPT will need, padding aside.
func (a *answerer) optSize() int {
	e := &a.req.edns
	if !e.present {
		return 0
	}
	n := optLen
	if e.cookie != nil {
		n += optionLen + cookieLen
	}
	if e.subnet.raw != nil {
		n += optionLen + len(e.subnet.raw)
	}
	if e.nsid {
		n += optionLen + len(a.server.cfg.Identity)
	}
	return n
}

// addOPT answers the OPT record with ours: RFC 6891 section 6.1.1.
func (a *answerer) addOPT(out []byte) []byte {
	e := &a.req.edns
	a.extra++
	at := len(out)
	flags := uint32(a.rcode>>4) << 24
	if e.do {
		flags |= 1 << 15 // RFC 3225 section 3: copied
	}
	if a.signs && e.compact() {
		flags |= 1 << 14 // RFC 9824 section 5.1
	}
	out = append(out, 0)
	out = add64(out, typeOPT<<48|uint64(a.server.cfg.MaxUDPSize)<<32|uint64(flags))
	out = add16(out, 0)
	if e.version == 0 && (e.cookie != nil || e.subnet.raw != nil || e.nsid || e.keepalive || e.padding) {
		out = a.addOptions(out)
		put16(out[at+optLen-2:], uint16(len(out)-at-optLen))
	}
	return out
}

func (a *answerer) addOptions(out []byte) []byte {
	e := &a.req.edns
	if e.cookie != nil {
		out = addOption(out, optionCookie, cookieLen)
		out = a.appendCookie(out)
	}
	if e.subnet.raw != nil {
		at := len(out) + optionLen
		out = addOption(out, optionSubnet, len(e.subnet.raw))
		out = append(out, e.subnet.raw...)
		out[at+3] = e.subnet.scope
	}
	if e.nsid && a.server.cfg.Identity != "" {
		out = addOption(out, optionNSID, len(a.server.cfg.Identity))
		out = append(out, a.server.cfg.Identity...)
	}
	if e.keepalive && (a.transport == TCP || a.transport == TLS) {
		out = addOption(out, optionKeepalive, 2)
		out = add16(out, uint16(min(a.server.cfg.Limits.IdleTimeout/(100*time.Millisecond), 65535)))
	}
	if e.padding && a.transport.encrypted() {
		pad := (padTo - (len(out)+optionLen)%padTo) % padTo
		out = addOption(out, optionPadding, pad)
		out = append(out, make([]byte, pad)...)
	}
	return out
}

func addOption(out []byte, code uint16, n int) []byte {
	return add32(out, uint32(code)<<16|uint32(n))
}
