package main

import (
	"fmt"
	"strconv"
)

// printAppendContent prints how the content of a structure is written in XML, in
// the order of the model: some clients cut answers by plain text.
func printAppendContent(p *printer, m *model, s *shape) {
	p.printf("func (m *%s) append(b []byte) []byte {\n", typeName(s))
	for _, name := range m.writeOrder(s) {
		member := s.Members[name]
		if member.XMLAttribute || m.bound(member) {
			continue
		}
		p.printf("if %s {\n", m.present(s, name))
		printAppendChild(p, m, member, strconv.Quote(m.childName(name, member)), m.value(s, name))
		p.printf("}\n")
	}
	p.printf("return b\n}\n\n")
}

// writeOrder returns the names of a structure's members as they are written.
func (m *model) writeOrder(s *shape) []string {
	if order := m.config.order[s.name]; order != nil {
		return order
	}
	return s.order
}

// printAppendElement prints how a structure is written as an element, with its
// attributes.
func printAppendElement(p *printer, m *model, s *shape) {
	p.printf("func (m *%s) appendElement(b []byte, name string) []byte {\n", typeName(s))
	attributes := 0
	for _, name := range s.memberNames() {
		if member := s.Members[name]; member.XMLAttribute {
			if attributes++; attributes == 1 {
				p.printf("b = append(append(b, '<'), name...)\n")
				printNamespace(p, s)
			}
			p.printf("if %s {\nb = awsxml.AppendAttribute(b, %q, %s)\n}\n", m.present(s, name), wireName(name, member), m.value(s, name))
		}
	}
	if attributes == 0 {
		p.printf("return awsxml.Close(m.append(awsxml.Open(b, name)), name)\n}\n\n")
		return
	}
	p.printf("return awsxml.Close(m.append(append(b, '>')), name)\n}\n\n")
}

func printNamespace(p *printer, s *shape) {
	ns := s.XMLNamespace
	for _, name := range s.memberNames() {
		if ns == nil {
			ns = s.Members[name].XMLNamespace
		}
	}
	if ns == nil {
		return
	}
	name := "xmlns"
	if ns.Prefix != "" {
		name += ":" + ns.Prefix
	}
	p.printf("b = awsxml.AppendAttribute(b, %q, %q)\n", name, ns.URI)
}

// printAppendChild prints the statements that append a value as an element. Name
// is a Go expression.
func printAppendChild(p *printer, m *model, member *ref, name, value string) {
	s := m.shape(member)
	switch s.Type {
	case "list":
		printAppendList(p, m, member, name, value)
	case "map":
		printAppendMap(p, m, member, name, value)
	case "structure":
		p.printf("b = %s.appendElement(b, %s)\n", value, name)
	case "timestamp":
		p.printf("b = awsxml.AppendTime(b, %s, %s, %s)\n", name, value, m.timestampFormat(member, s))
	default:
		p.printf("b = awsxml.%s(b, %s, %s)\n", scalarWriters[s.Type], name, value)
	}
}

var scalarWriters = map[string]string{
	"string": "AppendText", "integer": "AppendInt", "long": "AppendInt", "float": "AppendFloat",
	"double": "AppendFloat", "boolean": "AppendBool", "blob": "AppendBlob",
}

func printAppendList(p *printer, m *model, member *ref, name, value string) {
	s := m.shape(member)
	child := strconv.Quote(listElementName(s))
	if m.flattened(member) {
		child = name
	} else {
		p.printf("b = awsxml.Open(b, %s)\n", name)
	}
	p.printf("for i := range %s {\n", value)
	printAppendPart(p, m, s.Member, child, value+"[i]")
	p.printf("}\n")
	if !m.flattened(member) {
		p.printf("b = awsxml.Close(b, %s)\n", name)
	}
}

func printAppendMap(p *printer, m *model, member *ref, name, value string) {
	s := m.shape(member)
	entry := `"entry"`
	if m.flattened(member) {
		entry = name
	} else {
		p.printf("b = awsxml.Open(b, %s)\n", name)
	}
	p.printf("for _, key := range slices.Sorted(maps.Keys(%s)) {\n", value)
	p.printf("b = awsxml.AppendText(awsxml.Open(b, %s), %q, key)\n", entry, wireName("key", s.Key))
	element := value + "[key]"
	if e := m.shape(s.Value); e.Type == "structure" && !e.inInput {
		p.printf("value := %s\n", element)
		element = "value"
	}
	printAppendPart(p, m, s.Value, strconv.Quote(wireName("value", s.Value)), element)
	p.printf("b = awsxml.Close(b, %s)\n}\n", entry)
	if !m.flattened(member) {
		p.printf("b = awsxml.Close(b, %s)\n", name)
	}
}

// printAppendPart prints the statements that append an element of a list or map.
func printAppendPart(p *printer, m *model, part *ref, name, value string) {
	if s := m.shape(part); s.Type == "list" || s.Type == "map" {
		p.printf("b = %s\n", fmt.Sprintf("append%s(b, %s, %s)", upperFirst(s.name), name, value))
		return
	}
	printAppendChild(p, m, part, name, value)
}
