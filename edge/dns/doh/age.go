package doh

import (
	"encoding/binary"
	"fmt"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// cacheControl returns the Cache-Control field of a response: it may be kept for the
// shortest TTL of its answer section, or for a negative answer as long as its SOA
// record allows (RFC 8484 section 5.1). It is private because the answer depends on
// the client.
func cacheControl(answer []byte) string {
	age, ok := maxAge(answer)
	if !ok {
		return "no-store"
	}
	return fmt.Sprintf("private, max-age=%d", age)
}

// maxAge returns for how many seconds an answer may be kept, and whether it may
// be kept at all.
func maxAge(answer []byte) (age uint32, ok bool) {
	h, ok := dnswire.ParseHeader(answer)
	rcode := h.Flags & dnswire.RcodeMask
	if !ok || rcode != dnswire.RcodeNoError && rcode != dnswire.RcodeNXDomain {
		return 0, false
	}
	at := dnswire.HeaderLen
	for range h.QDCount {
		q, ok := dnswire.ParseQuestion(answer, at)
		if !ok {
			return 0, false
		}
		at = q.End
	}
	if h.ANCount > 0 {
		return leastTTL(answer, at, int(h.ANCount))
	}
	return negativeAge(answer, at, int(h.NSCount))
}

// leastTTL returns the least TTL of n records from an offset on.
func leastTTL(answer []byte, at, n int) (age uint32, ok bool) {
	age = ^uint32(0)
	for range n {
		rr, ok := dnswire.ParseRecord(answer, at)
		if !ok {
			return 0, false
		}
		age, at = min(age, rr.TTL), rr.End
	}
	return age, true
}

// negativeAge returns what the SOA record among n records from an offset on says
// about a negative answer: RFC 2308 section 5.
func negativeAge(answer []byte, at, n int) (age uint32, ok bool) {
	for range n {
		rr, ok := dnswire.ParseRecord(answer, at)
		if !ok {
			return 0, false
		}
		if at = rr.End; rr.Type == dnswire.TypeSOA && rr.End-rr.Data >= 4 {
			return min(rr.TTL, binary.BigEndian.Uint32(answer[rr.End-4:])), true
		}
	}
	return 0, false
}
