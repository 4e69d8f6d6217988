package sigv4

import (
	"cmp"
	"slices"
	"strings"
)

// pair is a query parameter.
type pair struct{ name, value string }

// appendQuery appends the canonical query: every name and value decoded and
// encoded again, sorted as encoded, by name and then by value.
func (s *scratch) appendQuery(b []byte, raw string, presigned bool) ([]byte, error) {
	if raw == "" {
		return b, nil
	}
	s.pairs = s.pairs[:0]
	defer func() { clear(s.pairs) }()
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		p, ok := decodePair(part)
		if !ok {
			return b, incomplete("The query string is not percent-encoded as it must be")
		}
		if presigned && p.name == "X-Amz-Signature" {
			continue // it cannot sign itself
		}
		s.pairs = append(s.pairs, pair{encoded(p.name), encoded(p.value)})
	}
	slices.SortFunc(s.pairs, func(x, y pair) int {
		return cmp.Or(strings.Compare(x.name, y.name), strings.Compare(x.value, y.value))
	})
	for i, p := range s.pairs {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, p.name...)
		b = append(b, '=')
		b = append(b, p.value...)
	}
	return b, nil
}

func encoded(s string) string {
	for i := range len(s) {
		if !unreserved(s[i]) {
			return string(appendEncoded(make([]byte, 0, 3*len(s)), s))
		}
	}
	return s
}

// appendEncoded percent-encodes all but unreserved characters, with upper-case
// digits.
func appendEncoded(b []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; unreserved(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return b
}

// unreserved is by RFC 3986 section 2.3.
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

func decodePair(part string) (pair, bool) {
	name, value, _ := strings.Cut(part, "=")
	name, ok := unescape(name)
	if !ok {
		return pair{}, false
	}
	value, ok = unescape(value)
	return pair{name, value}, ok
}

// unescape reads a name or value as the application will: a plus sign is a
// space. To take it for itself here would let "a%2Bb" be sent as "a+b".
func unescape(s string) (string, bool) {
	if !strings.ContainsAny(s, "%+") {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b = append(b, ' ')
		case s[i] != '%':
			b = append(b, s[i])
		case i+2 >= len(s):
			return "", false
		default:
			high, low := digit(s[i+1]), digit(s[i+2])
			if high > 15 || low > 15 {
				return "", false
			}
			b = append(b, high<<4|low)
			i += 2
		}
	}
	return string(b), true
}

func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// parameter returns the first value of a query parameter, and how many there are.
func parameter(raw, name string) (value string, n int) {
	for part := range strings.SplitSeq(raw, "&") {
		if p, ok := decodePair(part); ok && p.name == name {
			if n == 0 {
				value = p.value
			}
			n++
		}
	}
	return value, n
}

func hasParameter(raw, name string) bool {
	_, n := parameter(raw, name)
	return n > 0
}
