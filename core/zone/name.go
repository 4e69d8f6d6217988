package zone

import (
	"encoding/binary"
	"math/bits"
	"strings"
)

// MaxName is the greatest length of a name in wire form: RFC 1035 section 2.3.4.
const MaxName = 255

// AppendName appends the wire form of a name without its last, empty label, and
// reports whether the text is a name. Every character but the dot stands for
// itself: there are no escapes. "." is the name without labels.
func AppendName(b []byte, text string) ([]byte, bool) {
	text = strings.TrimSuffix(text, ".")
	if text == "" {
		return b, true
	}
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || len(label) > 63 {
			return b, false
		}
		b = append(b, byte(len(label)))
		b = append(b, label...)
	}
	return b, true
}

// Wire returns the wire form of a name, its case kept.
func Wire(text string) (string, bool) {
	b, ok := AppendName(make([]byte, 0, 64), text)
	b = append(b, 0)
	return string(b), ok && len(b) <= MaxName
}

// Lower turns a name in wire form into lower case, in place: RFC 4343. The octets
// that count a label's length are below 'A', so they need no care.
func Lower(name []byte) {
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			name[i] = c + 'a' - 'A'
		}
	}
}

func lowered(name string) string {
	b := []byte(name)
	Lower(b)
	return string(b)
}

const (
	hashKey1 = 0x9e3779b97f4a7c15
	hashKey2 = 0xe7037ed1a0b428db
)

// Hash hashes a name in wire form, which must be in lower case.
func Hash(name []byte) uint64 {
	h := uint64(len(name)) * hashKey1
	for len(name) > 8 {
		h = mix(h^binary.LittleEndian.Uint64(name), hashKey2)
		name = name[8:]
	}
	var last uint64
	for i, c := range name {
		last |= uint64(c) << (8 * i)
	}
	return mix(mix(h^last, hashKey2), hashKey1)
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

func hashOf(name string) uint64 {
	var buf [MaxName]byte
	return Hash(buf[:copy(buf[:], name)])
}

// parent cuts the first label off a name in wire form.
func parent(name string) string { return name[1+name[0]:] }

// reversed turns a name around, label by label, so that the names below it are
// those that have it as a prefix.
func reversed(name string) string {
	var labels []string
	for n := name; n != "\x00"; n = parent(n) {
		labels = append(labels, n[:1+n[0]])
	}
	b := make([]byte, 0, len(name))
	for i := len(labels) - 1; i >= 0; i-- {
		b = append(b, labels[i]...)
	}
	return string(b)
}

// Text returns the presentation form of a name in wire form, with escapes where
// RFC 1035 section 5.1 wants them.
func Text[T string | []byte](name T) string {
	if len(name) <= 1 {
		return "."
	}
	var b strings.Builder
	for i := 0; i < len(name) && name[i] != 0; {
		end := min(i+1+int(name[i]), len(name))
		for i++; i < end; i++ {
			appendEscaped(&b, name[i])
		}
		b.WriteByte('.')
	}
	return b.String()
}

func appendEscaped(b *strings.Builder, c byte) {
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
