package dnswire_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

func TestParseName(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, c := range []struct {
		text, wire string
		ok         bool
	}{
		{"", "\x00", true},
		{".", "\x00", true},
		{"www.Example", "\x03www\x07Example\x00", true},
		{"www.example.", "\x03www\x07example\x00", true},
		{`a\.b`, "\x02a\\\x01b\x00", true}, // no escapes
		{"_x._tcp", "\x02_x\x04_tcp\x00", true},
		{long, "\x3f" + long + "\x00", true},
		{long + "a", "", false},
		{"a..b", "", false},
		{".a", "", false},
		{"a..", "", false},
		{strings.Repeat(long+".", 3) + strings.Repeat("b", 61), strings.Repeat("\x3f"+long, 3) + "\x3d" + strings.Repeat("b", 61) + "\x00", true},
		{strings.Repeat(long+".", 3) + strings.Repeat("b", 62), "", false},
	} {
		wire, ok := dnswire.ParseName(c.text)
		if ok != c.ok || ok && wire != c.wire {
			t.Errorf("%q: %q, %v, want %q, %v", c.text, wire, ok, c.wire, c.ok)
		}
		if ok && (!dnswire.IsName([]byte(wire)) || dnswire.NameLen([]byte(wire)) != len(wire)) {
			t.Errorf("%q: %q is not one name", c.text, wire)
		}
	}
}

func TestIsName(t *testing.T) {
	for wire, want := range map[string]bool{
		"": false, "\x00": true, "\x00\x00": false, "\x03www\x00": true, "\x03www": false, "\x03ww": false,
		"\xc0\x0c": false, "\x40" + strings.Repeat("a", 64) + "\x00": false,
		strings.Repeat("\x01a", 127) + "\x00": true, strings.Repeat("\x01a", 128) + "\x00": false,
		strings.Repeat("\x01a", 126) + "\x02aa\x00": false,
	} {
		if got := dnswire.IsName([]byte(wire)); got != want {
			t.Errorf("%q: %v, want %v", wire, got, want)
		}
	}
}

func TestSkipName(t *testing.T) {
	for msg, want := range map[string]int{
		"": -1, "\x00": 1, "\x00\x00": 1, "\x03www\x00": 5, "\x03www": -1, "\x03ww": -1, "\xc0\x0c": 2, "\xc0": -1,
		"\x03www\xc0\x0cx": 6, "\x40": -1, "\x80\x00": -1, "\x01a\x01b\x00x": 5,
	} {
		if got := dnswire.SkipName([]byte(msg), 0); got != want {
			t.Errorf("%q: %d, want %d", msg, got, want)
		}
	}
	if got := dnswire.SkipName([]byte("xx\x01a\x00"), 2); got != 5 {
		t.Errorf("at 2: %d", got)
	}
	for _, at := range []int{-1, 1, 7} {
		if got := dnswire.SkipName([]byte("x"), at); got != -1 {
			t.Errorf("at %d: %d", at, got)
		}
	}
}

