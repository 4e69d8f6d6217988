package awsjson

import (
	"math"
	"unicode/utf8"

	"github.com/cairn-discovery/cairn/internal/floattext"
)

// Limits of a document. Real requests stay far below them; without them a
// hostile body could make a decoder recurse or compute without end.
const (
	// maxDepth is how many objects and arrays may be open at once.
	maxDepth = 32
	// maxNumberLength is how many bytes one number may take.
	maxNumberLength = 100
)

// Reader pulls values out of one JSON text (RFC 8259), strictly: the text must be
// valid UTF-8 and hold nothing after its value. Member names are compared by the
// caller, so they are case-sensitive, and of a repeated name the last one wins if
// the caller assigns what it reads.
//
// The first error sticks: from then on every method does nothing, the loops end
// and values are zero, so that decoders check once, with End. An error is always
// a *SerializationError.
//
// A Reader refers to the bytes it was given but not beyond its own life: strings
// that it returns are copies. It is not safe for concurrent use.
type Reader struct {
	data []byte
	pos  int
	err  *SerializationError

	open    []frame // the objects and arrays around pos, outermost first
	name    []byte  // decoded name of the latest member: part of data, or of scratch
	scratch []byte  // for strings that hold escapes
	openBuf [8]frame
}

// frame is one open object or array.
type frame struct {
	array              bool
	begun              int // members or elements begun so far
	nameStart, nameEnd int // of the current member, quotes excluded; 0 between members
}

// NewReader returns a Reader of the one value in data. AWS takes an empty body for
// an empty structure, and so does this. The caller must not change data while it
// reads.
func NewReader(data []byte) *Reader {
	r := new(Reader)
	r.reset(data)
	return r
}

// reset makes r a Reader of another value, as NewReader does. Nil lets go of the
// one before.
func (r *Reader) reset(data []byte) {
	if len(data) == 0 {
		data = emptyStructure
	}
	*r = Reader{data: data}
	r.open = r.openBuf[:0]
	if !utf8.Valid(data) {
		r.fail("Invalid UTF-8")
	}
}

var emptyStructure = []byte("{}")

// firstError returns the first error so far, nil if there is none.
func (r *Reader) firstError() error {
	if r.err == nil {
		return nil
	}
	return r.err
}

// End returns the first error; text that follows the value is one.
func (r *Reader) End() error {
	if r.skipSpace(); r.err == nil && r.pos < len(r.data) {
		r.failCharacter()
	}
	return r.firstError()
}

// BeginObject enters an object. Any other value is an error.
func (r *Reader) BeginObject() { r.begin('{') }

// beginArray enters an array. Any other value is an error.
func (r *Reader) beginArray() { r.begin('[') }

func (r *Reader) begin(bracket byte) {
	switch {
	case r.peek() != bracket:
		r.failType("")
	case len(r.open) == maxDepth:
		r.fail("Structures are nested too deeply")
	default:
		r.pos++
		r.open = append(r.open, frame{array: bracket == '['})
	}
}

// NextMember moves to the next member of the innermost object and reads its name;
// the caller then reads its value. It reports false, and leaves the object, when
// there is none.
func (r *Reader) NextMember() bool {
	if !r.next('}') {
		return false
	}
	if r.peek() != '"' {
		r.failCharacter()
		return false
	}
	f := &r.open[len(r.open)-1]
	f.nameStart = r.pos + 1
	raw, escaped := r.scanString()
	f.nameEnd = f.nameStart + len(raw)
	r.name = r.unescape(raw, escaped)
	if r.peek() != ':' {
		r.failCharacter()
		return false
	}
	r.pos++
	return true
}

// Name is the name of the member that NextMember found. It is valid until the
// next call of a method.
func (r *Reader) Name() []byte { return r.name }

// nextElement moves to the next element of the innermost array; the caller then
// reads it. It reports false, and leaves the array, when there is none.
func (r *Reader) nextElement() bool { return r.next(']') }

// next passes the comma before a further member or element, or the closing
// bracket.
func (r *Reader) next(closing byte) bool {
	if r.err != nil {
		return false
	}
	f := &r.open[len(r.open)-1]
	f.nameStart, f.nameEnd = 0, 0
	switch c := r.peek(); {
	case r.err != nil:
		return false
	case c == closing:
		r.pos++
		r.open = r.open[:len(r.open)-1]
		return false
	case f.begun > 0 && c != ',':
		r.failCharacter()
		return false
	case f.begun > 0:
		r.pos++
	}
	f.begun++
	return true
}

// AtArray reports whether the next value is an array. It reads nothing.
func (r *Reader) AtArray() bool { return r.err == nil && r.peek() == '[' }

// Null reports whether the value is null, and passes it if so.
func (r *Reader) Null() bool {
	if r.peek() != 'n' {
		return false
	}
	r.literal("null")
	return r.err == nil
}

// Bool reads true or false.
func (r *Reader) Bool() bool {
	switch r.peek() {
	case 't':
		r.literal("true")
		return r.err == nil
	case 'f':
		r.literal("false")
	default:
		r.failType("a Boolean")
	}
	return false
}

// Text reads a string. A surrogate that has no partner becomes U+FFFD, as with
// encoding/json.
func (r *Reader) Text() string {
	if r.peek() != '"' {
		r.failType("a String")
		return ""
	}
	return string(r.unescape(r.scanString()))
}

// Int64 reads a number that is whole and fits, however it is written: 100, 100.0
// and 1e2 are the same.
func (r *Reader) Int64() int64 {
	if c := r.peek(); c != '-' && !isDigit(c) {
		r.failType("a Long")
		return 0
	}
	start := r.pos
	n, ok := wholeNumber(r.scanNumber())
	if !ok && r.err == nil {
		r.pos = start // so that the error looks at the number
		r.failType("a Long")
	}
	return n
}

// Float64 reads a number. NaN, Infinity and -Infinity, which JSON does not have, are
// strings.
func (r *Reader) Float64() float64 {
	c := r.peek()
	start := r.pos
	var text string
	switch {
	case c == '-' || isDigit(c):
		text = string(r.scanNumber())
	case c == '"':
		text = r.Text()
	default:
		r.failType("a Double")
	}
	if r.err != nil {
		return 0
	}
	n, ok := floattext.Parse(text)
	if !ok || c == '"' && isNumber(n) {
		r.pos = start
		r.failType("a Double")
	}
	return n
}

// isNumber reports whether JSON can write n.
func isNumber(n float64) bool { return !math.IsNaN(n) && !math.IsInf(n, 0) }

// Skip passes one value of any kind.
func (r *Reader) Skip() {
	switch r.peek() {
	case '{':
		for r.BeginObject(); r.NextMember(); {
			r.Skip()
		}
	case '[':
		for r.beginArray(); r.nextElement(); {
			r.Skip()
		}
	case '"':
		r.scanString()
	case 't', 'f':
		r.Bool()
	case 'n':
		r.Null()
	default:
		r.scanNumber()
	}
}
