package explain_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/zone"
)

// TestAliases: an explanation says where CNAME records and aliases lead, and what comes
// of it.
func TestAliases(t *testing.T) {
	w := newFixture(t)
	fixed, err := zone.NewFixed([]zone.FixedName{{Name: "api.example.net", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.53")}}})
	if err != nil {
		t.Fatal(err)
	}
	w.fixed = fixed
	ns := w.namespace("pub.example", "")
	service := func(name string, policy registry.RoutingPolicy, types ...registry.RecordType) string {
		c := &registry.DNSConfig{Policy: policy}
		for _, rtype := range types {
			c.Records = append(c.Records, registry.DNSRecord{Type: rtype, TTL: 60})
		}
		return w.service(registry.CreateService{Name: name, NamespaceRef: ns, DNS: c})
	}
	w.register(service("web", "", registry.RecordA), "i", attrs{registry.AttrIPv4: "10.0.0.1"})
	for name, target := range map[string]string{
		"self": "Self.pub.example", "one": "two.pub.example.", "two": "ONE.pub.example", "short": "web.pub.example",
		"long": "short.pub.example", "out": "www.example.org", "none": "nope.pub.example",
	} {
		w.register(service(name, registry.Weighted, registry.RecordCNAME), "i", attrs{registry.AttrCNAME: target})
	}
	for name, target := range map[string]string{
		"a-api": "api.example.net", "a-out": "lb.example.org", "a-loop": "self.pub.example", "a-none": "nope.pub.example", "a-self": "a-self.pub.example",
	} {
		w.register(service(name, registry.Weighted, registry.RecordA), "i", attrs{registry.AttrAliasDNSName: target})
	}
	twins := service("_t._tcp", "", registry.RecordSRV)
	w.register(twins, "Node", attrs{registry.AttrIPv4: "10.0.0.1", registry.AttrPort: "80"})
	w.register(twins, "node", attrs{registry.AttrIPv4: "10.0.0.2", registry.AttrPort: "80"})
	for _, tt := range []struct{ name, outcome, finding string }{
		{"self", "NOERROR", "the CNAME record leads back to Self.pub.example: it is a loop"},
		{"one", "NOERROR", "the CNAME record leads to two.pub.example., and on back to ONE.pub.example: it is a loop"},
		{"short", "NOERROR", `the CNAME record leads to web.pub.example, which is answered here: see "cairn explain web.pub.example"`},
		{"long", "NOERROR", "the CNAME record leads to short.pub.example, and on to web.pub.example, which is answered here"},
		{"out", "NOERROR", "which is in no zone that this client sees: the resolvers of dns.forward are asked for trusted clients"},
		{"none", "NXDOMAIN", "which does not exist in zone pub.example"},
		{"a-api", "NOERROR", "the alias leads to api.example.net, which is answered here"},
		{"a-out", "NOERROR", "the alias leads to lb.example.org, which is in no zone that this client sees: the resolvers of dns.forward are asked"},
		{"a-loop", "SERVFAIL", "the alias leads to self.pub.example, and on back to Self.pub.example: it is a loop"},
		{"a-self", "SERVFAIL", "the alias leads back to a-self.pub.example: it is a loop"},
		{"a-none", "NODATA", "the alias leads to nope.pub.example, which does not exist in zone pub.example"},
		{"web", "NOERROR", "it has records A 60"},
		{"NODE._t._tcp", "NOERROR", "the name is that of instances Node, node, to which SRV records point"},
	} {
		a := w.ask(tt.name+".pub.example", nil)
		if a.Outcome != tt.outcome || !slices.ContainsFunc(a.Findings, func(f string) bool { return strings.Contains(f, tt.finding) }) {
			t.Errorf("%s: %s\n%s\nwant %s\n%s", tt.name, a.Outcome, strings.Join(a.Findings, "\n"), tt.outcome, tt.finding)
		}
	}
}
