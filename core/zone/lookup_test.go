package zone_test

import (
	"net/netip"
	"testing"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/registry/records"
	"github.com/cairn-discovery/cairn/core/zone"
)

// facts §3: the most specific zone that the client sees wins, and nothing falls
// through to another one.
func TestViews(t *testing.T) {
	w := newFixture(t, false)
	public, private := w.namespace("example.com", ""), w.namespace("example.com", "vpc-1")
	other, deep := w.namespace("example.com", "vpc-2"), w.namespace("deep.example.com", "vpc-1")
	w.service(public, "both", "", registry.RecordA)
	w.service(public, "only.public", "", registry.RecordA)
	w.service(public, "x.deep", "", registry.RecordA)
	w.service(private, "both", "", registry.RecordA)
	w.service(deep, "y", "", registry.RecordA)
	in1, in2, nobody := zone.View{VPCs: []string{"vpc-1"}}, zone.View{VPCs: []string{"vpc-2"}}, zone.View{}
	for _, c := range []struct {
		name string
		view zone.View
		want zone.State
		zone *registry.Namespace
	}{
		{"both.example.com", nobody, zone.Hit, public},
		{"both.example.com", in1, zone.Hit, private},
		{"both.example.com", in2, zone.NXDOMAIN, other},
		{"both.example.com", zone.View{VPCs: []string{"vpc-9"}}, zone.Hit, public},
		{"only.public.example.com", in1, zone.NXDOMAIN, private},
		{"only.public.example.com", nobody, zone.Hit, public},
		{"x.deep.example.com", nobody, zone.Hit, public},
		{"x.deep.example.com", in1, zone.NXDOMAIN, deep},
		{"y.deep.example.com", in1, zone.Hit, deep},
		{"y.deep.example.com", nobody, zone.NXDOMAIN, public},
		{"deep.example.com", nobody, zone.Hit, public}, // an empty non-terminal
		{"deep.example.com", in1, zone.Hit, deep},
		{"example.net", in1, zone.Refused, nil},
		{"com", everything, zone.Refused, nil},
		{".", everything, zone.Refused, nil},
	} {
		res := look(&w.state.Zones, c.name, false, c.view)
		if res.State != c.want || (res.Zone == nil) != (c.zone == nil) || c.zone != nil && res.Zone.ID != records.ZoneID(c.zone.ID) {
			t.Errorf("%s for %+v: %v in %+v, want %v in %+v", c.name, c.view, res.State, res.Zone, c.want, c.zone)
		}
	}
}

// RFC 8020, RFC 4592: names above a service exist, names below it do not, and no
// wildcard is made of "*".
func TestEmptyNonTerminals(t *testing.T) {
	w := newFixture(t, false)
	ns := w.namespace("example.com", "")
	svc := w.service(ns, "_http._tcp.web", "", registry.RecordSRV)
	w.register(svc, "*", registry.AttrIPv4, "10.0.0.1", registry.AttrPort, "80")
	for name, want := range map[string]zone.State{
		"example.com":                       zone.Hit,
		"web.example.com":                   zone.Hit,
		"_tcp.web.example.com":              zone.Hit,
		"_http._tcp.web.example.com":        zone.Hit,
		"*._http._tcp.web.example.com":      zone.NXDOMAIN,
		"x---2a._http._tcp.web.example.com": zone.Hit,
		"x._http._tcp.web.example.com":      zone.NXDOMAIN,
		"x.web.example.com":                 zone.NXDOMAIN,
		"_tcp.example.com":                  zone.NXDOMAIN,
	} {
		if res := look(&w.state.Zones, name, false, everything); res.State != want {
			t.Errorf("%s: %v, want %v", name, res.State, want)
		}
	}
}

// decisions row 25.
func TestServiceWithoutInstances(t *testing.T) {
	for strict, want := range map[bool]zone.State{false: zone.Hit, true: zone.NXDOMAIN} {
		w := newFixture(t, strict)
		svc := w.service(w.namespace("example.com", ""), "web.deep", "", registry.RecordA)
		for _, name := range []string{"web.deep.example.com", "deep.example.com"} {
			if res := look(&w.state.Zones, name, strict, everything); res.State != want {
				t.Errorf("strict %v: %s: %v, want %v", strict, name, res.State, want)
			}
		}
		w.register(svc, "i", registry.AttrIPv4, "10.0.0.1")
		for _, name := range []string{"web.deep.example.com", "deep.example.com"} {
			if res := look(&w.state.Zones, name, strict, everything); res.State != zone.Hit {
				t.Errorf("strict %v, with an instance: %s: %v", strict, name, res.State)
			}
		}
		w.do(&registry.DeregisterInstance{ServiceRef: svc, ID: "i"})
		if res := look(&w.state.Zones, "deep.example.com", strict, everything); res.State != want {
			t.Errorf("strict %v, emptied: %v, want %v", strict, res.State, want)
		}
	}
}

