package dns

import (
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
)

// request is a query taken apart. Its slices point into the message.
type request struct {
	is     parsed
	msg    []byte
	flags  uint16
	qtype  uint16
	qclass uint16
	// end is where the question ends; 0: there is none.
	end  int
	edns edns
	// tsig is where a TSIG record begins; 0: there is none.
	tsig int

	// name is the name asked for in lower case, in buf.
	name []byte
	hash uint64
	// head is what was found for the hash in the snapshot of the batch, if
	// found is set.
	head  *zone.Node
	found bool
	buf   [maxName]byte
}

// parsed says what a message turned out to be.
type parsed uint8

const (
	parsedQuery parsed = iota
	// parsedShort has no header, parsedResponse is one: neither is answered.
	parsedShort
	parsedResponse
	// parsedMalformed gets FORMERR.
	parsedMalformed
	// parsedOpcode is another request than a query.
	parsedOpcode
	// parsedCookie has no question but a cookie: RFC 7873 section 5.4.
	parsedCookie
)

// parse takes a message apart. Where it is malformed, what was understood until
// then stands.
func (r *request) parse(msg []byte) {
	r.msg, r.end, r.tsig, r.found = msg, 0, 0, false
	r.edns.present = false
	r.is = r.judge(msg)
}

func (r *request) judge(msg []byte) parsed {
	if len(msg) < headerLen {
		return parsedShort
	}
	r.flags = get16(msg[atFlags:])
	switch {
	case r.flags&flagQR != 0:
		return parsedResponse
	case r.flags&opcodeMask != opcodeQuery:
		return parsedOpcode
	}
	switch get16(msg[atQDCount:]) {
	case 0:
		if r.rest(headerLen) && r.edns.present && r.edns.cookie != nil {
			return parsedCookie
		}
		return parsedMalformed
	case 1:
		if r.question() && r.rest(r.end) {
			return parsedQuery
		}
	}
	return parsedMalformed
}

// question reads the only question. Its name cannot be compressed: there is
// nothing before it to point to.
func (r *request) question() bool {
	msg := r.msg
	at := headerLen
	for at < len(msg) && msg[at] != 0 {
		if msg[at] > 63 {
			return false
		}
		at += 1 + int(msg[at])
	}
	at++
	if at-headerLen > maxName || at+4 > len(msg) {
		return false
	}
	r.name = r.buf[:at-headerLen]
	dnswire.CopyLower(r.name, msg[headerLen:at])
	r.qtype, r.qclass = get16(msg[at:]), get16(msg[at+2:])
	r.end = at + 4
	r.hash = zone.Hash(r.name)
	return true
}

// rest reads the records after the question, of which only those of the
// additional section mean something in a query. The message ends with them.
func (r *request) rest(at int) bool {
	msg := r.msg
	skip := int(get16(msg[atANCount:])) + int(get16(msg[atNSCount:]))
	additional := int(get16(msg[atARCount:]))
	if at = dnswire.SkipRecords(msg, at, skip); at < 0 {
		return false
	}
	for range additional {
		if at = r.additional(at); at < 0 {
			return false
		}
	}
	return at == len(msg)
}

// additional reads one record of the additional section and returns where it
// ends, or -1.
func (r *request) additional(at int) int {
	name := dnswire.SkipName(r.msg, at)
	end := dnswire.SkipRecords(r.msg, at, 1)
	if end < 0 || r.tsig != 0 {
		return -1 // TSIG is the last record: RFC 8945 section 5.1
	}
	switch get16(r.msg[name:]) {
	case typeOPT:
		// RFC 6891 section 6.1.1: one at the most, and its name is the root.
		if r.edns.present || name != at+1 {
			return -1
		}
		if !r.edns.parse(r.msg[name+2:end], r.flags) {
			return -1
		}
	case typeTSIG:
		r.tsig = at
	}
	return end
}
