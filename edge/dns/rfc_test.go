package dns

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/edge/dns/answer"
)

// sections prints the records of a section, sorted: order means nothing.
func sections(rrs []mdns.RR) string {
	var lines []string
	for _, rr := range rrs {
		if soa, ok := rr.(*mdns.SOA); ok {
			soa.Serial = 1
		}
		if rr.Header().Rrtype != mdns.TypeOPT {
			lines = append(lines, strings.Join(strings.Fields(rr.String()), " "))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// populated has one of everything.
func populated(t testing.TB, change ...func(*Config)) *fixture {
	w := newFixture(t, change...)
	ns := w.namespace("example.com", "")
	web := w.service(ns, "web", "", "A", "AAAA")
	w.register(web, "i-1", ipv4, "192.0.2.10", ipv6, "2001:db8::10")
	w.register(web, "i-2", ipv4, "192.0.2.11")
	srv := w.service(ns, "_http._tcp", "", "SRV")
	w.register(srv, "i-1", ipv4, "192.0.2.20", ipv6, "2001:db8::20", port, "8080")
	w.register(srv, "Odd/:@.id", ipv4, "192.0.2.21", port, "8081", "weight", "7")
	w.register(w.service(ns, ".", "", "A"), "apex", ipv4, "192.0.2.30")
	w.register(w.service(ns, "alias", "WEIGHTED", "A"), "a", alias, "web.example.com")
	w.register(w.service(ns, "cn", "WEIGHTED", "CNAME"), "c", cname, "WEB.example.com")
	w.register(w.service(ns, "out", "WEIGHTED", "CNAME"), "c", cname, "www.example.net")
	w.register(w.service(ns, "gone", "WEIGHTED", "CNAME"), "c", cname, "nothing.example.com")
	w.register(w.service(ns, "loop", "WEIGHTED", "CNAME"), "c", cname, "loop.example.com")
	w.service(ns, "empty.deep", "", "A")
	w.do(&registry.CreateService{Name: "plain", NamespaceRef: ns, HTTPOnly: true})
	w.register(w.service(w.namespace("private.example", "vpc-1"), "db", "", "A"), "d", ipv4, "10.0.0.9")
	return w
}

const soaText = "example.com. 5 IN SOA ns.cairn.internal. hostmaster.cairn.internal. 1 7200 900 1209600 5"

// Every kind of record and of not having one: facts §2.4 and §3.
func TestAnswers(t *testing.T) {
	w := populated(t)
	web := "web.example.com. 60 IN A 192.0.2.10\nweb.example.com. 60 IN A 192.0.2.11"
	for _, c := range []struct {
		name              string
		qtype             uint16
		rcode             int
		answer, authority string
		additional        string
	}{
		{"web.example.com.", mdns.TypeA, 0, web, "", ""},
		{"web.example.com.", mdns.TypeAAAA, 0, "web.example.com. 60 IN AAAA 2001:db8::10", "", ""},
		{"web.example.com.", mdns.TypeTXT, 0, "", soaText, ""},
		{"web.example.com.", mdns.TypeSRV, 0, "", soaText, ""},
		{"web.example.com.", mdns.TypeNS, 0, "", soaText, ""},
		{"web.example.com.", mdns.TypeSOA, 0, "", soaText, ""},
		{"web.example.com.", mdns.TypeHTTPS, 0, "", soaText, ""},
		{"web.example.com.", 65280, 0, "", soaText, ""}, // RFC 3597, RFC 8906
		{"_http._tcp.example.com.", mdns.TypeSRV, 0,
			`_http._tcp.example.com. 60 IN SRV 1 1 8080 i-1._http._tcp.example.com.` + "\n" +
				`_http._tcp.example.com. 60 IN SRV 1 7 8081 x--Odd-2f-3a-40.id._http._tcp.example.com.`, "",
			"i-1._http._tcp.example.com. 60 IN A 192.0.2.20\ni-1._http._tcp.example.com. 60 IN AAAA 2001:db8::20" + "\n" +
				`x--Odd-2f-3a-40.id._http._tcp.example.com. 60 IN A 192.0.2.21`},
		{"_http._tcp.example.com.", mdns.TypeA, 0, "", soaText, ""},
		{"i-1._http._tcp.example.com.", mdns.TypeA, 0, "i-1._http._tcp.example.com. 60 IN A 192.0.2.20", "", ""},
		{"i-1._http._tcp.example.com.", mdns.TypeAAAA, 0, "i-1._http._tcp.example.com. 60 IN AAAA 2001:db8::20", "", ""},
		{`x--odd-2F-3a-40.ID._http._tcp.example.com.`, mdns.TypeA, 0, `x--odd-2F-3a-40.ID._http._tcp.example.com. 60 IN A 192.0.2.21`, "", ""},
		{`x--odd-2F-3a-40.ID._http._tcp.example.com.`, mdns.TypeAAAA, 0, "", soaText, ""},
		{"i-1.web.example.com.", mdns.TypeA, mdns.RcodeNameError, "", soaText, ""},
		{"_tcp.example.com.", mdns.TypeA, 0, "", soaText, ""},
		{"deep.example.com.", mdns.TypeA, 0, "", soaText, ""},
		{"empty.deep.example.com.", mdns.TypeA, 0, "", soaText, ""},
		{"plain.example.com.", mdns.TypeA, mdns.RcodeNameError, "", soaText, ""},
		{"*.example.com.", mdns.TypeA, mdns.RcodeNameError, "", soaText, ""}, // RFC 4592
		{"a.web.example.com.", mdns.TypeA, mdns.RcodeNameError, "", soaText, ""},
		{"example.com.", mdns.TypeA, 0, "example.com. 60 IN A 192.0.2.30", "", ""},
		{"example.com.", mdns.TypeMX, 0, "", soaText, ""},
		{"example.com.", mdns.TypeSOA, 0, soaText, "", ""},
		{"example.com.", mdns.TypeNS, 0, "example.com. 172800 IN NS ns.cairn.internal.", "", ""},
		{"alias.example.com.", mdns.TypeA, 0, strings.ReplaceAll(web, "web.", "alias."), "", ""},
		{"alias.example.com.", mdns.TypeAAAA, 0, "", soaText, ""},
		{"cn.example.com.", mdns.TypeA, 0, strings.ReplaceAll(web, "web", "WEB") + "\ncn.example.com. 60 IN CNAME WEB.example.com.", "", ""},
		{"cn.example.com.", mdns.TypeCNAME, 0, "cn.example.com. 60 IN CNAME WEB.example.com.", "", ""},
		{"cn.example.com.", mdns.TypeTXT, 0, "cn.example.com. 60 IN CNAME WEB.example.com.", soaText, ""},
		{"out.example.com.", mdns.TypeA, 0, "out.example.com. 60 IN CNAME www.example.net.", "", ""},
		// RFC 6604: the code is that of the last name.
		{"gone.example.com.", mdns.TypeA, mdns.RcodeNameError, "gone.example.com. 60 IN CNAME nothing.example.com.", soaText, ""},
		{"example.net.", mdns.TypeA, mdns.RcodeRefused, "", "", ""},
		{"com.", mdns.TypeNS, mdns.RcodeRefused, "", "", ""},
		{".", mdns.TypeNS, mdns.RcodeRefused, "", "", ""},
	} {
		m := w.ask(c.name, c.qtype, trusted)
		got := []string{sections(m.Answer), sections(m.Ns), sections(m.Extra)}
		want := []string{c.answer, c.authority, c.additional}
		if m.Rcode != c.rcode || !slices.Equal(got, want) {
			t.Errorf("%s %s: %s\n got %q\nwant %q", c.name, mdns.TypeToString[c.qtype], mdns.RcodeToString[m.Rcode], got, want)
		}
		if aa := c.rcode != mdns.RcodeRefused; m.Authoritative != aa || m.RecursionAvailable || m.AuthenticatedData || m.Zero {
			t.Errorf("%s: flags %+v", c.name, m.MsgHdr)
		}
	}
}

// serialOf returns the serial of a revision today.
func serialOf(revision uint64) uint32 { return uint32(zone.Serial(revision, time.Now().Unix())) }

// The serial follows the revision: RFC 1982 and issue of freshness.
func TestSerialIsTheRevision(t *testing.T) {
	w := populated(t)
	before := w.ask("example.com.", mdns.TypeSOA, trusted).Answer[0].(*mdns.SOA).Serial
	if before != serialOf(w.state.Revision) {
		t.Errorf("serial %d at revision %d", before, w.state.Revision)
	}
	w.namespace("another.example", "")
	if after := w.ask("example.com.", mdns.TypeSOA, trusted).Answer[0].(*mdns.SOA).Serial; after <= before {
		t.Errorf("serial %d after %d", after, before)
	}
}

// A chain of CNAME records that leads in a circle ends.
func TestCNAMELoop(t *testing.T) {
	w := populated(t)
	m := w.ask("loop.example.com.", mdns.TypeA, trusted)
	if n := len(m.Answer); n == 0 || n > maxDepth+1 {
		t.Errorf("%d records", n)
	}
}

// RFC 4343, and names as they were asked for (0x20, RFC 5452 section 4.1).
func TestRFC4343_Case(t *testing.T) {
	w := populated(t)
	m := w.ask("wEB.exAMPle.COM.", mdns.TypeA, trusted)
	if len(m.Answer) != 2 || m.Question[0].Name != "wEB.exAMPle.COM." || m.Answer[0].Header().Name != "wEB.exAMPle.COM." {
		t.Errorf("%v", m)
	}
	m = w.ask("nO.exAMPle.COM.", mdns.TypeA, trusted)
	if m.Ns[0].Header().Name != "exAMPle.COM." {
		t.Errorf("owner of SOA: %s", m.Ns[0].Header().Name)
	}
}

// Who does not see a private zone cannot tell it from none: facts §3.
func TestPrivateZones(t *testing.T) {
	w := populated(t)
	for from, want := range map[string]int{
		trusted: mdns.RcodeSuccess, inVPC1: mdns.RcodeSuccess, inVPC2: mdns.RcodeRefused, stranger: mdns.RcodeRefused,
		"::1": mdns.RcodeSuccess, "::ffff:10.1.2.3": mdns.RcodeSuccess, "2001:db8::1": mdns.RcodeRefused,
	} {
		for _, name := range []string{"db.private.example.", "private.example."} {
			if m := w.ask(name, mdns.TypeA, from); m.Rcode != want {
				t.Errorf("%s from %s: %s", name, from, mdns.RcodeToString[m.Rcode])
			}
		}
		if m := w.ask("web.example.com.", mdns.TypeA, from); m.Rcode != mdns.RcodeSuccess || len(m.Answer) != 2 {
			t.Errorf("public name from %s: %v", from, m)
		}
	}
}

// RFC 1035 section 4.1.1, RFC 4035 section 3.1.6: what is copied and what is not.
func TestRFC1035_Flags(t *testing.T) {
	w := populated(t)
	q := question("web.example.com.", mdns.TypeA)
	q.RecursionDesired, q.CheckingDisabled, q.AuthenticatedData, q.Zero, q.RecursionAvailable, q.Authoritative = true, true, true, true, true, true
	m := w.exchange(q, trusted, UDP)
	if !m.Response || m.Id != q.Id || !m.RecursionDesired || !m.CheckingDisabled || m.AuthenticatedData || m.Zero ||
		m.RecursionAvailable || !m.Authoritative || m.Truncated {
		t.Errorf("%+v", m.MsgHdr)
	}
	q = question("web.example.com.", mdns.TypeA)
	q.RecursionDesired = false
	if m := w.exchange(q, trusted, UDP); m.RecursionDesired || m.CheckingDisabled {
		t.Errorf("%+v", m.MsgHdr)
	}
}

// What cannot be understood: issue 3 item 5, RFC 8906.
func TestMalformed(t *testing.T) {
	w := populated(t)
	good, err := question("web.example.com.", mdns.TypeA).SetEdns0(1232, false).Pack()
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(b []byte) []byte) []byte { return change(slices.Clone(good)) }
	opt := good[len(good)-11:]
	for name, c := range map[string]struct {
		query []byte
		rcode int // -1: no answer
	}{
		"nothing":            {nil, -1},
		"11 octets":          {good[:11], -1},
		"a response":         {with(func(b []byte) []byte { b[2] |= 0x80; return b }), -1},
		"header alone":       {good[:12], 1},
		"no question":        {make([]byte, 12), 1},
		"name ends early":    {good[:20], 1},
		"no type":            {good[:len(good)-13], 1},
		"two questions":      {with(func(b []byte) []byte { b[5] = 2; return b }), 1},
		"compressed name":    {with(func(b []byte) []byte { b[12] = 0xc0; return b }), 1},
		"label type 01":      {with(func(b []byte) []byte { b[12] = 0x41; return b }), 1},
		"rubbish at the end": {append(slices.Clone(good), 0), 1},
		"OPT cut":            {good[:len(good)-1], 1},
		"OPT twice":          {with(func(b []byte) []byte { b[11] = 2; return append(b, opt...) }), 1},
		"OPT with a name":    {with(func(b []byte) []byte { return slices.Insert(b, len(b)-11, 1, 'a') }), 1},
		"option too long":    {with(func(b []byte) []byte { b[len(b)-1] = 4; return append(b, 0, 10, 0, 9) }), 1},
		"cookie of 7":        {with(func(b []byte) []byte { b[len(b)-1] = 11; return append(b, 0, 10, 0, 7, 1, 2, 3, 4, 5, 6, 7) }), 1},
		"subnet family 3":    {with(func(b []byte) []byte { b[len(b)-1] = 8; return append(b, 0, 8, 0, 4, 0, 3, 0, 0) }), 1},
		"subnet bits":        {with(func(b []byte) []byte { b[len(b)-1] = 9; return append(b, 0, 8, 0, 5, 0, 1, 7, 0, 0xff) }), 1},
		"NOTIFY":             {with(func(b []byte) []byte { b[2] = 4 << 3; return b }), 4},
		"UPDATE":             {with(func(b []byte) []byte { b[2] = 5 << 3; return b }), 4},
		"opcode 15":          {with(func(b []byte) []byte { b[2] = 15 << 3; return b }), 4},
		"class CH":           {with(func(b []byte) []byte { b[len(b)-12] = 3; return b }), 5},
		"class NONE":         {with(func(b []byte) []byte { b[len(b)-12] = 254; return b }), 5},
		"class ANY":          {with(func(b []byte) []byte { b[len(b)-12] = 255; return b }), 0},
		"AXFR":               {with(func(b []byte) []byte { b[len(b)-14] = 252; return b }), 5},
		"IXFR":               {with(func(b []byte) []byte { b[len(b)-14] = 251; return b }), 5},
		"question of OPT":    {with(func(b []byte) []byte { b[len(b)-14] = 41; return b }), 4},
		"question of TKEY":   {with(func(b []byte) []byte { b[len(b)-14] = 249; return b }), 4},
		"question of type 0": {with(func(b []byte) []byte { b[len(b)-14] = 0; return b }), 0},
		"records before OPT": {with(func(b []byte) []byte {
			b[7] = 1
			return append(b[:len(b)-11], append([]byte{0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4}, opt...)...)
		}), 0},
		"version 1": {with(func(b []byte) []byte { b[len(b)-5] = 1; return b }), 0}, // BADVERS: 16, of which 0 in the header
	} {
		answer := w.raw(c.query, trusted, UDP)
		switch {
		case c.rcode < 0 && answer != nil:
			t.Errorf("%s: answered %x", name, answer)
		case c.rcode >= 0 && (answer == nil || int(answer[3]&0xf) != c.rcode):
			t.Errorf("%s: %x, want rcode %d", name, answer, c.rcode)
		case answer != nil && (!bytes.Equal(answer[:2], c.query[:2]) || answer[2]&0x80 == 0 || answer[2]&0x78 != c.query[2]&0x78):
			t.Errorf("%s: header %x of %x", name, answer[:4], c.query[:4])
		}
		if answer != nil && new(mdns.Msg).Unpack(answer) != nil {
			t.Errorf("%s: %x cannot be unpacked", name, answer)
		}
	}
}

// RFC 6891.
func TestRFC6891_EDNS(t *testing.T) {
	w := populated(t)
	m := w.exchange(question("web.example.com.", mdns.TypeA), trusted, UDP)
	if m.IsEdns0() != nil {
		t.Error("6.1.1: OPT in the answer to a query without")
	}
	q := question("web.example.com.", mdns.TypeA).SetEdns0(4096, true)
	q.IsEdns0().Option = append(q.IsEdns0().Option, &mdns.EDNS0_LOCAL{Code: 65001, Data: []byte{1, 2}})
	opt := w.exchange(q, trusted, UDP).IsEdns0()
	if opt == nil || opt.UDPSize() != 1232 || opt.Version() != 0 || !opt.Do() || len(opt.Option) != 0 {
		t.Errorf("6.1.2, RFC 3225: %v", opt)
	}
	q = question("web.example.com.", mdns.TypeA).SetEdns0(4096, false)
	q.IsEdns0().SetVersion(1)
	m = w.exchange(q, trusted, UDP)
	if m.Rcode != mdns.RcodeBadVers || m.IsEdns0() == nil || m.IsEdns0().Version() != 0 || len(m.Answer) != 0 {
		t.Errorf("6.1.3: %v", m)
	}
}

// RFC 1035 section 4.2.1, RFC 6891 section 6.2.5, RFC 2181 section 9.
func TestTruncation(t *testing.T) {
	w := newFixture(t)
	svc := w.service(w.namespace("example.com", ""), "_http._tcp", "", "SRV")
	for i := range 8 {
		w.register(svc, strings.Repeat(string(rune('a'+i)), 60), ipv4, "192.0.2.1", ipv6, "2001:db8::1", port, "80")
	}
	ask := func(size uint16, tr answer.Transport) *mdns.Msg {
		q := question("_http._tcp.example.com.", mdns.TypeSRV)
		if size > 0 {
			q.SetEdns0(size, false)
		}
		packed, _ := q.Pack()
		answer := w.raw(packed, trusted, tr)
		if limit := max(512, min(int(size), 1232)); tr == UDP && len(answer) > limit {
			t.Errorf("size %d: %d octets", size, len(answer))
		}
		m := new(mdns.Msg)
		if err := m.Unpack(answer); err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, size := range []uint16{0, 100, 512, 700} {
		if m := ask(size, UDP); !m.Truncated || len(m.Answer) != 0 || len(m.Ns) != 0 || m.Rcode != 0 {
			t.Errorf("size %d: %v", size, m)
		}
	}
	// What fits of the additional section comes, what does not is no loss.
	if m := ask(1000, UDP); m.Truncated || len(m.Answer) != 8 || len(m.Extra) < 3 || len(m.Extra) >= 17 {
		t.Errorf("1000: %d answers, %d additional, TC %v", len(m.Answer), len(m.Extra), m.Truncated)
	}
	if m := ask(0, TCP); m.Truncated || len(m.Answer) != 8 || len(m.Extra) != 16 {
		t.Errorf("TCP: %d answers, %d additional", len(m.Answer), len(m.Extra))
	}
}

// RFC 8482.
func TestRFC8482_ANY(t *testing.T) {
	w := populated(t)
	for name, want := range map[string]string{
		"web.example.com.":   `web.example.com. 5 IN HINFO "RFC8482" ""`,
		"example.com.":       `example.com. 5 IN HINFO "RFC8482" ""`,
		"cn.example.com.":    "cn.example.com. 60 IN CNAME WEB.example.com.",
		"deep.example.com.":  "",
		"other.example.com.": "",
	} {
		if m := w.ask(name, mdns.TypeANY, trusted); sections(m.Answer) != want {
			t.Errorf("%s: %v", name, m)
		}
	}
}

// RFC 7873 section 5.2, RFC 9018.
func TestRFC7873_Cookies(t *testing.T) {
	secret := bytes.Repeat([]byte{7}, 16)
	w := populated(t, func(c *Config) { c.Cookies.Secret = secret })
	strict := populated(t, func(c *Config) { c.Cookies = answer.Cookies{Secret: secret, Required: true} })
	ask := func(w *fixture, cookie, from string, tr answer.Transport) (*mdns.Msg, string) {
		q := question("web.example.com.", mdns.TypeA).SetEdns0(1232, false)
		q.IsEdns0().Option = append(q.IsEdns0().Option, &mdns.EDNS0_COOKIE{Code: mdns.EDNS0COOKIE, Cookie: cookie})
		m := w.exchange(q, from, tr)
		got := m.IsEdns0().Option[0].(*mdns.EDNS0_COOKIE).Cookie
		if len(got) != 48 || got[:16] != cookie[:16] {
			t.Fatalf("cookie %s for %s", got, cookie)
		}
		return m, got
	}
	client := "0102030405060708"
	_, full := ask(w, client, trusted, UDP)
	if m, again := ask(w, full, trusted, UDP); again != full || m.Rcode != 0 || len(m.Answer) != 2 {
		t.Errorf("a good cookie came back as %s", again)
	}
	if m, _ := ask(strict, client, trusted, UDP); m.Rcode != mdns.RcodeBadCookie || len(m.Answer) != 0 {
		t.Errorf("5.2.3: %v", m)
	}
	if m, _ := ask(strict, client, trusted, TCP); m.Rcode != 0 {
		t.Errorf("5.2.3, TCP: %v", m)
	}
	if m, _ := ask(strict, full, trusted, UDP); m.Rcode != 0 || len(m.Answer) != 2 {
		t.Errorf("5.2.5: %v", m)
	}
	if m, _ := ask(strict, full, "127.0.0.2", UDP); m.Rcode != mdns.RcodeBadCookie {
		t.Errorf("5.2.4, of another client: %v", m)
	}
	if m := strict.exchange(question("web.example.com.", mdns.TypeA), trusted, UDP); len(m.Answer) != 2 {
		t.Errorf("a client without cookies: %v", m)
	}
	// Section 5.4: a query for a cookie alone.
	query, _ := hex.DecodeString("123400000000000000000001" + "000029" + "04d0" + "00000000" + "000c" + "000a0008" + client)
	answer := w.raw(query, trusted, UDP)
	m := new(mdns.Msg)
	if err := m.Unpack(answer); err != nil || m.Rcode != 0 || len(m.Question) != 0 || m.IsEdns0() == nil {
		t.Errorf("5.4: %x %v", answer, err)
	}
}

// RFC 7871 section 7.2.1: the option comes back, with the scope that the answer
// was made for.
func TestRFC7871_ClientSubnet(t *testing.T) {
	w := populated(t, func(c *Config) {
		c.Regions = []answer.Region{
			{Name: "eu", CIDRs: prefixes("198.51.100.0/24"), Distances: map[string]int{"us": 10}},
			{Name: "us", CIDRs: prefixes("203.0.113.0/24", "2001:db8:1::/48"), Distances: map[string]int{"eu": 10}},
		}
		c.Region = "eu"
	})
	svc := w.service(w.namespace("example.org", ""), "near", "LATENCY", "A")
	w.register(svc, "e", ipv4, "192.0.2.1", "region", "eu")
	w.register(svc, "u", ipv4, "192.0.2.2", "region", "us")
	ask := func(name, subnet, from string) (*mdns.Msg, *mdns.EDNS0_SUBNET) {
		q := question(name, mdns.TypeA).SetEdns0(1232, false)
		if subnet != "" {
			p := prefixes(subnet)[0]
			family := uint16(1)
			if p.Addr().Is6() {
				family = 2
			}
			q.IsEdns0().Option = append(q.IsEdns0().Option, &mdns.EDNS0_SUBNET{Code: mdns.EDNS0SUBNET, Family: family, SourceNetmask: uint8(p.Bits()), Address: p.Addr().AsSlice()})
		}
		m := w.exchange(q, from, UDP)
		for _, o := range m.IsEdns0().Option {
			if s, ok := o.(*mdns.EDNS0_SUBNET); ok {
				return m, s
			}
		}
		return m, nil
	}
	for _, c := range []struct {
		subnet, from, want string
		scope              uint8
	}{
		{"203.0.113.0/24", stranger, "192.0.2.2", 24},
		{"198.51.100.128/25", stranger, "192.0.2.1", 25},
		{"2001:db8:1:2::/56", stranger, "192.0.2.2", 56},
		{"0.0.0.0/0", "203.0.113.9", "192.0.2.2", 0},
		{"", "203.0.113.9", "192.0.2.2", 0},
		{"", "198.51.100.9", "192.0.2.1", 0},
		{"", stranger, "192.0.2.1", 0},
	} {
		m, s := ask("near.example.org.", c.subnet, c.from)
		if len(m.Answer) != 1 || m.Answer[0].(*mdns.A).A.String() != c.want {
			t.Errorf("%+v: %v", c, m.Answer)
		}
		if (s != nil) != (c.subnet != "") || s != nil && s.SourceScope != c.scope {
			t.Errorf("%+v: option %v", c, s)
		}
	}
	if _, s := ask("web.example.com.", "203.0.113.0/24", stranger); s == nil || s.SourceScope != 0 || s.SourceNetmask != 24 {
		t.Errorf("without LATENCY: %v", s)
	}
	w.do(&registry.SetCustomHealth{ServiceRef: svc, ID: "u", Health: registry.Unhealthy})
	if m, _ := ask("near.example.org.", "203.0.113.0/24", stranger); len(m.Answer) != 1 || m.Answer[0].(*mdns.A).A.String() != "192.0.2.1" {
		t.Errorf("next nearest: %v", m.Answer)
	}
}

// RFC 7828, RFC 7830 and 8467, RFC 5001.
func TestOtherOptions(t *testing.T) {
	w := populated(t, func(c *Config) { c.Identity = "node-1" })
	q := question("web.example.com.", mdns.TypeA).SetEdns0(1232, false)
	q.IsEdns0().Option = []mdns.EDNS0{&mdns.EDNS0_TCP_KEEPALIVE{Code: mdns.EDNS0TCPKEEPALIVE}, &mdns.EDNS0_PADDING{}, &mdns.EDNS0_NSID{Code: mdns.EDNS0NSID}}
	for tr, want := range map[answer.Transport][]uint16{
		UDP: {mdns.EDNS0NSID}, TCP: {mdns.EDNS0NSID, mdns.EDNS0TCPKEEPALIVE},
		TLS: {mdns.EDNS0NSID, mdns.EDNS0TCPKEEPALIVE, mdns.EDNS0PADDING}, HTTPS: {mdns.EDNS0NSID, mdns.EDNS0PADDING},
	} {
		packed, _ := q.Pack()
		answer := w.raw(packed, trusted, tr)
		m := new(mdns.Msg)
		if err := m.Unpack(answer); err != nil {
			t.Fatal(err)
		}
		var got []uint16
		for _, o := range m.IsEdns0().Option {
			got = append(got, o.Option())
			if ka, ok := o.(*mdns.EDNS0_TCP_KEEPALIVE); ok && ka.Timeout != 100 {
				t.Errorf("%v: timeout %d", tr, ka.Timeout)
			}
			if id, ok := o.(*mdns.EDNS0_NSID); ok && id.Nsid != hex.EncodeToString([]byte("node-1")) {
				t.Errorf("%v: NSID %s", tr, id.Nsid)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v: options %v, want %v", tr, got, want)
		}
		if (tr == TLS || tr == HTTPS) && len(answer)%468 != 0 {
			t.Errorf("%v: %d octets", tr, len(answer))
		}
	}
	m := new(mdns.Msg)
	m.SetQuestion("id.server.", mdns.TypeTXT)
	m.Question[0].Qclass = mdns.ClassCHAOS
	if m = w.exchange(m, stranger, UDP); len(m.Answer) != 1 || m.Answer[0].(*mdns.TXT).Txt[0] != "node-1" {
		t.Errorf("RFC 4892: %v", m)
	}
}

// RFC 8945 section 5.2.1: a key that is not known.
func TestRFC8945_UnknownKey(t *testing.T) {
	w := populated(t)
	q := question("web.example.com.", mdns.TypeA)
	q.SetTsig("some.key.", mdns.HmacSHA256, 300, time.Now().Unix())
	packed, _, err := mdns.TsigGenerate(q, "c2VjcmV0", "", false)
	if err != nil {
		t.Fatal(err)
	}
	m := new(mdns.Msg)
	if err := m.Unpack(w.raw(packed, trusted, UDP)); err != nil {
		t.Fatal(err)
	}
	sig := m.IsTsig()
	if m.Rcode != mdns.RcodeNotAuth || sig == nil || sig.Error != 17 || sig.MACSize != 0 || sig.OrigId != q.Id || sig.Hdr.Name != "some.key." || len(m.Answer) != 0 {
		t.Errorf("%v", m)
	}
}

// Names that the server answers itself: facts/clients and decisions row 23.
func TestHosts(t *testing.T) {
	w := populated(t, func(c *Config) {
		c.Hosts = []zone.FixedName{{Name: "api.cairn.internal", Addrs: []netip.Addr{mustAddr("192.0.2.53")}},
			{Name: "Web.example.com", Addrs: []netip.Addr{mustAddr("2001:db8::53")}}}
		c.NameServers = []string{"web.example.com", "ns2.example.net"}
	})
	if m := w.ask("API.cairn.internal.", mdns.TypeA, stranger); sections(m.Answer) != "API.cairn.internal. 60 IN A 192.0.2.53" || !m.Authoritative {
		t.Errorf("%v", m)
	}
	m := w.ask("api.cairn.internal.", mdns.TypeAAAA, stranger)
	if m.Rcode != 0 || len(m.Answer) != 0 || len(m.Ns) != 1 || m.Ns[0].Header().Name != "api.cairn.internal." {
		t.Errorf("NODATA: %v", m)
	}
	if m := w.ask("x.api.cairn.internal.", mdns.TypeA, stranger); m.Rcode != mdns.RcodeNameError || m.Ns[0].Header().Name != "api.cairn.internal." {
		t.Errorf("NXDOMAIN: %v", m)
	}
	if m := w.ask("web.example.com.", mdns.TypeA, stranger); len(m.Answer) != 0 || m.Rcode != 0 {
		t.Errorf("more specific than the namespace: %v", m)
	}
	m = w.ask("example.com.", mdns.TypeNS, trusted)
	if len(m.Answer) != 2 || sections(m.Extra) != "web.example.com. 60 IN AAAA 2001:db8::53" {
		t.Errorf("NS: %v", m)
	}
}

// maxDepth is how many CNAME records an answer follows.
const maxDepth = 8

func mustAddr(s string) netip.Addr { return netip.MustParseAddr(s) }

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, s := range texts {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}
