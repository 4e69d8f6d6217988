package dns_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// wire is a client that sends and receives octets.
type wire struct {
	t    testing.TB
	conn net.Conn
}

func (w *fixture) dial(t testing.TB, network string) *wire {
	t.Helper()
	conn, err := net.Dial(network, w.Addrs().DNS)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	c := &wire{t: t, conn: conn}
	c.extend()
	return c
}

// extend restarts the time that the other side has.
func (c *wire) extend() {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *wire) send(raw []byte) {
	c.t.Helper()
	c.extend()
	if _, err := c.conn.Write(raw); err != nil {
		c.t.Fatal(err)
	}
}

func (c *wire) receive() []byte {
	c.t.Helper()
	buf := make([]byte, 1<<16)
	n, err := c.conn.Read(buf)
	if err != nil {
		c.t.Fatal(err)
	}
	return buf[:n]
}

// sentinel is a question whose answer shows that all before it are dealt with:
// one socket's datagrams are answered in their order.
func sentinel(id uint16) []byte {
	m := new(dns.Msg).SetQuestion("web.shop.example.", dns.TypeA)
	m.Id = id
	raw, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return raw
}

const sentinelID = 0xbeef

// query is a header and a question for web.shop.example A, with changes.
func query(change func(raw []byte) []byte) []byte { return change(sentinel(0x1234)) }

func set(at int, octets ...byte) func([]byte) []byte {
	return func(raw []byte) []byte {
		copy(raw[at:], octets)
		return raw
	}
}

// opt appends OPT records and counts them.
func opt(records ...string) func([]byte) []byte {
	return func(raw []byte) []byte {
		raw[11] = byte(len(records))
		return append(raw, strings.Join(records, "")...)
	}
}

const plainOPT = "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"

