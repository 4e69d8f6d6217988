package forward

import (
	"errors"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// message is an upstream's answer.
type message struct {
	flags             uint16
	rcode             uint16 // extended
	answer, authority []RR
}

var errMalformed = errors.New("malformed answer")

// parse reads an answer whose header and question have been checked. Names and
// data are written in full. If any record is malformed, so is the whole answer.
func parse(raw []byte) (*message, error) {
	h, ok := dnswire.ParseHeader(raw)
	q, ok2 := dnswire.ParseQuestion(raw, dnswire.HeaderLen)
	if !ok || !ok2 {
		return nil, errMalformed
	}
	m := &message{flags: h.Flags, rcode: h.Flags & dnswire.RcodeMask}
	at := q.End
	var sections [3][]RR
	for i, count := range [...]uint16{h.ANCount, h.NSCount, h.ARCount} {
		for range count {
			var rr RR
			if rr, at, ok = readRecord(raw, at); !ok {
				return nil, errMalformed
			}
			if rr.Type == dnswire.TypeOPT {
				m.rcode |= uint16(rr.TTL>>24) << 4
				continue
			}
			sections[i] = append(sections[i], rr)
		}
	}
	// The additional section is read for its form and the OPT record only.
	m.answer, m.authority = sections[0], sections[1]
	return m, nil
}

// readRecord reads the record at an offset and returns where it ends.
func readRecord(raw []byte, at int) (rr RR, end int, ok bool) {
	r, ok := dnswire.ParseRecord(raw, at)
	if !ok {
		return RR{}, 0, false
	}
	rr = RR{Type: r.Type, Class: r.Class, TTL: r.TTL}
	if rr.Name, end = dnswire.AppendFullName(nil, raw, at); end < 0 {
		return RR{}, 0, false
	}
	rr.Data, ok = dnswire.AppendFullData(nil, raw, &r)
	return rr, r.End, ok
}
