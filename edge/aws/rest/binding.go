package rest

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
	"github.com/cairn-discovery/cairn/internal/floattext"
)

// Error says that a member in the path, in the query or in the header cannot be
// read.
type Error struct {
	// Member is the parameter as it is named in the request.
	Member  string
	Message string
}

func (e *Error) Error() string { return e.Message + " (member " + e.Member + ")" }

// ErrorKind implements wire.KindError.
func (e *Error) ErrorKind() wire.Kind { return wire.Serialization }

// maxParameters bounds the parameters of a query.
const maxParameters = 1000

// Reader reads the members of an input that are not in the body. The first error
// is kept; Err returns it.
type Reader struct {
	request *wire.Request
	query   url.Values
	err     *Error
}

// NewReader returns a reader of a request.
func NewReader(r *wire.Request) *Reader {
	reader := &Reader{request: r}
	if r.RawQuery == "" {
		return reader
	}
	if strings.Count(r.RawQuery, "&") >= maxParameters {
		reader.fail("query", fmt.Sprintf("The query has more than %d parameters", maxParameters))
		return reader
	}
	query, err := url.ParseQuery(r.RawQuery)
	if err != nil {
		reader.fail("query", "The query is not a list of parameters")
	}
	reader.query = query
	return reader
}

// Err returns the first error, which is an *Error.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil
	}
	return r.err
}

func (r *Reader) fail(member, message string) {
	if r.err == nil {
		r.err = &Error{Member: member, Message: message}
	}
}

// Value is a member's value as text, if it is there.
type Value struct {
	reader  *Reader
	name    string
	text    string
	present bool
}

// Label returns the label at a position of the pattern. Labels are always there.
func (r *Reader) Label(position int, name string) Value {
	if position >= len(r.request.Labels) {
		return Value{reader: r, name: name}
	}
	return Value{r, name, r.request.Labels[position], true}
}

// Query returns a parameter of the query, the first if there are several.
func (r *Reader) Query(name string) Value {
	values := r.query[name]
	if len(values) == 0 {
		return Value{reader: r, name: name}
	}
	return Value{r, name, values[0], true}
}

// QueryList returns all parameters of that name, or nil.
func (r *Reader) QueryList(name string) []Value {
	var list []Value
	for _, text := range r.query[name] {
		list = append(list, Value{r, name, text, true})
	}
	return list
}

// QueryMap returns the parameters that no other member is bound to, each with its
// first value, or nil.
func (r *Reader) QueryMap(others ...string) map[string]string {
	var m map[string]string
	for name, values := range r.queryLists(others) {
		if m == nil {
			m = map[string]string{}
		}
		m[name] = values[0]
	}
	return m
}

// QueryLists returns the parameters that no other member is bound to, with all
// their values, or nil.
func (r *Reader) QueryLists(others ...string) map[string][]string {
	if m := r.queryLists(others); len(m) > 0 {
		return m
	}
	return nil
}

func (r *Reader) queryLists(others []string) map[string][]string {
	rest := map[string][]string{}
	for name, values := range r.query {
		rest[name] = values
	}
	for _, name := range others {
		delete(rest, name)
	}
	return rest
}

// Header returns a field of the header.
func (r *Reader) Header(name string) Value {
	values := r.request.Header.Values(name)
	if len(values) == 0 {
		return Value{reader: r, name: name}
	}
	return Value{r, name, strings.Join(values, ","), true}
}

// HeaderList returns the comma-separated values of a field of the header, or nil.
// A value with a comma is in quotes.
func (r *Reader) HeaderList(name string) []Value {
	field := r.Header(name)
	if !field.present {
		return nil
	}
	list := []Value{}
	for rest := field.text; rest != ""; {
		var text string
		if text, rest = nextListed(rest); text != "" {
			list = append(list, Value{r, name, text, true})
		}
	}
	return list
}

// nextListed returns the first value of a list, and what follows its comma.
func nextListed(list string) (value, rest string) {
	list = strings.TrimLeft(list, " \t")
	if !strings.HasPrefix(list, `"`) {
		value, rest, _ = strings.Cut(list, ",")
		return strings.TrimSpace(value), rest
	}
	var b strings.Builder
	i := 1
	for ; i < len(list) && list[i] != '"'; i++ {
		if list[i] == '\\' && i+1 < len(list) {
			i++
		}
		b.WriteByte(list[i])
	}
	_, rest, _ = strings.Cut(list[min(i, len(list)):], ",")
	return b.String(), rest
}

