package dns

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/core/zone"
)

const apexName = zoneName + "."

// checkSigned checks that the copy is a signed zone: every RRset that the zone is
// authoritative for has valid signatures, nothing else has, and the NSEC records are
// one chain of all names with the types that are there (RFC 4035 section 2).
func (c *copyOf) checkSigned(t *testing.T, at time.Time) {
	t.Helper()
	types, nsec := map[string][]uint16{}, map[string]*mdns.NSEC{}
	var keys []*mdns.DNSKEY
	for _, rr := range c.records {
		h := rr.Header()
		if !slices.Contains(types[h.Name], h.Rrtype) {
			types[h.Name] = append(types[h.Name], h.Rrtype)
		}
		switch rr := rr.(type) {
		case *mdns.DNSKEY:
			keys = append(keys, rr)
		case *mdns.NSEC:
			nsec[h.Name] = rr
		}
	}
	isCut := func(name string) bool { return name != apexName && slices.Contains(types[name], mdns.TypeNS) }
	isGlue := func(name string) bool {
		for cut := range types {
			if isCut(cut) && cut != name && mdns.IsSubDomain(cut, name) {
				return true
			}
		}
		return false
	}
	var signed, unsigned []mdns.RR
	for _, rr := range c.records {
		h := rr.Header()
		covered := h.Rrtype
		if sig, ok := rr.(*mdns.RRSIG); ok {
			covered = sig.TypeCovered
		}
		if isGlue(h.Name) || isCut(h.Name) && covered != mdns.TypeDS && covered != mdns.TypeNSEC {
			unsigned = append(unsigned, rr)
		} else {
			signed = append(signed, rr)
		}
	}
	if err := verifiedAt(signed, map[string][]*mdns.DNSKEY{apexName: keys}, at); err != nil {
		t.Fatal(err)
	}
	for _, rr := range unsigned {
		if rr.Header().Rrtype == mdns.TypeRRSIG {
			t.Fatalf("signature where the zone has no authority: %v", rr)
		}
	}
	name := apexName
	for range nsec {
		n := nsec[name]
		if n == nil {
			t.Fatalf("the chain ends at %s", name)
		}
		want := slices.DeleteFunc(slices.Clone(types[name]), func(rtype uint16) bool {
			return isCut(name) && (rtype == mdns.TypeA || rtype == mdns.TypeAAAA)
		})
		slices.Sort(want)
		if !slices.Equal(n.TypeBitMap, want) {
			t.Fatalf("%v: has the types %v", n, want)
		}
		wire, next := wireOf(t, name), wireOf(t, n.NextDomain)
		if n.NextDomain != apexName && dnssec.CompareNames(wire, next) >= 0 {
			t.Fatalf("%v: not in order", n)
		}
		name = n.NextDomain
	}
	if name != apexName {
		t.Fatalf("the chain does not close: %s", name)
	}
	for name := range types {
		if nsec[name] == nil && !isGlue(name) {
			t.Fatalf("%s is not in the chain", name)
		}
	}
}