// decisions row 8.
func TestNegativeTTL(t *testing.T) {
	for strict, want := range map[bool][2]uint32{false: {5, 5}, true: {900, 86400}} {
		w := newFixture(t, strict)
		ns := w.namespace("example.com", "")
		z, ok := w.state.Zones.Zone(records.ZoneID(ns.ID))
		if !ok || z.NegativeTTL(strict) != want[0] || z.Minimum(strict) != want[1] {
			t.Errorf("strict %v: zone %+v: negative %d, minimum %d", strict, z, z.NegativeTTL(strict), z.Minimum(strict))
		}
		ttl := int64(42)
		w.do(&registry.UpdateNamespace{Ref: string(ns.ID), Type: registry.DNSPublic, SOATTL: &ttl})
		if z, _ := w.state.Zones.Zone(records.ZoneID(ns.ID)); z.NegativeTTL(strict) != 42 {
			t.Errorf("strict %v, after an update: %d", strict, z.NegativeTTL(strict))
		}
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	w := newFixture(t, false)
	w.service(w.namespace("example.com", ""), "web", "", registry.RecordA)
	w.namespace("a.example.com", "vpc-1")
	for _, name := range []string{"web.example.com", "x.a.example.com", "nothing.example.org"} {
		wire, _ := dnswire.ParseName(name)
		q := zone.Query{Name: []byte(wire), Hash: zone.Hash([]byte(wire)), View: everything}
		if n := testing.AllocsPerRun(100, func() { w.state.Zones.Lookup(&q) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// A fixed name is in the zone that the client sees it in, and a zone of its own
// elsewhere.
func TestFixedNames(t *testing.T) {
	w := newFixture(t, false)
	ns := w.namespace("example.com", "vpc-1")
	w.register(w.service(ns, "api", "", registry.RecordA), "i", registry.AttrIPv4, "10.0.0.1")
	w.register(w.service(ns, "web.api", "", registry.RecordA), "i", registry.AttrIPv4, "10.0.0.2")
	w.namespace("sub.ns.test", "")
	addr := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.1")}
	fixed, err := zone.NewFixed([]zone.FixedName{
		{Name: "API.example.com", Addrs: addr}, {Name: "a.b.example.com", Addrs: addr}, {Name: "ns.test", Addrs: addr}, {Name: "example.com", Addrs: addr},
	})
	if err != nil {
		t.Fatal(err)
	}
	inVPC := zone.View{VPCs: []string{"vpc-1"}}
	for _, c := range []struct {
		name  string
		view  zone.View
		want  zone.State
		zone  string
		fixed bool
	}{
		{"api.example.com", inVPC, zone.Hit, "example.com", true},
		{"api.example.com", zone.View{}, zone.Hit, "example.com", true}, // the zone of the fixed name example.com
		{"web.api.example.com", inVPC, zone.Hit, "example.com", false},
		{"web.api.example.com", zone.View{}, zone.NXDOMAIN, "API.example.com", false},
		{"x.api.example.com", inVPC, zone.NXDOMAIN, "example.com", false},
		{"b.example.com", inVPC, zone.Hit, "example.com", false},
		{"example.com", inVPC, zone.Hit, "example.com", true},
		{"ns.test", inVPC, zone.Hit, "ns.test", true},
		{"x.ns.test", inVPC, zone.NXDOMAIN, "ns.test", false},
		{"x.sub.ns.test", inVPC, zone.NXDOMAIN, "sub.ns.test", false},
		{"test", inVPC, zone.Refused, "", false},
	} {
		wire, _ := dnswire.ParseName(c.name)
		q := zone.Query{Name: []byte(wire), Hash: zone.Hash([]byte(wire)), View: c.view, Fixed: fixed}
		res := w.state.Zones.Lookup(&q)
		name := ""
		if res.Zone != nil {
			name = res.Zone.Name
		}
		if res.State != c.want || res.Fixed != c.fixed || c.zone != name && c.view.VPCs != nil {
			t.Errorf("%s for %v: %v in %q, fixed %v", c.name, c.view.VPCs, res.State, name, res.Fixed)
			continue
		}
		if !res.Fixed {
			continue
		}
		if own := res.Zone.Fixed; own != (c.view.VPCs == nil || c.zone == "ns.test") {
			t.Errorf("%s for %v: in a zone of its own: %v", c.name, c.view.VPCs, own)
		}
		if res.Node.IsApex() != (res.Zone.Apex == wire) {
			t.Errorf("%s for %v: apex: %v", c.name, c.view.VPCs, res.Node.IsApex())
		}
		if all := res.Node.All(&w.state.Zones, false); len(all) != 1 || len(all[0].Data) != 1 {
			t.Errorf("%s: %v", c.name, all)
		}
	}
}
