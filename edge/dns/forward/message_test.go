package forward

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// samples has a record of every type in whose data names may be compressed,
// and of some whose data is copied as it is.
func samples() []dns.RR {
	var rrs []dns.RR
	for _, text := range []string{
		"www.example. 60 IN A 192.0.2.1",
		"www.example. 60 IN AAAA 2001:db8::1",
		"example. 60 IN NS ns.example.",
		"alias.example. 60 IN CNAME www.example.",
		"example. 60 IN SOA ns.example. admin.www.example. 1 2 3 4 5",
		"1.2.0.192.in-addr.arpa. 60 IN PTR www.example.",
		"example. 60 IN MX 10 mail.example.",
		"_a._tcp.example. 60 IN SRV 1 2 3 www.example.",
		"example. 60 IN DNAME example.net.",
		`example. 60 IN NAPTR 100 10 "U" "E2U+sip" "!^.*$!sip:info@example.com!" www.example.`,
		"example. 60 IN RP admin.example. www.example.",
		"example. 60 IN AFSDB 1 www.example.",
		"example. 60 IN RT 1 www.example.",
		"example. 60 IN PX 10 www.example. mail.example.",
		"example. 60 IN KX 10 www.example.",
		"example. 60 IN MINFO admin.example. www.example.",
		"example. 60 IN MB www.example.",
		`example. 60 IN TXT "some text" ""`,
		"example. 60 IN CAA 0 issue \"ca.example\"",
		"example. 60 IN HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1",
		"example. 60 IN DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000",
		"example. 60 IN TYPE65400 \\# 4 01020304",
		". 60 IN NS a.root-servers.example.",
	} {
		rrs = append(rrs, rr(text))
	}
	return rrs
}

