package doh

import (
	"encoding/binary"
	"fmt"
)

const (
	rcodeNoError  = 0
	rcodeNXDomain = 3
	typeSOA       = 6
)

// cacheControl says how long a response may be kept: no longer than the least
// TTL of its answer section, or for a negative answer than its SOA record says
// (RFC 8484 section 5.1). It is private because the answer depends on who
// asks.
func cacheControl(answer []byte) string {
	age, ok := maxAge(answer)
	if !ok {
		return "no-store"
	}
	return fmt.Sprintf("private, max-age=%d", age)
}

// maxAge returns for how many seconds an answer holds, if it may be kept at all.
func maxAge(answer []byte) (age uint32, ok bool) {
	if rcode := answer[3] & 0xf; rcode != rcodeNoError && rcode != rcodeNXDomain {
		return 0, false
	}
	w := walker{msg: answer, at: headerLen}
	for range binary.BigEndian.Uint16(answer[4:]) {
		w.name()
		w.at += 4
	}
	answers := binary.BigEndian.Uint16(answer[6:])
	age = ^uint32(0)
	for range answers {
		_, ttl, _ := w.record()
		age = min(age, ttl)
	}
	if answers > 0 {
		return age, !w.bad
	}
	for range binary.BigEndian.Uint16(answer[8:]) {
		rrtype, ttl, data := w.record()
		if rrtype == typeSOA && len(data) >= 4 {
			// RFC 2308 section 5.
			return min(ttl, binary.BigEndian.Uint32(data[len(data)-4:])), !w.bad
		}
	}
	return 0, false
}

// walker steps through a message. Once it is bad, everything it says is zero.
type walker struct {
	msg []byte
	at  int
	bad bool
}

func (w *walker) name() {
	for !w.bad {
		if w.at >= len(w.msg) {
			w.bad = true
			return
		}
		switch n := int(w.msg[w.at]); {
		case n == 0:
			w.at++
			return
		case n >= 0xc0:
			w.at += 2
			return
		default:
			w.at += 1 + n
		}
	}
}

func (w *walker) record() (rrtype uint16, ttl uint32, data []byte) {
	const fixed = 10
	w.name()
	if w.bad || w.at+fixed > len(w.msg) {
		w.bad = true
		return 0, 0, nil
	}
	head := w.msg[w.at:]
	start := w.at + fixed
	end := start + int(binary.BigEndian.Uint16(head[8:]))
	if end > len(w.msg) {
		w.bad = true
		return 0, 0, nil
	}
	w.at = end
	return binary.BigEndian.Uint16(head), binary.BigEndian.Uint32(head[4:]), w.msg[start:end]
}
