package dnswire

import (
	"encoding/binary"
	"strings"
)

// Limits of names: RFC 1035 section 2.3.4. MaxName counts all octets of the wire
// form, MaxLabel those of a label without its length.
const (
	MaxName  = 255
	MaxLabel = 63
)

// MaxPointer is the largest offset that a compression pointer can hold: RFC 1035
// section 4.1.4.
const MaxPointer = 0x3fff

// pointerBits are those of the first octet of a compression pointer.
const pointerBits = 0xc0

// Pointer returns the two octets of a compression pointer to an offset, which
// must be at most MaxPointer.
func Pointer(offset int) uint16 { return pointerBits<<8 | uint16(offset) }

// ParseName returns the wire form of a name in text form, in the case that it is
// written in. It returns false if the text is not a name. Every character except
// the dot stands for itself: there are no escapes. It allocates the result.
func ParseName(text string) (string, bool) {
	b, ok := AppendLabels(make([]byte, 0, 64), text)
	b = append(b, 0)
	return string(b), ok && len(b) <= MaxName
}

// AppendLabels appends the labels of a name in text form, without the empty label
// that ends a name. It returns false if a label is empty or too long; the length
// of the whole is not checked. "." and "" have no labels.
func AppendLabels(b []byte, text string) ([]byte, bool) {
	text = strings.TrimSuffix(text, ".")
	if text == "" {
		return b, true
	}
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || len(label) > MaxLabel {
			return b, false
		}
		b = append(b, byte(len(label)))
		b = append(b, label...)
	}
	return b, true
}

// IsName reports whether b is exactly one name in wire form without compression.
func IsName(b []byte) bool { return len(b) > 0 && NameLen(b) == len(b) }

// NameLen returns the length of the name at the beginning of b, which must not be
// compressed, or -1 if there is no whole name.
func NameLen(b []byte) int {
	for at := 0; at < min(len(b), MaxName); {
		n := int(b[at])
		if at++; n == 0 {
			return at
		}
		if n > MaxLabel {
			return -1
		}
		at += n
	}
	return -1
}

// SkipName returns where the name at an offset ends, which may be compressed, or
// -1 if the message ends first. It does not read what a pointer points to.
func SkipName(msg []byte, at int) int {
	for at >= 0 && at < len(msg) {
		switch n := int(msg[at]); {
		case n == 0:
			return at + 1
		case n <= MaxLabel:
			at += 1 + n
		case n >= pointerBits && at+2 <= len(msg):
			return at + 2
		default:
			return -1
		}
	}
	return -1
}

// AppendFullName appends the name at an offset without compression, and returns
// where it ends in the message. end is -1 if the name is malformed: cut off,
// longer than MaxName, or with a pointer that does not point to an earlier name
// (RFC 1035 section 4.1.4). Each pointer leads further back, so the work is
// bounded.
func AppendFullName(b, msg []byte, at int) (name []byte, end int) {
	start, first := len(b), at
	end = -1
	for at >= 0 && at < len(msg) {
		n := int(msg[at])
		switch {
		case n == 0:
			if end < 0 {
				end = at + 1
			}
			return append(b, 0), end
		case n <= MaxLabel:
			// One octet is kept for the empty label at the end.
			if at+1+n > len(msg) || len(b)-start+1+n >= MaxName {
				return b[:start], -1
			}
			b = append(b, msg[at:at+1+n]...)
			at += 1 + n
		case n >= pointerBits && at+2 <= len(msg):
			if end < 0 {
				end = at + 2
			}
			at = int(binary.BigEndian.Uint16(msg[at:]) & MaxPointer)
			if at >= first || at < HeaderLen {
				return b[:start], -1
			}
			first = at
		default:
			return b[:start], -1
		}
	}
	return b[:start], -1
}

// Lower converts a name in wire form to lower case in place: RFC 4343. Length
// octets are below 'A', so they do not change. It converts any octets, also
// several names in a row.
func Lower(name []byte) { CopyLower(name, name) }

// CopyLower copies src to dst in lower case, see Lower. dst must have room for
// src, and either be src or not overlap it.
func CopyLower(dst, src []byte) {
	// Eight octets at a time: an octet is a capital if adding 63 sets its top
	// bit and adding 37 does not.
	const ones = 0x0101010101010101
	dst = dst[:len(src)]
	i := 0
	for ; i+8 <= len(src); i += 8 {
		w := binary.LittleEndian.Uint64(src[i:])
		low := w & (0x7f * ones)
		capital := (low + 63*ones) &^ (low + 37*ones) &^ w & (0x80 * ones)
		binary.LittleEndian.PutUint64(dst[i:], w|capital>>2)
	}
	for ; i < len(src); i++ {
		dst[i] = lower(src[i])
	}
}

// Lowered returns a name in wire form in lower case. It allocates the result.
func Lowered[T string | []byte](name T) T {
	b := []byte(string(name))
	Lower(b)
	return T(b)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// EqualName reports whether two names in wire form are the same, whatever their
// case.
func EqualName[T, U string | []byte](a T, b U) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// IsSubdomain reports whether name is parent or below it, whatever their case.
// Both must be names in wire form without compression.
func IsSubdomain[T, U string | []byte](name T, parent U) bool {
	at := 0
	for len(name)-at > len(parent) {
		at += 1 + int(name[at])
	}
	return EqualName(name[at:], parent)
}

// Parent returns a name in wire form without its first label. The name must have
// one.
func Parent[T string | []byte](name T) T { return name[1+int(name[0]):] }

// CountLabels returns the number of labels of a name in wire form without
// compression, not counting the empty one at its end.
func CountLabels[T string | []byte](name T) int {
	n := 0
	for ; name[0] != 0; name = Parent(name) {
		n++
	}
	return n
}

// Text returns the text form of a name in wire form, with escapes as in RFC 1035
// section 5.1 and a dot at its end. It allocates the result. A name that is cut
// off is written up to its end.
func Text[T string | []byte](name T) string {
	if len(name) <= 1 {
		return "."
	}
	var b strings.Builder
	for i := 0; i < len(name) && name[i] != 0; {
		end := min(i+1+int(name[i]), len(name))
		for i++; i < end; i++ {
			writeEscaped(&b, name[i])
		}
		b.WriteByte('.')
	}
	return b.String()
}

func writeEscaped(b *strings.Builder, c byte) {
	switch {
	case c <= ' ' || c >= 0x7f:
		b.WriteByte('\\')
		b.WriteByte('0' + c/100)
		b.WriteByte('0' + c/10%10)
		b.WriteByte('0' + c%10)
	case strings.IndexByte(`."\;()@$`, c) >= 0:
		b.WriteByte('\\')
		b.WriteByte(c)
	default:
		b.WriteByte(c)
	}
}
