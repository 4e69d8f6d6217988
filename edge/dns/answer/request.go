package answer

import (
	"slices"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
)

// Request is a parsed query. Its slices point into the message and into buf.
type Request struct {
	kind   kind
	msg    []byte
	flags  uint16
	qtype  uint16
	qclass uint16
	// end is where the question ends; 0: there is none.
	end  int
	edns edns
	// tsig is where a TSIG record begins; 0: there is none.
	tsig int
	// serial is that of an IXFR query, if hasSerial is set.
	serial    uint32
	hasSerial bool

	// name is the name of the question in lower case.
	name []byte
	hash uint64
	// head is what was found for the hash in the snapshot of the batch, if found
	// is set.
	head  *zone.Node
	found bool
	buf   [maxName]byte
}

// kind says what a message is.
type kind uint8

const (
	query kind = iota
	// tooShort has no header, notQuery is a response: neither is answered.
	tooShort
	notQuery
	// malformed gets FORMERR.
	malformed
	// otherOpcode is another request than a query.
	otherOpcode
	// update is a dynamic update: RFC 2136.
	update
	// cookieOnly has no question but a cookie: RFC 7873 section 5.4.
	cookieOnly
)

// Parse parses a message, which must not be modified while the Request is used.
// If the message is malformed, the fields that were read before remain set.
func (r *Request) Parse(msg []byte) {
	r.msg, r.end, r.tsig, r.found, r.hasSerial = msg, 0, 0, false, false
	if r.edns.present {
		r.edns = edns{} // it points into an earlier message
	}
	r.kind = r.classify(msg)
}

// Clone returns a copy that does not share memory with r.
func (r *Request) Clone() *Request {
	c := *r
	c.msg = slices.Clone(r.msg)
	c.name = c.buf[:len(r.name)]
	c.head, c.found = nil, false
	c.edns.cookie = rebase(c.msg, r.msg, r.edns.cookie)
	c.edns.subnet.raw = rebase(c.msg, r.msg, r.edns.subnet.raw)
	return &c
}

// rebase returns the octets of to that part is of from.
func rebase(to, from, part []byte) []byte {
	if part == nil {
		return nil
	}
	at := cap(from) - cap(part)
	return to[at : at+len(part)]
}

func (r *Request) classify(msg []byte) kind {
	if len(msg) < headerLen {
		return tooShort
	}
	r.flags = get16(msg[flagsAt:])
	switch {
	case r.flags&dnswire.FlagQR != 0:
		return notQuery
	case r.flags&dnswire.OpcodeMask == dnswire.OpcodeUpdate:
		if get16(msg[qdCountAt:]) == 1 && r.question() && r.rest(r.end) {
			return update
		}
		return malformed
	case r.flags&dnswire.OpcodeMask != dnswire.OpcodeQuery:
		return otherOpcode
	}
	switch get16(msg[qdCountAt:]) {
	case 0:
		if r.rest(headerLen) && r.edns.present && r.edns.cookie != nil {
			return cookieOnly
		}
		return malformed
	case 1:
		if r.question() && r.rest(r.end) {
			return query
		}
	}
	return malformed
}

// question reads the only question. Its name cannot be compressed: there is
// nothing before it to point to.
func (r *Request) question() bool {
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
func (r *Request) rest(at int) bool {
	msg := r.msg
	skip := int(get16(msg[anCountAt:])) + int(get16(msg[nsCountAt:]))
	additional := int(get16(msg[arCountAt:]))
	if skip > 0 {
		if at = dnswire.SkipRecords(msg, at, skip); at < 0 {
			return false
		}
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
func (r *Request) additional(at int) int {
	end, name := dnswire.SkipRecord(r.msg, at)
	if end < 0 || r.tsig != 0 {
		return -1 // TSIG is the last record: RFC 8945 section 5.1
	}
	switch get16(r.msg[name:]) {
	case dnswire.TypeOPT:
		// RFC 6891 section 6.1.1: one at most, and its name is the root.
		if r.edns.present || name != at+1 {
			return -1
		}
		if !r.edns.parse(r.msg[name+2:end], r.flags) {
			return -1
		}
	case dnswire.TypeTSIG:
		r.tsig = at
	}
	return end
}