func TestAppendFullName(t *testing.T) {
	head := strings.Repeat("-", dnswire.HeaderLen)
	long := strings.Repeat("\x3f"+strings.Repeat("a", 63), 3)
	for _, c := range []struct {
		what, msg string
		at        int
		want      string
		end       int
	}{
		{"in full", head + "\x01a\x00x", 12, "\x01a\x00", 15},
		{"the root", head + "\x00", 12, "\x00", 13},
		{"a pointer", head + "\x01a\x00\xc0\x0c", 15, "\x01a\x00", 17},
		{"a label and a pointer", head + "\x01a\x00\x01B\xc0\x0cx", 15, "\x01B\x01a\x00", 19},
		{"two pointers", head + "\x01a\x00\xc0\x0c\xc0\x0f", 17, "\x01a\x00", 19},
		{"255 octets", head + long + "\x3d" + strings.Repeat("b", 61) + "\x00", 12, long + "\x3d" + strings.Repeat("b", 61) + "\x00", 267},
		{"256 octets", head + long + "\x3e" + strings.Repeat("b", 62) + "\x00", 12, "", -1},
		{"256 octets by a pointer", head + long + "\x00\x3e" + strings.Repeat("b", 62) + "\xc0\x0c", 205, "", -1},
		{"a pointer to itself", head + "\xc0\x0c", 12, "", -1},
		{"a pointer into its own name", head + "\x01a\xc0\x0c", 12, "", -1},
		{"a pointer ahead", head + "\xc0\x0e\x00", 12, "", -1},
		{"a pointer into the header", "\x00" + head[1:] + "\xc0\x00", 12, "", -1},
		{"a circle of pointers", head + "\xc0\x0e\xc0\x0c", 14, "", -1},
		{"half a pointer", head + "\xc0", 12, "", -1},
		{"another label type", head + "\x41a\x00", 12, "", -1},
		{"half a label", head + "\x05abc", 12, "", -1},
		{"no end", head + "\x01a", 12, "", -1},
		{"beyond the end", head, 12, "", -1},
		{"before the beginning", head, -1, "", -1},
	} {
		name, end := dnswire.AppendFullName([]byte("before"), []byte(c.msg), c.at)
		if string(name) != "before"+c.want || end != c.end {
			t.Errorf("%s: %q, %d, want %q, %d", c.what, name, end, c.want, c.end)
		}
	}
}

func TestCase(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	want := bytes.Clone(all)
	for c := 'A'; c <= 'Z'; c++ {
		want[c] = byte(c) + 'a' - 'A'
	}
	for start := range 20 { // at every place of a word
		got := bytes.Clone(all[start:])
		dnswire.Lower(got)
		if !bytes.Equal(got, want[start:]) {
			t.Errorf("from %d: %q", start, got)
		}
	}
	if got := dnswire.Lowered("\x03WwW\x00"); got != "\x03www\x00" {
		t.Errorf("%q", got)
	}
	if got := dnswire.Lowered([]byte("\x03WwW\x00")); string(got) != "\x03www\x00" {
		t.Errorf("%q", got)
	}
}

func TestIsSubdomain(t *testing.T) {
	for _, c := range []struct {
		name, parent string
		want         bool
	}{
		{"\x00", "\x00", true},
		{"\x01a\x00", "\x00", true},
		{"\x00", "\x01a\x00", false},
		{"\x01b\x01A\x00", "\x01a\x00", true},
		{"\x01a\x00", "\x01b\x01a\x00", false},
		{"\x02ba\x00", "\x01a\x00", false},
		{"\x03b\x01a\x00", "\x01a\x00", false}, // ends the same, but not at a label
	} {
		if got := dnswire.IsSubdomain(c.name, []byte(c.parent)); got != c.want {
			t.Errorf("%q below %q: %v", c.name, c.parent, got)
		}
	}
}

func TestLabels(t *testing.T) {
	if n := dnswire.CountLabels("\x01a\x03www\x00"); n != 2 {
		t.Error(n)
	}
	if n := dnswire.CountLabels([]byte{0}); n != 0 {
		t.Error(n)
	}
	if p := dnswire.Parent("\x01a\x03www\x00"); p != "\x03www\x00" {
		t.Errorf("%q", p)
	}
}

func TestText(t *testing.T) {
	for wire, want := range map[string]string{
		"": ".", "\x00": ".", "\x03www\x07Example\x00": "www.Example.",
		"\x08a.b\\c;(\"\x03)@$\x00": `a\.b\\c\;\(\".\)\@\$.`,
		"\x04\x00\xff \x7f\x00":     `\000\255\032\127.`,
		"\x05ab":                    "ab.", // cut off
	} {
		if got := dnswire.Text(wire); got != want {
			t.Errorf("%q: %q, want %q", wire, got, want)
		}
		if got := dnswire.Text([]byte(wire)); got != want {
			t.Errorf("%q: %q, want %q", wire, got, want)
		}
	}
}

