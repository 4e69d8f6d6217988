package awsjson

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// peek returns the byte at which the next token starts, or 0 after an error, of
// which the end of the text is one.
func (r *Reader) peek() byte {
	if r.skipSpace(); r.err != nil {
		return 0
	}
	if r.pos == len(r.data) {
		r.fail("Unexpected end of the document")
		return 0
	}
	return r.data[r.pos]
}

func (r *Reader) skipSpace() {
	for r.pos < len(r.data) {
		switch r.data[r.pos] {
		case ' ', '\t', '\r', '\n':
			r.pos++
		default:
			return
		}
	}
}

func (r *Reader) literal(word string) {
	if !bytes.HasPrefix(r.data[r.pos:], []byte(word)) {
		r.failCharacter()
		return
	}
	r.pos += len(word)
}

// scanString passes a string, whose quote peek has seen, and returns what stands
// between the quotes and whether that holds escapes. The escapes are well formed.
func (r *Reader) scanString() (raw []byte, escaped bool) {
	start := r.pos + 1
	for i := start; i < len(r.data); i++ {
		switch c := r.data[i]; {
		case c == '"':
			r.pos = i + 1
			return r.data[start:i], escaped
		case c < ' ':
			r.pos = i
			r.failCharacter()
			return nil, false
		case c == '\\':
			escaped = true
			n := escapeLength(r.data[i:])
			if n == 0 {
				r.pos = i
				r.failCharacter()
				return nil, false
			}
			i += n - 1
		}
	}
	r.pos = len(r.data)
	r.fail("Unexpected end of the document")
	return nil, false
}

// escapeLength returns how many bytes the escape at the start of b takes, or 0 if
// it is none.
func escapeLength(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hex4(b[2:]); ok {
			return 6
		}
	}
	return 0
}

// hex4 decodes the four hexadecimal digits at the start of b.
func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var n rune
	for _, c := range b[:4] {
		switch {
		case isDigit(c):
			n = n<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			n = n<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return n, true
}

// unescape decodes what scanString returned. The result is valid until the next
// call.
func (r *Reader) unescape(raw []byte, escaped bool) []byte {
	if !escaped {
		return raw
	}
	out := r.scratch[:0]
	for len(raw) > 0 {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			out = append(out, raw...)
			break
		}
		out = append(out, raw[:i]...)
		c, n := decodeEscape(raw[i:])
		out = utf8.AppendRune(out, c)
		raw = raw[i+n:]
	}
	r.scratch = out
	return out
}

// decodeEscape decodes the well-formed escape at the start of b and returns how
// many bytes it took. Two escapes that make up a surrogate pair count as one.
func decodeEscape(b []byte) (c rune, n int) {
	switch b[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		return decodeUnicodeEscape(b)
	default:
		return rune(b[1]), 2
	}
}

func decodeUnicodeEscape(b []byte) (c rune, n int) {
	c, _ = hex4(b[2:])
	if !utf16.IsSurrogate(c) {
		return c, 6
	}
	if rest := b[6:]; len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
		low, _ := hex4(rest[2:])
		if pair := utf16.DecodeRune(c, low); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}
