package dns

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	mdns "github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/zone"
)

// Whatever makes a name exist makes the names above it exist: RFC 8020, RFC 4592
// section 2.2.2. Reported of another server as PowerDNS/pdns#8496.
func TestEmptyNonTerminals(t *testing.T) {
	w := newFixture(t, func(c *Config) {
		c.Hosts = []zone.FixedName{{Name: "api.x.y.corp.test", Addrs: []netip.Addr{mustAddr("192.0.2.9")}}}
	})
	corp := w.namespace("corp.test", "vpc-1")
	w.namespace("a.b.corp.test", "vpc-1")
	w.namespace("p.q.corp.test", "vpc-2")
	w.namespace("r.s.corp.test", "")
	w.register(w.service(corp, "db", "", "SRV"), "10.0.0.1", ipv4, "10.0.0.1", port, "1")
	for _, c := range []struct {
		name, from string
		rcode      int
	}{
		{"b.corp.test.", inVPC1, mdns.RcodeSuccess},
		{"c.b.corp.test.", inVPC1, mdns.RcodeNameError},
		{"q.corp.test.", inVPC1, mdns.RcodeNameError}, // the zone below is not for this client
		{"q.corp.test.", trusted, mdns.RcodeSuccess},
		{"s.corp.test.", inVPC1, mdns.RcodeSuccess},
		{"y.corp.test.", inVPC1, mdns.RcodeSuccess}, // the name of an API
		{"x.y.corp.test.", inVPC1, mdns.RcodeSuccess},
		{"z.y.corp.test.", inVPC1, mdns.RcodeNameError},
		{"1.db.corp.test.", inVPC1, mdns.RcodeSuccess}, // 10.0.0.1.db
		{"0.0.1.db.corp.test.", inVPC1, mdns.RcodeSuccess},
		{"2.db.corp.test.", inVPC1, mdns.RcodeNameError},
		{"b.corp.test.", stranger, mdns.RcodeRefused},
	} {
		for _, qtype := range []uint16{mdns.TypeA, mdns.TypeNS, mdns.TypeANY} {
			if m := w.ask(c.name, qtype, c.from); m.Rcode != c.rcode || len(m.Answer) != 0 {
				t.Errorf("%s %d from %s: %v", c.name, qtype, c.from, m)
			}
		}
	}
	if m := w.ask("10.0.0.1.db.corp.test.", mdns.TypeA, inVPC1); sections(m.Answer) != "10.0.0.1.db.corp.test. 60 IN A 10.0.0.1" {
		t.Errorf("host: %v", m)
	}
}