func TestHeader(t *testing.T) {
	h := dnswire.Header{ID: 0x1234, Flags: dnswire.FlagQR | dnswire.FlagAA, QDCount: 1, ANCount: 2, NSCount: 3, ARCount: 0x105}
	b := h.Append([]byte("x"))
	if got := string(b); got != "x\x12\x34\x84\x00\x00\x01\x00\x02\x00\x03\x01\x05" {
		t.Errorf("%q", got)
	}
	if got, ok := dnswire.ParseHeader(b[1:]); !ok || got != h || got.Records() != 2+3+0x105 {
		t.Errorf("%+v, %v", got, ok)
	}
	if _, ok := dnswire.ParseHeader(b[2:]); ok {
		t.Error("a header of 11 octets was read")
	}
	h.Flags = 0
	if h.Put(b[1:]); string(b[:5]) != "x\x12\x34\x00\x00" {
		t.Errorf("%q", b)
	}
}

func TestParseQuestion(t *testing.T) {
	head := strings.Repeat("-", dnswire.HeaderLen)
	msg := []byte(head + "\x03WWW\x00\x00\x1c\x00\x01rest")
	q, ok := dnswire.ParseQuestion(msg, dnswire.HeaderLen)
	if !ok || string(q.Name) != "\x03WWW\x00" || q.Type != dnswire.TypeAAAA || q.Class != dnswire.ClassIN || string(msg[q.End:]) != "rest" {
		t.Errorf("%+v, %v", q, ok)
	}
	if b := dnswire.AppendQuestion([]byte(head), q.Name, q.Type, q.Class); string(b) != string(msg[:q.End]) {
		t.Errorf("%q", b)
	}
	for n := range q.End - dnswire.HeaderLen {
		if _, ok := dnswire.ParseQuestion(msg[:dnswire.HeaderLen+n], dnswire.HeaderLen); ok {
			t.Errorf("%d octets of a question were read", n)
		}
	}
	for _, at := range []int{-1, len(msg), len(msg) + 1} {
		if _, ok := dnswire.ParseQuestion(msg, at); ok {
			t.Errorf("a question at %d was read", at)
		}
	}
	if _, ok := dnswire.ParseQuestion([]byte(head+"\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01"), 17); ok {
		t.Error("a compressed name was read")
	}
}

func TestRecord(t *testing.T) {
	b := append([]byte("------------"), "\x03www\x00"...)
	b = dnswire.AppendFixed(b, dnswire.TypeA, dnswire.ClassIN, 0x01020304, 4)
	b = append(b, 192, 0, 2, 1)
	b = dnswire.AppendOPT(b, 1232, dnswire.FlagDO)
	r, ok := dnswire.ParseRecord(b, 12)
	if want := (dnswire.Record{Type: 1, Class: 1, TTL: 0x01020304, Start: 12, Data: 27, End: 31}); !ok || r != want || r.NameEnd() != 17 {
		t.Errorf("%+v, %v, want %+v", r, ok, want)
	}
	opt, ok := dnswire.ParseRecord(b, r.End)
	if !ok || opt.Type != dnswire.TypeOPT || opt.Class != 1232 || opt.TTL != 1<<15 || opt.End != len(b) || opt.End-opt.Start != dnswire.OPTLen {
		t.Errorf("%+v, %v", opt, ok)
	}
	if at := dnswire.SkipRecords(b, 12, 2); at != len(b) {
		t.Errorf("records end at %d", at)
	}
	for end := 12; end < len(b); end++ {
		if at := dnswire.SkipRecords(b[:end], 12, 2); at != -1 {
			t.Errorf("records in %d octets end at %d", end, at)
		}
	}
}

