package dns

import (
	"crypto/ecdsa"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/edge/dns/answer"
	rrsig "github.com/cairn-discovery/cairn/edge/dns/sign"
	"github.com/cairn-discovery/cairn/internal/seal"
)

// withSigner gives a server a signer, and its fixture keys.
func withSigner(t testing.TB) (*seal.Key, func(*Config)) { return withSignerAt(t, nil) }

// withSignerAt is withSigner with a clock.
func withSignerAt(t testing.TB, now func() time.Time) (*seal.Key, func(*Config)) {
	key, err := seal.ParseKey(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	signer, err := rrsig.New(rrsig.Config{
		Open:   func(k *dnssec.Key) (*ecdsa.PrivateKey, error) { return rrsig.Open(key, k) },
		Now:    now,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return key, func(c *Config) { c.Signer = signer }
}

// signZone has a namespace's zone signed.
func (w *fixture) signZone(id string, under *seal.Key, value string) {
	w.Helper()
	k, err := rrsig.NewKey(under)
	if err != nil {
		w.Fatal(err)
	}
	w.do(&registry.TagResource{
		ARN:    w.rules.Registry.NamespaceARN(w.account, registry.NamespaceID(id)),
		Tags:   []registry.Tag{{Key: registry.TagDNSSEC, Value: value}},
		NewKey: registry.SigningKey{Key: k},
	})
}

// askDO asks with the DO bit.
func (w *fixture) askDO(name string, qtype uint16, t answer.Transport) *mdns.Msg {
	w.Helper()
	m := w.exchange(question(name, qtype).SetEdns0(1232, true), stranger, t)
	if m == nil {
		w.Fatalf("%s: no answer", name)
	}
	return m
}

// keysOf asks for the keys of a zone and checks that they sign themselves.
func (w *fixture) keysOf(apex string) []*mdns.DNSKEY {
	w.Helper()
	m := w.askDO(apex, mdns.TypeDNSKEY, UDP)
	var keys []*mdns.DNSKEY
	for _, rr := range m.Answer {
		if k, ok := rr.(*mdns.DNSKEY); ok {
			keys = append(keys, k)
		}
	}
	if err := verified(m.Answer, map[string][]*mdns.DNSKEY{apex: keys}); err != nil || len(keys) == 0 {
		w.Fatalf("%s: %d keys, %v\n%v", apex, len(keys), err, m)
	}
	return keys
}

// verified checks that every RRset of a section is signed well by a key of the
// nearest zone that has keys, and that every signature is of such an RRset.
func verified(rrs []mdns.RR, keys map[string][]*mdns.DNSKEY) error {
	return verifiedAt(rrs, keys, time.Now())
}

func verifiedAt(rrs []mdns.RR, keys map[string][]*mdns.DNSKEY, at time.Time) error {
	type id struct {
		name  string
		rtype uint16
	}
	sets, done := map[id][]mdns.RR{}, map[id]bool{}
	for _, rr := range rrs {
		if h := rr.Header(); h.Rrtype != mdns.TypeRRSIG && h.Rrtype != mdns.TypeOPT {
			k := id{mdns.CanonicalName(h.Name), h.Rrtype}
			sets[k] = append(sets[k], rr)
		}
	}
	for _, rr := range rrs {
		sig, ok := rr.(*mdns.RRSIG)
		if !ok {
			continue
		}
		k := id{mdns.CanonicalName(sig.Hdr.Name), sig.TypeCovered}
		i := slices.IndexFunc(keys[sig.SignerName], func(key *mdns.DNSKEY) bool { return key.KeyTag() == sig.KeyTag })
		switch {
		case i < 0:
			return fmt.Errorf("%v: signer or key not known", sig)
		case !mdns.IsSubDomain(sig.SignerName, k.name):
			return fmt.Errorf("%v: not below the signer", sig)
		case len(sets[k]) == 0:
			return fmt.Errorf("%v: of nothing", sig)
		case sig.Hdr.Ttl != sets[k][0].Header().Ttl:
			return fmt.Errorf("%v: TTL is not that of %v", sig, sets[k][0])
		case !sig.ValidityPeriod(at):
			return fmt.Errorf("%v: not now", sig)
		}
		if err := sig.Verify(keys[sig.SignerName][i], sets[k]); err != nil {
			return fmt.Errorf("%v over %v: %w", sig, sets[k], err)
		}
		done[k] = true
	}
	for k, set := range sets {
		for apex := range keys {
			if mdns.IsSubDomain(apex, k.name) && !done[k] {
				return fmt.Errorf("not signed: %v", set)
			}
		}
	}
	return nil
}

// nsecOf returns the only NSEC record of a section.
func nsecOf(t testing.TB, rrs []mdns.RR) *mdns.NSEC {
	t.Helper()
	var found *mdns.NSEC
	for _, rr := range rrs {
		if n, ok := rr.(*mdns.NSEC); ok {
			if found != nil {
				t.Errorf("two NSEC records: %v", rrs)
			}
			found = n
		}
	}
	if found == nil {
		t.Fatalf("no NSEC record: %v", rrs)
	}
	return found
}

func typeNames(types []uint16) string {
	var names []string
	for _, t := range types {
		name, ok := mdns.TypeToString[t]
		if !ok {
			name = fmt.Sprintf("TYPE%d", t)
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

// signedWorld is populated, with its public zone signed.
func signedWorld(t testing.TB, change ...func(*Config)) (*fixture, *seal.Key) {
	key, signed := withSigner(t)
	w := populated(t, append(change, signed)...)
	for ns := range w.state.Zones.Zones() {
		if ns.Public {
			w.signZone(string(ns.ID), key, registry.DNSSECEnabled)
		}
	}
	return w, key
}

// What each kind of answer has for those who ask for signatures: RFC 4035
// section 3.1, RFC 9824.
func TestSignedAnswers(t *testing.T) {
	w, _ := signedWorld(t)
	keys := map[string][]*mdns.DNSKEY{"example.com.": w.keysOf("example.com.")}
	for _, c := range []struct {
		name   string
		qtype  uint16
		answer int    // records, signatures aside
		denied string // types in the NSEC record; empty: there is none
	}{
		{"web.example.com.", mdns.TypeA, 2, ""},
		{"WEB.example.COM.", mdns.TypeA, 2, ""},
		{"web.example.com.", mdns.TypeAAAA, 1, ""},
		{"web.example.com.", mdns.TypeTXT, 0, "A AAAA RRSIG NSEC"},
		{"web.example.com.", mdns.TypeDS, 0, "A AAAA RRSIG NSEC"},
		{"_http._tcp.example.com.", mdns.TypeSRV, 2, ""},
		{"_http._tcp.example.com.", mdns.TypeA, 0, "SRV RRSIG NSEC"},
		{"i-1._http._tcp.example.com.", mdns.TypeA, 1, ""},
		{`x--odd-2F-3a-40.ID._http._tcp.example.com.`, mdns.TypeAAAA, 0, "A RRSIG NSEC"},
		{"_tcp.example.com.", mdns.TypeA, 0, "RRSIG NSEC"},
		{"_tcp.example.com.", mdns.TypeANY, 0, "RRSIG NSEC"},
		{"deep.example.com.", mdns.TypeA, 0, "RRSIG NSEC"},
		{"empty.deep.example.com.", mdns.TypeA, 0, "RRSIG NSEC"},
		{"nothing.example.com.", mdns.TypeA, 0, "RRSIG NSEC NXNAME"},
		{"a.b.c.example.com.", mdns.TypeDNSKEY, 0, "RRSIG NSEC NXNAME"},
		{"*.example.com.", mdns.TypeA, 0, "RRSIG NSEC NXNAME"},
		{"example.com.", mdns.TypeA, 1, ""},
		{"example.com.", mdns.TypeSOA, 1, ""},
		{"example.com.", mdns.TypeNS, 1, ""},
		{"example.com.", mdns.TypeDNSKEY, 1, ""},
		{"example.com.", mdns.TypeCDS, 1, ""},
		{"example.com.", mdns.TypeCDNSKEY, 1, ""},
		{"example.com.", mdns.TypeMX, 0, "A NS SOA RRSIG NSEC DNSKEY CDS CDNSKEY"},
		{"example.com.", mdns.TypeDS, 0, "A NS SOA RRSIG NSEC DNSKEY CDS CDNSKEY"}, // the parent is not ours
		{"alias.example.com.", mdns.TypeA, 2, ""},
		{"alias.example.com.", mdns.TypeAAAA, 0, "A RRSIG NSEC"},
		{"cn.example.com.", mdns.TypeA, 3, ""},
		{"cn.example.com.", mdns.TypeTXT, 1, "A AAAA RRSIG NSEC"},
		{"cn.example.com.", mdns.TypeCNAME, 1, ""},
		{"out.example.com.", mdns.TypeA, 1, ""},
		{"gone.example.com.", mdns.TypeA, 1, "RRSIG NSEC NXNAME"},
		{"web.example.com.", mdns.TypeANY, 1, ""},
		{"web.example.com.", mdns.TypeNSEC, 1, ""},
		{"cn.example.com.", mdns.TypeNSEC, 1, ""},
		{"web.example.com.", mdns.TypeRRSIG, 0, ""},
		{"nothing.example.com.", mdns.TypeNSEC, 1, ""},
	} {
		name := c.name + " " + mdns.TypeToString[c.qtype]
		for _, transport := range []answer.Transport{UDP, TCP} {
			m := w.askDO(c.name, c.qtype, transport)
			if m.Rcode != 0 || !m.Authoritative || m.AuthenticatedData || !m.IsEdns0().Do() || m.Truncated {
				t.Errorf("%s: %v", name, m)
			}
			records := slices.DeleteFunc(slices.Clone(m.Answer), func(rr mdns.RR) bool { return rr.Header().Rrtype == mdns.TypeRRSIG })
			if len(records) != c.answer {
				t.Errorf("%s: %d records, want %d:\n%v", name, len(records), c.answer, m)
			}
			if c.qtype != mdns.TypeRRSIG {
				for _, section := range [][]mdns.RR{m.Answer, m.Ns, m.Extra} {
					if err := verified(section, keys); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
			} else if len(m.Answer) != 1 || m.Answer[0].(*mdns.RRSIG).TypeCovered != mdns.TypeNSEC {
				t.Errorf("%s: %v", name, m)
			}
			if c.denied == "" {
				if len(m.Ns) != 0 {
					t.Errorf("%s: authority %v", name, m.Ns)
				}
				continue
			}
			nsec := nsecOf(t, m.Ns)
			if got := typeNames(nsec.TypeBitMap); got != c.denied {
				t.Errorf("%s: denied with %q, want %q", name, got, c.denied)
			}
			if want := `\000.` + nsec.Hdr.Name; nsec.NextDomain != strings.ToLower(want) || nsec.Hdr.Ttl != 5 {
				t.Errorf("%s: %v", name, nsec)
			}
		}
	}
}

// Who does not ask for signatures gets what they got before the zone was signed.
func TestNoSignaturesUnasked(t *testing.T) {
	signed, _ := signedWorld(t)
	plain := populated(t)
	for _, name := range []string{"web", "nothing", "_http._tcp", "cn", "gone", "alias", "deep", "a.b.c"} {
		for _, qtype := range []uint16{mdns.TypeA, mdns.TypeSRV, mdns.TypeTXT, mdns.TypeDS} {
			a, b := signed.ask(name+".example.com.", qtype, stranger), plain.ask(name+".example.com.", qtype, stranger)
			if a.Rcode != b.Rcode || sections(a.Answer) != sections(b.Answer) || sections(a.Ns) != sections(b.Ns) || sections(a.Extra) != sections(b.Extra) {
				t.Errorf("%s: got %v\nwant %v", name, a, b)
			}
		}
	}
	if m := signed.ask("example.com.", mdns.TypeDNSKEY, stranger); len(m.Answer) != 1 {
		t.Errorf("keys without signatures: %v", m)
	}
}

// RFC 9824 section 5.1: who understands gets the code too. And section 3.5.
func TestCompactAnswersFlag(t *testing.T) {
	w, _ := signedWorld(t)
	for name, rcode := range map[string]int{"nothing.example.com.": mdns.RcodeNameError, "gone.example.com.": mdns.RcodeNameError, "deep.example.com.": 0} {
		q := question(name, mdns.TypeA).SetEdns0(1232, true)
		q.IsEdns0().Hdr.Ttl |= 1 << 14
		m := w.exchange(q, stranger, UDP)
		if m.Rcode != rcode || m.IsEdns0().Hdr.Ttl&(1<<14) == 0 {
			t.Errorf("%s: %v", name, m)
		}
		nsecOf(t, m.Ns)
	}
	if m := w.askDO("web.example.com.", dnswire.TypeNXNAME, UDP); m.Rcode != mdns.RcodeFormatError {
		t.Errorf("NXNAME: %v", m)
	}
}

// A zone below a signed one, signed or not: RFC 4035 section 3.1.4.1.
func TestDS(t *testing.T) {
	w, key := signedWorld(t, func(c *Config) {
		c.Hosts = []zone.FixedName{{Name: "ns1.example.com", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.53")}}}
	})
	child := w.namespace("a.example.com", "")
	w.register(w.service(child, "www", "", "A"), "i", ipv4, "192.0.2.77")
	w.namespace("p.example.com", "vpc-1")
	parents := map[string][]*mdns.DNSKEY{"example.com.": w.keysOf("example.com.")}
	insecure := func(name string) {
		t.Helper()
		m := w.askDO(name, mdns.TypeDS, UDP)
		if nsec := nsecOf(t, m.Ns); len(m.Answer) != 0 || typeNames(nsec.TypeBitMap) != "NS RRSIG NSEC" || verified(m.Ns, parents) != nil || !m.Authoritative {
			t.Errorf("insecure delegation of %s: %v %v", name, m, verified(m.Ns, parents))
		}
	}
	insecure("a.example.com.")
	// A name that the configuration sets is in the zone, and is signed.
	if m := w.askDO("ns1.example.com.", mdns.TypeDS, UDP); typeNames(nsecOf(t, m.Ns).TypeBitMap) != "A RRSIG NSEC" || verified(m.Ns, parents) != nil {
		t.Errorf("DS of a fixed name: %v", m)
	}
	if m := w.askDO("ns1.example.com.", mdns.TypeA, UDP); len(m.Answer) != 2 || verified(m.Answer, parents) != nil {
		t.Errorf("a fixed name: %v", m)
	}
	if m := w.askDO("www.a.example.com.", mdns.TypeA, UDP); len(m.Answer) != 1 {
		t.Errorf("unsigned child: %v", m)
	}
	// A stranger does not see the private zone: for them there is no such name.
	if nsec := nsecOf(t, w.askDO("p.example.com.", mdns.TypeDS, UDP).Ns); typeNames(nsec.TypeBitMap) != "RRSIG NSEC NXNAME" {
		t.Errorf("private child: %v", nsec)
	}
	m := w.exchange(question("p.example.com.", mdns.TypeDS).SetEdns0(1232, true), inVPC1, UDP)
	if nsec := nsecOf(t, m.Ns); typeNames(nsec.TypeBitMap) != "NS RRSIG NSEC" {
		t.Errorf("private child, seen: %v", m)
	}

	w.signZone(child, key, registry.DNSSECEnabled)
	m = w.askDO("a.example.com.", mdns.TypeDS, UDP)
	if err := verified(m.Answer, parents); err != nil || len(m.Answer) != 2 {
		t.Fatalf("DS: %v\n%v", err, m)
	}
	want := w.keysOf("a.example.com.")[0].ToDS(mdns.SHA256)
	if ds := m.Answer[0].(*mdns.DS); ds.Digest != want.Digest || ds.KeyTag != want.KeyTag {
		t.Errorf("DS %v, want %v", ds, want)
	}
	m = w.askDO("www.a.example.com.", mdns.TypeA, UDP)
	if err := verified(m.Answer, map[string][]*mdns.DNSKEY{"a.example.com.": w.keysOf("a.example.com.")}); err != nil || len(m.Answer) != 2 {
		t.Errorf("child: %v\n%v", err, m)
	}
}

// Many instances: the answers are few at a time, and all are signed.
func TestSignedSamples(t *testing.T) {
	w, key := signedWorld(t)
	var ns string
	for z := range w.state.Zones.Zones() {
		if z.Public {
			ns = string(z.ID)
		}
	}
	svc := w.service(ns, "many", "", "A")
	for i := range 100 {
		w.register(svc, fmt.Sprint("i-", i), ipv4, fmt.Sprintf("10.0.0.%d", i))
	}
	twin := w.service(ns, "twin", "", "A") // two instances of one address
	w.register(twin, "a", ipv4, "10.9.9.9")
	w.register(twin, "b", ipv4, "10.9.9.9")
	keys := map[string][]*mdns.DNSKEY{"example.com.": w.keysOf("example.com.")}
	if m := w.askDO("twin.example.com.", mdns.TypeA, UDP); len(m.Answer) != 2 || verified(m.Answer, keys) != nil {
		t.Errorf("repeated record: %v", m)
	}
	different := map[string]bool{}
	for range 400 {
		m := w.askDO("many.example.com.", mdns.TypeA, UDP)
		if err := verified(m.Answer, keys); err != nil || len(m.Answer) != 9 {
			t.Fatalf("%v\n%v", err, m)
		}
		different[sections(m.Answer[:8])] = true
	}
	if len(different) < 2 || len(different) > 3*16 {
		t.Errorf("%d different answers", len(different))
	}
	_ = key
}

// withoutSigner gives the fixture a responder that cannot sign.
func (w *fixture) withoutSigner() {
	w.Helper()
	cfg := w.cfg
	cfg.Signer = nil
	s, err := New(cfg)
	if err != nil {
		w.Fatal(err)
	}
	w.Server = s
}

// Without a way to sign, who asks for signatures is told that something is wrong.
func TestUnsignable(t *testing.T) {
	w, _ := signedWorld(t)
	w.withoutSigner()
	if m := w.askDO("web.example.com.", mdns.TypeA, UDP); m.Rcode != mdns.RcodeServerFailure || len(m.Answer) != 0 {
		t.Errorf("%v", m)
	}
	if m := w.ask("web.example.com.", mdns.TypeA, stranger); m.Rcode != 0 || len(m.Answer) != 2 {
		t.Errorf("%v", m)
	}
}

// A long answer loses what can be asked for first, and whole RRsets only.
func TestSignedAnswersFit(t *testing.T) {
	w, _ := signedWorld(t)
	var ns string
	for z := range w.state.Zones.Zones() {
		if z.Public {
			ns = string(z.ID)
		}
	}
	svc := w.service(ns, "_db._tcp", "", "SRV")
	for i := range 8 {
		w.register(svc, fmt.Sprintf("instance-%d", i), ipv4, fmt.Sprintf("10.0.0.%d", i), ipv6, fmt.Sprintf("2001:db8::%d", i), port, "80")
	}
	keys := map[string][]*mdns.DNSKEY{"example.com.": w.keysOf("example.com.")}
	for _, transport := range []answer.Transport{UDP, TCP} {
		m := w.askDO("_db._tcp.example.com.", mdns.TypeSRV, transport)
		if m.Truncated || len(m.Answer) != 9 {
			t.Errorf("%v: %v", transport, m)
		}
		for _, section := range [][]mdns.RR{m.Answer, m.Extra} {
			if err := verified(section, keys); err != nil {
				t.Errorf("%v: %v", transport, err)
			}
		}
		if transport == TCP && len(m.Extra) != 2*2*8+1 {
			t.Errorf("%d additional records over TCP", len(m.Extra))
		}
	}
	m := w.exchange(question("_db._tcp.example.com.", mdns.TypeSRV).SetEdns0(512, true), stranger, UDP)
	if !m.Truncated || len(m.Answer) != 0 {
		t.Errorf("512 octets: %v", m)
	}
}

// Whatever is registered, and whatever is asked, every answer verifies and no
// denial contradicts what can be had.
func TestSignedWorldsVerify(t *testing.T) {
	for seed := range uint64(25) {
		random := rand.New(rand.NewPCG(seed, 5))
		key, signed := withSigner(t)
		w := newFixture(t, signed)
		keys := map[string][]*mdns.DNSKEY{}
		names := []string{"nothing.example.com.", "x.y.example.com.", "example.com.", "sub.example.com."}
		for _, apex := range []string{"example.com", "sub.example.com"} {
			ns := w.namespace(apex, "")
			w.signZone(ns, key, registry.DNSSECEnabled)
			for i := range 6 {
				names = append(names, w.randomService(random, ns, apex, i)...)
			}
			keys[apex+"."] = w.keysOf(apex + ".")
		}
		for range 150 {
			name := names[random.IntN(len(names))]
			qtype := []uint16{mdns.TypeA, mdns.TypeAAAA, mdns.TypeSRV, mdns.TypeTXT, mdns.TypeCNAME, mdns.TypeDS, mdns.TypeNSEC, mdns.TypeANY, mdns.TypeSOA}[random.IntN(9)]
			m := w.askDO(name, qtype, TCP)
			for _, section := range [][]mdns.RR{m.Answer, m.Ns, m.Extra} {
				if err := verifiedBelow(section, keys); err != nil {
					t.Fatalf("seed %d: %s %s: %v\n%v", seed, name, mdns.TypeToString[qtype], err, m)
				}
			}
			w.checkDenial(t, m)
		}
	}
}

// verifiedBelow is verified where one zone lies in the other.
func verifiedBelow(rrs []mdns.RR, keys map[string][]*mdns.DNSKEY) error { return verified(rrs, keys) }

// checkDenial asks for all types of a name that an NSEC record denies.
func (w *fixture) checkDenial(t *testing.T, m *mdns.Msg) {
	for _, rr := range m.Ns {
		nsec, ok := rr.(*mdns.NSEC)
		if !ok || slices.Contains(nsec.TypeBitMap, mdns.TypeNS) && !slices.Contains(nsec.TypeBitMap, mdns.TypeSOA) {
			continue
		}
		for _, qtype := range []uint16{mdns.TypeA, mdns.TypeAAAA, mdns.TypeSRV, mdns.TypeCNAME, mdns.TypeSOA, mdns.TypeNS, mdns.TypeDNSKEY} {
			if slices.Contains(nsec.TypeBitMap, qtype) || qtype == m.Question[0].Qtype {
				continue
			}
			for _, rr := range w.ask(nsec.Hdr.Name, qtype, stranger).Answer {
				if rr.Header().Rrtype == qtype && rr.Header().Name == nsec.Hdr.Name {
					t.Errorf("%v denies %v", nsec, rr)
				}
			}
		}
	}
}

// randomService makes a service with some instances, and returns names to ask
// for.
func (w *fixture) randomService(r *rand.Rand, ns, apex string, i int) []string {
	kinds := [][]registry.RecordType{{"A"}, {"AAAA"}, {"A", "AAAA"}, {"SRV"}, {"CNAME"}, {"A"}}[i]
	name, policy := fmt.Sprintf("s%d.deep", i), registry.RoutingPolicy("")
	if i%2 == 0 {
		name = fmt.Sprintf("_s%d._tcp", i)
	}
	if kinds[0] == "CNAME" || i == 5 {
		policy = registry.Weighted
	}
	svc := w.service(ns, name, policy, kinds...)
	for j := range r.IntN(12) {
		id := fmt.Sprintf("I-%d", j)
		switch {
		case kinds[0] == "CNAME":
			w.register(svc, id, cname, []string{"s1.deep.", "_S0._tcp.", "nothing.", "_s2._tcp."}[r.IntN(4)]+"example.com")
		case i == 5 && j%2 == 0:
			w.register(svc, id, alias, "_s0._tcp.example.com")
		default:
			w.register(svc, id, ipv4, fmt.Sprintf("10.0.%d.%d", i, j/2), ipv6, fmt.Sprintf("2001:db8::%d:%d", i, j), port, "80")
		}
	}
	full := name + "." + apex + "."
	return []string{full, strings.ToUpper(full), "i-0." + full, "no." + full, full[strings.IndexByte(full, '.')+1:]}
}

// BenchmarkSignedAnswer builds answers of a signed zone: for who does not ask for
// signatures, with signatures that are remembered, and with new ones.
func BenchmarkSignedAnswer(b *testing.B) {
	for _, c := range []struct {
		name  string
		qtype uint16
		do    bool
		fresh bool // a name that was not asked for before, each time
	}{
		{"A/unasked", mdns.TypeA, false, false},
		{"A/remembered", mdns.TypeA, true, false},
		{"NODATA/remembered", mdns.TypeTXT, true, false},
		{"SRV/remembered", mdns.TypeSRV, true, false},
		{"NXDOMAIN/new", mdns.TypeA, true, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			w, _ := signedWorld(b)
			var query []byte
			name := "web.example.com."
			if c.qtype == mdns.TypeSRV {
				name = "_http._tcp.example.com."
			}
			from, out := netip.MustParseAddr(stranger), make([]byte, 0, answer.MaxUDPSize)
			a := w.newWorker(w.metrics.newShard(UDP))
			a.Refresh()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%batch == 0 {
					a.Refresh()
				}
				if c.fresh {
					name = fmt.Sprintf("n%d.example.com.", i)
				}
				if c.fresh || i == 0 {
					var err error
					if query, err = question(name, c.qtype).SetEdns0(1232, c.do).Pack(); err != nil {
						b.Fatal(err)
					}
				}
				msg, d := a.AnswerWaiting(b.Context(), a.Parse(query), from, UDP, out)
				if d != answer.Send || msg[3]&0xf != 0 {
					b.Fatalf("disposition %d, answer %x", d, msg)
				}
			}
		})
	}
}
