package dnssec_test

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/core/dnswire"
)

// pair is a key and its private half, by another implementation.
func pair(t testing.TB) (*dnssec.Key, *dns.DNSKEY, crypto.Signer) {
	t.Helper()
	record := &dns.DNSKEY{Hdr: dns.RR_Header{Name: "example.com.", Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600}, Flags: 257, Protocol: 3, Algorithm: dns.ECDSAP256SHA256}
	private, err := record.Generate(256)
	if err != nil {
		t.Fatal(err)
	}
	k := new(dnssec.Key)
	packed := pack(t, record)
	copy(k.Public[:], packed[len(packed)-dnssec.PublicBytes:])
	return k, record, private.(crypto.Signer)
}

func pack(t testing.TB, rr dns.RR) []byte {
	t.Helper()
	b := make([]byte, 1024)
	n, err := dns.PackRR(rr, b, 0, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

// data returns a record's data, which follows its name and ten octets.
func data(t testing.TB, rr dns.RR) []byte {
	b := pack(t, rr)
	return b[len(wire(t, rr.Header().Name))+10:]
}

func wire(t testing.TB, name string) []byte {
	t.Helper()
	b := make([]byte, 256)
	n, err := dns.PackDomainName(name, b, 0, nil, false)
	if err != nil {
		t.Fatalf("%q: %v", name, err)
	}
	return b[:n]
}

func TestKeysAgreeWithAnotherImplementation(t *testing.T) {
	for range 20 {
		k, record, _ := pair(t)
		if k.Tag() != record.KeyTag() {
			t.Errorf("tag %d, want %d", k.Tag(), record.KeyTag())
		}
		ds := record.ToDS(dns.SHA256)
		if got, want := k.DSText(string(wire(t, "example.com."))), fmt.Sprintf("%d 13 2 %s", ds.KeyTag, strings.ToUpper(ds.Digest)); got != want {
			t.Errorf("DS %s, want %s", got, want)
		}
		if got, want := k.DNSKEYText(), strings.TrimPrefix(record.String(), record.Header().String()); got != want {
			t.Errorf("DNSKEY %s, want %s", got, want)
		}
		raw := k.DS(string(wire(t, "example.com.")))
		if !bytes.Equal(raw[:], data(t, ds)) {
			t.Errorf("DS data %x, want %x", raw, data(t, ds))
		}
	}
}

// The example of RFC 4034 section 4.3 and others, against another implementation.
func TestBitmaps(t *testing.T) {
	for _, types := range [][]uint16{
		{dns.TypeA, dns.TypeMX, dns.TypeRRSIG, dns.TypeNSEC, 1234},
		{dns.TypeRRSIG, dns.TypeNSEC},
		{dns.TypeRRSIG, dns.TypeNSEC, dnswire.TypeNXNAME},
		{dns.TypeSOA, dns.TypeNS, dns.TypeA, dnswire.TypeCDNSKEY, dnswire.TypeCDS, dns.TypeDNSKEY, dns.TypeNSEC, dns.TypeRRSIG},
		{65535, 256, 255, 0x7fff},
	} {
		got := dnssec.AppendNSEC(nil, wire(t, "alfa.example.com."), slices.Clone(types)...)
		slices.Sort(types)
		want := data(t, &dns.NSEC{Hdr: dns.RR_Header{Name: "alfa.example.com.", Rrtype: dns.TypeNSEC, Class: 1},
			NextDomain: `\000.alfa.example.com.`, TypeBitMap: types})
		if !bytes.Equal(got, want) {
			t.Errorf("%v:\n got %x\nwant %x", types, got, want)
		}
	}
	got := dnssec.AppendNSEC(nil, []byte{0}, 1, 15, 46, 47, 1234)
	if want := "010000" + "0006400100000003041b" + strings.Repeat("00", 26) + "20"; hex.EncodeToString(got) != want {
		t.Errorf("got %x, want %s", got, want)
	}
}

func TestSuccessor(t *testing.T) {
	long := func(first string) string { // 255 octets
		return first + strings.Repeat("."+strings.Repeat("x", 63), 3) + "."
	}
	full, most := strings.Repeat("y", 61), strings.Repeat("y", 60)
	for _, c := range []struct{ name, want string }{
		{"example.com.", `\000.example.com.`},
		{".", `\000.`},
		{long(full), long(strings.Repeat("y", 60) + "z")},
		{long(most), long(most + `\000`)},
		{long(strings.Repeat("y", 60) + "@"), long(strings.Repeat("y", 60) + "[")},
		{long(strings.Repeat("y", 60) + `\255`), long(strings.Repeat("y", 59) + "z")},
		{long(strings.Repeat(`\255`, 61)), strings.Repeat("x", 62) + "y" + strings.Repeat("."+strings.Repeat("x", 63), 2) + "."},
	} {
		got := dnssec.AppendSuccessor(nil, wire(t, c.name))
		if !bytes.Equal(got, wire(t, c.want)) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, wire(t, c.want))
		}
	}
}

