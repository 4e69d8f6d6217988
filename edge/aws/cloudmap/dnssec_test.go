package cloudmap

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/core/dnssec"
)

// testKey makes what looks like a key from outside.
func testKey() (*dnssec.Key, error) {
	k := &dnssec.Key{Sealed: "sealed"}
	rand.Read(k.Public[:]) // never fails
	return k, nil
}

// dnssecOf is the member that AWS does not have.
func (h *harness) dnssecOf(id string) any {
	h.Helper()
	out, e := h.serve("GetNamespace", []byte(`{"Id":"`+id+`"}`))
	if e != nil {
		h.Fatal(e)
	}
	var answer object
	if err := json.Unmarshal(out, &answer); err != nil {
		h.Fatal(err)
	}
	return at(answer, "Namespace", "Properties", "DnsProperties", "DNSSEC")
}

func TestDNSSEC(t *testing.T) {
	inBothModes(t, func(h *harness) {
		tags := list{object{"Key": "cairn.dnssec", "Value": "enabled"}}
		id := h.target(h.call("CreatePublicDnsNamespace", object{"Name": "Example.com", "Tags": tags}), "NAMESPACE")
		d := h.dnssecOf(id)
		keys, _ := at(d, "KeySigningKeys").(list)
		if text(d, "ServeSignature") != "SIGNING" || len(keys) != 1 {
			h.Fatalf("DNSSEC is %v", d)
		}
		// Another implementation makes the same DS record of the DNSKEY record.
		rr, err := dns.NewRR("example.com. 3600 IN DNSKEY " + text(keys[0], "DNSKEYRecord"))
		if err != nil {
			h.Fatal(err)
		}
		want := rr.(*dns.DNSKEY).ToDS(dns.SHA256)
		if ds := fmt.Sprintf("%d 13 2 %s", want.KeyTag, strings.ToUpper(want.Digest)); text(keys[0], "DSRecord") != ds {
			h.Errorf("DS is %s, want %s", text(keys[0], "DSRecord"), ds)
		}
		if text(keys[0], "Status") != "ACTIVE" || at(keys[0], "KeyTag") != float64(want.KeyTag) || text(keys[0], "DigestValue") != strings.ToUpper(want.Digest) {
			h.Errorf("key is %v", keys[0])
		}

		arn := text(h.call("GetNamespace", object{"Id": h.publicNamespace("b.example")}), "Namespace", "Arn")
		plain := arn[strings.LastIndexByte(arn, '/')+1:]
		if d := h.dnssecOf(plain); d != nil {
			h.Errorf("not signed, DNSSEC is %v", d)
		}
		h.call("TagResource", object{"ResourceARN": arn, "Tags": tags})
		h.call("TagResource", object{"ResourceARN": arn, "Tags": list{object{"Key": "cairn.dnssec", "Value": "rolling"}}})
		keys, _ = at(h.dnssecOf(plain), "KeySigningKeys").(list)
		if len(keys) != 2 || text(keys[0], "Status") != "ACTIVE" || text(keys[1], "Status") != "PUBLISHED" {
			h.Errorf("rolling: %v", keys)
		}
		h.call("UntagResource", object{"ResourceARN": arn, "TagKeys": list{"cairn.dnssec"}})
		if d := h.dnssecOf(plain); d != nil {
			h.Errorf("switched off, DNSSEC is %v", d)
		}
	})
}

func TestDNSSECIsRefused(t *testing.T) {
	h := newHarness(t, false)
	tags := list{object{"Key": "cairn.dnssec", "Value": "enabled"}}
	h.invalid("only a namespace of type DNS_PUBLIC", "CreatePrivateDnsNamespace", object{"Name": "p.example", "Vpc": "vpc-1", "Tags": tags})
	h.useKeys(func() (*dnssec.Key, error) { return nil, errors.New("give a seal key") })
	h.invalid("give a seal key", "CreatePublicDnsNamespace", object{"Name": "a.example", "Tags": tags})
	h.useKeys(nil)
	h.invalid("signs nothing", "CreatePublicDnsNamespace", object{"Name": "a.example", "Tags": tags})
}
