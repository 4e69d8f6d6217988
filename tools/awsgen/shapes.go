package main

import (
	"maps"
	"slices"
	"strings"
)

const shapesComment = `// Members of a structure that can be part of an input are pointers; nil is absent,
// or null. In the structures of outputs alone, a string that is "" and a time
// that is 0 are absent, while numbers and booleans are pointers, for 0 is an
// answer. Lists and maps are absent when nil, and present when empty.

`

// printShapes prints the Go types: one struct per structure, one string type per
// enum.
func printShapes(p *printer, m *model) {
	p.printf(shapesComment)
	roles := m.roles()
	for _, s := range m.shapesWhere(func(s *shape) bool { return s.inInput || s.inOutput }) {
		switch {
		case s.Type == "structure" && !s.Document:
			p.printf("// %s is %s.", typeName(s), roles[s.name])
			if s.Union {
				p.printf(" It is a union: exactly\n// one member is set.")
			}
			p.printf("\n")
			printStruct(p, m, s)
		case s.Enum != nil:
			p.printf("// %s is an enum, %s.\n", typeName(s), roles[s.name])
			printEnum(p, m, s)
		}
	}
	printSensitive(p, m)
}

// roles says of each shape what it is part of.
func (m *model) roles() map[string]string {
	roles := map[string]string{}
	for name, s := range m.shapes {
		var sides []string
		if s.inInput {
			sides = append(sides, "inputs")
		}
		if s.inOutput {
			sides = append(sides, "outputs")
		}
		roles[name] = "part of " + strings.Join(sides, " and ")
	}
	for _, name := range m.operationNames() {
		op := m.operations[name]
		roles[op.Input.Shape] = "the input of " + name
		if op.Output != nil {
			roles[op.Output.Shape] = "the output of " + name
		}
	}
	return roles
}

func printStruct(p *printer, m *model, s *shape) {
	p.printf("type %s struct {\n", typeName(s))
	for _, name := range s.memberNames() {
		p.printf("%s %s\n", fieldName(name), m.goType(m.shape(s.Members[name]), s.inInput))
	}
	extra := m.config.extra[s.name]
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		p.printf("%s *%s // not AWS's\n", fieldName(name), extra[name].goType)
	}
	p.printf("}\n\n")
}

func printEnum(p *printer, m *model, s *shape) {
	p.printf("type %s string\n\nconst (\n", typeName(s))
	for _, value := range s.Enum {
		p.printf("%s %s = %q\n", enumConstant(s, value), typeName(s), value)
	}
	for _, value := range m.config.extraValues[s.name] {
		p.printf("%s %s = %q // extended compatibility only\n", enumConstant(s, value), typeName(s), value)
	}
	p.printf(")\n\n")
}

// printSensitive prints which members audit records have to hide.
func printSensitive(p *printer, m *model) {
	p.printf("// sensitive are the members that the model marks so, as Type.Field.\n")
	p.printf("var sensitive = map[string]bool{\n")
	for _, s := range m.shapesWhere(func(s *shape) bool { return s.inInput || s.inOutput }) {
		for _, name := range s.memberNames() {
			if m.shape(s.Members[name]).Sensitive {
				p.printf("%q: true,\n", typeName(s)+"."+fieldName(name))
			}
		}
	}
	p.printf("}\n")
}
