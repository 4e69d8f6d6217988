package audit

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/internal/jsontext"
)

// maxValue bounds the parameters, or the answer, in a record.
const maxValue = 64 << 10

// maxText bounds what a caller can put into a record beside its parameters.
const maxText = 1024

// Hidden replaces a secret, as in CloudTrail.
const Hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

// Truncate cuts a text that is too long for a record.
func Truncate(s string) string {
	if len(s) > maxText {
		return s[:maxText] + "..."
	}
	return s
}

// Encoder says how values are recorded.
type Encoder struct {
	// Verbatim leaves the names of members as they are. Otherwise they begin in lower
	// case, as in CloudTrail.
	Verbatim bool
	// Sensitive are the members whose values are hidden, as Type.Member.
	Sensitive map[string]bool
}

// Encode returns a value as one line of JSON, or nil for a nil value. The members
// of structures are in the order of their fields, without those that are nil or
// zero; a pointer to zero is not. A value that is too large is replaced by a note of
// its size.
//
// It supports the types that shapes of AWS's APIs need: structures, maps with string keys,
// lists, pointers, strings, numbers, booleans, and types with their own MarshalJSON.
func (e *Encoder) Encode(v any) []byte {
	r := reflect.ValueOf(v)
	if !r.IsValid() || (r.Kind() == reflect.Pointer || r.Kind() == reflect.Map) && r.IsNil() {
		return nil
	}
	b := e.append(nil, r)
	if len(b) > maxValue {
		return []byte(`{"omitted":true,"originalSize":` + strconv.Itoa(len(b)) + `,"reason":"too large"}`)
	}
	return b
}

var marshaler = reflect.TypeFor[json.Marshaler]()

func (e *Encoder) append(b []byte, v reflect.Value) []byte {
	if v.Type().Implements(marshaler) {
		return appendJSON(b, v.Interface())
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return append(b, "null"...)
		}
		return e.append(b, v.Elem())
	case reflect.String:
		return jsontext.AppendString(b, v.String())
	case reflect.Struct:
		return e.appendStruct(b, v)
	case reflect.Map:
		return e.appendMap(b, v)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return appendJSON(b, v.Interface()) // base64
		}
		return e.appendList(b, v)
	}
	return appendJSON(b, v.Interface())
}

// appendJSON appends a value that encoding/json can encode, in its compact form.
func appendJSON(b []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		return append(b, "null"...) // a type that no shape has
	}
	return append(b, bytes.TrimSpace(text)...)
}

func (e *Encoder) appendStruct(b []byte, v reflect.Value) []byte {
	return append(e.appendFields(append(b, '{'), v), '}')
}

// appendFields appends the members of a structure, those of an embedded one as its
// own.
func (e *Encoder) appendFields(b []byte, v reflect.Value) []byte {
	t := v.Type()
	for i := range t.NumField() {
		field, value := t.Field(i), v.Field(i)
		if field.Anonymous && value.Kind() == reflect.Struct {
			b = e.appendFields(b, value)
			continue
		}
		if !field.IsExported() || absent(value) {
			continue
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), e.name(field.Name)...), '"', ':')
		if e.Sensitive[t.Name()+"."+field.Name] {
			b = append(b, `"`+Hidden+`"`...)
			continue
		}
		b = e.append(b, value)
	}
	return b
}

// absent reports whether a member is left out.
func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice:
		return v.IsNil()
	case reflect.String, reflect.Int64, reflect.Bool:
		return v.IsZero()
	}
	zero, ok := v.Interface().(interface{ IsZero() bool })
	return ok && zero.IsZero()
}

func (e *Encoder) name(name string) string {
	if e.Verbatim {
		return name
	}
	return strings.ToLower(name[:1]) + name[1:]
}

func (e *Encoder) appendMap(b []byte, v reflect.Value) []byte {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	b = append(b, '{')
	for i, key := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(jsontext.AppendString(b, key.String()), ':')
		b = e.append(b, v.MapIndex(key))
	}
	return append(b, '}')
}

func (e *Encoder) appendList(b []byte, v reflect.Value) []byte {
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		b = e.append(b, v.Index(i))
	}
	return append(b, ']')
}

// Text returns the string in a field of a structure that v points to, or "" where
// there is no such field or it is absent.
func Text(v any, field string) string {
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Pointer || r.IsNil() || r.Elem().Kind() != reflect.Struct {
		return ""
	}
	r = r.Elem().FieldByName(field)
	if r.IsValid() && r.Kind() == reflect.Pointer && !r.IsNil() {
		r = r.Elem()
	}
	if !r.IsValid() || r.Kind() != reflect.String {
		return ""
	}
	return r.String()
}
