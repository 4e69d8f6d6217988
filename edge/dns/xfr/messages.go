package xfr

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/edge/dns/tsig"
)

const (
	// maxMessage is the length of a message. A pointer can point to every name in
	// it: RFC 1035 section 4.1.4. A transfer keeps one message in memory.
	maxMessage = 16 << 10

	udpSize = 1232 // of queries that we take

	keptFlags = dnswire.FlagRD | dnswire.FlagCD // of the query in the answer
)

// errTooLarge means that the answer does not fit into the only message.
var errTooLarge = errors.New("xfr: too large for one message")

// messages writes records into messages: RFC 5936 section 2.2. Every message
// repeats the question; names of records point to the zone's name in it.
type messages struct {
	query   []byte // header and question
	edns    bool
	signed  *tsig.Signature // nil: messages are not signed
	limit   int             // octets of a message
	single  bool            // the answer is one message
	send    func([]byte) error
	buf     []byte
	n       int    // records in buf
	owner   string // of the last record
	ownerAt int
	sent    sums
}

// sums counts what a transfer has sent.
type sums struct{ messages, records, octets int }

func (m *messages) begin() {
	m.buf = append(m.buf[:0], m.query...)
	m.n, m.owner = 0, ""
}

// room returns the length of a message without its OPT and TSIG records.
func (m *messages) room() int {
	room := m.limit
	if m.edns {
		room -= dnswire.OPTLen
	}
	if m.signed != nil {
		room -= m.signed.Size()
	}
	return room
}

// add writes one record, and sends the message before if it is full.
func (m *messages) add(rr []byte) error {
	if len(m.buf) == 0 {
		m.begin()
	}
	if len(m.buf)+len(rr) > m.room() && m.n > 0 {
		if m.single {
			return errTooLarge
		}
		if err := m.flush(); err != nil {
			return err
		}
		m.begin()
	}
	_, name := cut(rr)
	m.name(rr[:name])
	m.buf = append(m.buf, rr[name:]...)
	m.n++
	return nil
}

// name writes the name of a record, compressed: it ends with the zone's name (RFC
// 1035 section 4.1.4).
func (m *messages) name(name []byte) {
	if string(name) == m.owner {
		m.buf = binary.BigEndian.AppendUint16(m.buf, dnswire.Pointer(m.ownerAt))
		return
	}
	apex := len(m.query) - dnswire.HeaderLen - 4
	m.owner, m.ownerAt = string(name), len(m.buf)
	if len(name) == apex {
		m.ownerAt = dnswire.HeaderLen
	}
	m.buf = append(m.buf, name[:len(name)-apex]...)
	m.buf = binary.BigEndian.AppendUint16(m.buf, dnswire.Pointer(dnswire.HeaderLen))
}

// flush sends the message.
func (m *messages) flush() error {
	b := m.buf
	h, _ := dnswire.ParseHeader(b)
	h = dnswire.Header{ID: h.ID, Flags: dnswire.FlagQR | dnswire.FlagAA | h.Flags&keptFlags, QDCount: h.QDCount, ANCount: uint16(m.n)}
	if m.edns {
		b = dnswire.AppendOPT(b, udpSize, 0)
		h.ARCount++
	}
	h.Put(b)
	if m.signed != nil {
		b = m.signed.Sign(b, time.Now().Unix())
	}
	m.buf = b
	if err := m.send(b); err != nil {
		return err
	}
	m.sent.messages++
	m.sent.records += m.n
	m.sent.octets += len(b)
	return nil
}
