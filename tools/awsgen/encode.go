package main

import (
	"fmt"
	"maps"
	"slices"
)

// printEncoders prints how the structures of outputs are written: absent members
// are left out, lists and maps that are empty but not nil are written.
func printEncoders(p *printer, m *model) {
	p.printf("import \"github.com/cairn-discovery/cairn/edge/aws/awsjson\"\n\n")
	p.printf("// The methods append their structure in JSON, without the members that are absent.\n\n")
	for _, s := range m.shapesWhere(func(s *shape) bool { return s.inOutput && s.Type == "structure" }) {
		p.printf("func (m *%s) append(b []byte) []byte {\n", s.name)
		if len(s.Members) == 0 {
			p.printf("return append(b, '{', '}')\n}\n\n")
			continue
		}
		p.printf("b = append(b, '{')\n")
		for _, name := range s.memberNames() {
			printAppendMember(p, m, s, name)
		}
		for _, name := range slices.Sorted(maps.Keys(m.config.extra[s.name])) {
			p.printf("if m.%s != nil {\nb = awsjson.AppendName(b, %q)\nb = m.%s.append(b)\n}\n", name, name, name)
		}
		p.printf("return append(b, '}')\n}\n\n")
	}
	for _, s := range m.shapesWhere(func(s *shape) bool { return s.inOutput && s.Type == "list" }) {
		if m.shape(*s.Member).Type == "structure" {
			printListEncoder(p, m, s)
		}
	}
}

func printAppendMember(p *printer, m *model, s *shape, name string) {
	member := m.shape(s.Members[name])
	absent := "nil"
	value := "m." + name
	switch {
	case member.Type == "timestamp":
		absent = "0"
	case member.Type == "string" && s.inInput, member.Type == "integer", member.Type == "long":
		value = "*" + value
	case member.Type == "string":
		absent = `""`
	}
	p.printf("if m.%s != %s {\nb = awsjson.AppendName(b, %q)\n", name, absent, name)
	p.printf("b = %s\n}\n", m.appendExpression(member, value))
}

// appendExpression is the Go expression that appends a value of shape s to b.
func (m *model) appendExpression(s *shape, value string) string {
	switch s.Type {
	case "structure":
		return value + ".append(b)"
	case "integer", "long":
		return fmt.Sprintf("awsjson.AppendInt(b, %s)", value)
	case "timestamp":
		return fmt.Sprintf("awsjson.AppendTimestamp(b, %s)", value)
	case "map":
		return fmt.Sprintf("awsjson.AppendMap(b, %s)", value)
	case "list":
		if m.shape(*s.Member).Type == "structure" {
			return fmt.Sprintf("append%s(b, %s)", s.name, value)
		}
		return fmt.Sprintf("awsjson.AppendStrings(b, %s)", value)
	default:
		return fmt.Sprintf("awsjson.AppendString(b, %s)", value)
	}
}

func printListEncoder(p *printer, m *model, s *shape) {
	p.printf(`func append%s(b []byte, list []%s) []byte {
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = list[i].append(b)
	}
	return append(b, ']')
}

`, s.name, m.elementType(s))
}