// What each packet is answered with: a response code, or silence.
func TestPackets(t *testing.T) {
	const silence = -1
	w := start(t)
	w.shop(t)
	for _, c := range []struct {
		name  string // the section it comes from, and what is odd
		raw   []byte
		rcode int
	}{
		{"RFC 1035: a query", query(set(0)), dns.RcodeSuccess},
		{"RFC 8906 3.1.1: no header", []byte{1, 2, 3}, silence},
		{"RFC 1035: nothing", []byte{}, silence},
		{"RFC 1035 4.1.1: a response", query(set(2, 0x80)), silence},
		{"RFC 8906 3.1.4: an unknown opcode", query(set(2, 15<<3)), dns.RcodeNotImplemented},
		{"RFC 1035: IQUERY", query(set(2, 1<<3)), dns.RcodeNotImplemented},
		{"RFC 1035: STATUS", query(set(2, 2<<3)), dns.RcodeNotImplemented},
		{"RFC 8490: DSO", query(set(2, 6<<3)), dns.RcodeNotImplemented},
		{"a header alone that promises a question", query(func(raw []byte) []byte { return raw[:12] }), dns.RcodeFormatError},
		{"no question", query(func(raw []byte) []byte { return append(raw[:4], 0, 0, 0, 0, 0, 0, 0, 0) }), dns.RcodeFormatError},
		{"RFC 9619: two questions", query(func(raw []byte) []byte { raw[5] = 2; return append(raw, raw[12:]...) }), dns.RcodeFormatError},
		{"a question cut short", query(func(raw []byte) []byte { return raw[:len(raw)-1] }), dns.RcodeFormatError},
		{"a compressed question", query(set(12, 0xc0, 0x0c)), dns.RcodeFormatError},
		{"RFC 6891: a label of type 01", query(set(12, 0x41)), dns.RcodeFormatError},
		{"RFC 1035 2.3.4: a name of 256 octets", longName(256), dns.RcodeFormatError},
		{"a name of 255 octets", longName(255), dns.RcodeRefused},
		{"octets after the end", query(func(raw []byte) []byte { return append(raw, 0) }), dns.RcodeFormatError},
		{"AD and CD", query(set(3, 0x30)), dns.RcodeSuccess},
		{"RFC 8906 3.1.3: the Z bit", query(set(3, 0x40)), dns.RcodeSuccess},
		{"AA, TC, RA and a response code in a query", query(set(2, 0x06, 0x8f)), dns.RcodeSuccess},
		{"RFC 6891: EDNS", query(opt(plainOPT)), dns.RcodeSuccess},
		{"RFC 6891 6.1.1: two OPT records", query(opt(plainOPT, plainOPT)), dns.RcodeFormatError},
		{"RFC 6891 6.1.2: OPT with a name", query(opt("\x01a" + plainOPT)), dns.RcodeFormatError},
		{"RFC 6891 6.1.3: version 1", query(opt("\x00\x00\x29\x04\xd0\x00\x01\x00\x00\x00\x00")), dns.RcodeBadVers},
		{"RFC 6891 6.1.4: unknown flags", query(opt("\x00\x00\x29\x04\xd0\x00\x00\x7f\xff\x00\x00")), dns.RcodeSuccess},
		{"RFC 6891 6.2.3: a size of 0", query(opt("\x00\x00\x29\x00\x00\x00\x00\x00\x00\x00\x00")), dns.RcodeSuccess},
		{"an option cut short", query(opt("\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x03\x00\x0a\x00")), dns.RcodeFormatError},
		{"an option longer than its record", query(opt("\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x05\xfd\xe9\x00\x09a")), dns.RcodeFormatError},
		{"RFC 7873 5.2.2: a cookie of 7 octets", query(opt("\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x0b\x00\x0a\x00\x071234567")), dns.RcodeFormatError},
		{"RFC 7873 5.2.2: a cookie of 41 octets", query(opt("\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x2d\x00\x0a\x00\x29" + strings.Repeat("x", 41))), dns.RcodeFormatError},
		{"RFC 7871 7.1.2: a subnet of family 3", query(opt("\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x08\x00\x08\x00\x04\x00\x03\x00\x00")), dns.RcodeFormatError},
		{"RFC 7871 7.1.2: a subnet with bits after its prefix", query(opt("\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x0b\x00\x08\x00\x07\x00\x01\x14\x00\xc0\x00\xff")), dns.RcodeFormatError},
		{"RFC 7871: a subnet of length 33", query(opt("\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x0d\x00\x08\x00\x09\x00\x01\x21\x00\xc0\x00\x02\x01\x00")), dns.RcodeFormatError},
		{"RFC 5936: AXFR over UDP", query(qtype(dns.TypeAXFR)), dns.RcodeRefused},
		{"RFC 6891: a question for OPT", query(qtype(dns.TypeOPT)), dns.RcodeNotImplemented},
		{"a question of an unknown type", query(qtype(65280)), dns.RcodeSuccess},
		{"a question of type 0", query(qtype(0)), dns.RcodeSuccess},
		{"class CH", query(class(dns.ClassCHAOS)), dns.RcodeRefused},
		{"an unknown class", query(class(4711)), dns.RcodeRefused},
		{"a record in the answer section of a query", query(func(raw []byte) []byte {
			raw[7] = 1
			return append(raw, "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x01\x02\x03\x04"...)
		}), dns.RcodeSuccess},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := w.dial(t, "udp")
			conn.send(c.raw)
			conn.send(sentinel(sentinelID))
			raw := conn.receive()
			silent := binary.BigEndian.Uint16(raw) == sentinelID
			if silent || c.rcode == silence {
				if !silent || c.rcode != silence {
					t.Fatalf("silent: %v, want response code %d (-1: silence)", silent, c.rcode)
				}
				return
			}
			checkAnswer(t, c.raw, raw, c.rcode)
		})
	}
}

// checkAnswer checks what holds for every answer to a packet.
func checkAnswer(t *testing.T, query, raw []byte, rcode int) {
	t.Helper()
	m := new(dns.Msg)
	if err := m.Unpack(raw); err != nil {
		t.Fatalf("the answer cannot be read: %v\n%x", err, raw)
	}
	if m.Rcode != rcode {
		t.Errorf("%s, want %s", dns.RcodeToString[m.Rcode], dns.RcodeToString[rcode])
	}
	flags := binary.BigEndian.Uint16(query[2:])
	if !bytes.Equal(raw[:2], query[:2]) || !m.Response || m.Opcode != int(flags>>11&0xf) ||
		m.RecursionDesired != (flags>>8&1 == 1) {
		t.Errorf("the header is not an answer's to %x:\n%v", query[:4], m)
	}
	if m.Zero || m.AuthenticatedData || m.RecursionAvailable || m.Truncated {
		t.Errorf("flags that must not be set:\n%v", m)
	}
	if len(m.Question) > 0 && !bytes.HasPrefix(query[12:], raw[12:12+4]) {
		t.Errorf("another question:\n%v", m)
	}
}

func qtype(n uint16) func([]byte) []byte {
	return func(raw []byte) []byte {
		binary.BigEndian.PutUint16(raw[len(raw)-4:], n)
		return raw
	}
}

func class(n uint16) func([]byte) []byte {
	return func(raw []byte) []byte {
		binary.BigEndian.PutUint16(raw[len(raw)-2:], n)
		return raw
	}
}

