package registry

import (
	"encoding/binary"
	"iter"
	"maps"

	"github.com/cairn-discovery/cairn/internal/jsontext"
)

// All text of an instance is one string, because a registry holds millions of
// instances. Most of it is the encoded JSON of discovery answers:
//
//	ID","Attributes":{"KEY":"VALUE",…}  sizes  CreatorRequestId
//
// sizes are the lengths of the keys and values, a uvarint each, so that reading an
// attribute needs no parsing. If JSON escapes are needed, the text has both forms:
// the escaped JSON, then the same without escapes, and the length of the JSON at the
// end.
const (
	summaryPrefix = `{"InstanceId":"` // precedes the text in an answer
	summaryMiddle = `","Attributes":{`
	lengthSize    = 4
)

// newInstance returns an instance with its text. The id and the request are shorter
// than 64 KiB.
func newInstance(id InstanceID, attrs Attributes, request string) Instance {
	b := appendSummaryText(make([]byte, 0, 512), id, attrs, true)
	i := Instance{idLen: uint16(len(id)), requestLen: uint16(len(request))}
	answer := uint32(len(b))
	if i.escaped = len(b) != summaryTextLen(id, attrs); i.escaped {
		b = appendSummaryText(b, id, attrs, false)
	}
	i.sizes = uint32(len(b))
	for k, v := range attrs.All() {
		b = binary.AppendUvarint(b, uint64(len(k)))
		b = binary.AppendUvarint(b, uint64(len(v)))
	}
	b = append(b, request...)
	if i.escaped {
		b = binary.LittleEndian.AppendUint32(b, answer)
	}
	i.text = string(b)
	return i
}

func appendSummaryText(b []byte, id InstanceID, attrs Attributes, escaped bool) []byte {
	start := len(b)
	b = appendQuoted(b, string(id), escaped)
	b = append(b[:start], b[start+1:]...) // summaryPrefix has the first quote
	b = append(b, summaryMiddle[1:]...)
	for k, v := range attrs.All() {
		b = append(appendQuoted(b, k, escaped), ':')
		b = append(appendQuoted(b, v, escaped), ',')
	}
	if attrs != "" {
		b = b[:len(b)-1]
	}
	return append(b, '}')
}

func appendQuoted(b []byte, s string, escaped bool) []byte {
	if escaped {
		return jsontext.AppendString(b, s)
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// summaryTextLen returns the length of the unescaped form.
func summaryTextLen(id InstanceID, attrs Attributes) int {
	n := len(id) + len(summaryMiddle) + len("}")
	for k, v := range attrs.All() {
		n += len(k) + len(v) + len(`"":"",`)
	}
	if attrs != "" {
		n--
	}
	return n
}

// raw returns the offset of the unescaped form.
func (i *Instance) raw() uint32 {
	if !i.escaped {
		return 0
	}
	return binary.LittleEndian.Uint32([]byte(i.text[len(i.text)-lengthSize:]))
}

// requestStart returns the offset of the CreatorRequestId.
func (i *Instance) requestStart() int {
	if i.escaped {
		return len(i.text) - lengthSize - int(i.requestLen)
	}
	return len(i.text) - int(i.requestLen)
}

// summary returns the JSON that follows summaryPrefix in an answer.
func (i *Instance) summary() string {
	if i.escaped {
		return i.text[:i.raw()]
	}
	return i.text[:i.sizes]
}

// ID returns the instance's id.
func (i *Instance) ID() InstanceID {
	start := i.raw()
	return InstanceID(i.text[start : start+uint32(i.idLen)])
}

// CreatorRequestID returns the id of the request that registered the instance.
func (i *Instance) CreatorRequestID() string {
	start := i.requestStart()
	return i.text[start : start+int(i.requestLen)]
}

// Attributes returns the instance's attributes.
func (i *Instance) Attributes() InstanceAttributes {
	start := i.raw() + uint32(i.idLen) + uint32(len(summaryMiddle))
	return InstanceAttributes{i.text[start : i.sizes-1], i.text[i.sizes:i.requestStart()]}
}

// InstanceAttributes is an immutable map of strings, sorted by key. The zero
// value is empty.
type InstanceAttributes struct {
	pairs string // "KEY":"VALUE",… without escapes
	sizes string // length of each key and value
}

// cut returns the first pair and removes it.
func (a *InstanceAttributes) cut() (key, val string) {
	k, v := a.size(), a.size()
	key, val = a.pairs[1:1+k], a.pairs[k+4:k+4+v]
	a.pairs = a.pairs[min(k+v+6, len(a.pairs)):]
	return key, val
}

func (a *InstanceAttributes) size() int {
	n, digits := int(a.sizes[0]), 1
	if n >= 0x80 {
		n = n&0x7f | int(a.sizes[1])<<7 // at most two bytes, see Attributes
		digits = 2
	}
	a.sizes = a.sizes[digits:]
	return n
}

// All yields the pairs in order of their keys.
func (a InstanceAttributes) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for len(a.sizes) > 0 {
			if !yield(a.cut()) {
				return
			}
		}
	}
}

// Get returns the value of a key.
func (a InstanceAttributes) Get(key string) (string, bool) {
	at := len(`"`)
	for len(a.sizes) > 0 {
		k, v := a.size(), a.size()
		if k == len(key) && a.pairs[at:at+k] == key {
			start := at + k + len(`":"`)
			return a.pairs[start : start+v], true
		}
		at += k + v + len(`"":"",`)
	}
	return "", false
}

func (a InstanceAttributes) has(key string) bool {
	_, ok := a.Get(key)
	return ok
}

// Map unpacks into a new map, which is never nil.
func (a InstanceAttributes) Map() map[string]string { return maps.Collect(a.All()) }

// contains reports whether every given pair is among the attributes.
func (a InstanceAttributes) contains(pairs map[string]string) bool {
	for k, want := range pairs {
		if got, ok := a.Get(k); !ok || got != want {
			return false
		}
	}
	return true
}

// Size returns the approximate number of bytes of keys and values.
func (a InstanceAttributes) Size() int { return len(a.pairs) }

// appendPacked appends the encoding of Attributes.
func (a InstanceAttributes) appendPacked(b []byte) []byte {
	for k, v := range a.All() {
		b = appendPacked(b, k)
		b = appendPacked(b, v)
	}
	return b
}

// equal reports whether others has the same pairs.
func (a InstanceAttributes) equal(others Attributes) bool {
	var buf [512]byte
	return string(a.appendPacked(buf[:0])) == string(others)
}