// compare is another implementation of the order of RFC 4034 section 6.1.
func compare(a, b []byte) int {
	return slices.CompareFunc(labels(a), labels(b), bytes.Compare)
}

func lowered(b []byte) []byte {
	b = bytes.Clone(b)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return b
}

func labels(name []byte) [][]byte {
	var all [][]byte
	for ; name[0] != 0; name = name[1+name[0]:] {
		all = append(all, lowered(name[1:1+name[0]]))
	}
	slices.Reverse(all)
	return all
}

// The successor of any name is a name after it, in lower case.
func TestSuccessorFollows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var name []byte
		for range rapid.IntRange(1, 5).Draw(t, "labels") {
			label := rapid.SliceOfN(rapid.SampledFrom([]byte("az@[\x00\xff09")), 1, 63).Draw(t, "label")
			if len(name)+len(label)+2 > 255 {
				break
			}
			name = append(append(name, byte(len(label))), label...)
		}
		name = append(name, 0)
		next := dnssec.AppendSuccessor(nil, name)
		if _, _, err := dns.UnpackDomainName(next, 0); err != nil || len(next) > 255 {
			t.Fatalf("%q: %v", next, err)
		}
		if compare(name, next) >= 0 {
			t.Fatalf("%q is not after %q", next, name)
		}
		if !bytes.Equal(next, lowered(next)) {
			t.Fatalf("%q is not in lower case", next)
		}
	})
}

// Another implementation verifies our signatures: all types of records in zones, with
// names in any case and records in any order.
func TestSignedFormVerifies(t *testing.T) {
	k, record, private := pair(t)
	for _, lines := range []string{
		"WWW.example.com. 60 IN A 192.0.2.2|WWW.example.com. 60 IN A 192.0.2.1|WWW.example.com. 60 IN A 192.0.2.10",
		"www.example.com. 60 IN AAAA 2001:db8::2|www.example.com. 60 IN AAAA 2001:db8::1",
		"_x._tcp.example.com. 7 IN SRV 1 1 80 I-2._x._tcp.example.com.|_x._tcp.example.com. 7 IN SRV 1 1 80 i-1._x._tcp.Example.com.",
		"example.com. 172800 IN NS NS2.example.net.|example.com. 172800 IN NS ns1.example.NET.",
		"example.com. 5 IN SOA NS.cairn.internal. HostMaster.cairn.internal. 1 7200 900 1209600 5",
		"c.example.com. 60 IN CNAME WWW.example.com.",
		`c.example.com. 60 IN NSEC \000.c.example.com. CNAME RRSIG NSEC`,
		`x.example.com. 60 IN HINFO "RFC8482" ""`,
	} {
		var rrs []dns.RR
		var set dnssec.Set
		for line := range strings.SplitSeq(lines, "|") {
			rr, err := dns.NewRR(line)
			if err != nil {
				t.Fatal(err)
			}
			rrs = append(rrs, rr)
			h := rr.Header()
			set.Owner, set.Type, set.TTL = lowered(wire(t, h.Name)), h.Rrtype, h.Ttl
			if !set.Add(data(t, rr)) {
				t.Errorf("%v is taken for a repetition", rr)
			}
		}
		if set.Add(data(t, rrs[0])) {
			t.Errorf("%v is not taken for a repetition", rrs[0])
		}
		now := uint32(time.Now().Unix())
		period := dnssec.Period{Inception: now - 10, Expiration: now + 100}
		apex := string(wire(t, "example.com."))
		head := set.AppendSignature(nil, period, k, apex)
		if len(head)+dnssec.SignatureBytes != dnssec.SignatureLength(apex) {
			t.Errorf("%d octets before the signature", len(head))
		}
		sig := unpackSignature(t, set.Owner, set.TTL, append(head, ecdsaSign(t, private, set.AppendRecords(bytes.Clone(head)))...))
		if err := sig.Verify(record, rrs); err != nil {
			t.Errorf("%v: %v", sig, err)
		}
	}
}

// A new key signs after PublishTime.
func TestActive(t *testing.T) {
	keys := dnssec.Keys{{Created: 1000}, {Created: 2000}}
	later := dnssec.PublishTime.Milliseconds()
	for now, want := range map[int64]int{2000: 0, 1999 + later: 0, 2000 + later: 1} {
		if keys.Active(now) != &keys[want] {
			t.Errorf("at %d: not key %d", now, want)
		}
	}
	if one := keys[:1]; one.Active(0) != &one[0] {
		t.Error("the only key does not sign")
	}
}