// uncompressed is a record as miekg/dns packs it without compression.
func uncompressed(t *rapid.T, r dns.RR) []byte {
	buf := make([]byte, 4096)
	n, err := dns.PackRR(r, buf, 0, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	return buf[:n]
}

func packed(rr RR) []byte {
	b := append([]byte(nil), rr.Name...)
	b = binary.BigEndian.AppendUint16(b, rr.Type)
	b = binary.BigEndian.AppendUint16(b, rr.Class)
	b = binary.BigEndian.AppendUint32(b, rr.TTL)
	b = binary.BigEndian.AppendUint16(b, uint16(len(rr.Data)))
	return append(b, rr.Data...)
}

// Compression by another library is undone.
func TestParseUndoesCompression(t *testing.T) {
	all := samples()
	rapid.Check(t, func(t *rapid.T) {
		m := new(dns.Msg).SetQuestion("www.example.", dns.TypeANY)
		m.Response, m.Compress = true, rapid.Bool().Draw(t, "compress")
		m.SetEdns0(1232, false)
		m.Rcode = rapid.SampledFrom([]int{0, 3, dns.RcodeBadVers}).Draw(t, "rcode")
		m.Answer = rapid.SliceOfN(rapid.SampledFrom(all), 0, 30).Draw(t, "answer")
		m.Ns = rapid.SliceOfN(rapid.SampledFrom(all), 0, 10).Draw(t, "authority")
		raw, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		got, err := parse(raw)
		if err != nil || int(got.rcode) != m.Rcode {
			t.Fatalf("parse: %v, %+v", err, got)
		}
		want := slices.Concat(m.Answer, m.Ns)
		have := slices.Concat(got.answer, got.authority)
		if len(want) != len(have) || len(m.Answer) != len(got.answer) {
			t.Fatalf("%d records, want %d", len(have), len(want))
		}
		for i := range want {
			if w, h := uncompressed(t, want[i]), packed(have[i]); !bytes.Equal(w, h) {
				t.Fatalf("%v\nwant %x\nhave %x", want[i], w, h)
			}
		}
	})
}

func TestParseRefuses(t *testing.T) {
	header := []byte{0, 1, 0x80, 0, 0, 1, 0, 1, 0, 0, 0, 0}
	q := []byte("\x03www\x07example\x00\x00\x01\x00\x01")
	base := slices.Concat(header, q)
	for name, tail := range map[string]string{
		"nothing":               "",
		"pointer to itself":     "\xc0\x1d\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x01\x02\x03\x04",
		"pointer ahead":         "\xc0\x1f\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x01\x02\x03\x04",
		"pointer into header":   "\xc0\x00\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x01\x02\x03\x04",
		"half a pointer":        "\xc0",
		"label type 01":         "\x41a\x00\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x01\x02\x03\x04",
		"label beyond":          "\x3faaa",
		"half the fixed part":   "\xc0\x0c\x00\x01\x00\x01\x00\x00",
		"data beyond":           "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x05\x01\x02\x03\x04",
		"A too short":           "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x03\x01\x02\x03",
		"A too long":            "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x05\x01\x02\x03\x04\x05",
		"AAAA too short":        "\xc0\x0c\x00\x1c\x00\x01\x00\x00\x00\x3c\x00\x04\x01\x02\x03\x04",
		"CNAME with a tail":     "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x03\xc0\x0c\x00",
		"CNAME beyond its data": "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x01\xc0\x0c",
		"empty CNAME":           "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x00",
		"NAPTR without strings": "\xc0\x0c\x00\x23\x00\x01\x00\x00\x00\x3c\x00\x05\x00\x01\x00\x01\x09",
	} {
		if m, err := parse(append(slices.Clone(base), tail...)); err == nil {
			t.Errorf("%s was read as %+v", name, m.answer)
		}
	}
	// A chain of pointers that makes the name longer and longer.
	long := slices.Concat(base, []byte{0xc0, 0x0c})
	var grow []byte
	for range 40 {
		grow = append(grow, "\x07abcdefg"...)
	}
	if _, err := parse(slices.Concat(base, grow, long[len(base):], []byte("\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x00"))); err == nil {
		t.Error("a name of more than 255 octets was read")
	}
}

// A response that does not fit ends before the first record without room.
func TestAppendStopsAtLimit(t *testing.T) {
	resp := &Response{Answer: []RR{
		{Name: []byte("\x01a\x00"), Type: 1, Class: 1, TTL: 9, Data: []byte{1, 2, 3, 4}},
		{Name: []byte("\x01b\x00"), Type: 1, Class: 1, TTL: 9, Data: []byte{1, 2, 3, 4}},
		{Name: []byte("\x01b\x00"), Type: 1, Class: 1, TTL: 9, Data: []byte{1, 2, 3, 5}},
	}, Authority: []RR{{Name: []byte{0}, Type: 2, Class: 1, TTL: 9, Data: []byte{0}}}}
	msg := append(make([]byte, dnswire.HeaderLen), "\x01A\x00\x00\x01\x00\x01"...)
	full, _ := resp.Append(slices.Clone(msg), 512)
	const first, second, third, fourth = 16, 17, 16, 12
	if len(full) != len(msg)+first+second+third+fourth {
		t.Fatalf("%d octets:\n%x", len(full), full)
	}
	for limit := len(msg); limit <= len(full); limit++ {
		out, fit := resp.Append(slices.Clone(msg), limit)
		an, ns := binary.BigEndian.Uint16(out[6:]), binary.BigEndian.Uint16(out[8:])
		room := limit - len(msg)
		want := [2]uint16{}
		for _, size := range []int{first, second, third} {
			if room >= size && int(want[0]) < 3 {
				want[0]++
			} else {
				room = 0
			}
			room -= size
		}
		if room >= fourth {
			want[1]++
		}
		if [2]uint16{an, ns} != want || fit != (limit == len(full)) || len(out) > limit {
			t.Fatalf("limit %d: %d and %d records, fit %v, want %v", limit, an, ns, fit, want)
		}
	}
}

// fuzzQuery is the query that FuzzAnswer answers.
func fuzzQuery(t testing.TB) (*query, Question) {
	q := question(t, "www.example.", dns.TypeA)
	q.DO = true
	query := newQuery(q, true, false)
	query.id = 0x1234
	binary.BigEndian.PutUint16(query.wire, query.id)
	return query, q
}

// FuzzAnswer gives arbitrary answers to a query: nothing panics, and the responses
// made from them are well formed.
func FuzzAnswer(f *testing.F) {
	query, _ := fuzzQuery(f)
	seed := func(rcode int, answer, ns []dns.RR) {
		m := new(dns.Msg)
		if err := m.Unpack(query.wire); err != nil {
			f.Fatal(err)
		}
		m.Response, m.Rcode, m.Compress, m.Answer, m.Ns = true, rcode, true, answer, ns
		raw, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	seed(0, []dns.RR{www("60")}, nil)
	seed(0, []dns.RR{rr("www.example. 60 IN CNAME a.example."), rr("a.example. 60 IN A 192.0.2.1")}, nil)
	seed(0, []dns.RR{rr("example. 60 IN DNAME example.net."), rr("www.example. 60 IN CNAME www.example.net.")}, nil)
	seed(3, nil, []dns.RR{rr(soa)})
	seed(0, samples(), samples())
	seed(2, nil, nil)
	f.Fuzz(func(t *testing.T, raw []byte) {
		query, q := fuzzQuery(t)
		if query.match(raw) != nil {
			return
		}
		m, err := query.read(raw)
		if err != nil {
			return
		}
		c, err := follow(q, m.answer)
		if err != nil {
			return
		}
		r := &Resolver{cfg: Config{MaxTTL: time.Hour, MaxNegativeTTL: time.Minute}}
		helpful(m, q)
		e := r.conclude(q, m, c, c.kept)
		if e == nil {
			return
		}
		if least := e.resp.MinTTL(); least < e.ttl {
			t.Fatalf("remembered for %d s, but holds for %d s", e.ttl, least)
		}
		msg := slices.Clone(query.wire[:query.questionEnd])
		msg[dnswire.HeaderLen-1] = 0 // the query's OPT record
		out, fit := e.resp.Append(msg, 1<<16-1)
		if !fit {
			return
		}
		out[2] |= 0x80
		again, err := parse(out)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%x", err, out)
		}
		if len(again.answer) != len(e.resp.Answer) || len(again.authority) != len(e.resp.Authority) {
			t.Fatal("records were lost")
		}
		for i, rr := range slices.Concat(again.answer, again.authority) {
			want := slices.Concat(e.resp.Answer, e.resp.Authority)[i]
			want.Name, rr.Name = dnswire.Lowered(want.Name), dnswire.Lowered(rr.Name)
			if len(want.Data)+len(rr.Data) > 0 && !cmp.Equal(rr, want) {
				t.Fatalf("record %d changed\n%s", i, cmp.Diff(want, rr))
			}
		}
	})
}
