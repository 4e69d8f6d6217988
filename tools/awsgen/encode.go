package main

import (
	"fmt"
	"maps"
	"slices"
)

// printEncoders prints how the structures of outputs are written: absent members
// are left out, lists and maps that are empty but not nil are written.
func printEncoders(p *printer, m *model) {
	if m.protocol.json {
		p.printf("// The methods append their structure in JSON, without the members that are absent.\n\n")
	} else {
		p.printf("// The methods append what is inside the element of their structure, without the\n")
		p.printf("// members that are absent.\n\n")
	}
	outputs := m.outputNames()
	for _, s := range m.shapesWhere(func(s *shape) bool { return s.inOutput && s.Type == "structure" && !s.Document }) {
		if outputs[s.name] && m.payload(s) != nil {
			continue // the payload is the body
		}
		if m.protocol.json {
			printAppendObject(p, m, s)
		} else {
			printAppendContent(p, m, s)
			if !outputs[s.name] {
				printAppendElement(p, m, s)
			}
		}
	}
	printElementEncoders(p, m)
}

// outputNames returns the shapes that are the whole output of an operation.
func (m *model) outputNames() map[string]bool {
	names := map[string]bool{}
	for _, op := range m.operations {
		if op.Output != nil {
			names[op.Output.Shape] = true
		}
	}
	return names
}

func printAppendObject(p *printer, m *model, s *shape) {
	p.printf("func (m *%s) append(b []byte) []byte {\n", typeName(s))
	body := m.bodyMembers(s)
	if len(body) == 0 {
		p.printf("return append(b, '{', '}')\n}\n\n")
		return
	}
	p.printf("b = append(b, '{')\n")
	for _, name := range body {
		member := s.Members[name]
		p.printf("if %s {\nb = awsjson.AppendName(b, %q)\n", m.present(s, name), wireName(name, member))
		p.printf("b = %s\n}\n", m.appendValue(member, m.value(s, name)))
	}
	for _, name := range slices.Sorted(maps.Keys(m.config.extra[s.name])) {
		field := fieldName(name)
		p.printf("if m.%s != nil {\nb = awsjson.AppendName(b, %q)\nb = m.%s.append(b)\n}\n", field, name, field)
	}
	p.printf("return append(b, '}')\n}\n\n")
}

// present is the Go condition that a member is there.
func (m *model) present(s *shape, name string) string {
	field := "m." + fieldName(name)
	switch m.goType(m.shape(s.Members[name]), s.inInput) {
	case "timestamp.Milliseconds":
		return field + " != 0"
	case "string", typeName(m.shape(s.Members[name])):
		return field + ` != ""`
	}
	return field + " != nil"
}

// value is the Go expression of a member that is there.
func (m *model) value(s *shape, name string) string {
	field := "m." + fieldName(name)
	target := m.shape(s.Members[name])
	if t := m.goType(target, s.inInput); t[0] == '*' && target.Type != "structure" {
		return "*" + field
	}
	return field
}

// appendValue is the Go expression that appends a member to b in JSON.
func (m *model) appendValue(member *ref, value string) string {
	s := m.shape(member)
	switch s.Type {
	case "structure":
		if s.Document {
			return fmt.Sprintf("awsjson.AppendDocument(b, %s)", value)
		}
		return value + ".append(b)"
	case "integer", "long":
		return fmt.Sprintf("awsjson.AppendInt(b, %s)", value)
	case "float", "double":
		return fmt.Sprintf("awsjson.AppendFloat(b, %s)", value)
	case "boolean":
		return fmt.Sprintf("awsjson.AppendBool(b, %s)", value)
	case "blob":
		return fmt.Sprintf("awsjson.AppendBlob(b, %s)", value)
	case "timestamp":
		return fmt.Sprintf("awsjson.AppendTime(b, %s, %s)", value, m.timestampFormat(member, s))
	case "list", "map":
		return m.appendCollection(s, value)
	default:
		return fmt.Sprintf("awsjson.AppendString(b, %s)", value)
	}
}

func (m *model) appendCollection(s *shape, value string) string {
	if s.Type == "map" {
		if m.shape(s.Value).Type == "string" {
			return fmt.Sprintf("awsjson.AppendMap(b, %s)", value)
		}
		return fmt.Sprintf("awsjson.AppendEntries(b, %s, %s)", value, m.elementWriter(m.shape(s.Value)))
	}
	switch e := m.shape(s.Member); {
	case e.Type == "string":
		return fmt.Sprintf("awsjson.AppendStrings(b, %s)", value)
	case e.Type == "structure" && !e.Document && e.inInput:
		return fmt.Sprintf("awsjson.AppendPointers(b, %s, (*%s).append)", value, typeName(e))
	case e.Type == "structure" && !e.Document:
		return fmt.Sprintf("awsjson.AppendStructs(b, %s, (*%s).append)", value, typeName(e))
	default:
		return fmt.Sprintf("awsjson.AppendList(b, %s, %s)", value, m.elementWriter(e))
	}
}

// elementWriter is the Go function that appends an element in JSON.
func (m *model) elementWriter(s *shape) string {
	switch s.Type {
	case "string":
		return "awsjson.AppendString[" + stringType(s) + "]"
	case "integer", "long":
		return "awsjson.AppendInt"
	case "float", "double":
		return "awsjson.AppendFloat"
	case "boolean":
		return "awsjson.AppendBool"
	case "blob":
		return "awsjson.AppendBlob"
	case "structure":
		if s.Document {
			return "awsjson.AppendDocument"
		}
	}
	return "append" + upperFirst(s.name)
}

// printElementEncoders prints the functions that append elements of lists or maps
// which are neither structures nor simple.
func printElementEncoders(p *printer, m *model) {
	nested := map[*shape]bool{}
	for _, s := range m.shapesWhere(func(s *shape) bool { return s.inOutput }) {
		for _, part := range []*ref{s.Member, s.Value} {
			if part != nil {
				e := m.shape(part)
				nested[e] = nested[e] || m.protocol.json && s.Type == "map" || e.Type != "structure"
			}
		}
	}
	for _, s := range m.shapesWhere(func(s *shape) bool { return nested[s] && !s.Document }) {
		switch s.Type {
		case "structure", "list", "map", "timestamp":
			printElementEncoder(p, m, s)
		}
	}
}

func printElementEncoder(p *printer, m *model, s *shape) {
	of := &ref{Shape: s.name}
	if !m.protocol.json {
		if s.Type != "structure" {
			p.printf("func append%s(b []byte, name string, value %s) []byte {\n", upperFirst(s.name), m.elementType(s, s.inInput))
			printAppendChild(p, m, of, "name", "value")
			p.printf("return b\n}\n\n")
		}
		return
	}
	value := "value"
	if s.Type == "structure" && !s.inInput {
		value = "(&value)"
	}
	p.printf("func append%s(b []byte, value %s) []byte {\nreturn %s\n}\n\n", upperFirst(s.name), m.elementType(s, s.inInput), m.appendValue(of, value))
}
