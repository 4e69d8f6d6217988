package rdata

import (
	"fmt"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// ParseName returns the wire form of a name, in the case that it is written in. The dot
// at the end is optional: the name is absolute. "." is the root, "" is an error.
func (f Form) ParseName(s string) (string, error) {
	if s == "" {
		return "", fail("DomainNameEmpty", "Domain name is empty", s)
	}
	if s == "." {
		return "\x00", nil
	}
	b := make([]byte, 1, len(s)+2)
	start := 0 // of the label that is read
	for i := 0; i < len(s); i++ {
		c, n, ok := f.octet(s[i:])
		if !ok {
			return "", fail("InvalidEscape", "Escape sequence is not valid", s)
		}
		switch {
		case n == 1 && c == '.':
			if len(b)-start == 1 {
				return "", fail("DomainLabelEmpty", "Domain label is empty", s)
			}
			b[start] = byte(len(b) - start - 1)
			start = len(b)
			b = append(b, 0)
		case n == 1 && (c <= ' ' || c >= 0x7f):
			return "", fail("UnsupportedCharacter", "Value contains unsupported characters", s)
		default:
			b = append(b, c)
		}
		i += n - 1
		if len(b)-start-1 > dnswire.MaxLabel {
			return "", fail("DomainLabelTooLong", "Domain label is too long", s)
		}
	}
	if len(b)-start > 1 {
		b[start] = byte(len(b) - start - 1)
		b = append(b, 0)
	}
	if len(b) > dnswire.MaxName {
		return "", fail("DomainNameTooLong", "Domain name is too long", s)
	}
	return string(b), nil
}

// octet reads an octet or an escape at the beginning of s, and returns its length.
func (f Form) octet(s string) (c byte, n int, ok bool) {
	if s[0] != '\\' {
		return s[0], 1, true
	}
	if len(s) >= 4 && isDigit(s[1]) && isDigit(s[2]) && isDigit(s[3]) {
		base := 10
		if f == Octal {
			base = 8
			if s[1] > '7' || s[2] > '7' || s[3] > '7' {
				return 0, 0, false
			}
		}
		v := (int(s[1]-'0')*base+int(s[2]-'0'))*base + int(s[3]-'0')
		return byte(v), 4, v <= 255
	}
	if len(s) >= 2 && !isDigit(s[1]) {
		return s[1], 2, true
	}
	return 0, 0, false
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// AppendName appends the text of a name in wire form, with the dot at its end. Every
// octet but letters, digits, hyphens and underscores is escaped; in zone files a few
// others, such as the asterisk, stand for themselves.
func (f Form) AppendName(b []byte, name string) []byte {
	if name == "\x00" {
		return append(b, '.')
	}
	for name[0] != 0 {
		label := name[1 : 1+name[0]]
		for i := range len(label) {
			b = f.appendOctet(b, label[i])
		}
		b = append(b, '.')
		name = name[1+len(label):]
	}
	return b
}

// Name returns what AppendName appends.
func (f Form) Name(name string) string {
	return string(f.AppendName(make([]byte, 0, len(name)+1), name))
}

func (f Form) appendOctet(b []byte, c byte) []byte {
	plain := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || isDigit(c) || c == '-' || c == '_'
	switch {
	case plain, f == Decimal && (c == '*' || c == '/' || c == '+' || c == '=' || c == ':'):
		return append(b, c)
	case f == Octal:
		return fmt.Appendf(b, `\%03o`, c)
	case c <= ' ' || c >= 0x7f:
		return fmt.Appendf(b, `\%03d`, c)
	}
	return append(b, '\\', c)
}
