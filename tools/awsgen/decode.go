package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// printDecoders prints how the structures of inputs are read from bodies and
// forms. An operation's input is decoded in place; a nested structure is made when
// it is there, and is nil when it is null.
func printDecoders(p *printer, m *model) {
	p.printf("// Errors stay in the reader. Members that the model does not have are skipped.\n\n")
	inputs, nested := m.inputNames(), m.elementShapes()
	for _, s := range m.shapesWhere(func(s *shape) bool { return s.inInput && !s.Document }) {
		switch {
		case s.Type == "structure" && inputs[s.name]:
			if m.decodesBody(s) {
				printDecode(p, m, s)
			}
		case s.Type == "structure":
			printNestedDecoder(p, m, s)
			printDecode(p, m, s)
		case nested[s] && (s.Type == "list" || s.Type == "map" || s.Type == "timestamp"):
			p.printf("func decode%s(r %s) %s {\nreturn %s\n}\n\n", upperFirst(s.name), m.protocol.reader,
				m.elementType(s, true), m.nestedExpression(s))
		}
	}
}

// decodesBody reports whether the input is decoded from the body as a structure.
// In AWS JSON a body must be one even if the input has no members.
func (m *model) decodesBody(s *shape) bool {
	return m.payload(s) == nil && (len(m.bodyMembers(s)) > 0 || m.protocol.json && !m.protocol.rest)
}

// inputNames returns the shapes that are the whole input of an operation.
func (m *model) inputNames() map[string]bool {
	names := map[string]bool{}
	for _, op := range m.operations {
		names[op.Input.Shape] = true
	}
	return names
}

func printNestedDecoder(p *printer, m *model, s *shape) {
	p.printf("func decode%[1]s(r %[2]s) *%[1]s {\n", typeName(s), m.protocol.reader)
	switch m.protocol.codec {
	case "awsjson":
		p.printf("if r.Null() {\nreturn nil\n}\n")
	case "query":
		p.printf("if !r.Present() {\nreturn nil\n}\n")
	}
	p.printf("m := new(%s)\nm.decode(r)\nreturn m\n}\n\n", typeName(s))
}

func printDecode(p *printer, m *model, s *shape) {
	p.printf("func (m *%s) decode(r %s) {\n", typeName(s), m.protocol.reader)
	switch m.protocol.codec {
	case "awsjson":
		printObjectLoop(p, m, s)
	case "awsxml":
		printElementLoop(p, m, s)
	default:
		for _, name := range m.bodyMembers(s) {
			p.printf("m.%s = %s\n", fieldName(name), m.readField(name, s.Members[name]))
		}
	}
	p.printf("}\n\n")
}

func printObjectLoop(p *printer, m *model, s *shape) {
	p.printf("for r.BeginObject(); r.NextMember(); {\n")
	if len(s.Members) == 0 {
		p.printf("r.Skip()\n}\n")
		return
	}
	p.printf("switch string(r.Name()) {\n")
	for _, name := range m.bodyMembers(s) {
		p.printf("case %q:\nm.%s = %s\n", wireName(name, s.Members[name]), fieldName(name), m.readExpression(s.Members[name]))
	}
	extra := m.config.extra[s.name]
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		names := quoteAll(append([]string{name}, extra[name].aliases...))
		p.printf("case %s:\nm.%s = decode%s(r)\n", names, fieldName(name), extra[name].goType)
	}
	p.printf("default:\nr.Skip()\n}\n}\n")
}

func printElementLoop(p *printer, m *model, s *shape) {
	for _, name := range s.memberNames() {
		if member := s.Members[name]; member.XMLAttribute {
			p.printf("m.%s = awsxml.Attribute[%s](r, %q)\n", fieldName(name), stringType(m.shape(member)), wireName(name, member))
		}
	}
	p.printf("for r.Begin(); r.NextChild(); {\n")
	defer p.printf("}\n")
	var cases int
	for _, name := range m.bodyMembers(s) {
		member := s.Members[name]
		if member.XMLAttribute {
			continue
		}
		if cases++; cases == 1 {
			p.printf("switch r.Name() {\n")
		}
		p.printf("case %q:\nm.%s = %s\n", m.childName(name, member), fieldName(name), m.readChild(name, member))
	}
	if cases > 0 {
		p.printf("}\n")
	}
}

// childName is the name of the XML element of a member, which for a flattened
// list can be that of the list's elements.
func (m *model) childName(name string, member *ref) string {
	target := m.shape(member)
	if target.Type == "list" && m.flattened(member) && target.Member.LocationName != "" {
		return target.Member.LocationName
	}
	return wireName(name, member)
}

