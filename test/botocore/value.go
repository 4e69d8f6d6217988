package botocore

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// A value is a map[string]any, []any, string, int64, bool, blob, instant, float or
// document.
type (
	blob     string
	instant  int64 // milliseconds
	float    float64
	document string
)

func (b blob) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"$blob": base64.StdEncoding.EncodeToString([]byte(b))})
}

func (i instant) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]int64{"$time": int64(i)})
}

func (f float) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"$float": strconv.FormatFloat(float64(f), 'g', -1, 64)})
}

func (d document) MarshalJSON() ([]byte, error) { return []byte(d), nil }

// generator makes random values of shapes.
type generator struct {
	*rand.Rand
	m *model
	// output makes values that generated code can tell from absent ones.
	output bool
}

// place is where a value is, which limits what it can be.
type place struct {
	member
	location string
	payload  bool
	depth    int
}

const maxDepth = 5

func (g *generator) value(name string, at place) any {
	s := g.m.Shapes[name]
	switch s.Type {
	case "structure":
		return g.structure(s, at)
	case "list":
		return g.list(s, at)
	case "map":
		return g.mapping(s, at)
	case "string":
		return g.text(s, at)
	case "integer":
		if at.location == "statusCode" {
			return int64(200 + g.IntN(50))
		}
		return int64(int32(g.Uint32()))
	case "long":
		return int64(g.Uint64())
	case "float", "double":
		return float(g.float(s.Type))
	case "boolean":
		return g.IntN(2) == 0
	case "blob":
		return blob(g.bytes(at))
	case "timestamp":
		return g.time(s, at)
	}
	panic("no such type: " + s.Type)
}

func (g *generator) structure(s *shape, at place) any {
	if s.Document {
		return document([]string{`{"a":[1,"x",null,true]}`, `"text"`, `[]`, `{"n":{"m":{}}}`}[g.IntN(4)])
	}
	members := map[string]any{}
	names := s.memberNames()
	if s.Union && len(names) > 0 {
		names = []string{names[g.IntN(len(names))]}
	}
	for _, name := range names {
		part := s.Members[name]
		location := g.m.location(part)
		optional := location != "uri" && location != "statusCode" && !s.Union && name != s.Payload
		if optional && (g.IntN(3) == 0 || at.depth >= maxDepth && g.nests(part.Shape)) {
			continue
		}
		members[name] = g.value(part.Shape, place{part, location, name == s.Payload, at.depth + 1})
	}
	if g.m.Metadata.Protocol == "query" && !s.Union && at.depth > 0 {
		g.addScalar(s, members, at)
	}
	return members
}

// addScalar sets the first member that is a scalar: a form cannot have a structure
// of which nothing is set.
func (g *generator) addScalar(s *shape, members map[string]any, at place) {
	for _, name := range s.memberNames() {
		if part := s.Members[name]; !g.nests(part.Shape) {
			members[name] = g.value(part.Shape, place{member: part, depth: at.depth + 1})
			return
		}
	}
}

// nests reports whether the shape is no scalar.
func (g *generator) nests(name string) bool {
	t := g.m.Shapes[name].Type
	return t == "structure" || t == "list" || t == "map"
}

func (g *generator) list(s *shape, at place) any {
	list := []any{}
	n := g.IntN(4)
	if at.depth >= maxDepth && g.nests(s.Member.Shape) {
		n = 0
	}
	for range n {
		list = append(list, g.value(s.Member.Shape, place{s.Member, at.location, false, at.depth + 1}))
	}
	return list
}

func (g *generator) mapping(s *shape, at place) any {
	m := map[string]any{}
	for i := range g.IntN(4) {
		key := "k" + strconv.Itoa(i) // unlike all names of other parameters
		if enum := g.m.Shapes[s.Key.Shape].Enum; enum != nil {
			key = enum[g.IntN(len(enum))]
		} else if at.location == "" {
			key += g.word(at)
		}
		if g.nests(s.Value.Shape) && at.depth >= maxDepth {
			continue
		}
		value := g.value(s.Value.Shape, place{s.Value, at.location, false, at.depth + 1})
		if list, ok := value.([]any); ok && len(list) == 0 && at.location != "" {
			continue // a query cannot have it
		}
		m[key] = value
	}
	return m
}

