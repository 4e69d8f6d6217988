package answer

import (
	"context"
	"net/netip"
	"strconv"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/edge/dns/view"
)

// Test is a question that no client has sent.
type Test struct {
	Name string // in wire form
	Type uint16
	// VPCs are those that the client is in: it sees their private zones.
	VPCs []string
	// From is the address of the client, Subnet what it sends of its own client. Not
	// valid: none.
	From   netip.Addr
	Subnet netip.Prefix
}

// TestResult is the answer: the data of the records of the type, in wire form, without
// compression.
type TestResult struct {
	Rcode uint16
	Data  []string
}

// RcodeName returns the name of a response code, in the words of Route 53.
func RcodeName(rcode uint16) string {
	names := [...]string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"}
	if int(rcode) < len(names) {
		return names[rcode]
	}
	return "RCODE" + strconv.Itoa(int(rcode))
}

// Test answers a question as if a client had sent it over TCP.
func (r *Responder) Test(ctx context.Context, t Test) TestResult {
	a := r.NewAnswerer()
	a.Refresh()
	a.lastFrom = t.From
	a.lastClient = view.Client{VPCs: t.VPCs, Recursion: len(t.VPCs) > 0}
	msg := t.message()
	var req Request
	req.Parse(msg)
	out, d := a.Answer(&req, t.From, TCP, nil)
	if d == NeedsWait {
		a.lastFrom = t.From
		out, d = a.AnswerWaiting(ctx, &req, t.From, TCP, nil)
	}
	if d != Send {
		return TestResult{Rcode: dnswire.RcodeServFail}
	}
	return resultOf(out, req.end, t.Type)
}

// message is the question as a message.
func (t *Test) message() []byte {
	h := dnswire.Header{Flags: dnswire.FlagRD, QDCount: 1}
	if t.Subnet.IsValid() {
		h.ARCount = 1
	}
	msg := h.Append(nil)
	msg = append(msg, t.Name...)
	msg = add32(msg, uint32(t.Type)<<16|dnswire.ClassIN)
	if !t.Subnet.IsValid() {
		return msg
	}
	family, octets := uint16(1), (t.Subnet.Bits()+7)/8 // RFC 7871 section 6
	if t.Subnet.Addr().Is6() {
		family = 2
	}
	msg = append(msg, 0)
	msg = add64(msg, dnswire.TypeOPT<<48|uint64(DefaultUDPSize)<<32)
	msg = add16(msg, uint16(optionLen+4+octets))
	msg = add32(msg, uint32(optionSubnet)<<16|uint32(4+octets))
	msg = add32(msg, uint32(family)<<16|uint32(t.Subnet.Bits())<<8)
	return append(msg, t.Subnet.Addr().AsSlice()[:octets]...)
}

// resultOf reads the answer section.
func resultOf(out []byte, at int, rtype uint16) TestResult {
	h, ok := dnswire.ParseHeader(out)
	if !ok {
		return TestResult{Rcode: dnswire.RcodeServFail}
	}
	result := TestResult{Rcode: h.Flags & 0xf}
	for range h.ANCount {
		rr, ok := dnswire.ParseRecord(out, at)
		if !ok {
			break
		}
		if at = rr.End; rr.Type == rtype {
			if data, ok := dnswire.AppendFullData(nil, out, &rr); ok {
				result.Data = append(result.Data, string(data))
			}
		}
	}
	return result
}