// quoteListed puts a value in quotes if it needs them in a list.
func quoteListed(value string) string {
	if !strings.ContainsAny(value, `,"`) {
		return value
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// HeaderMap returns the fields of the header whose names begin with prefix, by
// what follows it, in lower case, or nil.
func (r *Reader) HeaderMap(prefix string) map[string]string {
	var m map[string]string
	for name, values := range r.request.Header {
		if len(name) <= len(prefix) || !strings.EqualFold(name[:len(prefix)], prefix) {
			continue
		}
		if m == nil {
			m = map[string]string{}
		}
		m[strings.ToLower(name[len(prefix):])] = strings.Join(values, ",")
	}
	return m
}

// Text returns a string or an enum, or nil if it is absent.
func Text[T ~string](v Value) *T {
	if !v.present {
		return nil
	}
	return new(T(v.text))
}

// Texts returns a list of strings or enums, nil if it is absent.
func Texts[T ~string](values []Value) []T {
	var list []T
	for _, v := range values {
		list = append(list, T(v.text))
	}
	if values != nil && list == nil {
		list = []T{}
	}
	return list
}

// Int64s returns a list of whole numbers, nil if it is absent.
func Int64s(values []Value) []int64 {
	var list []int64
	for _, v := range values {
		if n := v.Int64(); n != nil {
			list = append(list, *n)
		}
	}
	return list
}

// Int64 returns a whole number, or nil.
func (v Value) Int64() *int64 {
	if !v.present {
		return nil
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil {
		v.fail("a Long")
	}
	return &n
}

// Float64 returns a number, or nil. NaN, Infinity and -Infinity are numbers.
func (v Value) Float64() *float64 {
	if !v.present {
		return nil
	}
	n, ok := floattext.Parse(v.text)
	if !ok {
		v.fail("a Double")
	}
	return &n
}

// Bool returns a boolean, or nil.
func (v Value) Bool() *bool {
	if !v.present {
		return nil
	}
	if v.text != "true" && v.text != "false" {
		v.fail("a Boolean")
	}
	return new(v.text == "true")
}

// Time returns a time, or nil.
func (v Value) Time(f timestamp.Format) *timestamp.Milliseconds {
	if !v.present {
		return nil
	}
	t, err := timestamp.Parse(v.text, f)
	if err != nil {
		v.fail("a Timestamp")
	}
	return &t
}

// Blob returns bytes that are encoded in base64, or nil.
func (v Value) Blob() []byte {
	if !v.present {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(v.text)
	if err != nil {
		v.fail("a Blob")
	}
	return b
}

func (v Value) fail(target string) {
	v.reader.fail(v.name, "STRING_VALUE can not be converted to "+target)
}

// SetHeader sets a field of an answer's header.
func SetHeader(w *wire.Response, name, value string) {
	w.Header = append(w.Header, wire.Member{Name: name, Value: cleanHeader(value)})
}

// SetHeaders sets a field for each entry of a map.
func SetHeaders(w *wire.Response, prefix string, m map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		SetHeader(w, prefix+name, m[name])
	}
}

// SetHeaderTime sets a field that is a time.
func SetHeaderTime(w *wire.Response, name string, t timestamp.Milliseconds, f timestamp.Format) {
	SetHeader(w, name, string(timestamp.Append(nil, t, f)))
}

// SetHeaderList sets a field that is a list.
func SetHeaderList[T ~string](w *wire.Response, name string, list []T) {
	texts := make([]string, len(list))
	for i, s := range list {
		texts[i] = quoteListed(string(s))
	}
	SetHeader(w, name, strings.Join(texts, ","))
}

// SetHeaderInts sets a field that is a list of numbers.
func SetHeaderInts(w *wire.Response, name string, list []int64) {
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = strconv.FormatInt(n, 10)
	}
	SetHeader(w, name, strings.Join(texts, ","))
}

// cleanHeader replaces what would end a field.
func cleanHeader(value string) string {
	return strings.Map(func(c rune) rune {
		if c == '\r' || c == '\n' || c == 0 {
			return ' '
		}
		return c
	}, value)
}
