package forward

import (
	"encoding/binary"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// Response is an upstream's answer. Its slices are shared and must not be changed.
type Response struct {
	// Rcode is the response code, extended by EDNS.
	Rcode uint16
	// AuthenticData is the upstream's claim that it has validated the answer. It
	// can be trusted only if the connection to the upstream is secure (RFC 4035
	// section 4.9.3), and must not be passed on otherwise.
	AuthenticData bool
	// Answer is the chain of aliases that begins at the question's name, and the
	// records at its end. Authority proves a negative answer.
	Answer, Authority []RR
	// Age is how many seconds ago the upstream answered. The caller subtracts it
	// from every TTL; it is never larger than any of them.
	Age uint32
}

// RR is a resource record. Names in it are not compressed.
type RR struct {
	Name        []byte
	Type, Class uint16
	// TTL is that of the upstream's answer, within the bounds of Config.
	TTL  uint32
	Data []byte
}

// MinTTL returns the number of seconds that all records of the response are still
// valid. It is 0 for responses without records.
func (r *Response) MinTTL() uint32 {
	least, any := ^uint32(0), false
	for _, section := range [][]RR{r.Answer, r.Authority} {
		for i := range section {
			least, any = min(least, section[i].TTL), true
		}
	}
	if !any {
		return 0
	}
	return least - r.Age
}

// Append appends the sections to msg, which holds a header and one question only. It sets
// the counts of answer and authority records in the header. Owner names that equal the
// question's name are pointers to it, so they have the case of this client's question.
//
// It stops before the first record that would make msg longer than limit, and
// returns false: the message is truncated.
func (r *Response) Append(msg []byte, limit int) ([]byte, bool) {
	question := msg[dnswire.HeaderLen : len(msg)-4]
	w := writer{msg: msg, limit: limit, question: question, age: r.Age}
	answers, fit := w.section(r.Answer)
	authorities := 0
	if fit {
		authorities, fit = w.section(r.Authority)
	}
	h, _ := dnswire.ParseHeader(w.msg)
	h.ANCount, h.NSCount = uint16(answers), uint16(authorities)
	h.Put(w.msg)
	return w.msg, fit
}

// writer appends records to a message.
type writer struct {
	msg      []byte
	limit    int
	question []byte
	age      uint32

	last   []byte // the last owner that was written in full
	lastAt int    // its offset
}

func (w *writer) section(rrs []RR) (written int, fit bool) {
	for i := range rrs {
		if !w.record(&rrs[i]) {
			return i, false
		}
	}
	return len(rrs), true
}

// record writes one record and returns true if it fits.
func (w *writer) record(rr *RR) bool {
	pointer := w.pointer(rr.Name)
	size := len(rr.Name)
	if pointer != 0 {
		size = 2
	}
	if len(w.msg)+size+dnswire.FixedLen+len(rr.Data) > w.limit {
		return false
	}
	if pointer != 0 {
		w.msg = binary.BigEndian.AppendUint16(w.msg, pointer)
	} else {
		w.last, w.lastAt = rr.Name, len(w.msg)
		w.msg = append(w.msg, rr.Name...)
	}
	w.msg = dnswire.AppendFixed(w.msg, rr.Type, rr.Class, rr.TTL-w.age, len(rr.Data))
	w.msg = append(w.msg, rr.Data...)
	return true
}

// pointer returns a pointer to an owner name that is already in the message, or 0.
func (w *writer) pointer(name []byte) uint16 {
	switch {
	case len(name) == 1:
		return 0 // the root is shorter than a pointer
	case dnswire.EqualName(name, w.question):
		return dnswire.Pointer(dnswire.HeaderLen)
	case w.lastAt > 0 && w.lastAt <= dnswire.MaxPointer && dnswire.EqualName(name, w.last):
		return dnswire.Pointer(w.lastAt)
	default:
		return 0
	}
}
