package forward

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// query is a message to an upstream. An answer must repeat its id and its question,
// in which the case of each letter is random: an attacker who cannot read the query
// must guess both and the port (RFC 5452 section 4; draft-vixie-dnsext-dns0x20).
type query struct {
	id          uint16
	wire        []byte
	questionEnd int
}

func newQuery(q Question, edns, mixCase bool) *query {
	var random [2 + dnswire.MaxName/8 + 1]byte
	rand.Read(random[:]) // never fails
	h := dnswire.Header{ID: binary.BigEndian.Uint16(random[:]), Flags: dnswire.FlagRD | dnswire.FlagAD, QDCount: 1}
	if q.CD {
		h.Flags |= dnswire.FlagCD
	}
	if edns {
		h.ARCount = 1
	}
	w := h.Append(make([]byte, 0, dnswire.HeaderLen+len(q.Name)+4+dnswire.OPTLen))
	w = dnswire.AppendQuestion(w, q.Name, q.Type, q.Class)
	if mixCase {
		randomCase(w[dnswire.HeaderLen:][:len(q.Name)], random[2:])
	}
	end := len(w)
	if edns {
		var flags uint32
		if q.DO {
			flags = dnswire.FlagDO
		}
		w = dnswire.AppendOPT(w, udpSize, flags)
	}
	return &query{id: h.ID, wire: w, questionEnd: end}
}

// randomCase changes a lower-case name in place: one random bit decides about
// each letter.
func randomCase(name, random []byte) {
	for i, c := range name {
		if 'a' <= c && c <= 'z' && random[i/8]>>(i%8)&1 == 1 {
			name[i] = c - ('a' - 'A')
		}
	}
}

func (q *query) question() []byte { return q.wire[dnswire.HeaderLen:q.questionEnd] }

// Errors of match: why a message is not the answer to a query.
var (
	errUnrelated    = errors.New("the message does not answer the query")
	errCaseMismatch = errors.New("the answer does not keep the case of the question")
	errNoEDNS       = errors.New("the upstream does not support EDNS")
)

// match returns nil if a message answers the query, or why it does not.
func (q *query) match(raw []byte) error {
	h, ok := dnswire.ParseHeader(raw)
	if !ok || h.ID != q.id || h.Flags&dnswire.FlagQR == 0 || h.Flags&dnswire.OpcodeMask != dnswire.OpcodeQuery {
		return errUnrelated
	}
	if h.QDCount == 0 && len(raw) == dnswire.HeaderLen && q.hasOPT() && rejectsEDNS(h.Flags&dnswire.RcodeMask) {
		return errNoEDNS
	}
	if h.QDCount != 1 || len(raw) < q.questionEnd {
		return errUnrelated
	}
	question := raw[dnswire.HeaderLen:q.questionEnd]
	switch {
	case bytes.Equal(question, q.question()):
		return nil
	case dnswire.EqualName(question[:len(question)-4], q.question()[:len(question)-4]) &&
		bytes.Equal(question[len(question)-4:], q.question()[len(question)-4:]):
		return errCaseMismatch
	default:
		return errUnrelated
	}
}

func (q *query) hasOPT() bool { return len(q.wire) > q.questionEnd }

// rejectsEDNS reports whether a response code is one that servers without EDNS
// answer with (RFC 6891 section 7).
func rejectsEDNS(rcode uint16) bool {
	return rcode == dnswire.RcodeFormErr || rcode == dnswire.RcodeNotImp
}

// read parses an answer that matches. It converts the question to lower case first,
// because names in the answer point to it and must not have its random case.
func (q *query) read(raw []byte) (*message, error) {
	dnswire.Lower(raw[dnswire.HeaderLen : q.questionEnd-4])
	m, err := parse(raw)
	if err == nil && q.hasOPT() && rejectsEDNS(m.rcode) {
		return nil, errNoEDNS
	}
	return m, err
}