// flattened reports whether a list or map has no element around it.
func (m *model) flattened(member *ref) bool { return member.Flattened || m.shape(member).Flattened }

// listElementName is the XML name of a list's elements.
func listElementName(s *shape) string { return wireName("member", s.Member) }

// readChild is the Go expression that reads the current XML element.
func (m *model) readChild(name string, member *ref) string {
	target := m.shape(member)
	if !m.flattened(member) {
		return m.readExpression(member)
	}
	switch field := "m." + fieldName(name); target.Type {
	case "list":
		return fmt.Sprintf("append(%s, %s(r))", field, m.elementReader(m.shape(target.Member)))
	case "map":
		return fmt.Sprintf("awsxml.AddEntry(r, %s, %q, %q, %s)", field, wireName("key", target.Key),
			wireName("value", target.Value), m.elementReader(m.shape(target.Value)))
	}
	return m.readExpression(member)
}

// readField is the Go expression that reads a member from a form.
func (m *model) readField(name string, member *ref) string {
	target := m.shape(member)
	at := "r.At(" + strconv.Quote(wireName(name, member)) + ")"
	if m.flattened(member) && target.Type == "list" {
		at = "r.At(" + strconv.Quote(m.childName(name, member)) + ")"
	}
	if m.flattened(member) && (target.Type == "list" || target.Type == "map") {
		return m.collection(target, at, true)
	}
	return m.filter(member, m.read(member, at))
}

// readExpression is the Go expression that reads a member from r.
func (m *model) readExpression(member *ref) string { return m.filter(member, m.read(member, "r")) }

// filter passes a value through the function that config.go has for its shape.
func (m *model) filter(member *ref, value string) string {
	if f := m.config.filters[member.Shape]; f != "" {
		return f + "(" + value + ")"
	}
	return value
}

func (m *model) read(member *ref, r string) string {
	s := m.shape(member)
	switch s.Type {
	case "structure":
		if s.Document {
			return r + ".Document()"
		}
		return "decode" + typeName(s) + "(" + r + ")"
	case "integer", "long":
		return m.protocol.codec + ".OptionalInt64(" + r + ")"
	case "float", "double":
		return m.protocol.codec + ".OptionalFloat64(" + r + ")"
	case "boolean":
		return m.protocol.codec + ".OptionalBool(" + r + ")"
	case "timestamp":
		return m.protocol.codec + ".OptionalTime(" + r + ", " + m.timestampFormat(member, s) + ")"
	case "blob":
		return r + ".Blob()"
	case "list", "map":
		return m.collection(s, r, false)
	default:
		return m.protocol.codec + ".OptionalText[" + stringType(s) + "](" + r + ")"
	}
}

// nestedExpression is the Go expression that reads an element which is a list, a
// map or a time.
func (m *model) nestedExpression(s *shape) string {
	if s.Type == "timestamp" {
		return "r.Time(" + m.timestampFormat(&ref{Shape: s.name}, s) + ")"
	}
	return m.collection(s, "r", s.Flattened)
}

// collection is the Go expression that reads a list or map.
func (m *model) collection(s *shape, r string, flat bool) string {
	names := m.elementNames(s, flat)
	if s.Type == "list" {
		return fmt.Sprintf("%s.List(%s%s, %s)", m.protocol.codec, r, names, m.elementReader(m.shape(s.Member)))
	}
	return fmt.Sprintf("%s.Map[%s](%s%s, %s)", m.protocol.codec, stringType(m.shape(s.Key)), r, names, m.elementReader(m.shape(s.Value)))
}

// elementNames are the arguments that name the parts of a list or map on the
// wire. JSON has none.
func (m *model) elementNames(s *shape, flat bool) string {
	if m.protocol.json {
		return ""
	}
	if s.Type == "list" {
		name := listElementName(s)
		if flat {
			name = ""
		}
		return fmt.Sprintf(", %q", name)
	}
	entry := "entry"
	if flat {
		entry = ""
	}
	return fmt.Sprintf(", %q, %q, %q", entry, wireName("key", s.Key), wireName("value", s.Value))
}

// elementReader is the Go function that reads an element of a list or map.
func (m *model) elementReader(s *shape) string {
	switch s.Type {
	case "string":
		return m.protocol.codec + ".Element[" + stringType(s) + "]"
	case "integer", "long":
		return m.readerMethod("Int64")
	case "float", "double":
		return m.readerMethod("Float64")
	case "boolean":
		return m.readerMethod("Bool")
	case "blob":
		return m.readerMethod("Blob")
	case "structure":
		if s.Document {
			return m.readerMethod("Document")
		}
	}
	return "decode" + upperFirst(s.name)
}

func (m *model) readerMethod(name string) string { return "(" + m.protocol.reader + ")." + name }
