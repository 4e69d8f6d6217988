package zonefile_test

import (
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/rdata"
	"github.com/cairn-discovery/cairn/core/zonefile"
)

const origin = "\x07example\x03com\x00"

func lines(records []zonefile.Record) string {
	var b strings.Builder
	for _, r := range records {
		b.WriteString(rdata.Decimal.Name(r.Name) + " " + rdata.TypeName(r.Type) + " " + rdata.Decimal.Text(r.Type, r.Data) + "\n")
	}
	return b.String()
}

func TestParse(t *testing.T) {
	const file = `$TTL 1h
@	IN SOA ns1 hostmaster (
		2026112901 ; serial
		2h 15m 2w 1d )
	NS	ns1
	IN 600 NS ns2.example.net.
ns1	A	192.0.2.1
	AAAA	2001:db8::1
* TXT "a;b" "c\"d" plain
$ORIGIN sub
www 5m IN CNAME @
m\.x	MX 10 mail
_dns SVCB 1 . alpn="h2,h3" port=8443
`
	records, errs := zonefile.Parse(file, origin)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	const want = `example.com. SOA ns1.example.com. hostmaster.example.com. 2026112901 7200 900 1209600 86400
example.com. NS ns1.example.com.
example.com. NS ns2.example.net.
ns1.example.com. A 192.0.2.1
ns1.example.com. AAAA 2001:db8::1
*.example.com. TXT "a;b" "c\"d" "plain"
www.sub.example.com. CNAME sub.example.com.
m\.x.sub.example.com. MX 10 mail.sub.example.com.
_dns.sub.example.com. SVCB 1 . alpn="h2,h3" port=8443
`
	if got := lines(records); got != want {
		t.Errorf("got\n%s", got)
	}
	if records[2].TTL != 600 || records[6].TTL != 300 || records[3].TTL != 3600 || records[2].Line != 6 {
		t.Errorf("%+v", records)
	}
}

func TestErrors(t *testing.T) {
	for file, want := range map[string]string{
		"www A 192.0.2.1":                        "line 1: a record without a TTL",
		"$TTL 60\n\n A 192.0.2.1":                "line 3: a record without an owner",
		"$TTL 60\nwww A 192.0.2.300":             "line 2: A record: ARRDATAIllegalIPv4Address",
		"$TTL 60\nwww LOC 1 2 3":                 "line 2: type \"LOC\" is not supported",
		"$INCLUDE other":                         "line 1: $INCLUDE is not supported",
		"www 60 TXT \"a\nb\"":                    "line 1: a character string does not end in its line",
		"www 60 SOA ( 1":                         "line 1: a parenthesis is not closed",
		"www 60 A 192.0.2.1 )":                   "line 1: a closing parenthesis",
		"a..b 60 A 192.0.2.1":                    "line 1: owner \"a..b\": DomainLabelEmpty",
		"www 60 MX mail":                         "line 1: MX record",
		"www 60 A 192.0.2.1\nwww 60 A 1.1.1.1.1": "line 2: A record",
	} {
		_, errs := zonefile.Parse(file, origin)
		if len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), want) {
			t.Errorf("%q: %v", file, errs)
		}
	}
}

func format(records []zonefile.Record) string {
	var b strings.Builder
	for i := range records {
		b.WriteString(records[i].Text())
	}
	return b.String()
}

// What is written is read again.
func FuzzParse(f *testing.F) {
	f.Add("$TTL 60\n@ SOA a b 1 2 3 4 5\n* TXT \"\\200\" x\nwww CAA 0 issue \"ca.example\"\n")
	f.Add("a 1 NAPTR 1 2 \"u\" \"E2U\" \"!x!\" .\nb 1 TLSA 3 1 1 00ff\nc 1 HTTPS 0 d\n")
	f.Fuzz(func(t *testing.T, file string) {
		records, errs := zonefile.Parse(file, origin)
		for i := range records {
			if !dnswire.IsName([]byte(records[i].Name)) {
				t.Fatalf("%q is not a name", records[i].Name)
			}
		}
		if len(errs) > 0 {
			return
		}
		again, errs := zonefile.Parse(format(records), origin)
		if len(errs) > 0 || lines(again) != lines(records) {
			t.Fatalf("%v\n%s\n%s", errs, lines(records), lines(again))
		}
	})
}