// samples are records whose data has names in all the places it can have them.
func samples(t testing.TB) []dns.RR {
	var all []dns.RR
	for _, line := range []string{
		"WWW.example. 60 IN A 192.0.2.1",
		"www.example. 60 IN AAAA 2001:db8::1",
		"www.example. 60 IN CNAME Target.EXAMPLE.",
		"example. 60 IN NS NS.example.",
		"example. 60 IN DNAME Other.example.",
		"1.2.0.192.in-addr.arpa. 60 IN PTR WWW.example.",
		"example. 60 IN SOA NS.example. HostMaster.example. 1 2 3 4 5",
		"example. 60 IN MX 10 Mail.example.",
		"example. 60 IN RP Mbox.example. Txt.example.",
		"example. 60 IN PX 10 Map822.example. MapX400.example.",
		"_x._tcp.example. 60 IN SRV 1 2 3 Host.example.",
		`example. 60 IN NAPTR 1 2 "S" "SIP" "!a!b!" Next.example.`,
		`example. 60 IN TXT "Some" "Text"`,
		"example. 60 IN HINFO CPU OS",
		"example. 60 IN KX 10 Kx.example.",
		"example. 60 IN DS 1 13 2 aabbccdd",
		"example. 60 IN NSEC Next.example. A MX",
	} {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rr)
	}
	return all
}

