package awsjson

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// SerializationError says that a body is no JSON or has a value of the wrong JSON
// type somewhere. AWS answers it with SerializationException.
type SerializationError struct {
	// Message is what is wrong, in AWS's words where they are known.
	Message string
	// Member is where, as in Tags[0].Key, or "" at the top.
	Member string
}

func (e *SerializationError) Error() string {
	if e.Member == "" {
		return e.Message
	}
	return e.Message + " (member " + e.Member + ")"
}

// ErrorKind implements wire.KindError.
func (e *SerializationError) ErrorKind() wire.Kind { return wire.Serialization }

func (r *Reader) fail(message string) {
	if r.err == nil {
		r.err = &SerializationError{Message: message, Member: r.path()}
	}
}

// failCharacter reports that the text can't go on as it does at pos.
func (r *Reader) failCharacter() {
	if r.pos >= len(r.data) {
		r.fail("Unexpected end of the document")
		return
	}
	c, _ := utf8.DecodeRune(r.data[r.pos:])
	r.fail(fmt.Sprintf("Unexpected character %q at offset %d", c, r.pos))
}

// failType reports that the value at pos is not of the type that the caller wants: the
// scalar that target names, or with "" a structure, map or list.
func (r *Reader) failType(target string) {
	if r.err != nil {
		return
	}
	switch c := r.data[r.pos]; {
	case c == '{':
		r.fail("Start of structure or map found where not expected")
	case c == '[':
		r.fail("Start of list found where not expected")
	case !strings.ContainsRune(`"tfn-0123456789`, rune(c)):
		r.failCharacter()
	case target == "":
		r.fail("Unexpected field type")
	default:
		r.fail(r.tokenName() + " can not be converted to " + target)
	}
}

// tokenName is AWS's name for the kind of the scalar at pos.
func (r *Reader) tokenName() string {
	switch r.data[r.pos] {
	case '"':
		return "STRING_VALUE"
	case 't':
		return "TRUE_VALUE"
	case 'f':
		return "FALSE_VALUE"
	case 'n':
		return "NULL_VALUE"
	}
	rest := r.data[r.pos:]
	if n := numberLength(rest); strings.ContainsAny(string(rest[:min(n, maxNumberLength)]), ".eE") {
		return "DECIMAL_VALUE"
	}
	return "NUMBER_VALUE"
}

// path names the place that the open frames lead to.
func (r *Reader) path() string {
	var b strings.Builder
	for _, f := range r.open {
		switch {
		case f.array && f.begun > 0:
			fmt.Fprintf(&b, "[%d]", f.begun-1)
		case f.nameEnd > 0:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(truncate(r.data[f.nameStart:f.nameEnd]))
		}
	}
	return b.String()
}

// truncate keeps a client's long names from making a long answer.
func truncate(name []byte) string {
	const limit = 64
	if len(name) <= limit {
		return string(name)
	}
	end := limit
	for !utf8.RuneStart(name[end]) {
		end--
	}
	return string(name[:end]) + "…"
}
