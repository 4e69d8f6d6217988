package main

import (
	"fmt"
	"strings"
	"unicode"
)

// protocol is what the generator knows about one of AWS's protocols.
type protocol struct {
	// codec is the package that reads bodies and writes them, query apart.
	codec string
	// reader is the type that decoders read from.
	reader string
	rest   bool // inputs and outputs have members outside the body
	json   bool // bodies are JSON
	// bodyTime is the default format of times in bodies.
	bodyTime string
}

// protocols is keyed by the names of models.
var protocols = map[string]protocol{
	"json":      {codec: "awsjson", reader: "*awsjson.Reader", json: true, bodyTime: "Epoch"},
	"rest-json": {codec: "awsjson", reader: "*awsjson.Reader", json: true, rest: true, bodyTime: "Epoch"},
	"rest-xml":  {codec: "awsxml", reader: "*awsxml.Reader", rest: true, bodyTime: "ISO8601"},
	"query":     {codec: "query", reader: "query.Fields", bodyTime: "ISO8601"},
}

// timestampFormat is the constant of package timestamp for a member, empty if its
// format is not known.
func (m *model) timestampFormat(member *ref, target *shape) string {
	format := member.TimestampFormat
	if format == "" {
		format = target.TimestampFormat
	}
	switch format {
	case "":
		switch {
		case m.bound(member) && (member.Location == "header" || member.Location == "headers"):
			return "timestamp.HTTPDate"
		case m.bound(member):
			return "timestamp.ISO8601"
		}
		return "timestamp." + m.protocol.bodyTime
	case "iso8601":
		return "timestamp.ISO8601"
	case "rfc822":
		return "timestamp.HTTPDate"
	case "unixTimestamp":
		return "timestamp.Epoch"
	}
	return ""
}

// goType is the type of a struct field that holds the shape. Inputs must distinguish absent
// from empty, so their scalars are pointers. Shapes of outputs alone use zero for absent,
// but for numbers and booleans, whose zero is an answer.
func (m *model) goType(s *shape, input bool) string {
	switch s.Type {
	case "structure":
		if s.Document {
			return "json.RawMessage"
		}
		return "*" + typeName(s)
	case "list", "map", "blob":
		return m.elementType(s, input)
	case "string", "timestamp":
		if !input {
			return m.elementType(s, input)
		}
	}
	return "*" + m.elementType(s, input)
}

// elementType is the type of the shape in a list or map. Structures of an input
// are pointers, since an element can be null until validation refuses it.
func (m *model) elementType(s *shape, input bool) string {
	switch s.Type {
	case "structure":
		if s.Document {
			return "json.RawMessage"
		}
		if s.inInput {
			return "*" + typeName(s)
		}
		return typeName(s)
	case "integer", "long":
		return "int64"
	case "float", "double":
		return "float64"
	case "boolean":
		return "bool"
	case "timestamp":
		return "timestamp.Milliseconds"
	case "blob":
		return "[]byte"
	case "list":
		return "[]" + m.elementType(m.shape(s.Member), input)
	case "map":
		return fmt.Sprintf("map[%s]%s", stringType(m.shape(s.Key)), m.elementType(m.shape(s.Value), input))
	}
	return stringType(s)
}

// stringType is the Go type of a string shape, which has one of its own only as
// an enum.
func stringType(s *shape) string {
	if s.Enum != nil {
		return typeName(s)
	}
	return "string"
}

// typeName is the name of a shape's Go type.
func typeName(s *shape) string { return upperFirst(s.name) }

// fieldName is the name of a member's field.
func fieldName(member string) string { return upperFirst(member) }

// wireName is how a member is named on the wire.
func wireName(name string, member *ref) string {
	if member.LocationName != "" {
		return member.LocationName
	}
	return name
}

// enumConstant names the constant of an enum's value: NamespaceType, DNS_PUBLIC →
// NamespaceTypeDnsPublic; CloudWatchRegion, us-east-1 → CloudWatchRegionUsEast1.
func enumConstant(s *shape, value string) string {
	var name strings.Builder
	name.WriteString(typeName(s))
	words := strings.FieldsFunc(value, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
	for _, word := range words {
		if word == strings.ToUpper(word) {
			word = strings.ToLower(word)
		}
		name.WriteString(upperFirst(word))
	}
	if len(words) == 0 {
		name.WriteString("Any") // "*"
	}
	return name.String()
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// lowerFirst spells a member's name as AWS's validation does: ResourceARN →
// resourceARN, TTL → tTL.
func lowerFirst(name string) string { return strings.ToLower(name[:1]) + name[1:] }
