package rdata

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// maxData is the largest length of the data of a record: RFC 1035 section 3.2.1.
const maxData = 65535

// token is a word of the text, or a character string in quotation marks.
type token struct {
	text   string // escapes are still in it
	quoted bool
}

// split divides a text into tokens at white space.
func split(s string) ([]token, error) {
	var tokens []token
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '"':
			end := i + 1
			for end < len(s) && s[end] != '"' {
				if s[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(s) {
				return nil, fail("InvalidCharacterString", "Value should be enclosed in quotation marks", s)
			}
			tokens = append(tokens, token{s[i+1 : end], true})
			i = end + 1
		default:
			start, inside := i, false
			for i < len(s) && (inside || !strings.ContainsRune(" \t\r\n", rune(s[i]))) {
				switch s[i] {
				case '\\':
					i++
				case '"': // as in key="value"
					inside = !inside
				}
				i++
			}
			tokens = append(tokens, token{s[start:min(i, len(s))], false})
		}
	}
	return tokens, nil
}

// Parse returns the wire form of the data of a record of a type.
func (f Form) Parse(t uint16, s string) (string, error) { return f.ParseIn(t, s, "") }

// ParseIn is Parse for a zone file: names without a dot at the end are below the origin,
// which is in wire form. Empty: all names are absolute.
func (f Form) ParseIn(t uint16, s, origin string) (string, error) {
	fields, ok := layout[t]
	if !ok {
		return "", fail("UnsupportedType", "Type is not supported", TypeName(t))
	}
	tokens, err := split(s)
	if err != nil {
		return "", err
	}
	if f == Decimal && len(tokens) > 0 && tokens[0] == (token{text: generic}) {
		return f.parseGeneric(t, s, tokens[1:])
	}
	p := parser{form: f, rtype: t, value: s, tokens: tokens, origin: origin}
	for _, k := range fields {
		if err := p.field(k); err != nil {
			return "", err
		}
	}
	if len(p.tokens) > 0 {
		return "", p.invalid("Value has too many fields")
	}
	if len(p.out) > maxData {
		return "", p.invalid("Value is too long")
	}
	return string(p.out), nil
}

// parseGeneric returns the data of the form of RFC 3597 section 5: a length in octets and
// words of hexadecimal digits. Zone files may use it for any type; the data must be that
// of the type.
func (f Form) parseGeneric(t uint16, s string, tokens []token) (string, error) {
	p := parser{form: f, rtype: t, value: s}
	if len(tokens) == 0 {
		return "", p.invalid("Value has too few fields")
	}
	n, err := strconv.ParseUint(tokens[0].text, 10, 16)
	if err != nil {
		return "", p.invalid("Value '" + tokens[0].text + "' is not a number of 16 bits")
	}
	if p.tokens = tokens[1:]; n > 0 {
		if err := p.hexRest(); err != nil {
			return "", err
		}
	}
	if uint64(len(p.out)) != n || len(p.tokens) > 0 {
		return "", p.invalid("Value does not have the length that it gives")
	}
	text := f.Text(t, string(p.out))
	if strings.HasPrefix(text, generic) {
		return "", p.invalid("Value is not data of the type")
	}
	return f.Parse(t, text)
}

// parser reads the fields of one record.
type parser struct {
	form   Form
	rtype  uint16
	value  string
	tokens []token
	origin string
	out    []byte
}

func (p *parser) invalid(text string) error {
	return fail(TypeName(p.rtype)+"RRDATAInvalid", text, p.value)
}

func (p *parser) field(k kind) error {
	switch k {
	case texts:
		return p.texts()
	case hexRest:
		return p.hexRest()
	case base64Rest:
		return p.base64Rest()
	case svcParams:
		return p.svcParams()
	}
	if len(p.tokens) == 0 {
		if p.rtype == dnswire.TypeA {
			return fail("ARRDATAIllegalIPv4Address", "Value is not a valid IPv4 address", p.value)
		}
		return p.invalid("Value has too few fields")
	}
	tok := p.tokens[0]
	p.tokens = p.tokens[1:]
	switch k {
	case number8:
		return p.number(tok.text, 8)
	case number16:
		return p.number(tok.text, 16)
	case number32:
		return p.number(tok.text, 32)
	case name:
		return p.name(tok.text)
	case text:
		return p.text(tok, dnswire.TypeNAPTR == p.rtype)
	case tag:
		return p.tag(tok.text)
	case rest:
		raw, err := p.form.unescape(tok.text)
		p.out = append(p.out, raw...)
		return err
	}
	return p.address(k, tok.text)
}

func (p *parser) address(k kind, s string) error {
	a, err := netip.ParseAddr(s)
	switch {
	case k == v4 && (err != nil || !a.Is4()):
		return fail("ARRDATAIllegalIPv4Address", "Value is not a valid IPv4 address", s)
	case k == v6 && (err != nil || !a.Is6() || a.Zone() != ""):
		return fail("AAAARRDATAIllegalIPv6Address", "Value is not a valid IPv6 address", s)
	}
	p.out = append(p.out, a.AsSlice()...)
	return nil
}