// longName is a query for a name of so many octets.
func longName(octets int) []byte {
	raw := sentinel(0x1234)[:12]
	left := octets - 1
	for left > 0 {
		n := min(63, left-1)
		if left-1-n == 1 {
			n-- // no room for another label
		}
		raw = append(append(raw, byte(n)), bytes.Repeat([]byte{'a'}, n)...)
		left -= 1 + n
	}
	return append(raw, 0, 0, 1, 0, 1)
}

// Truncation: RFC 2181 section 9, RFC 6891 section 6.2.5. What does not fit is
// whole over TCP.
func TestTruncation(t *testing.T) {
	w := start(t)
	ns := w.namespace(t, "shop.example", false)
	srv := w.service(t, ns, "a-name-that-takes-a-lot-of-room-in-every-answer._tcp", "SRV", "MULTIVALUE")
	for i := range 8 {
		w.register(t, srv, fmt.Sprintf("an-instance-with-a-rather-long-name-%d", i), "PORT=80", fmt.Sprintf("IPV4=10.0.0.%d", i+1))
	}
	q := new(dns.Msg).SetQuestion("a-name-that-takes-a-lot-of-room-in-every-answer._tcp.shop.example.", dns.TypeSRV)
	for _, size := range []uint16{0, 512, 700, 1232, 4096, 65535} {
		q.Extra = nil
		limit := 512
		if size > 0 {
			q.SetEdns0(size, false)
			limit = int(min(max(size, 512), 1232))
		}
		raw, err := q.Pack()
		if err != nil {
			t.Fatal(err)
		}
		conn := w.dial(t, "udp")
		conn.send(raw)
		answer := conn.receive()
		m := new(dns.Msg)
		if err := m.Unpack(answer); err != nil || len(answer) > limit {
			t.Errorf("size %d: %d octets, %v", size, len(answer), err)
		}
		if m.Truncated == (len(m.Answer) == 8) {
			t.Errorf("size %d: TC %v with %d of 8 records", size, m.Truncated, len(m.Answer))
		}
	}
	whole := w.exchange(t, &dns.Client{Net: "tcp"}, q)
	hosts := 0
	for _, rr := range whole.Extra {
		if rr.Header().Rrtype == dns.TypeA {
			hosts++
		}
	}
	if whole.Truncated || len(whole.Answer) != 8 || hosts != 8 {
		t.Errorf("over TCP:\n%v", whole)
	}
}

// Many queries in one segment, and one query in many: RFC 7766 sections 6.2.1.1
// and 8.
func TestPipelining(t *testing.T) {
	w := start(t)
	w.shop(t)
	conn := w.dial(t, "tcp")
	var all []byte
	const n = 100
	for i := range n {
		q := sentinel(uint16(i))
		all = append(binary.BigEndian.AppendUint16(all, uint16(len(q))), q...)
	}
	go func() { // reads and writes at once, or both sides' buffers may fill
		for part := range slices.Chunk(all[:40], 1) {
			_, _ = conn.conn.Write(part)
		}
		_, _ = conn.conn.Write(all[40:])
	}()
	seen := map[uint16]bool{}
	for range n {
		var length [2]byte
		if _, err := io.ReadFull(conn.conn, length[:]); err != nil {
			t.Fatal(err)
		}
		raw := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn.conn, raw); err != nil {
			t.Fatal(err)
		}
		m := new(dns.Msg)
		if err := m.Unpack(raw); err != nil || len(m.Answer) != 2 || seen[m.Id] {
			t.Fatalf("%v\n%v", err, m)
		}
		seen[m.Id] = true
	}
}

// Cookies: a client that shows the server's half again is known; one that shows
// another's is not, and gets a good one. RFC 7873 sections 5.2.3 to 5.2.5.
func TestCookies(t *testing.T) {
	w := start(t)
	w.shop(t)
	const client = "0123456789abcdef"
	exchange := func(cookie string) (server string) {
		q := new(dns.Msg).SetQuestion("web.shop.example.", dns.TypeA)
		q.SetEdns0(1232, false)
		q.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: cookie}}
		m := w.exchange(t, new(dns.Client), q)
		for _, o := range m.IsEdns0().Option {
			if c, ok := o.(*dns.EDNS0_COOKIE); ok {
				own, found := strings.CutPrefix(c.Cookie, client)
				if !found || len(own) != 32 || m.Rcode != dns.RcodeSuccess || len(m.Answer) != 2 {
					t.Errorf("cookie %s: %v", cookie, m)
				}
				return own
			}
		}
		t.Fatalf("cookie %s: the answer has none:\n%v", cookie, m)
		return ""
	}
	first := exchange(client)
	if again := exchange(client + first); again != first {
		t.Errorf("a good cookie was replaced: %s, %s", first, again)
	}
	exchange(client + strings.Repeat("00", 16))
}
