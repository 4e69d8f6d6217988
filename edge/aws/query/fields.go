package query

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/edge/aws/awsxml"
	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
	"github.com/cairn-discovery/cairn/internal/floattext"
)

// maxDepth is how many names, separated by dots, a field can have.
const maxDepth = 64

// FieldError says that a field has a value of the wrong kind.
type FieldError struct {
	// Field is its name, as in Tags.member.1.Key.
	Field   string
	Message string
}

func (e *FieldError) Error() string { return e.Message + " (field " + e.Field + ")" }

// ErrorKind implements wire.KindError.
func (e *FieldError) ErrorKind() wire.Kind { return wire.Serialization }

// Fields is a value in a form: a field, or the fields of a structure, list or
// map, whose names all begin with that of the value and a dot. The zero value is
// not usable; Decode makes the first.
type Fields struct {
	form *form
	name string // "" for the input
}

// form is the fields of one request.
type form struct {
	values url.Values
	names  []string // sorted
	err    *FieldError
	read   map[string]bool // fields that were looked at
	// lists are the names of the lists and maps that were read. All fields below
	// them have to be read too: one that is not, because of a gap in the numbers for
	// example, must not be ignored, since it may limit what the rest allows.
	lists []string
}

// checkLists reports the first field below a list or map that was not read.
func (f *form) checkLists() {
	for _, list := range f.lists {
		i, _ := slices.BinarySearch(f.names, list)
		for ; i < len(f.names) && strings.HasPrefix(f.names[i], list); i++ {
			name := f.names[i]
			below := name == list || name[len(list)] == '.'
			if below && !f.read[name] {
				(Fields{f, name}).fail("The field is no part of the list or map that its name begins with")
			}
		}
	}
}

// Decode reads the fields of a form into in, which is fresh.
func Decode[T any](values url.Values, in *T, decode func(*T, Fields)) error {
	f := Fields{form: &form{values: values, read: map[string]bool{}}}
	for name := range values {
		if strings.Count(name, ".") >= maxDepth {
			return &FieldError{truncateName(name), "The name of the field has too many parts"}
		}
		f.form.names = append(f.form.names, name)
	}
	slices.Sort(f.form.names)
	decode(in, f)
	f.form.checkLists()
	if f.form.err != nil {
		return f.form.err
	}
	return nil
}

// At returns the member of a structure.
func (f Fields) At(name string) Fields {
	if f.name != "" {
		name = f.name + "." + name
	}
	return Fields{f.form, name}
}

// Present reports whether the value is in the form: as a field, or as several.
func (f Fields) Present() bool {
	if _, found := f.form.values[f.name]; found {
		return true
	}
	i, _ := slices.BinarySearch(f.form.names, f.name+".")
	return i < len(f.form.names) && strings.HasPrefix(f.form.names[i], f.name+".")
}

func (f Fields) text() (string, bool) {
	values := f.form.values[f.name]
	if len(values) == 0 {
		return "", false
	}
	f.form.read[f.name] = true
	return values[0], true
}

func (f Fields) fail(message string) {
	if f.form.err == nil {
		f.form.err = &FieldError{Field: truncateName(f.name), Message: message}
	}
}

func truncateName(s string) string {
	if len(s) > 128 {
		s = s[:128]
	}
	return strings.ToValidUTF8(s, "")
}

// optional reads a value with read, or returns nil if it is absent.
func optional[T any](f Fields, read func(Fields) T) *T {
	if _, found := f.text(); !found {
		return nil
	}
	return new(read(f))
}

// OptionalText reads a string or an enum, or nil.
func OptionalText[T ~string](f Fields) *T { return optional(f, Element[T]) }

// OptionalInt64 reads a whole number, or nil.
func OptionalInt64(f Fields) *int64 { return optional(f, Fields.Int64) }

// OptionalFloat64 reads a number, or nil.
func OptionalFloat64(f Fields) *float64 { return optional(f, Fields.Float64) }

// OptionalBool reads a boolean, or nil.
func OptionalBool(f Fields) *bool { return optional(f, Fields.Bool) }

// OptionalTime reads a time, or nil.
func OptionalTime(f Fields, format timestamp.Format) *timestamp.Milliseconds {
	return optional(f, func(f Fields) timestamp.Milliseconds { return f.Time(format) })
}

// Element reads a string or an enum.
func Element[T ~string](f Fields) T {
	text, _ := f.text()
	return T(text)
}

// Int64 reads a whole number.
func (f Fields) Int64() int64 {
	text, _ := f.text()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		f.fail("The value is not a whole number of 64 bits")
	}
	return n
}

// Float64 reads a number.
func (f Fields) Float64() float64 {
	text, _ := f.text()
	n, ok := floattext.Parse(text)
	if !ok {
		f.fail("The value is not a number")
	}
	return n
}

// Bool reads true or false.
func (f Fields) Bool() bool {
	text, _ := f.text()
	if text != "true" && text != "false" {
		f.fail("The value is not a boolean")
	}
	return text == "true"
}

// Time reads a time.
func (f Fields) Time(format timestamp.Format) timestamp.Milliseconds {
	text, _ := f.text()
	t, err := timestamp.Parse(text, format)
	if err != nil {
		f.fail("The value is not a time")
	}
	return t
}

// Blob reads bytes, encoded in base64, or nil.
func (f Fields) Blob() []byte {
	text, found := f.text()
	if !found {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		f.fail("The value is not base64")
	}
	return b
}

// List reads a list, or nil: the values name.child.1, name.child.2 and so on, or
// with an empty child, for a flattened list, name.1 and so on. An empty list is a
// field that is empty.
func List[T any](f Fields, child string, element func(Fields) T) []T {
	if !f.Present() {
		return nil
	}
	f.beginList()
	list := []T{}
	for _, e := range f.numbered(child) {
		list = append(list, element(e))
	}
	return list
}

// Map reads a map, or nil: keys and values are in name.entry.1.key,
// name.entry.1.value and so on.
func Map[K ~string, T any](f Fields, entry, key, value string, read func(Fields) T) map[K]T {
	if !f.Present() {
		return nil
	}
	f.beginList()
	m := map[K]T{}
	for _, e := range f.numbered(entry) {
		m[Element[K](e.At(key))] = read(e.At(value))
	}
	return m
}

// beginList notes that a list or map is read. An empty one is a field without a
// value.
func (f Fields) beginList() {
	f.form.lists = append(f.form.lists, f.name)
	if text := f.form.values[f.name]; len(text) > 0 && text[0] == "" {
		f.form.read[f.name] = true
	}
}

// numbered returns the values that are numbered from 1 without a gap.
func (f Fields) numbered(child string) []Fields {
	if child != "" {
		f = f.At(child)
	}
	var all []Fields
	for {
		next := f.At(strconv.Itoa(len(all) + 1))
		if !next.Present() {
			return all
		}
		all = append(all, next)
	}
}

// OpenResult appends the start of an answer: the element of the action and, unless
// wrapper is empty, that of its result.
func OpenResult(b []byte, namespace, action, wrapper string) []byte {
	b = awsxml.OpenRoot(b, action+"Response", namespace)
	if wrapper != "" {
		b = awsxml.Open(b, wrapper)
	}
	return b
}

// CloseResult appends the end of an answer.
func CloseResult(b []byte, action, wrapper, requestID string) []byte {
	if wrapper != "" {
		b = awsxml.Close(b, wrapper)
	}
	b = awsxml.AppendText(awsxml.Open(b, "ResponseMetadata"), "RequestId", requestID)
	return awsxml.Close(awsxml.Close(b, "ResponseMetadata"), action+"Response")
}
