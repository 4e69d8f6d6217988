package rdata_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/rdata"
)

// Each value is written as AWS's documentation shows it, and read back.
func TestValues(t *testing.T) {
	for _, test := range []struct{ rtype, in, out string }{
		{"A", "192.0.2.1", "192.0.2.1"},
		{"AAAA", "2001:0DB8:85a3:0:0:8a2e:0370:7334", "2001:db8:85a3::8a2e:370:7334"},
		{"CAA", `0 issue "ca.example.com;policy=ev"`, `0 issue "ca.example.com;policy=ev"`},
		{"CAA", `0 issue ";"`, `0 issue ";"`},
		{"CNAME", "hostname.example.com", "hostname.example.com."},
		{"DHCID", "AAIBY2/AuCcci2VdS3jQ5y3jVmrTrbqsCJWZ3VqNBeGqxOg=", "AAIBY2/AuCcci2VdS3jQ5y3jVmrTrbqsCJWZ3VqNBeGqxOg="},
		{"DHCID", "AAIBY2/AuCcc i2VdS3jQ5y3jVmrTrbqsCJWZ3VqNBeGqxOg=", "AAIBY2/AuCcci2VdS3jQ5y3jVmrTrbqsCJWZ3VqNBeGqxOg="},
		{"DHCID", "AAIBY2", ""},
		{"DS", "123 4 5 1234567890abcdef1234567890absdef", ""},
		{"DS", "12345 3 1 123456789abcdef67890123456789abcdef67890", "12345 3 1 123456789ABCDEF67890123456789ABCDEF67890"},
		{"HTTPS", `1 . alpn="h2,h3" port=443 ipv4hint=192.0.2.1,192.0.2.2`, `1 . alpn="h2,h3" port=443 ipv4hint=192.0.2.1,192.0.2.2`},
		{"MX", "10 mail.example.com", "10 mail.example.com."},
		{"NAPTR", `100 50 "u" "E2U+sip" "!^(\\+441632960083)$!sip:\\1@example.com!" .`, `100 50 "u" "E2U+sip" "!^(\\+441632960083)$!sip:\\1@example.com!" .`},
		{"NS", `\052.example.com`, `\052.example.com.`},
		{"SOA", "ns-2048.awsdns-64.net. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400", "ns-2048.awsdns-64.net. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"},
		{"SPF", `"v=spf1 ip4:192.168.0.1/16 -all"`, `"v=spf1 ip4:192.168.0.1/16 -all"`},
		{"SRV", "10 5 80 hostname.example.com", "10 5 80 hostname.example.com."},
		{"SSHFP", "1 1 09F6A01D2175742B257C6B98B7C72C44C4040683", "1 1 09F6A01D2175742B257C6B98B7C72C44C4040683"},
		{"SVCB", "16 foo.example.org. mandatory=alpn alpn=h2 key667=hello", `16 foo.example.org. mandatory=alpn alpn="h2" key667="hello"`},
		{"TLSA", "3 1 1 0b9fa5a59eed715c26c1020c711b4f6ec42d58b0015e14337a39dad301c5afc3", "3 1 1 0B9FA5A59EED715C26C1020C711B4F6EC42D58B0015E14337A39DAD301C5AFC3"},
		{"TXT", `"Sample \"quoted\" text" "\344 and \101"`, `"Sample \"quoted\" text" "\344 and A"`},
		{"TXT", "no quotes", ""},
		{"A", "192.0.2.1 192.0.2.2", ""},
		{"SVCB", "1 . port=1 port=2", ""},
		{"SVCB", "1 . mandatory=port", ""},
		{"MX", "70000 a.example", ""},
		{"CNAME", "", ""},
		{"TXT", `"` + strings.Repeat("x", 255) + `"`, `"` + strings.Repeat("x", 255) + `"`},
		{"TXT", `"` + strings.Repeat("x", 256) + `"`, ""},
	} {
		rtype, _ := rdata.Type(test.rtype)
		data, err := rdata.Octal.Parse(rtype, test.in)
		if (err != nil) != (test.out == "") {
			t.Errorf("%s %q: %v", test.rtype, test.in, err)
			continue
		}
		if err == nil && rdata.Octal.Text(rtype, data) != test.out {
			t.Errorf("%s %q: %s", test.rtype, test.in, rdata.Octal.Text(rtype, data))
		}
	}
}

// Data that is not that of the type has the form of RFC 3597 section 5.
func TestTextOfInvalidData(t *testing.T) {
	for _, data := range []string{
		"\x00\x01\x00\x00\x03\x00\x02\x00\x50\x00\x01\x00\x03\x02h2", // keys out of order
		"\x00\x01\x00\x00\x03\x00\x02\x00\x50\x00",                   // cut off
		"\x00\x01\x00\x00\x03\x00\x01\x50",                           // a port of one octet
		"\x00\x01\x00\x00\x04\x00\x03\x01\x02\x03",                   // an address of three
		"\x00\x01\x00\x00\x01\x00\x04\x04h2,",                        // alpn longer than its value
		"\x00\x01\x00\x00\x01\x00\x04\x03a,b",                        // text would divide the id
	} {
		want := fmt.Sprintf(`\# %d %x`, len(data), data)
		if text := rdata.Decimal.Text(dnswire.TypeSVCB, data); text != want {
			t.Errorf("%q: %q", data, text)
		}
	}
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{
		"*.Example.com":     `\052.Example.com.`,
		`\052.example.com.`: `\052.example.com.`,
		`a\056b.example`:    `a\056b.example.`,
		"a@b.example":       `a\100b.example.`,
		"_x.example":        "_x.example.",
		".":                 ".",
		"a b":               "", "": "", "a..b": "", `\400.a`: "", strings.Repeat("x", 64): "",
	} {
		name, err := rdata.Octal.ParseName(in)
		if (err != nil) != (want == "") || err == nil && rdata.Octal.Name(name) != want {
			t.Errorf("%q: %q, %v", in, name, err)
		}
	}
}

