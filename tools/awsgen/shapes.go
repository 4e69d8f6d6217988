package main

import (
	"maps"
	"slices"
	"strings"
)

const shapesComment = `// Members of a structure that can be part of an input are pointers; nil is absent,
// or null. In the structures of outputs alone, a string that is "" and a time
// that is 0 are absent, while numbers are pointers, for 0 is an answer. Lists and
// maps are absent when nil, and present when empty.

`

// printShapes prints the Go types: one struct per structure, one string type per
// enum.
func printShapes(p *printer, m *model) {
	p.printf(shapesComment)
	roles := m.roles()
	for _, s := range m.shapesWhere(func(s *shape) bool { return s.inInput || s.inOutput }) {
		switch {
		case s.Type == "structure":
			p.printf("// %s is %s.\n", s.name, roles[s.name])
			printStruct(p, m, s)
		case s.Enum != nil:
			p.printf("// %s is an enum, %s.\n", s.name, roles[s.name])
			printEnum(p, m, s)
		}
	}
}

// roles says of each shape where it stands.
func (m *model) roles() map[string]string {
	roles := map[string]string{}
	for name, s := range m.Shapes {
		var sides []string
		if s.inInput {
			sides = append(sides, "inputs")
		}
		if s.inOutput {
			sides = append(sides, "outputs")
		}
		roles[name] = "part of " + strings.Join(sides, " and ")
	}
	for name, op := range m.Operations {
		roles[op.Input.Shape] = "the input of " + name
		if op.Output != nil {
			roles[op.Output.Shape] = "the output of " + name
		}
	}
	return roles
}

func printStruct(p *printer, m *model, s *shape) {
	p.printf("type %s struct {\n", s.name)
	for _, name := range s.memberNames() {
		member := m.shape(s.Members[name])
		p.printf("%s %s", name, m.goType(member, s.inInput))
		if member.Type == "timestamp" {
			p.printf(" // milliseconds since 1970")
		}
		p.printf("\n")
	}
	extra := m.config.extra[s.name]
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		p.printf("%s *%s // not AWS's\n", name, extra[name])
	}
	p.printf("}\n\n")
}

func printEnum(p *printer, m *model, s *shape) {
	p.printf("type %s string\n\nconst (\n", s.name)
	for _, value := range s.Enum {
		p.printf("%s %s = %q\n", enumConstant(s, value), s.name, value)
	}
	for _, value := range m.config.extraValues[s.name] {
		p.printf("%s %s = %q // extended compatibility only\n", enumConstant(s, value), s.name, value)
	}
	p.printf(")\n\n")
}
