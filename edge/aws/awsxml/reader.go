// Package awsxml reads and writes XML as AWS's REST-XML and Query protocols use
// it. It knows no operation of any API; the shapes of an API are generated code
// that drives it:
//
//	for r.Begin(); r.NextChild(); {
//		switch r.Name() {
//		case "Id":
//			in.Id = awsxml.OptionalText[string](r)
//		default:
//			r.Skip()
//		}
//	}
//
// See "XML bindings" in the Smithy specification.
package awsxml

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
	"github.com/cairn-discovery/cairn/internal/floattext"
)

// Limits of a document. Real requests stay far below them.
const (
	// maxDepth is how many elements may be open at once.
	maxDepth = 32
	// maxAttributes is how many attributes an element may have.
	maxAttributes = 32
)

// Error says that a body is not XML, or has a value of the wrong kind somewhere.
type Error struct {
	Message string
	// Element is where, as in ChangeBatch/Changes/Change/Action, or "" at the top.
	Element string
	// NotXML is true if the text is not well-formed, or has a wrong root element.
	NotXML bool
}

func (e *Error) Error() string {
	if e.Element == "" {
		return e.Message
	}
	return e.Message + " (element " + e.Element + ")"
}

// ErrorKind implements wire.KindError.
func (e *Error) ErrorKind() wire.Kind { return wire.Serialization }

// Reader pulls values out of one XML document. It ignores namespaces but for that
// of the root, comments and processing instructions, and refuses document types.
// The value of an element is read once by one of the methods or functions that
// read values, or is skipped.
//
// The first error is kept: from then on every method does nothing, the loops end
// and values are zero, so decoders check once, with End. An error is always an
// *Error. A Reader is not safe for concurrent use.
type Reader struct {
	decoder *xml.Decoder
	err     *Error
	open    []string // names of the elements that Begin has entered
	start   xml.StartElement
	pending bool // start has not been read yet
}

// Decode reads a document whose root element has the given name into in, which
// is fresh. An empty body is an empty structure. With a namespace, the root has
// to be in it.
func Decode[T any](body []byte, root, namespace string, in *T, decode func(*T, *Reader)) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	r := &Reader{decoder: xml.NewDecoder(bytes.NewReader(body))}
	r.beginDocument(root, namespace)
	if r.err == nil {
		decode(in, r)
	}
	return r.end()
}

func (r *Reader) beginDocument(root, namespace string) {
	if !r.nextStart() {
		r.failXML("The document has no root element")
		return
	}
	switch name := r.start.Name; {
	case name.Local != root:
		r.failXML(fmt.Sprintf("%s is not valid, expected %s", truncate(name.Local), root))
	case namespace != "" && name.Space != namespace:
		r.fail(fmt.Sprintf("cvc-elt.1: Cannot find the declaration of element '%s'.", root))
	}
}

// end returns the first error; text that follows the root is one.
func (r *Reader) end() error {
	if r.err == nil && r.nextStart() {
		r.failXML("The document has more than one root element")
	}
	if r.err == nil {
		return nil
	}
	return r.err
}

func (r *Reader) fail(message string) {
	if r.err == nil {
		r.err = &Error{Message: message, Element: r.path()}
	}
}

func (r *Reader) failXML(message string) {
	if r.err == nil {
		r.err = &Error{Message: message, Element: r.path(), NotXML: true}
	}
}

func (r *Reader) path() string {
	names := r.open
	if r.start.Name.Local != "" {
		names = append(names[:len(names):len(names)], r.start.Name.Local)
	}
	if len(names) < 2 {
		return ""
	}
	return truncate(strings.Join(names[1:], "/"))
}

// token returns the next token that matters, nil at the end and after an error.
func (r *Reader) token() xml.Token {
	for r.err == nil {
		t, err := r.decoder.Token()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			r.failXML("Could not parse XML")
			return nil
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(t.Attr) > maxAttributes {
				r.fail("The element has too many attributes")
				return nil
			}
			return t
		case xml.EndElement, xml.CharData:
			return t
		case xml.Directive:
			r.failXML("A document type is not allowed")
		}
	}
	return nil
}