// Zone files may have data of any type in the form of RFC 3597 section 5.
func TestGeneric(t *testing.T) {
	for _, test := range []struct{ rtype, in, out string }{
		{"A", `\# 4 0A0000 01`, "10.0.0.1"},
		{"TXT", `\# 2 0130`, `"0"`},
		{"MX", `\# 8 000a 0161 0162 00`, ""},
		{"MX", `\# 7 000a 0161 0162 00`, "10 a.b."},
		{"A", `\# 3 0a0000`, ""},
		{"A", `\# 4 0a0000`, ""},
		{"A", `\# 4`, ""},
		{"A", `\#`, ""},
		{"A", `\# -1 0a`, ""},
		{"TXT", `\# 0`, ""},
		{"TXT", `\# 1 30`, ""},
		{"TXT", `"\#" 1 30`, `"#" "1" "30"`},
	} {
		rtype, _ := rdata.Type(test.rtype)
		data, err := rdata.Decimal.Parse(rtype, test.in)
		if (err != nil) != (test.out == "") {
			t.Errorf("%s %q: %v", test.rtype, test.in, err)
			continue
		}
		if err == nil && rdata.Decimal.Text(rtype, data) != test.out {
			t.Errorf("%s %q: %s", test.rtype, test.in, rdata.Decimal.Text(rtype, data))
		}
	}
}

// Data that has no text of its own type is not written as if it had.
func TestTextOfOddData(t *testing.T) {
	for _, test := range []struct{ rtype, data, want string }{
		{"CAA", "\x00\x02a \x00", `\# 5 0002612000`},
		{"CAA", "\x00\x00x", `\# 3 000078`},
		{"CAA", "\x00\x05issue", `0 issue ""`},
		{"TXT", "", `\# 0`},
		{"DS", "\x00\x01\x02\x03", `\# 4 00010203`},
		{"MX", "\x00", `\# 1 00`},
		{"NAPTR", "\x00\x01\x00\x01\xff", `\# 5 00010001ff`},
	} {
		rtype, _ := rdata.Type(test.rtype)
		if got := rdata.Decimal.Text(rtype, test.data); got != test.want {
			t.Errorf("%s %q: %q", test.rtype, test.data, got)
		}
		rdata.Canonical(rtype, test.data)
	}
}

// fuzzTypes are the supported types, and one that is not.
var fuzzTypes = func() []uint16 {
	types := []uint16{65280}
	for _, name := range strings.Fields("A AAAA CAA CNAME DS HTTPS MX NAPTR NS PTR SOA SPF SRV SSHFP SVCB TLSA TXT") {
		t, _ := rdata.Type(name)
		types = append(types, t)
	}
	return types
}()

// Text and wire form agree for every type, whatever the octets.
func FuzzText(f *testing.F) {
	f.Add(uint16(17), "\x03a\"\\")
	f.Add(uint16(17), "0")
	f.Add(uint16(15), "\x00\x01\x00\x00\x01\x00\x03\x02h2")
	f.Add(uint16(8), "\x00\x01\x00\x01\x01u\x00\x00\x00")
	f.Add(uint16(3), "\x00\x05issueca.example")
	f.Fuzz(func(t *testing.T, number uint16, data string) {
		rtype := fuzzTypes[int(number)%len(fuzzTypes)]
		for _, at := range rdata.Names(rtype, data) { // whatever the data
			if dnswire.NameLen([]byte(data[at:])) < 0 {
				t.Fatalf("%d %q: no name at %d", rtype, data, at)
			}
		}
		rdata.Canonical(rtype, data)
		for _, form := range []rdata.Form{rdata.Octal, rdata.Decimal} {
			text := form.Text(rtype, data)
			again, err := form.Parse(rtype, text)
			if err != nil {
				continue // not the data of the type
			}
			if form.Text(rtype, again) != text {
				t.Fatalf("%d %q: %q, %q", rtype, data, text, form.Text(rtype, again))
			}
		}
	})
}

// What is read from a text is written as a text that has the same data.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"192.0.2.1", "2001:db8::1", `0 issue "ca.example"`, "a.example", "1 2 3 00ff", `1 . alpn="h2,h3" port=1 mandatory=port key667=""`, "10 mail",
		`100 50 "u" "E2U+sip" "!^.*$!x!" .`, "a b 1 2h 3 4 1w", `"a" "\200\"" b`, `\# 4 0a000001`, `"` + strings.Repeat("x", 255) + `"`, `1 . key9=\"`, `1 . alpn=a\,b`,
	} {
		for number := range fuzzTypes {
			f.Add(uint16(number), text)
		}
	}
	f.Fuzz(func(t *testing.T, number uint16, text string) {
		rtype := fuzzTypes[int(number)%len(fuzzTypes)]
		for _, form := range []rdata.Form{rdata.Octal, rdata.Decimal} {
			data, err := form.Parse(rtype, text)
			if err != nil {
				continue
			}
			written := form.Text(rtype, data)
			again, err := form.Parse(rtype, written)
			if err != nil || again != data {
				t.Fatalf("%d %q: %q, then %q is %q: %v", rtype, text, data, written, again, err)
			}
			if other, err := (1 - form).Parse(rtype, (1-form).Text(rtype, data)); err != nil || other != data {
				t.Fatalf("%d %q: in the other form %q: %v", rtype, data, other, err)
			}
		}
	})
}
