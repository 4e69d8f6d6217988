// Package rdata reads and writes the text form of names and of the data of resource
// records (RFC 1035 section 5.1), as it is in zone files and in the API of Route 53.
//
// It is pure. The two uses differ in one point, see Form.
//
//	data, err := rdata.Octal.Parse(dnswire.TypeMX, "10 mail.example.com")
//	text := rdata.Decimal.Text(dnswire.TypeMX, data) // "10 mail.example.com."
package rdata

import (
	"fmt"
	"strings"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// Form is how an octet is written as a backslash and three digits.
type Form uint8

const (
	// Decimal is the form of zone files: RFC 1035 section 5.1.
	Decimal Form = iota
	// Octal is the form of Route 53; see "DNS domain name format" in its developer guide.
	Octal
)

// Error is a text that is no data of a type. Code and Text are those of Route 53 where
// they are known.
type Error struct{ Code, Text, Value string }

func (e *Error) Error() string {
	return fmt.Sprintf("%s (%s) encountered with '%s'", e.Code, e.Text, e.Value)
}

func fail(code, text, value string) error { return &Error{code, text, value} }

// kind is a field of the data of a type.
type kind uint8

const (
	number8    kind = iota // a number of one octet
	number16               // of two
	number32               // of four, or a time such as 1h in zone files
	name                   // a domain name, without compression
	text                   // a character string of at most 255 octets
	texts                  // one or more character strings, to the end
	rest                   // one character string without a length, to the end
	hexRest                // octets in hexadecimal, to the end
	base64Rest             // octets in base64, to the end
	v4                     // an IPv4 address
	v6                     // an IPv6 address
	svcParams              // the parameters of SVCB and HTTPS, to the end: RFC 9460 section 2.1
	tag                    // the tag of CAA: letters and digits
)

// layout is the table of the supported types.
var layout = map[uint16][]kind{
	dnswire.TypeA:     {v4},
	dnswire.TypeAAAA:  {v6},
	dnswire.TypeCAA:   {number8, tag, rest},
	dnswire.TypeCNAME: {name},
	dnswire.TypeDHCID: {base64Rest}, // RFC 4701
	dnswire.TypeDS:    {number16, number8, number8, hexRest},
	dnswire.TypeHTTPS: {number16, name, svcParams},
	dnswire.TypeMX:    {number16, name},
	dnswire.TypeNAPTR: {number16, number16, text, text, text, name},
	dnswire.TypeNS:    {name},
	dnswire.TypePTR:   {name},
	dnswire.TypeSOA:   {name, name, number32, number32, number32, number32, number32},
	dnswire.TypeSPF:   {texts},
	dnswire.TypeSRV:   {number16, number16, number16, name},
	dnswire.TypeSSHFP: {number8, number8, hexRest},
	dnswire.TypeSVCB:  {number16, name, svcParams},
	dnswire.TypeTLSA:  {number8, number8, number8, hexRest},
	dnswire.TypeTXT:   {texts},
}

// typeNames are the names of the types of layout.
var typeNames = map[string]uint16{
	"A": dnswire.TypeA, "AAAA": dnswire.TypeAAAA, "CAA": dnswire.TypeCAA, "CNAME": dnswire.TypeCNAME, "DHCID": dnswire.TypeDHCID, "DS": dnswire.TypeDS,
	"HTTPS": dnswire.TypeHTTPS, "MX": dnswire.TypeMX, "NAPTR": dnswire.TypeNAPTR, "NS": dnswire.TypeNS, "PTR": dnswire.TypePTR,
	"SOA": dnswire.TypeSOA, "SPF": dnswire.TypeSPF, "SRV": dnswire.TypeSRV, "SSHFP": dnswire.TypeSSHFP, "SVCB": dnswire.TypeSVCB,
	"TLSA": dnswire.TypeTLSA, "TXT": dnswire.TypeTXT,
}

// namesOfTypes is typeNames the other way round.
var namesOfTypes = func() map[uint16]string {
	names := make(map[uint16]string, len(typeNames))
	for name, t := range typeNames {
		names[t] = name
	}
	return names
}()

// Type returns the number of a type that is supported.
func Type(name string) (uint16, bool) {
	t, ok := typeNames[strings.ToUpper(name)]
	return t, ok
}

// Supported reports whether the data of a type can be read and written.
func Supported(t uint16) bool { return layout[t] != nil }

// TypeName returns the name of a type, or one in the form of RFC 3597 section 5.
func TypeName(t uint16) string {
	if name, ok := namesOfTypes[t]; ok {
		return name
	}
	return fmt.Sprintf("TYPE%d", t)
}

// Names returns the offset of each name in the data of a type. In data that is not that of
// the type it returns those before the first octet that is not valid.
func Names(t uint16, data string) []int {
	var at []int
	pos := 0
	for _, k := range layout[t] {
		if pos >= len(data) {
			break
		}
		switch k {
		case number8, number16, number32:
			pos += fixedSize[k]
		case text:
			pos += 1 + int(data[pos])
		case name:
			n := dnswire.NameLen([]byte(data[pos:]))
			if n < 0 {
				return at
			}
			at = append(at, pos)
			pos += n
		default:
			return at
		}
	}
	return at
}

// Canonical returns data for comparison: names are in lower case (RFC 4343).
func Canonical(t uint16, data string) string {
	names := Names(t, data)
	if len(names) == 0 {
		return data
	}
	b := []byte(data)
	for _, at := range names {
		dnswire.Lower(b[at : at+dnswire.NameLen(b[at:])])
	}
	return string(b)
}
