package dns

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/edge/dns/answer"
	rrsig "github.com/cairn-discovery/cairn/edge/dns/sign"
	"github.com/cairn-discovery/cairn/edge/dns/tsig"
	"github.com/cairn-discovery/cairn/edge/dns/xfr"
)

const (
	zoneName  = "services.example.com"
	secretKey = "0123456789abcdef0123456789abcdef"
)

// withTransfers hands the zone out to the trusted client, and to clients with the
// key.
func withTransfers(change ...func(*xfr.Config)) func(*Config) {
	return func(cfg *Config) {
		key, err := tsig.NewKey("secondary-1", "", []byte(secretKey))
		if err != nil {
			panic(err)
		}
		keys, err := tsig.NewKeys(key)
		if err != nil {
			panic(err)
		}
		cfg.Keys = func() tsig.Keys { return keys }
		apex, err := answer.ApexOf(&cfg.Config)
		if err != nil {
			panic(err)
		}
		x := xfr.Config{
			Source: cfg.Source, Apex: apex, Strict: cfg.Strict, Logger: slog.New(slog.DiscardHandler),
			Rules: []xfr.Rule{
				{Zone: zoneName, Allow: []netip.Prefix{netip.MustParsePrefix(trusted + "/32")}},
				{Zone: zoneName, Key: key},
				{Zone: "private.example.com", VPC: "vpc-1", Key: key},
				{Zone: "gone.example.com", Key: key},
			},
		}
		for _, c := range change {
			c(&x)
		}
		if signer, ok := cfg.Signer.(*rrsig.Signer); ok {
			x.Signer, x.Now = signer, signer.Now
		}
		if cfg.Transfers, err = xfr.New(x); err != nil {
			panic(err)
		}
	}
}

// transferred are the records of a transfer to the trusted client.
func (w *fixture) transferred(q *mdns.Msg, transport answer.Transport) []mdns.RR {
	w.Helper()
	query, err := q.Pack()
	if err != nil {
		w.Fatal(err)
	}
	var rrs []mdns.RR
	from := netip.AddrPortFrom(netip.MustParseAddr(trusted), 5353)
	w.transfer(context.Background(), query, from, transport, func(msg []byte) error {
		m := new(mdns.Msg)
		if err := m.Unpack(msg); err != nil {
			w.Fatalf("%v: %x: %v", q.Question, msg, err)
		}
		if m.Id != q.Id || !m.Response || !m.Authoritative || m.Rcode != 0 || len(m.Question) != 1 || len(m.Answer) == 0 {
			w.Fatalf("%v: %v", q.Question, m)
		}
		rrs = append(rrs, m.Answer...)
		return nil
	})
	return rrs
}

func (w *fixture) axfr() []mdns.RR {
	w.Helper()
	return w.transferred(new(mdns.Msg).SetAxfr(zoneName+"."), TCP)
}

func (w *fixture) ixfr(serial uint32, t answer.Transport) []mdns.RR {
	w.Helper()
	return w.transferred(new(mdns.Msg).SetIxfr(zoneName+".", serial, ".", "."), t)
}

// copyOf is what a secondary has: its serial, and its records as text.
type copyOf struct {
	serial  uint32
	records map[string]mdns.RR
}

