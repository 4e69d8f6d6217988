package dns

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	mdns "github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/edge/dns/answer"
)

// scripted is a resolver whose answers have the given records and are NXDOMAIN for
// other names.
func scripted(t *testing.T, answers map[string][]string) netip.AddrPort {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &mdns.Server{PacketConn: pc, Handler: mdns.HandlerFunc(func(rw mdns.ResponseWriter, q *mdns.Msg) {
		m := new(mdns.Msg).SetReply(q)
		m.RecursionAvailable = true
		lines, ok := answers[mdns.CanonicalName(q.Question[0].Name)]
		if !ok {
			m.Rcode = mdns.RcodeNameError
		}
		for _, line := range lines {
			rr, err := mdns.NewRR(line)
			if err != nil {
				t.Error(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		_ = rw.WriteMsg(m)
	})}
	done := make(chan error, 1)
	go func() { done <- server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown(); <-done })
	return pc.LocalAddr().(*net.UDPAddr).AddrPort()
}

// What an upstream says about names of our zones is not passed on: the name at the end
// of its aliases is answered here, as if the client had asked for it.
func TestUpstreamAliasIntoOwnZone(t *testing.T) {
	const forged = " 30 IN A 203.0.113.66"
	up := scripted(t, map[string][]string{
		"to-ours.example.net.":    {"to-ours.example.net. 30 IN CNAME WEB.example.com.", "WEB.example.com." + forged},
		"two-steps.example.net.":  {"two-steps.example.net. 30 IN CNAME b.example.net.", "b.example.net. 30 IN CNAME web.example.com.", "web.example.com." + forged},
		"alone.example.net.":      {"alone.example.net. 30 IN CNAME web.example.com."},
		"to-missing.example.net.": {"to-missing.example.net. 30 IN CNAME missing.example.com.", "missing.example.com." + forged},
		"to-private.example.net.": {"to-private.example.net. 30 IN CNAME db.private.test.", "db.private.test." + forged},
		"to-api.example.net.":     {"to-api.example.net. 30 IN CNAME api.cairn.internal.", "api.cairn.internal." + forged},
		"to-alias.example.net.":   {"to-alias.example.net. 30 IN CNAME back.example.com.", "back.example.com." + forged},
		"elsewhere.example.net.":  {"elsewhere.example.net. 30 IN CNAME c.example.org.", "c.example.org. 30 IN A 198.51.100.7"},
		"unrelated.example.net.":  {"unrelated.example.net. 30 IN A 198.51.100.8", "web.example.com." + forged},
		"circle.example.net.":     {"circle.example.net. 30 IN CNAME circle.example.com."},
	})
	w := populated(t, forwarding(t, up), func(c *Config) {
		c.Hosts = []zone.FixedName{{Name: "api.cairn.internal", Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.53")}}}
	})
	ns := w.namespace("example.org.test", "")
	w.register(w.service(ns, "lb", "WEIGHTED", "A"), "a", alias, "to-ours.example.net")
	w.register(w.service(w.namespace("private.test", "vpc-1"), "db", "", "A"), "a", ipv4, "10.1.2.3")
	com := w.namespace("deep.example.com", "")
	w.register(w.service(com, "back", "WEIGHTED", "CNAME"), "a", cname, "to-ours.example.net")
	const ours = "web.example.com. 60 IN A 192.0.2.10\nweb.example.com. 60 IN A 192.0.2.11"
	for _, c := range []struct {
		name, from string
		rcode      int
		answer     string
	}{
		{"to-ours.example.net.", trusted, 0, "to-ours.example.net. 30 IN CNAME WEB.example.com.\nWEB.example.com. 60 IN A 192.0.2.10\nWEB.example.com. 60 IN A 192.0.2.11"},
		{"two-steps.example.net.", trusted, 0, "two-steps.example.net. 30 IN CNAME b.example.net.\nb.example.net. 30 IN CNAME web.example.com.\n" + ours},
		{"alone.example.net.", trusted, 0, "alone.example.net. 30 IN CNAME web.example.com.\n" + ours},
		{"to-missing.example.net.", trusted, mdns.RcodeNameError, "to-missing.example.net. 30 IN CNAME missing.example.com."},
		{"to-private.example.net.", inVPC1, 0, "to-private.example.net. 30 IN CNAME db.private.test.\ndb.private.test. 60 IN A 10.1.2.3"},
		{"to-private.example.net.", inVPC2, 0, "to-private.example.net. 30 IN CNAME db.private.test.\ndb.private.test." + forged}, // not its zone
		{"to-api.example.net.", trusted, 0, "to-api.example.net. 30 IN CNAME api.cairn.internal.\napi.cairn.internal. 60 IN A 127.0.0.53"},
		{"elsewhere.example.net.", trusted, 0, "elsewhere.example.net. 30 IN CNAME c.example.org.\nc.example.org. 30 IN A 198.51.100.7"},
		{"unrelated.example.net.", trusted, 0, "unrelated.example.net. 30 IN A 198.51.100.8"},
		{"lb.example.org.test.", stranger, 0, "lb.example.org.test. 60 IN A 192.0.2.10\nlb.example.org.test. 60 IN A 192.0.2.11"},
		{"back.deep.example.com.", trusted, 0, "back.deep.example.com. 60 IN CNAME to-ours.example.net.\nto-ours.example.net. 30 IN CNAME WEB.example.com.\nWEB.example.com. 60 IN A 192.0.2.10\nWEB.example.com. 60 IN A 192.0.2.11"},
	} {
		for range 2 { // the second time from the cache
			q := question(c.name, mdns.TypeA)
			m := w.exchange(q, c.from, answer.UDP)
			if m == nil || m.Rcode != c.rcode || sortedLines(youngTTL(sections(m.Answer))) != sortedLines(c.answer) {
				t.Errorf("%s from %s: %v\nwant %d\n%s", c.name, c.from, m, c.rcode, c.answer)
			}
		}
	}
}

func sortedLines(s string) string {
	lines := strings.Split(s, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// A circle of aliases through an upstream ends where it meets itself, wherever it is
// entered: no name has two CNAME records (coredns#8475).
func TestAliasCircleThroughUpstream(t *testing.T) {
	w := populated(t, forwarding(t, scripted(t, map[string][]string{
		"circle.example.net.": {"Circle.example.net. 30 IN CNAME two.example.net.", "two.example.net. 30 IN CNAME circle.deep.example.com."},
		"own.example.net.":    {"own.example.net. 30 IN CNAME own.example.net."},
	})))
	deep := w.namespace("deep.example.com", "")
	w.register(w.service(deep, "circle", "WEIGHTED", "CNAME"), "a", cname, "CIRCLE.example.net")
	w.register(w.service(deep, "into", "WEIGHTED", "CNAME"), "a", cname, "circle.deep.example.com")
	for name, records := range map[string]int{"circle.example.net.": 3, "circle.deep.example.com.": 3, "into.deep.example.com.": 4} {
		for range 2 { // the second time from the cache
			m := w.exchange(question(name, mdns.TypeA), trusted, answer.UDP)
			if m == nil || m.Rcode != 0 || len(m.Answer) != records {
				t.Fatalf("%s: %v", name, m)
			}
			owners := map[string]bool{}
			for _, rr := range m.Answer {
				owner := strings.ToLower(rr.Header().Name)
				if rr.Header().Rrtype != mdns.TypeCNAME || owners[owner] {
					t.Errorf("%s: %v", name, m)
				}
				owners[owner] = true
			}
		}
	}
	if m := w.exchange(question("own.example.net.", mdns.TypeA), trusted, answer.UDP); m == nil || len(m.Answer) > 1 {
		t.Errorf("a name that is its own alias: %v", m)
	}
}
