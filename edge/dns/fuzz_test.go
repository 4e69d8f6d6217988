package dns

import (
	"bytes"
	"encoding/binary"
	"testing"

	mdns "github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/edge/dns/answer"
)

// FuzzAnswer sends anything at all. miekg/dns says what can be understood.
func FuzzAnswer(f *testing.F) {
	for _, q := range []*mdns.Msg{
		question("web.example.com.", mdns.TypeA),
		question("_http._tcp.example.com.", mdns.TypeSRV).SetEdns0(512, true),
		question("cn.example.com.", mdns.TypeAAAA).SetEdns0(4096, false),
		question("nothing.example.com.", mdns.TypeANY),
		question("example.com.", mdns.TypeSOA),
		question("alias.example.com.", mdns.TypeA),
		question("web.example.com.", dnswire.TypeNXNAME),
		new(mdns.Msg).SetAxfr("example.com."),
		new(mdns.Msg).SetNotify("example.com."),
		new(mdns.Msg).SetUpdate("example.com."),
	} {
		packed, err := q.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed, uint8(0))
		q.SetEdns0(1232, false)
		q.IsEdns0().Option = []mdns.EDNS0{
			&mdns.EDNS0_COOKIE{Code: mdns.EDNS0COOKIE, Cookie: "0102030405060708"},
			&mdns.EDNS0_SUBNET{Code: mdns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: []byte{192, 0, 2, 0}},
			&mdns.EDNS0_NSID{Code: mdns.EDNS0NSID}, &mdns.EDNS0_TCP_KEEPALIVE{Code: mdns.EDNS0TCPKEEPALIVE}, &mdns.EDNS0_PADDING{Padding: make([]byte, 9)},
		}
		packed, _ = q.Pack()
		f.Add(packed, uint8(3))
	}
	w := populated(f, func(c *Config) { c.Identity = "fuzz" })
	f.Fuzz(func(t *testing.T, query []byte, transport uint8) {
		tr := answer.Transport(transport) % answer.Transports
		kept := bytes.Clone(query)
		msg := w.raw(query, trusted, tr)
		if !bytes.Equal(query, kept) {
			t.Fatal("the query was changed")
		}
		checkAnswer(t, query, msg, tr)
	})
}

// checkAnswer holds for every query.
func checkAnswer(t *testing.T, query, answer []byte, tr answer.Transport) {
	if len(query) < dnswire.HeaderLen || query[2]&0x80 != 0 {
		if answer != nil {
			t.Fatalf("%x was answered", query)
		}
		return
	}
	if len(answer) < dnswire.HeaderLen || !bytes.Equal(answer[:2], query[:2]) || answer[2]&0xf8 != query[2]&0x78|0x80 {
		t.Fatalf("%x: header of %x", query, answer)
	}
	m := new(mdns.Msg)
	if err := m.Unpack(answer); err != nil {
		t.Fatalf("%x: the answer %x: %v", query, answer, err)
	}
	checkEnds(t, answer)
	limit := 65535
	if opt := m.IsEdns0(); tr == UDP {
		if limit = 512; opt != nil {
			limit = 1232
		}
	}
	if len(answer) > limit {
		t.Fatalf("%x: %d octets", query, len(answer))
	}
	if len(m.Question) == 1 {
		end := dnswire.HeaderLen + nameLen(query[dnswire.HeaderLen:]) + 4
		if !bytes.Equal(answer[dnswire.HeaderLen:end], query[dnswire.HeaderLen:end]) {
			t.Fatalf("%x: question of %x", query, answer)
		}
	}
	if m.Rcode == mdns.RcodeFormatError && understood(query) {
		t.Fatalf("%x: FORMERR", query)
	}
}

func nameLen(b []byte) int {
	at := 0
	for b[at] != 0 {
		at += 1 + int(b[at])
	}
	return at + 1
}

// checkEnds walks over the records, which must end where the message does.
func checkEnds(t *testing.T, answer []byte) {
	at := dnswire.HeaderLen
	if binary.BigEndian.Uint16(answer[4:]) == 1 {
		at += dnswire.NameLen(answer[dnswire.HeaderLen:]) + 4
	}
	records := int(binary.BigEndian.Uint16(answer[6:])) + int(binary.BigEndian.Uint16(answer[8:])) + int(binary.BigEndian.Uint16(answer[10:]))
	if at = dnswire.SkipRecords(answer, at, records); at < 0 {
		t.Fatalf("%x: a record is cut", answer)
	}
	if at != len(answer) {
		t.Fatalf("%x: %d octets too many", answer, len(answer)-at)
	}
}

// understood reports whether a query is beyond doubt well-formed: one plain
// question, and nothing that EDNS could find fault with.
func understood(query []byte) bool {
	m := new(mdns.Msg)
	if m.Unpack(query) != nil || len(m.Question) != 1 || m.Opcode != mdns.OpcodeQuery {
		return false
	}
	if binary.BigEndian.Uint16(query[6:])|binary.BigEndian.Uint16(query[8:])|binary.BigEndian.Uint16(query[10:]) != 0 {
		return false
	}
	if m.Question[0].Qtype == dnswire.TypeNXNAME {
		return false // RFC 9824 section 3.5: such a query gets FORMERR
	}
	name := query[dnswire.HeaderLen:]
	for at := 0; name[at] != 0; at += 1 + int(name[at]) {
		if name[at] > 63 {
			return false // compressed: miekg follows the pointer into the header
		}
	}
	return len(query) == dnswire.HeaderLen+nameLen(name)+4
}