// whole makes the copy of a transfer in the form of AXFR, or says what is wrong
// with it.
func whole(rrs []mdns.RR) (copyOf, error) {
	c := copyOf{records: map[string]mdns.RR{}}
	first, ok1 := rrs[0].(*mdns.SOA)
	last, ok2 := rrs[len(rrs)-1].(*mdns.SOA)
	if len(rrs) < 2 || !ok1 || !ok2 || first.String() != last.String() {
		return c, fmt.Errorf("not between two SOA records: %v … %v", rrs[0], rrs[len(rrs)-1])
	}
	c.serial = first.Serial
	for _, rr := range rrs[:len(rrs)-1] {
		if err := c.add(rr); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (c *copyOf) add(rr mdns.RR) error {
	if c.records[rr.String()] != nil {
		return fmt.Errorf("there twice: %v", rr)
	}
	c.records[rr.String()] = rr
	return nil
}

func (c *copyOf) remove(rr mdns.RR) error {
	if c.records[rr.String()] == nil {
		return fmt.Errorf("removed and not there: %v", rr)
	}
	delete(c.records, rr.String())
	return nil
}

// updated applies a transfer in any of the forms of RFC 1995 section 4.
func (c copyOf) updated(rrs []mdns.RR) (copyOf, error) {
	newest, ok := rrs[0].(*mdns.SOA)
	if !ok {
		return c, fmt.Errorf("begins with %v", rrs[0])
	}
	if len(rrs) == 1 {
		return c, nil
	}
	if _, ok := rrs[1].(*mdns.SOA); !ok {
		return whole(rrs)
	}
	next := copyOf{c.serial, maps.Clone(c.records)}
	deleting := false
	for _, rr := range rrs[1 : len(rrs)-1] {
		soa, isSOA := rr.(*mdns.SOA)
		if isSOA {
			if deleting = !deleting; deleting && soa.Serial != next.serial {
				return c, fmt.Errorf("the copy is at %d, the change from %d", next.serial, soa.Serial)
			}
			next.serial = soa.Serial
		}
		change := next.add
		if deleting {
			change = next.remove
		}
		if err := change(rr); err != nil {
			return c, err
		}
	}
	if last := rrs[len(rrs)-1]; last.String() != newest.String() || next.serial != newest.Serial {
		return c, fmt.Errorf("ends with %v at %d, begins with %v", last, next.serial, newest)
	}
	return next, nil
}

// wellFormed checks what every zone must keep to.
func (c *copyOf) wellFormed(t *testing.T) {
	t.Helper()
	ttls, types := map[string]uint32{}, map[string][]uint16{}
	for _, rr := range c.records {
		h := rr.Header()
		if h.Rrtype == mdns.TypeRRSIG || h.Rrtype == mdns.TypeNSEC {
			continue // RFC 4034 section 3: in the RRsets that they are about
		}
		set := h.Name + mdns.TypeToString[h.Rrtype]
		if ttl, ok := ttls[set]; ok && ttl != h.Ttl {
			t.Errorf("RFC 2181 section 5.2: %s has two TTLs", set)
		}
		ttls[set] = h.Ttl
		types[h.Name] = append(types[h.Name], h.Rrtype)
	}
	for name, list := range types {
		if slices.Contains(list, mdns.TypeCNAME) && len(list) > 1 {
			t.Errorf("RFC 1034 section 3.6.2: %s has a CNAME record and %v", name, list)
		}
	}
}

// randomChanges makes random changes in a zone.
type randomChanges struct {
	*fixture
	r        *rand.Rand
	ns       string
	sub      string // the namespace below; empty: there is none
	services map[string]string
}

// names clash on purpose: one is that of a host of another, one lies below a
// namespace that comes and goes, one is the apex.
var randomServices = []string{"web", "_http._tcp", "i-1._http._tcp", "deep.er", "x.sub", "sub", "old", ".", "api"}

var randomIDs = []string{"i-1", "I-1", "i-2", "i-3", "i-4", "i-5", "i-6"}

func (g *randomChanges) change() {
	name := randomServices[g.r.IntN(len(randomServices))]
	id := registry.InstanceID(randomIDs[g.r.IntN(len(randomIDs))])
	svc := g.services[name]
	switch n := g.r.IntN(20); {
	case svc == "":
		g.create(name)
	case n < 9:
		_, _ = g.try(&registry.RegisterInstance{ServiceRef: svc, ID: id, Attributes: g.attributes()})
	case n < 12:
		_, _ = g.try(&registry.DeregisterInstance{ServiceRef: svc, ID: id})
	case n < 15:
		health := registry.Healthy
		if g.r.IntN(2) == 0 {
			health = registry.Unhealthy
		}
		_, _ = g.try(&registry.SetCustomHealth{ServiceRef: svc, ID: id, Health: health})
	case n == 15:
		if _, err := g.try(&registry.DeleteService{Ref: svc}); err == nil {
			delete(g.services, name)
		}
	case n == 16:
		g.retime(svc)
	case n == 17:
		ttl := int64(g.r.IntN(10) + 1)
		_, _ = g.try(&registry.UpdateNamespace{Ref: g.ns, Type: registry.DNSPublic, SOATTL: &ttl})
	case n == 18:
		g.flipSub()
	default:
		g.empty(svc)
	}
}

func (g *randomChanges) create(name string) {
	types := [][]registry.RecordType{{"A"}, {"AAAA"}, {"A", "AAAA"}, {"SRV"}, {"CNAME"}}[g.r.IntN(5)]
	policy := []registry.RoutingPolicy{registry.Multivalue, registry.Weighted, registry.Latency}[g.r.IntN(3)]
	if name == "_http._tcp" {
		types, policy = []registry.RecordType{"SRV"}, registry.Multivalue
	}
	if types[0] == "CNAME" {
		policy = registry.Weighted
	}
	cfg := &registry.DNSConfig{Policy: policy}
	for _, t := range types {
		cfg.Records = append(cfg.Records, registry.DNSRecord{Type: t, TTL: int64(g.r.IntN(3) * 30)})
	}
	reply, err := g.try(&registry.CreateService{Name: name, NamespaceRef: g.ns, DNS: cfg, CustomHealth: g.r.IntN(2) == 0})
	if err == nil {
		g.services[name] = string(reply.Value.(*registry.Service).ID)
	}
}

// attributes fit any kind of service; some are refused by some.
func (g *randomChanges) attributes() map[string]string {
	m := map[string]string{}
	switch g.r.IntN(6) {
	case 0:
		m[cname] = fmt.Sprintf("t%d.example.net", g.r.IntN(3))
	case 1:
		m[alias] = "elsewhere.example.net"
		return m
	default:
		m[ipv4] = fmt.Sprintf("10.0.0.%d", g.r.IntN(5)+1)
		m[ipv6] = fmt.Sprintf("2001:db8::%d", g.r.IntN(5)+1)
		m[port] = fmt.Sprint(80 + g.r.IntN(2))
	}
	if g.r.IntN(2) == 0 {
		m[registry.AttrWeight] = fmt.Sprint(g.r.IntN(3))
	}
	return m
}

func (g *randomChanges) retime(svc string) {
	s, ok := g.state.Registry.Service(g.account, registry.ServiceID(svc))
	if !ok || s.DNS == nil {
		return
	}
	records := slices.Clone(s.DNS.Records)
	for i := range records {
		records[i].TTL = int64(g.r.IntN(3) * 30)
	}
	_, _ = g.try(&registry.UpdateService{Ref: svc, Records: records})
}

func (g *randomChanges) flipSub() {
	if g.sub == "" {
		g.sub = g.namespace("sub."+zoneName, "")
		return
	}
	g.do(&registry.DeleteNamespace{Ref: g.sub})
	g.sub = ""
}

func (g *randomChanges) empty(svc string) {
	s, ok := g.state.Registry.Service(g.account, registry.ServiceID(svc))
	if !ok {
		return
	}
	for id := range s.Instances("") {
		_, _ = g.try(&registry.DeregisterInstance{ServiceRef: svc, ID: id})
	}
}

// Whatever happens to a zone, the differences lead from any copy to the newest,
// which is what the server answers.
func TestCopiesFollow(t *testing.T) {
	for seed := range uint64(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { copiesFollow(t, seed) })
	}
}

func copiesFollow(t *testing.T, seed uint64) {
	key, signed := withSigner(t)
	w := newFixture(t, func(c *Config) {
		c.Strict = seed%4 == 3
		c.NameServers = []string{"ns1." + zoneName, "ns2.example.net", "NS1." + zoneName}
		c.Hosts = []zone.FixedName{{Name: "ns1." + zoneName, Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::53")}},
			{Name: "api." + zoneName, Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.2")}}}
	}, signed, withTransfers())
	g := &randomChanges{fixture: w, r: rand.New(rand.NewPCG(seed, 1)), services: map[string]string{}}
	g.ns = g.namespace(zoneName, "")
	if seed%2 == 1 {
		g.signZone(g.ns, key, "enabled")
	}
	var copies []copyOf
	for range 30 {
		for range g.r.IntN(5) {
			g.change()
		}
		newest, err := whole(w.axfr())
		if err != nil {
			t.Fatal(err)
		}
		newest.wellFormed(t)
		if seed%2 == 1 {
			newest.checkSigned(t, time.Now())
		}
		g.answersAs(t, &newest)
		for _, old := range copies {
			g.followsFrom(t, old, &newest)
		}
		copies = append(copies, newest)
		copies = copies[max(len(copies)-6, 0):]
	}
}

func (g *randomChanges) followsFrom(t *testing.T, old copyOf, newest *copyOf) {
	t.Helper()
	for _, transport := range []answer.Transport{TCP, UDP} {
		rrs := g.ixfr(old.serial, transport)
		got, err := old.updated(rrs)
		if err != nil {
			t.Fatalf("from %d to %d: %v\n%v", old.serial, newest.serial, err, rrs)
		}
		if transport == UDP && len(rrs) == 1 && old.serial != newest.serial {
			continue // too large
		}
		if got.serial != newest.serial || texts(got.records) != texts(newest.records) {
			t.Fatalf("from %d to %d:\n%v\nare\n%v\nnot\n%v", old.serial, newest.serial, rrs, texts(got.records), texts(newest.records))
		}
	}
}

func texts(records map[string]mdns.RR) string {
	return strings.Join(slices.Sorted(maps.Keys(records)), "\n")
}

// answersAs checks that what the server answers is in the copy, and that it is
// all of it where the server does not choose.
func (g *randomChanges) answersAs(t *testing.T, c *copyOf) {
	t.Helper()
	names := []string{"ns1", "api"}
	for name := range g.services {
		for _, id := range randomIDs {
			names = append(names, id+"."+name)
		}
		names = append(names, name)
	}
	for _, name := range names {
		full := zoneName + "."
		if name = strings.TrimSuffix(name, "."); name != "" { // "." is the apex
			full = strings.ToLower(strings.TrimSuffix(name, ".")) + "." + full
		}
		if g.sub != "" && mdns.IsSubDomain("sub."+zoneName+".", full) {
			continue // not this zone's
		}
		for _, qtype := range []uint16{mdns.TypeA, mdns.TypeAAAA, mdns.TypeSRV, mdns.TypeCNAME} {
			g.answerAs(t, c, full, qtype)
		}
	}
}

func (g *randomChanges) answerAs(t *testing.T, c *copyOf, name string, qtype uint16) {
	t.Helper()
	var held, answered []string
	for text, rr := range c.records {
		if h := rr.Header(); h.Rrtype == qtype && h.Name == name {
			held = append(held, text)
		}
	}
	m := g.exchange(question(name, qtype), stranger, TCP)
	for _, rr := range m.Answer {
		if rr.Header().Rrtype == qtype && rr.Header().Name == name {
			if srv, ok := rr.(*mdns.SRV); ok {
				srv.Target = strings.ToLower(srv.Target)
			}
			answered = append(answered, rr.String())
		}
	}
	slices.Sort(held)
	slices.Sort(answered)
	answered = slices.Compact(answered)
	svc, ok := g.services[strings.TrimSuffix(name, "."+zoneName+".")]
	s, known := g.state.Registry.Service(g.account, registry.ServiceID(svc))
	chooses := ok && known && s.DNS.Policy != registry.Multivalue
	if name == zoneName+"." || g.hasAlias(svc) {
		return // the apex has no CNAME record in a copy, and nobody has aliases
	}
	if chooses {
		for _, a := range answered {
			if !slices.Contains(held, a) && qtype != mdns.TypeCNAME {
				t.Fatalf("%s %s: answered with %s, the copy has %q", name, mdns.TypeToString[qtype], a, held)
			}
		}
		if len(answered) == 0 != (len(held) == 0) {
			t.Fatalf("%s %s: answered with %q, the copy has %q", name, mdns.TypeToString[qtype], answered, held)
		}
		return
	}
	if !slices.Equal(held, answered) {
		t.Fatalf("%s %s: answered with %q, the copy has %q", name, mdns.TypeToString[qtype], answered, held)
	}
}

func (g *randomChanges) hasAlias(svc string) bool {
	s, ok := g.state.Registry.Service(g.account, registry.ServiceID(svc))
	if !ok {
		return false
	}
	for _, inst := range s.Instances("") {
		if _, ok := inst.Attributes().Get(registry.AttrAliasDNSName); ok {
			return true
		}
	}
	return false
}