func wireOf(t *testing.T, name string) string {
	t.Helper()
	var b [256]byte
	n, err := mdns.PackDomainName(mdns.CanonicalName(name), b[:], 0, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

// A zone below, signed or not, a name server in it, and names that the configuration
// sets; the copies of two days, and of a roll of the key.
func TestSignedCopy(t *testing.T) {
	now := time.Date(2026, 6, 1, 23, 0, 0, 0, time.UTC)
	under, signer := withSignerAt(t, func() time.Time { return now })
	w := newFixture(t, func(c *Config) {
		c.NameServers = []string{"ns.below." + zoneName, "ns.example.net"}
		c.Hosts = []zone.FixedName{
			{Name: "ns.below." + zoneName, Addrs: []netip.Addr{mustAddr("192.0.2.1"), mustAddr("192.0.2.1")}},
			{Name: "api.below." + zoneName, Addrs: []netip.Addr{mustAddr("192.0.2.2")}},
			{Name: "api." + zoneName, Addrs: []netip.Addr{mustAddr("192.0.2.2")}},
		}
	}, signer, withTransfers())
	w.now = now.UnixMilli()
	ns, below := w.namespace(zoneName, ""), w.namespace("below."+zoneName, "")
	w.signZone(ns, under, "enabled")
	web := w.service(ns, "web", "", "A")
	w.register(web, "i", ipv4, "192.0.2.10", port, "80")
	w.register(w.service(ns, "_x._tcp", "", "SRV"), "i", ipv4, "192.0.2.10", port, "80")
	w.register(w.service(below, "hidden", "", "A"), "i", ipv4, "192.0.2.11", port, "80")
	copied := func() copyOf {
		t.Helper()
		c, err := whole(w.axfr())
		if err != nil {
			t.Fatal(err)
		}
		c.checkSigned(t, now)
		if soa := w.askDO(apexName, mdns.TypeSOA, UDP).Answer[0].(*mdns.SOA); soa.Serial != c.serial {
			t.Errorf("serial %d, in answers %d", c.serial, soa.Serial)
		}
		return c
	}
	first := copied()
	if got := first.count("ns.below."+apexName, mdns.TypeA); got != 1 {
		t.Errorf("%d addresses of a name server below", got)
	}
	for _, name := range []string{"api.below." + apexName, "hidden.below." + apexName} {
		if first.count(name, mdns.TypeA) != 0 {
			t.Errorf("%s is in the copy", name)
		}
	}
	if first.count("below."+apexName, mdns.TypeDS) != 0 {
		t.Error("DS records of a zone that is not signed")
	}
	w.signZone(below, under, "enabled")
	if c := copied(); c.count("below."+apexName, mdns.TypeDS) != 1 {
		t.Error("no DS record")
	}

	// The next day has other signatures, and so another serial.
	today := copied()
	now = now.Add(time.Hour)
	tomorrow := copied()
	if tomorrow.serial != today.serial+1 || tomorrow.expiration() != today.expiration()+24*60*60 {
		t.Errorf("serial %d and %d, expiration %d and %d", today.serial, tomorrow.serial, today.expiration(), tomorrow.expiration())
	}
	// A copy that is a day old can be served for the expire time of the SOA record,
	// and cached for two days.
	if left := time.Unix(int64(today.expiration()), 0).Sub(now); left < (14+2)*24*time.Hour {
		t.Errorf("%v are left after a day", left)
	}
	// In place of changes there is the whole zone.
	if rrs := w.ixfr(today.serial, TCP); len(rrs) < 10 {
		t.Errorf("%d records", len(rrs))
	}
	if rrs := w.ixfr(today.serial, UDP); len(rrs) != 1 {
		t.Errorf("%d records over UDP", len(rrs))
	}

	// A roll: the new key signs copies from the day after it is published for long
	// enough.
	old := tomorrow.signedBy()
	w.now = now.UnixMilli()
	w.signZone(ns, under, "rolling")
	rolling := copied()
	if n := rolling.count(apexName, mdns.TypeDNSKEY); n != 2 || rolling.signedBy() != old {
		t.Errorf("%d keys, signed by %d, not %d", n, rolling.signedBy(), old)
	}
	if rolling.serial == tomorrow.serial {
		t.Error("the serial has not changed")
	}
	now = now.Add(24 * time.Hour)
	if c := copied(); c.signedBy() == old {
		t.Error("the new key does not sign")
	}
	now = now.Add(dnssec.RollTime + time.Minute)
	w.now = now.UnixMilli()
	w.signZone(ns, under, "enabled")
	if c := copied(); c.count(apexName, mdns.TypeDNSKEY) != 1 {
		t.Error("the old key is still there")
	}
}

func (c *copyOf) count(name string, rtype uint16) int {
	n := 0
	for _, rr := range c.records {
		if h := rr.Header(); h.Name == name && h.Rrtype == rtype {
			n++
		}
	}
	return n
}

// expiration returns that of all signatures, or 0.
func (c *copyOf) expiration() uint32 {
	at := uint32(0)
	for _, rr := range c.records {
		if sig, ok := rr.(*mdns.RRSIG); ok {
			if at != 0 && at != sig.Expiration {
				return 0
			}
			at = sig.Expiration
		}
	}
	return at
}

// signedBy returns the tag of the key that signs the SOA record.
func (c *copyOf) signedBy() uint16 {
	for _, rr := range c.records {
		if sig, ok := rr.(*mdns.RRSIG); ok && sig.TypeCovered == mdns.TypeSOA {
			return sig.KeyTag
		}
	}
	return 0
}

// Answers of a zone with two keys: the DNSKEY, CDS and CDNSKEY records have signatures
// by both keys, others by the active one, and the parent has DS records for both.
func TestTwoKeys(t *testing.T) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	under, signer := withSignerAt(t, func() time.Time { return now })
	w := newFixture(t, signer)
	w.now = now.UnixMilli()
	parent, ns := w.namespace("example.com", ""), w.namespace(zoneName, "")
	w.register(w.service(ns, "web", "", "A"), "i", ipv4, "192.0.2.10")
	w.signZone(parent, under, "enabled")
	w.signZone(ns, under, "enabled")
	w.signZone(ns, under, "rolling")
	tags := func(name string, rtype uint16) (tags []uint16) {
		t.Helper()
		m := w.askDO(name, rtype, TCP)
		keys := map[string][]*mdns.DNSKEY{}
		for _, apex := range []string{apexName, "example.com."} {
			for _, rr := range w.askDO(apex, mdns.TypeDNSKEY, TCP).Answer {
				if k, ok := rr.(*mdns.DNSKEY); ok {
					keys[apex] = append(keys[apex], k)
				}
			}
		}
		delete(keys, map[bool]string{true: apexName, false: "example.com."}[rtype == mdns.TypeDS])
		for _, section := range [][]mdns.RR{m.Answer, m.Ns} {
			if err := verifiedAt(section, keys, now); err != nil {
				t.Fatal(err)
			}
			for _, rr := range section {
				if sig, ok := rr.(*mdns.RRSIG); ok {
					tags = append(tags, sig.KeyTag)
				}
			}
		}
		slices.Sort(tags)
		return tags
	}
	var both []uint16
	for _, rr := range w.askDO(apexName, mdns.TypeDNSKEY, TCP).Answer {
		if k, ok := rr.(*mdns.DNSKEY); ok {
			both = append(both, k.KeyTag())
		}
	}
	for i, wait := range []time.Duration{0, dnssec.PublishTime + time.Minute} {
		now = now.Add(wait)
		active := both[i : i+1]
		for _, rtype := range []uint16{mdns.TypeDNSKEY, mdns.TypeCDS, mdns.TypeCDNSKEY} {
			if got := tags(apexName, rtype); !slices.Equal(got, slices.Sorted(slices.Values(both))) {
				t.Errorf("%s: signed by %v, want %v", mdns.TypeToString[rtype], got, both)
			}
		}
		if cds := w.askDO(apexName, mdns.TypeCDS, TCP).Answer[0].(*mdns.CDS); cds.KeyTag != active[0] {
			t.Errorf("CDS for %d, want %d", cds.KeyTag, active[0])
		}
		for _, name := range []string{"web." + apexName, apexName, "none." + apexName} {
			for _, rtype := range []uint16{mdns.TypeA, mdns.TypeSOA, mdns.TypeTXT} {
				for _, tag := range tags(name, rtype) {
					if tag != active[0] {
						t.Errorf("%s %s: signed by %d, want %d", name, mdns.TypeToString[rtype], tag, active[0])
					}
				}
			}
		}
		if m := w.askDO(apexName, mdns.TypeDS, TCP); len(m.Answer) != 3 || len(tags(apexName, mdns.TypeDS)) != 1 {
			t.Errorf("DS: %v", m)
		}
	}
}