func (g *generator) text(s *shape, at place) any {
	if s.Enum != nil && g.IntN(10) > 0 {
		return s.Enum[g.IntN(len(s.Enum))]
	}
	text := g.word(at)
	if text == "" && (g.output || at.location != "") {
		return "x"
	}
	return text
}

// pieces are what strings are made of, by where they are.
var pieces = map[string][]string{
	"":            {"a", "Z9", " ", "é", "😀", `"`, `\`, "<b>", "&amp;", "'", "\n", "\t", "/", "%41", "+", "=", "]]>", "\u2028"},
	"uri":         {"a", "Z9", " ", "é", "😀", `"`, "/", "%41", "+", "=", "&", "?", "#", ";", "..", "~", ":", "@", "*"},
	"querystring": {"a", "Z9", " ", "é", "😀", `"`, "/", "%41", "+", "=", "&", "?", "#", ";", "\n"},
	"header":      {"a", "Z9", "-", `"`, ",", "=", ";", "/", "\\"},
	"headers":     {"a", "Z9", "-", `"`, ",", "=", ";", "/"},
}

func (g *generator) word(at place) string {
	var b strings.Builder
	from := pieces[at.location]
	for range g.IntN(5) {
		b.WriteString(from[g.IntN(len(from))])
	}
	if at.location == "" && g.IntN(20) == 0 {
		b.WriteString(strings.Repeat("long ", 500))
	}
	return strings.Trim(b.String(), " ")
}

func (g *generator) float(kind string) float64 {
	n := (g.Float64() - 0.5) * math.Pow(10, float64(g.IntN(20)-8))
	if kind == "float" {
		return float64(float32(n))
	}
	return n
}

func (g *generator) bytes(at place) string {
	b := make([]byte, g.IntN(20))
	for i := range b {
		b[i] = byte(g.Uint32())
		if at.payload && g.output {
			b[i] &= 0x7f // botocore takes such a payload for text
		}
	}
	if g.output && len(b) == 0 {
		return "\x00"
	}
	return string(b)
}

// time makes a time between 1970 and 2100. Only some forms have milliseconds in
// botocore.
func (g *generator) time(s *shape, at place) any {
	ms := 1000 + g.Int64N(4_102_444_800_000)
	format := at.TimestampFormat
	if format == "" {
		format = s.TimestampFormat
	}
	if format == "" && (at.location == "querystring" || at.location == "uri" || !g.m.json() && at.location == "") {
		format = "iso8601"
	}
	exact := format == "iso8601" || g.output && at.location == "" && format != "rfc822"
	if !exact {
		ms -= ms % 1000
	}
	return instant(ms)
}

// canonical returns a value without what a protocol cannot tell from absent, in a
// form that can be compared: an empty list in XML, for example.
func (m *model) canonical(name string, at member, value any, top bool) any {
	s := m.Shapes[name]
	switch v := value.(type) {
	case map[string]any:
		return m.canonicalMap(s, v, top)
	case []any:
		list := []any{}
		for _, e := range v {
			list = append(list, m.canonical(s.Member.Shape, s.Member, e, false))
		}
		return list
	case document:
		var parsed any
		if err := json.Unmarshal([]byte(v), &parsed); err != nil {
			panic(err)
		}
		return parsed
	case float:
		if s.Type == "float" {
			return fmt.Sprint(float32(v))
		}
		return fmt.Sprint(float64(v))
	}
	return value
}

func (m *model) canonicalMap(s *shape, v map[string]any, top bool) any {
	kept := map[string]any{}
	for key, e := range v {
		part := s.Value
		if s.Type == "structure" {
			part = s.Members[key]
		}
		c := m.canonical(part.Shape, part, e, false)
		inBody := m.location(part) == "" && s.Type == "structure" && !(top && key == s.Payload)
		if s.Type == "structure" && empty(c) && !(m.json() && inBody) {
			continue
		}
		kept[key] = c
	}
	return kept
}

func empty(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	case string:
		return v == ""
	case blob:
		return v == ""
	}
	return false
}