// The same in a signed zone: compact denial says that the name has no records, not
// that it does not exist.
func TestSignedEmptyNonTerminals(t *testing.T) {
	w, _ := signedWorld(t, func(c *Config) {
		c.Hosts = []zone.FixedName{{Name: "api.x.example.com", Addrs: []netip.Addr{mustAddr("192.0.2.9")}}}
	})
	w.namespace("a.b.example.com", "")
	for _, name := range []string{"b.example.com.", "x.example.com."} {
		if got := typeNames(nsecOf(t, w.askDO(name, mdns.TypeA, UDP).Ns).TypeBitMap); got != "RRSIG NSEC" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// A chain of CNAME records ends where it meets itself, and no name has two of them:
// reported of another server as coredns#8475.
func TestCNAMELoops(t *testing.T) {
	w := newFixture(t)
	ns := w.namespace("example.com", "")
	chain := func(name, target string) {
		w.register(w.service(ns, name, "WEIGHTED", "CNAME"), "i", cname, target)
	}
	chain("self", "self.example.com")
	chain("a", "B.example.com")
	chain("b", "c.example.com")
	chain("c", "A.example.com")
	chain("into", "self.example.com")
	for name, records := range map[string]int{"self": 1, "a": 3, "b": 3, "into": 2} {
		for _, qtype := range []uint16{mdns.TypeA, mdns.TypeTXT} {
			m := w.ask(name+".example.com.", qtype, trusted)
			owners := map[string]bool{}
			for _, rr := range m.Answer {
				owner := strings.ToLower(rr.Header().Name)
				if owners[owner] {
					t.Errorf("%s: two CNAME records of %s", name, owner)
				}
				owners[owner] = true
			}
			if m.Rcode != 0 || len(m.Answer) != records || len(m.Ns) != 0 {
				t.Errorf("%s: %v", name, m)
			}
		}
	}
}

// An alias to a name that the server answers itself gives the address, as a CNAME
// record and the name itself do.
func TestAliasToFixedName(t *testing.T) {
	w := newFixture(t, func(c *Config) {
		c.Hosts = []zone.FixedName{{Name: "api.cairn.internal", Addrs: []netip.Addr{mustAddr("192.0.2.53"), mustAddr("2001:db8::53")}}}
	})
	ns := w.namespace("example.com", "")
	w.register(w.service(ns, "al", "WEIGHTED", "A", "AAAA"), "i", alias, "API.cairn.internal")
	w.register(w.service(ns, "cn", "WEIGHTED", "CNAME"), "i", cname, "api.cairn.internal")
	for _, name := range []string{"al.example.com.", "cn.example.com.", "api.cairn.internal."} {
		for qtype, want := range map[uint16]string{mdns.TypeA: "192.0.2.53", mdns.TypeAAAA: "2001:db8::53"} {
			if m := w.ask(name, qtype, stranger); !strings.Contains(sections(m.Answer), " "+want) || m.Rcode != 0 {
				t.Errorf("%s: %v", name, m)
			}
		}
	}
}

// An RRset has no duplicates, in answers of every kind: RFC 2181 section 5,
// reported of another server as skydns#149.
func TestNoDuplicates(t *testing.T) {
	w := newFixture(t, withTransfers())
	ns := w.namespace(zoneName, "")
	one := w.service(ns, "one", "", "A")
	for i := range 3 { // one host, three ports
		w.register(one, fmt.Sprint("i-", i), ipv4, "10.0.0.1", port, fmt.Sprint(8080+i))
	}
	many := w.service(ns, "many", "", "A")
	for i := range 40 {
		w.register(many, fmt.Sprint("i-", i), ipv4, fmt.Sprintf("10.0.0.%d", i%9), port, fmt.Sprint(1+i))
	}
	far := w.service(ns, "far", "LATENCY", "A")
	for i := range 100 {
		w.register(far, fmt.Sprint("i-", i), ipv4, fmt.Sprintf("10.0.0.%d", i%8), "region", fmt.Sprint("r", i%5))
	}
	twins := w.service(ns, "_t._tcp", "", "SRV")
	for _, id := range []string{"x", "X"} {
		w.register(twins, id, ipv4, "10.0.0.7", port, "80")
	}
	other := w.service(ns, "_u._tcp", "", "SRV")
	for i, id := range []string{"x", "X"} {
		w.register(other, id, ipv4, fmt.Sprintf("10.0.0.%d", i), port, "80")
	}
	crowd := w.service(ns, "_v._tcp", "", "SRV") // ten targets of twenty instances
	for i := range 20 {
		w.register(crowd, fmt.Sprintf("%c%d", "xX"[i%2], i/2), ipv4, "10.0.0.1", ipv6, fmt.Sprintf("2001:db8::%d", i), port, "80")
	}
	name := func(s string) string { return s + "." + zoneName + "." }
	for _, c := range []struct {
		name  string
		qtype uint16
		want  int
	}{
		{"_v._tcp", mdns.TypeSRV, 8},
		{"one", mdns.TypeA, 1}, {"many", mdns.TypeA, 8}, {"far", mdns.TypeA, 8}, {"_t._tcp", mdns.TypeSRV, 1}, {"x._t._tcp", mdns.TypeA, 1},
		{"_u._tcp", mdns.TypeSRV, 1}, {"x._u._tcp", mdns.TypeA, 2},
	} {
		for range 20 {
			m := w.ask(name(c.name), c.qtype, trusted)
			if got := distinct(m.Answer); len(m.Answer) != c.want || got != c.want {
				t.Fatalf("%s: %v", c.name, m)
			}
			if c.qtype == mdns.TypeSRV && distinct(m.Extra) != len(m.Extra) {
				t.Fatalf("%s: %v", c.name, m.Extra)
			}
		}
	}
	if m := w.ask(name("_u._tcp"), mdns.TypeSRV, trusted); len(m.Extra)-1 != 2 {
		t.Errorf("the additional section has another picture of the name: %v", m)
	}
	w.do(&registry.DeregisterInstance{ServiceRef: one, ID: "i-1"})
	w.do(&registry.DeregisterInstance{ServiceRef: one, ID: "i-0"})
	if m := w.ask(name("one"), mdns.TypeA, trusted); len(m.Answer) != 1 {
		t.Errorf("after two of three left: %v", m)
	}
	w.do(&registry.DeregisterInstance{ServiceRef: one, ID: "i-2"})
	if m := w.ask(name("one"), mdns.TypeA, trusted); len(m.Answer) != 0 {
		t.Errorf("after all left: %v", m)
	}
}

// distinct counts the records that differ in more than the case of letters.
func distinct(rrs []mdns.RR) int {
	seen := map[string]bool{}
	for _, rr := range rrs {
		seen[strings.ToLower(rr.String())] = true
	}
	return len(seen)
}

// One account does not take the names of another: the older has a name and what is
// below it, in every view in which both zones are seen.
func TestNamesOfOtherAccounts(t *testing.T) {
	w := newFixture(t)
	const victim, attacker = "000000000000", "111111111111"
	private := w.namespace("corp.test", "vpc-1")
	w.register(w.service(private, "web", "", "A"), "i", ipv4, "10.1.0.1")
	public := w.namespace("shop.test", "")
	w.register(w.service(public, "web", "", "A"), "i", ipv4, "192.0.2.1")
	w.account = attacker
	for _, name := range []string{"corp.test", "web.corp.test", "shop.test", "web.shop.test"} {
		for _, vpc := range []string{"", "vpc-2"} {
			ns, err := w.tryNamespace(name, vpc)
			if err != nil {
				continue // the registry may refuse it
			}
			for _, svc := range []string{"web", "."} {
				w.register(w.service(ns, svc, "", "A"), "i", ipv4, "203.0.113.66")
			}
		}
	}
	w.account = victim
	for _, c := range []struct{ name, from, want string }{
		{"web.corp.test.", inVPC1, "10.1.0.1"},
		{"web.corp.test.", trusted, "10.1.0.1"},
		{"web.shop.test.", inVPC1, "192.0.2.1"},
		{"web.shop.test.", trusted, "192.0.2.1"},
		{"web.shop.test.", stranger, "192.0.2.1"},
		{"web.corp.test.", inVPC2, "203.0.113.66"}, // its own VPC sees its own zone
	} {
		if m := w.ask(c.name, mdns.TypeA, c.from); !strings.HasSuffix(sections(m.Answer), " "+c.want) {
			t.Errorf("%s from %s: %v", c.name, c.from, m)
		}
	}
	if m := w.ask("web.web.shop.test.", mdns.TypeA, stranger); m.Rcode != mdns.RcodeNameError {
		t.Errorf("below the older's name: %v", m)
	}
}

// tryNamespace is namespace for one that may be refused.
func (w *fixture) tryNamespace(name, vpc string) (string, error) {
	c := &registry.CreateNamespace{Name: name, Type: registry.DNSPrivate, VPC: vpc}
	if vpc == "" {
		c.Type = registry.DNSPublic
	}
	reply, err := w.try(c)
	if err != nil {
		return "", err
	}
	o, err := w.state.Registry.Operation(w.account, registry.OperationID(reply.ID))
	if err == nil && o.Failed {
		err = fmt.Errorf("%s: %s", name, o.ErrorMessage)
	}
	if err != nil {
		return "", err
	}
	return string(o.Namespace), nil
}

// Clients that only see public zones get no more over UDP than they asked for, and
// no message that is fragmented.
func TestMinimalAnswers(t *testing.T) {
	w := newFixture(t, func(c *Config) { c.MaxUDPSize = 4096 })
	ns := w.namespace("example.com", "")
	svc := w.service(ns, "_http._tcp", "", "SRV")
	for i := range 8 {
		w.register(svc, strings.Repeat(string(rune('a'+i)), 60), ipv4, "192.0.2.1", ipv6, "2001:db8::1", port, "80")
	}
	for _, c := range []struct {
		from       string
		additional int
	}{{stranger, 0}, {inVPC1, 16}} {
		m := w.exchange(question("_http._tcp.example.com.", mdns.TypeSRV).SetEdns0(4096, false), c.from, UDP)
		if got := len(m.Extra) - 1; got != c.additional || m.Truncated != (c.from == stranger && m.Len() > 1232) {
			t.Errorf("%s: %d additional records: %v", c.from, got, m)
		}
	}
	q, _ := question("_http._tcp.example.com.", mdns.TypeSRV).SetEdns0(4096, false).Pack()
	if msg := w.raw(q, stranger, UDP); len(msg) > 1232 {
		t.Errorf("%d octets", len(msg))
	}
	if m := w.exchange(question("_http._tcp.example.com.", mdns.TypeSRV), stranger, TCP); len(m.Extra) != 16 {
		t.Errorf("over TCP, where the address is proved: %v", m)
	}
}
