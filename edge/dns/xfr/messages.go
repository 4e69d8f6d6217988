package xfr

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/edge/dns/tsig"
)

const (
	// maxMessage keeps every name of a message in reach of a pointer: RFC 1035
	// section 4.1.4. So much is all that a transfer holds of its answer.
	maxMessage = 16 << 10

	udpSize = 1232 // of queries that we take

	keptFlags = dnswire.FlagRD | dnswire.FlagCD // of the query in the answer
)

// errTooLarge: the answer does not fit into one message, and must.
var errTooLarge = errors.New("xfr: too large for one message")

// messages writes records into messages: RFC 5936 section 2.2. Every message
// repeats the question, so that names can point to the zone's there.
type messages struct {
	query   []byte // header and question
	edns    bool
	signed  *tsig.Signature // nil: not
	limit   int             // octets of a message
	single  bool            // there is one message at the most
	send    func([]byte) error
	buf     []byte
	n       int    // records in buf
	owner   string // of the record before
	ownerAt int
	sent    sums
}

// sums is what a transfer came to.
type sums struct{ messages, records, octets int }

func (m *messages) begin() {
	m.buf = append(m.buf[:0], m.query...)
	m.n, m.owner = 0, ""
}

// room is what records may fill.
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

// add writes one record.
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

// name writes the name of a record, which ends in the zone's: RFC 1035 section
// 4.1.4.
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