// nextStart moves to the next child of the innermost element, or to the root,
// and reports false, having left the element, if there is none.
func (r *Reader) nextStart() bool {
	for {
		switch t := r.token().(type) {
		case xml.StartElement:
			r.start, r.pending = t, true
			return true
		case xml.CharData:
			if len(bytes.TrimSpace(t)) == 0 {
				continue
			}
			if len(r.open) == 0 {
				r.failXML("Could not parse XML")
			}
			r.fail("Text is not allowed between elements")
		default: // the end of the element, of the document, or an error
			return false
		}
	}
}

// Begin enters the current element, which is a structure, a list or a map.
func (r *Reader) Begin() {
	if r.err != nil {
		return
	}
	if len(r.open) == maxDepth {
		r.fail("Elements are nested too deeply")
		return
	}
	r.open = append(r.open, r.start.Name.Local)
	r.start, r.pending = xml.StartElement{}, false
}

// NextChild moves to the next child of the innermost element; the caller then
// reads it. It reports false, and leaves the element, when there is none.
func (r *Reader) NextChild() bool {
	if r.pending { // the caller has not read the child before
		r.skip()
	}
	if r.err == nil && r.nextStart() {
		return true
	}
	if r.err == nil {
		r.start = xml.StartElement{}
		r.open = r.open[:len(r.open)-1]
	}
	return false
}

// Name is the name of the current element, without a prefix.
func (r *Reader) Name() string { return r.start.Name.Local }

// Attribute returns an attribute of the current element, which must not have been
// entered, or nil. A prefix in name is ignored.
func Attribute[T ~string](r *Reader, name string) *T {
	if _, local, found := strings.Cut(name, ":"); found {
		name = local
	}
	for _, a := range r.start.Attr {
		if a.Name.Local == name && a.Name.Space != "xmlns" {
			return new(T(a.Value))
		}
	}
	return nil
}

// skip passes the current element with all that is in it.
func (r *Reader) skip() {
	for depth := 1; depth > 0 && r.err == nil; {
		switch r.token().(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
		if depth > maxDepth {
			r.fail("Elements are nested too deeply")
		}
	}
	r.pending = false
}

// text reads an element that has only text.
func (r *Reader) text() string {
	var text []byte
	for r.err == nil {
		switch t := r.token().(type) {
		case xml.CharData:
			text = append(text, t...)
		case xml.EndElement:
			r.pending = false
			return string(text)
		case xml.StartElement:
			r.fail("An element is not allowed inside a value")
		}
	}
	return ""
}

// Int64 reads a whole number. White space around it is ignored, as it is for the
// other types but strings.
func (r *Reader) Int64() int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(r.text()), 10, 64)
	if err != nil {
		r.fail("The value is not a whole number of 64 bits")
	}
	return n
}

// Float64 reads a number.
func (r *Reader) Float64() float64 {
	n, ok := floattext.Parse(strings.TrimSpace(r.text()))
	if !ok {
		r.fail("The value is not a number")
	}
	return n
}

// Bool reads true or false, which can also be 1 or 0.
func (r *Reader) Bool() bool {
	switch strings.TrimSpace(r.text()) {
	case "true", "1":
		return true
	case "false", "0":
	default:
		r.fail("The value is not a boolean")
	}
	return false
}

// Time reads a time.
func (r *Reader) Time(f timestamp.Format) timestamp.Milliseconds {
	t, err := timestamp.Parse(strings.TrimSpace(r.text()), f)
	if err != nil {
		r.fail("The value is not a time")
	}
	return t
}

// Blob reads bytes, encoded in base64. They are not nil.
func (r *Reader) Blob() []byte {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(r.text()))
	if err != nil {
		r.fail("The value is not base64")
	}
	return b
}

// truncate keeps a client's long names from making a long answer.
func truncate(s string) string {
	if len(s) > 128 {
		s = s[:128]
	}
	return strings.ToValidUTF8(s, "")
}