// packed is a message of records in the answer section and nothing else.
func packed(t testing.TB, compress bool, rrs ...dns.RR) []byte {
	m := &dns.Msg{Answer: rrs, Compress: compress}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What another library compresses is read as what it was, and lowered as RFC 4034
// section 6.2 says.
func TestFullData(t *testing.T) {
	for _, rr := range samples(t) {
		plain, compressed := packed(t, false, rr, rr), packed(t, true, rr, rr)
		want, ok1 := dnswire.ParseRecord(plain, dnswire.HeaderLen)
		first, ok2 := dnswire.ParseRecord(compressed, dnswire.HeaderLen)
		second, ok3 := dnswire.ParseRecord(compressed, first.End)
		if !ok1 || !ok2 || !ok3 {
			t.Fatalf("%v cannot be read", rr)
		}
		data, ok := dnswire.AppendFullData(nil, compressed, &second)
		if !ok || !bytes.Equal(data, plain[want.Data:want.End]) {
			t.Errorf("%v: %q, %v, want %q", rr, data, ok, plain[want.Data:want.End])
		}
		for cut := 1; cut < second.End-second.Data; cut++ {
			short := second
			short.End -= cut
			if _, ok := dnswire.AppendFullData(nil, compressed, &short); ok && rr.Header().Rrtype != dns.TypeTXT &&
				rr.Header().Rrtype != dns.TypeDS && rr.Header().Rrtype != dns.TypeNSEC && rr.Header().Rrtype != dns.TypeHINFO {
				t.Errorf("%v: read without its last %d octets", rr, cut)
			}
		}
		lower := bytes.Clone(data)
		dnswire.LowerData(rr.Header().Rrtype, lower)
		switch rr.Header().Rrtype {
		case dns.TypeTXT, dns.TypeHINFO, dns.TypeNSEC, dns.TypeDS, dns.TypeA, dns.TypeAAAA:
			if !bytes.Equal(lower, data) {
				t.Errorf("%v: %q became %q", rr, data, lower)
			}
		case dns.TypeNAPTR:
			if !bytes.Contains(lower, []byte("SIP")) || !bytes.HasSuffix(lower, []byte("\x04next\x07example\x00")) {
				t.Errorf("%v: %q", rr, lower)
			}
		default:
			if !bytes.Equal(lower, dnswire.Lowered(data)) || bytes.Equal(lower, data) {
				t.Errorf("%v: %q became %q", rr, data, lower)
			}
		}
		for cut := range data { // no data makes it panic
			dnswire.LowerData(rr.Header().Rrtype, bytes.Clone(data[:cut]))
		}
	}
}

func TestNoAllocations(t *testing.T) {
	m := new(dns.Msg).SetQuestion("WWW.Example.", dns.TypeANY)
	m.Response, m.Compress, m.Answer = true, true, samples(t)
	msg, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	var name [dnswire.MaxName]byte
	out := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() {
		h, _ := dnswire.ParseHeader(msg)
		q, ok := dnswire.ParseQuestion(msg, dnswire.HeaderLen)
		dnswire.CopyLower(name[:], q.Name)
		out = dnswire.AppendQuestion(h.Append(out[:0]), name[:len(q.Name)], q.Type, q.Class)
		at := q.End
		for range h.ANCount {
			rr, found := dnswire.ParseRecord(msg, at)
			if !found {
				t.Fatal("not read")
			}
			at = rr.End
			out, _ = dnswire.AppendFullName(out, msg, rr.Start)
			out = dnswire.AppendFixed(out, rr.Type, rr.Class, rr.TTL, 0)
			if out, ok = dnswire.AppendFullData(out, msg, &rr); !ok {
				t.Fatal("not read")
			}
		}
		if !ok || !dnswire.IsSubdomain(q.Name, "\x07example\x00") {
			t.Fatal("not below")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkCopyLower(b *testing.B) {
	var to [dnswire.MaxName]byte
	name := []byte("\x03web\x04team\x0bproduction\x07example\x08internal\x00")
	for b.Loop() {
		dnswire.CopyLower(to[:], name)
	}
}

func BenchmarkParse(b *testing.B) {
	m := new(dns.Msg).SetQuestion("web.production.example.internal.", dns.TypeA)
	m.SetEdns0(1232, true)
	msg, err := m.Pack()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		h, _ := dnswire.ParseHeader(msg)
		q, ok := dnswire.ParseQuestion(msg, dnswire.HeaderLen)
		if !ok || dnswire.SkipRecords(msg, q.End, h.Records()) != len(msg) {
			b.Fatal("not read")
		}
	}
}

// seeds are messages for the fuzz targets.
func seeds(f *testing.F) {
	for _, compress := range []bool{false, true} {
		m := new(dns.Msg).SetQuestion("WWW.example.", dns.TypeANY)
		m.Response, m.Compress, m.Answer, m.Ns = true, compress, samples(f), samples(f)[:3]
		m.SetEdns0(1232, true)
		msg, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(msg)
		f.Add(msg[:len(msg)/2])
	}
	f.Add([]byte("------------\xc0\x0e\xc0\x0c"))
	f.Add(slices.Concat([]byte("------------"), bytes.Repeat([]byte("\x01a"), 130)))
}

// FuzzMessage reads arbitrary messages: nothing panics, offsets are inside the
// message, and what another library reads is read the same.
func FuzzMessage(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, msg []byte) {
		h, ok := dnswire.ParseHeader(msg)
		if ok != (len(msg) >= dnswire.HeaderLen) {
			t.Fatal("header")
		}
		if !ok {
			return
		}
		if again := h.Append(nil); !bytes.Equal(again, msg[:dnswire.HeaderLen]) {
			t.Fatalf("the header %q became %q", msg[:dnswire.HeaderLen], again)
		}
		at := dnswire.HeaderLen
		for range h.QDCount {
			q, ok := dnswire.ParseQuestion(msg, at)
			if !ok {
				return
			}
			if !dnswire.IsName(q.Name) || q.End != at+len(q.Name)+4 || q.End > len(msg) {
				t.Fatalf("question %+v at %d", q, at)
			}
			at = q.End
		}
		whole := dnswire.SkipRecords(msg, at, h.Records())
		for range h.Records() {
			r, ok := dnswire.ParseRecord(msg, at)
			if !ok {
				if whole >= 0 {
					t.Fatal("SkipRecords reads what ParseRecord does not")
				}
				return
			}
			if r.Start != at || r.NameEnd() <= at || r.Data > r.End || r.End > len(msg) {
				t.Fatalf("record %+v at %d", r, at)
			}
			fullRecord(t, msg, r)
			at = r.End
		}
		if whole != at {
			t.Fatalf("records end at %d or %d", at, whole)
		}
	})
}

// fullRecord writes a record in full, and compares it with what another library
// makes of it.
func fullRecord(t *testing.T, msg []byte, r dnswire.Record) {
	name, end := dnswire.AppendFullName(nil, msg, r.Start)
	if end < 0 {
		return
	}
	if end != r.NameEnd() || !dnswire.IsName(name) {
		t.Fatalf("name %q of %+v ends at %d", name, r, end)
	}
	text, _, err := dns.UnpackDomainName(msg, r.Start)
	if err != nil {
		t.Fatalf("the other library does not read %q: %v", name, err)
	}
	var buf [300]byte
	if n, err := dns.PackDomainName(text, buf[:], 0, nil, false); err != nil || !bytes.Equal(buf[:n], name) {
		t.Fatalf("the name is %q, or %q by the other library: %v", name, buf[:n], err)
	}
	if n, err := dns.PackDomainName(dnswire.Text(name), buf[:], 0, nil, false); err != nil || !bytes.Equal(buf[:n], name) {
		t.Fatalf("%q as text is %s, and that %q: %v", name, dnswire.Text(name), buf[:n], err)
	}
	data, ok := dnswire.AppendFullData(nil, msg, &r)
	if !ok {
		return
	}
	full := dnswire.AppendFixed(bytes.Clone(name), r.Type, r.Class, r.TTL, len(data))
	again, ok := dnswire.ParseRecord(append(full, data...), 0)
	if !ok || again.Type != r.Type || again.TTL != r.TTL || again.End != len(full)+len(data) {
		t.Fatalf("%+v became %+v", r, again)
	}
	lower := bytes.Clone(data)
	dnswire.LowerData(r.Type, lower)
	if !bytes.EqualFold(lower, data) && !bytes.Equal(dnswire.Lowered(data), dnswire.Lowered(lower)) {
		t.Fatalf("%q became %q", data, lower)
	}
}

// FuzzLower compares CopyLower with the obvious way.
func FuzzLower(f *testing.F) {
	f.Add([]byte("\x03WwW\x07eXample@[`{\xc1\xda\x00"))
	f.Fuzz(func(t *testing.T, name []byte) {
		want := bytes.Clone(name)
		for i, c := range want {
			if 'A' <= c && c <= 'Z' {
				want[i] = c + 32
			}
		}
		got := make([]byte, len(name))
		if dnswire.CopyLower(got, name); !bytes.Equal(got, want) {
			t.Errorf("%q became %q", name, got)
		}
	})
}

// FuzzName reads a name at any offset of anything.
func FuzzName(f *testing.F) {
	f.Add([]byte("------------\x03www\x00\x01a\xc0\x0c"), 17)
	f.Add([]byte("------------\xc0\x0e\xc0\x0c"), 12)
	f.Fuzz(func(t *testing.T, msg []byte, at int) {
		skipped := dnswire.SkipName(msg, at)
		name, end := dnswire.AppendFullName([]byte("x"), msg, at)
		if end >= 0 && end != skipped {
			t.Fatalf("the name at %d ends at %d or %d", at, end, skipped)
		}
		if end < 0 && len(name) != 1 {
			t.Fatalf("half a name is left: %q", name)
		}
		if name = name[1:]; end >= 0 && !dnswire.IsName(name) {
			t.Fatalf("%q is no name", name)
		}
		if end >= 0 {
			lower := dnswire.Lowered(name)
			if !dnswire.EqualName(name, lower) || !dnswire.IsSubdomain(name, lower) || dnswire.CountLabels(lower) > 127 {
				t.Fatalf("%q is another name than %q", name, lower)
			}
		}
	})
}
