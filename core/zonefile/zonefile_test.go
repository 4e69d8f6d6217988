package zonefile_test

import (
	"fmt"
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
	records, errs := zonefile.Parse(file, origin, include)
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
		"$INCLUDE":                               "line 1: $INCLUDE is not supported, or has",
		"$INCLUDE none":                          "line 1: $INCLUDE: there is no file none",
		"$INCLUDE bad":                           "bad: line 2: A record",
		"\n$INCLUDE itself":                      "itself: line 1: $INCLUDE: files are included in each other more than 8 times",
		"$INCLUDE twice":                         "many: line 9: $INCLUDE: there are more than 1000",
		"$GENERATE 1-2 a A":                      "line 1: $GENERATE needs",
		"$GENERATE 2-1 a$ 60 A 192.0.2.$":        "line 1: $GENERATE: \"2-1\" is not a range",
		"$GENERATE 0-65536 a$ 60 A 192.0.2.1":    "line 1: $GENERATE: the range 0-65536 has more than 65536 numbers",
		"$GENERATE 0-9/0 a$ 60 A 192.0.2.1":      "line 1: $GENERATE: \"0-9/0\" is not a range",
		"$GENERATE 1-300 a$ 60 A 192.0.2.$":      "line 1: A record: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with '192.0.2.256'",
		"$GENERATE 1-2 a${0,64,d} 60 A 1.2.3.4":  "line 1: $GENERATE: \"a${0,64,d}\" has a number that is not",
		"$GENERATE 1-2 a${-2} 60 A 1.2.3.4":      "line 1: $GENERATE: \"a${-2}\" has a number that is not",
		"$GENERATE 1-2 a${0 60 A 1.2.3.4":        "line 1: $GENERATE: \"a${0\" has a number that is not",
		"$GENERATE 1-2 a..$ 60 A 1.2.3.4":        "line 1: owner \"a..1\"",
		"www 60 TXT \"a\nb\"":                    "line 1: a character string does not end in its line",
		"www 60 SOA ( 1":                         "line 1: a parenthesis is not closed",
		"www 60 A 192.0.2.1 )":                   "line 1: a closing parenthesis",
		"a..b 60 A 192.0.2.1":                    "line 1: owner \"a..b\": DomainLabelEmpty",
		"www 60 MX mail":                         "line 1: MX record",
		"www 60 A 192.0.2.1\nwww 60 A 1.1.1.1.1": "line 2: A record",
	} {
		_, errs := zonefile.Parse(file, origin, include)
		if len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), want) {
			t.Errorf("%q: %v", file, errs)
		}
	}
}

// include has the files that tests include.
func include(name string) (string, error) {
	files := map[string]string{
		"bad": "a 60 A 192.0.2.1\nb A 1\n", "itself": "$INCLUDE itself", "sub": "$ORIGIN below\nwww A 192.0.2.7\n A 192.0.2.8\n",
		"twice": strings.Repeat("$INCLUDE many\n", 101), "many": strings.Repeat("$INCLUDE empty\n", 10),
	}
	if text, ok := files[name]; ok || name == "empty" {
		return text, nil
	}
	return "", fmt.Errorf("there is no file %s", name)
}

// An included file has an origin of its own: RFC 1035 section 5.1.
func TestInclude(t *testing.T) {
	records, errs := zonefile.Parse("$TTL 60\nfirst A 192.0.2.1\n$INCLUDE \"sub\" part\n A 192.0.2.2\n$INCLUDE sub\nlast A 192.0.2.3\n", origin, include)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	const want = "first.example.com. A 192.0.2.1\nwww.below.part.example.com. A 192.0.2.7\nwww.below.part.example.com. A 192.0.2.8\nfirst.example.com. A 192.0.2.2\n" +
		"www.below.example.com. A 192.0.2.7\nwww.below.example.com. A 192.0.2.8\nlast.example.com. A 192.0.2.3\n"
	if got := lines(records); got != want {
		t.Errorf("got\n%s", got)
	}
	if records[2].File != "sub" || records[2].Line != 3 || records[3].File != "" {
		t.Errorf("%+v", records)
	}
}

// The examples are in the form of BIND's reference manual.
func TestGenerate(t *testing.T) {
	for file, want := range map[string]string{
		"$TTL 60\n$GENERATE 1-2 host$ A 192.0.2.$\n A 192.0.2.9": "host1.example.com. A 192.0.2.1\nhost2.example.com. A 192.0.2.2\nhost2.example.com. A 192.0.2.9\n",
		"$GENERATE 0-4/2 a$ 60 IN CNAME $.b":                     "a0.example.com. CNAME 0.b.example.com.\na2.example.com. CNAME 2.b.example.com.\na4.example.com. CNAME 4.b.example.com.\n",
		"$GENERATE 10-11 n${-9,3} 60 TXT \"${1,2,x} $$ \\$ x\"":  "n001.example.com. TXT \"0b $ $ x\"\nn002.example.com. TXT \"0c $ $ x\"\n",
		"$GENERATE 255-255 h${0,4,X} 60 MX \"${0,0,o} mail-$\"":  "h00ff.example.com. MX 377 mail-255.example.com.\n",
		"$GENERATE 1-1 @ 60 MX $ mail":                           "example.com. MX 1 mail.example.com.\n",
	} {
		records, errs := zonefile.Parse(file, origin, nil)
		if len(errs) > 0 || lines(records) != want {
			t.Errorf("%s\n%v\n%s", file, errs, lines(records))
		}
	}
}

// BenchmarkParse reads a zone file of 100,000 lines.
func BenchmarkParse(b *testing.B) {
	var file strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&file, "host-%d 300 IN A 10.%d.%d.%d\n", i, i>>16, i>>8&255, i&255)
	}
	for b.Loop() {
		if records, errs := zonefile.Parse(file.String(), origin, nil); len(records) != 100_000 || len(errs) > 0 {
			b.Fatal(len(records), errs)
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
	f.Add("$GENERATE 1-30/3 a${1,2,x} 60 CNAME $.b\n$INCLUDE sub below\n")
	f.Fuzz(func(t *testing.T, file string) {
		records, errs := zonefile.Parse(file, origin, include)
		for i := range records {
			if !dnswire.IsName([]byte(records[i].Name)) {
				t.Fatalf("%q is not a name", records[i].Name)
			}
		}
		if len(errs) > 0 {
			return
		}
		again, errs := zonefile.Parse(format(records), origin, nil)
		if len(errs) > 0 || lines(again) != lines(records) {
			t.Fatalf("%v\n%s\n%s", errs, lines(records), lines(again))
		}
	})
}