// number appends a number of so many bits. Zone files may have times such as 1h30m.
func (p *parser) number(s string, bits int) error {
	v, err := strconv.ParseUint(s, 10, bits)
	if err != nil && bits == 32 && p.form == Decimal {
		if seconds, ok := ParseTTL(s); ok {
			v, err = uint64(seconds), nil
		}
	}
	if err != nil {
		return p.invalid("Value '" + s + "' is not a number of " + strconv.Itoa(bits) + " bits")
	}
	switch bits {
	case 8:
		p.out = append(p.out, byte(v))
	case 16:
		p.out = binary.BigEndian.AppendUint16(p.out, uint16(v))
	default:
		p.out = binary.BigEndian.AppendUint32(p.out, uint32(v))
	}
	return nil
}

// ParseTTL reads a TTL in seconds, or in the units of zone files: 1w2d3h4m5s.
func ParseTTL(s string) (uint32, bool) {
	if s == "" {
		return 0, false
	}
	total, n, digits := uint64(0), uint64(0), 0
	for _, c := range []byte(strings.ToLower(s)) {
		if isDigit(c) {
			if n, digits = n*10+uint64(c-'0'), digits+1; digits > 10 {
				return 0, false
			}
			continue
		}
		unit := map[byte]uint64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 604800}[c]
		if unit == 0 || digits == 0 {
			return 0, false
		}
		total, n, digits = total+n*unit, 0, 0
	}
	total += n
	return uint32(total), total <= 1<<31-1 // RFC 2181 section 8
}

func (p *parser) name(s string) error {
	if p.origin != "" {
		wire, err := p.form.NameIn(s, p.origin)
		p.out = append(p.out, wire...)
		return err
	}
	wire, err := p.form.ParseName(s)
	p.out = append(p.out, wire...)
	return err
}

// NameIn returns the wire form of a name in a zone file: "@" is the origin, and a name
// without a dot at the end is below it.
func (f Form) NameIn(s, origin string) (string, error) {
	if s == "@" {
		return origin, nil
	}
	wire, err := f.ParseName(s)
	if err != nil || endsInDot(s) {
		return wire, err
	}
	if wire = wire[:len(wire)-1] + origin; len(wire) > dnswire.MaxName {
		return "", fail("DomainNameTooLong", "Domain name is too long", s)
	}
	return wire, nil
}

// endsInDot reports whether the last character is a dot that is not escaped.
func endsInDot(s string) bool {
	if !strings.HasSuffix(s, ".") {
		return false
	}
	backslashes := 0
	for i := len(s) - 2; i >= 0 && s[i] == '\\'; i-- {
		backslashes++
	}
	return backslashes%2 == 0
}

// unescape returns the octets of a character string.
func (f Form) unescape(s string) ([]byte, error) {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		c, n, ok := f.octet(s[i:])
		if !ok {
			return nil, fail("InvalidEscape", "Escape sequence is not valid", s)
		}
		b = append(b, c)
		i += n
	}
	return b, nil
}

func (p *parser) text(tok token, bare bool) error {
	// Route 53 wants quotation marks; zone files need them only around white space.
	if !tok.quoted && !bare && p.form == Octal {
		return fail("InvalidCharacterString", "Value should be enclosed in quotation marks", p.value)
	}
	raw, err := p.form.unescape(tok.text)
	if err != nil {
		return err
	}
	if len(raw) > 255 {
		return fail("CharacterStringTooLong", "Value is too long", tok.text)
	}
	p.out = append(append(p.out, byte(len(raw))), raw...)
	return nil
}

func (p *parser) texts() error {
	if len(p.tokens) == 0 {
		return fail("InvalidCharacterString", "Value should be enclosed in quotation marks", p.value)
	}
	for _, tok := range p.tokens {
		if err := p.text(tok, false); err != nil {
			return err
		}
	}
	p.tokens = nil
	return nil
}

// joined returns all tokens that are left as one.
func (p *parser) joined() string {
	var all strings.Builder
	for _, tok := range p.tokens {
		all.WriteString(tok.text)
	}
	p.tokens = nil
	return all.String()
}

func (p *parser) hexRest() error {
	raw, err := hex.DecodeString(p.joined())
	if err != nil || len(raw) == 0 {
		return p.invalid("Value must end with octets in hexadecimal")
	}
	p.out = append(p.out, raw...)
	return nil
}

func (p *parser) base64Rest() error {
	raw, err := base64.StdEncoding.Strict().DecodeString(p.joined())
	if err != nil || len(raw) == 0 {
		return p.invalid("Value must end with octets in base64")
	}
	p.out = append(p.out, raw...)
	return nil
}

// maxTag is the largest length of the tag of a CAA record, in octets.
const maxTag = 15

// tag appends the tag of a CAA record.
func (p *parser) tag(s string) error {
	if !validTag(s) {
		return p.invalid("The tag must have 1 to " + strconv.Itoa(maxTag) + " letters and digits")
	}
	p.out = append(append(p.out, byte(len(s))), s...)
	return nil
}

// validTag reports whether s is the tag of a CAA record: RFC 8659 section 4.1.
func validTag(s string) bool {
	for _, c := range []byte(s) {
		if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return s != "" && len(s) <= maxTag
}
