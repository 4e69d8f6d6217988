package forward

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"

	"github.com/miekg/dns"
)

// query is a message to an upstream. An answer has to repeat its id and its
// question, in which the case of each letter is random: an attacker who does
// not see the query has to guess both and the port (RFC 5452 section 4;
// draft-vixie-dnsext-dns0x20).
type query struct {
	id          uint16
	wire        []byte
	questionEnd int
}

func newQuery(q Question, edns, mixCase bool) *query {
	var random [2 + maxName/8 + 1]byte
	rand.Read(random[:]) // never fails
	flags := uint16(flagRecursion | flagAuthentic)
	if q.CD {
		flags |= flagCheckOff
	}
	w := make([]byte, 0, headerLen+len(q.Name)+4+11)
	w = append(w, random[0], random[1])
	w = binary.BigEndian.AppendUint16(w, flags)
	w = append(w, 0, 1, 0, 0, 0, 0, 0, 0)
	w = appendMixed(w, q.Name, random[2:], mixCase)
	w = binary.BigEndian.AppendUint16(w, q.Type)
	w = binary.BigEndian.AppendUint16(w, q.Class)
	end := len(w)
	if edns {
		w = appendOPT(w, q.DO)
	}
	return &query{id: binary.BigEndian.Uint16(random[:]), wire: w, questionEnd: end}
}

// appendMixed appends a lower-case name, with one random bit for each letter's
// case if asked to.
func appendMixed(w, name, random []byte, mixCase bool) []byte {
	for i, c := range name {
		if mixCase && 'a' <= c && c <= 'z' && random[i/8]>>(i%8)&1 == 1 {
			c -= 'a' - 'A'
		}
		w = append(w, c)
	}
	return w
}

// appendOPT appends an OPT record (RFC 6891) and counts it.
func appendOPT(w []byte, do bool) []byte {
	w[headerLen-1]++
	w = append(w, 0, 0, byte(dns.TypeOPT))
	w = binary.BigEndian.AppendUint16(w, udpSize)
	var flags byte
	if do {
		flags = 0x80
	}
	return append(w, 0, 0, flags, 0, 0, 0)
}

func (q *query) question() []byte { return q.wire[headerLen:q.questionEnd] }

// What can be said of a message that claims to be the answer.
var (
	errUnrelated = errors.New("message is not an answer to the query")
	errFolded    = errors.New("answer does not keep the case of the question")
	errNoEDNS    = errors.New("upstream does not know EDNS")
)

// match says whether a message is the query's answer.
func (q *query) match(raw []byte) error {
	if len(raw) < headerLen || binary.BigEndian.Uint16(raw) != q.id {
		return errUnrelated
	}
	flags := binary.BigEndian.Uint16(raw[2:])
	if flags&flagResponse == 0 || flags&opcodeMask != 0 {
		return errUnrelated
	}
	questions := binary.BigEndian.Uint16(raw[4:])
	if questions == 0 && len(raw) == headerLen && q.hasOPT() && rejectsEDNS(flags&0xf) {
		return errNoEDNS
	}
	if questions != 1 || len(raw) < q.questionEnd {
		return errUnrelated
	}
	question := raw[headerLen:q.questionEnd]
	switch {
	case bytes.Equal(question, q.question()):
		return nil
	case sameName(question[:len(question)-4], q.question()[:len(question)-4]) &&
		bytes.Equal(question[len(question)-4:], q.question()[len(question)-4:]):
		return errFolded
	default:
		return errUnrelated
	}
}

func (q *query) hasOPT() bool { return len(q.wire) > q.questionEnd }

// rejectsEDNS says whether a response code is how servers that do not know EDNS
// say so (RFC 6891 section 7).
func rejectsEDNS(rcode uint16) bool {
	return rcode == dns.RcodeFormatError || rcode == dns.RcodeNotImplemented
}

// read takes an answer that matches apart. The question in it is replaced by
// its lower-case form first, for names in the answer point to it and should not
// show our random case.
func (q *query) read(raw []byte) (*message, error) {
	for i := headerLen; i < q.questionEnd-4; i++ {
		raw[i] = lower(raw[i])
	}
	m, err := parse(raw)
	if err == nil && q.hasOPT() && rejectsEDNS(m.rcode) {
		return nil, errNoEDNS
	}
	return m, err
}
