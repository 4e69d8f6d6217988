package main

import (
	"fmt"
	"slices"
	"strings"
)

// printValidation prints the checks of inputs: a method validate per structure, a
// function check… per other shape that is a member and has constraints, and a
// rule… per string shape that is in lists or maps.
func printValidation(p *printer, m *model) {
	p.printf("// What is wrong goes to the validation, all of it, in AWS's words. Absent members\n")
	p.printf("// break nothing unless they are required.\n\n")
	members, elements := m.uses()
	for _, s := range m.shapesWhere(func(s *shape) bool { return s.inInput }) {
		if s.Type == "structure" {
			printValidate(p, m, s)
		}
		if s.Type == "string" && elements[s] {
			printRule(p, m, s)
		}
		if members[s] && m.constrained(s) {
			printCheck(p, m, s)
		}
	}
}

func printCheck(p *printer, m *model, s *shape) {
	switch {
	case s.Type == "list":
		printCheckList(p, m, s)
	case s.Type == "map":
		printCheckMap(p, m, s)
	case s.Enum != nil:
		printCheckEnum(p, m, s)
	case s.Type == "string":
		printCheckString(p, m, s)
	case s.Type == "integer", s.Type == "long":
		printCheckNumber(p, s)
	}
}

// uses returns which shapes of inputs are members of structures, and which
// are elements of lists or keys or values of maps.
func (m *model) uses() (members, elements map[*shape]bool) {
	members, elements = map[*shape]bool{}, map[*shape]bool{}
	for _, s := range m.shapesWhere(func(s *shape) bool { return s.inInput }) {
		for _, member := range s.Members {
			members[m.shape(member)] = true
		}
		for _, part := range []*ref{s.Member, s.Key, s.Value} {
			if part != nil {
				elements[m.shape(*part)] = true
			}
		}
	}
	return members, elements
}

func printValidate(p *printer, m *model, s *shape) {
	p.printf("func (m *%s) validate(v *validation) {\n", s.name)
	for _, name := range s.memberNames() {
		if slices.Contains(s.Required, name) {
			printRequired(p, m, s, name)
		}
		member := m.shape(s.Members[name])
		switch {
		case !m.constrained(member):
		case member.Type == "structure":
			p.printf("if m.%[1]s != nil {\nv.enter(%[2]q)\nm.%[1]s.validate(v)\nv.leave()\n}\n", name, lowerFirst(name))
		default:
			p.printf("check%s(v, %q, m.%s)\n", member.name, lowerFirst(name), name)
		}
	}
	p.printf("}\n\n")
}

func printRequired(p *printer, m *model, s *shape, name string) {
	condition := "m." + name + " == nil"
	if m.config.optional[s.name+"."+name] {
		condition = "v.strict && " + condition
	}
	p.printf("if %s {\nv.null(%q)\n}\n", condition, lowerFirst(name))
}

func printCheckList(p *printer, m *model, s *shape) {
	element := m.shape(*s.Member)
	p.printf("func check%s(v *validation, name string, list %s) {\n", s.name, m.goType(s, true))
	p.printf("if list == nil {\nreturn\n}\n")
	if element.Type == "structure" {
		printLength(p, s, "len(list)", "countText(len(list))")
		printElements(p)
	} else {
		printLength(p, s, "len(list)", "listText(list)")
		p.printf("v.elements(name, list, rule%s)\n", element.name)
	}
	p.printf("}\n\n")
}

// printElements prints the check of a list's structures.
func printElements(p *printer) {
	p.printf(`v.enter(name)
	for i, element := range list {
		v.enterElement(i)
		if element == nil {
			v.null("")
		} else {
			element.validate(v)
		}
		v.leave()
	}
	v.leave()
`)
}

func printCheckMap(p *printer, m *model, s *shape) {
	p.printf("func check%s(v *validation, name string, m %s) {\n", s.name, m.goType(s, true))
	p.printf("if m == nil {\nreturn\n}\n")
	printLength(p, s, "len(m)", "mapText(m)")
	p.printf("v.entries(name, m, rule%s, rule%s)\n}\n\n", s.Key.Shape, s.Value.Shape)
}

// printRule prints what a string must meet in a list or map.
func printRule(p *printer, m *model, s *shape) {
	p.printf("var rule%s = rule{\nvalid: func(s string) bool { return %s },\n", s.name, m.condition(s))
	p.printf("text: %s,\n}\n\n", goString(memberConstraints(s)))
}

// condition is the Go expression that s, a string, meets the constraints of its
// shape.
func (m *model) condition(s *shape) string {
	var all []string
	if s.Max != nil {
		all = append(all, fmt.Sprintf("length(s) <= %d", *s.Max))
	}
	if least := s.minimum(); least != nil {
		all = append(all, fmt.Sprintf("length(s) >= %d", *least))
	}
	if s.Pattern != "" {
		all = append(all, m.config.matchers[s.Pattern]+"(s)")
	}
	if len(all) == 0 {
		return "true"
	}
	return strings.Join(all, " && ")
}

func printCheckEnum(p *printer, m *model, s *shape) {
	p.printf("func check%[1]s(v *validation, name string, s *%[1]s) {\n", s.name)
	p.printf("if s == nil {\nreturn\n}\n")
	extra := m.config.extraValues[s.name]
	p.printf("switch *s {\ncase %s:\nreturn\n", enumConstants(s, s.Enum))
	if extra != nil {
		p.printf("case %s:\nif !v.strict {\nreturn\n}\n", enumConstants(s, extra))
	}
	p.printf("}\n")
	if extra != nil {
		p.printf("if !v.strict {\nv.fail(name, string(*s), %s)\nreturn\n}\n", goString(enumConstraint(slices.Concat(s.Enum, extra))))
	}
	p.printf("v.fail(name, string(*s), %s)\n}\n\n", goString(enumConstraint(s.Enum)))
}

func enumConstants(s *shape, values []string) string {
	names := make([]string, len(values))
	for i, value := range values {
		names[i] = enumConstant(s, value)
	}
	return strings.Join(names, ", ")
}

func printCheckString(p *printer, m *model, s *shape) {
	p.printf("func check%s(v *validation, name string, s *string) {\n", s.name)
	p.printf("if s == nil {\nreturn\n}\n")
	if s.Pattern != "" {
		p.printf("if !%s(*s) {\nv.fail(name, *s, %s)\n}\n", m.config.matchers[s.Pattern], goString(patternConstraint(s)))
	}
	printLength(p, s, "length(*s)", "*s")
	p.printf("}\n\n")
}

// printLength prints the checks of a string's, list's or map's length.
func printLength(p *printer, s *shape, length, text string) {
	if s.Max != nil {
		p.printf("if %s > %d {\nv.fail(name, %s, %s)\n}\n", length, *s.Max, text, goString(maxLengthConstraint(s)))
	}
	if least := s.minimum(); least != nil {
		p.printf("if %s < %d {\nv.fail(name, %s, %s)\n}\n", length, *least, text, goString(minLengthConstraint(s)))
	}
}

func printCheckNumber(p *printer, s *shape) {
	p.printf("func check%s(v *validation, name string, n *int64) {\n", s.name)
	p.printf("if n == nil {\nreturn\n}\n")
	if s.Max != nil {
		p.printf("if *n > %d {\nv.fail(name, numberText(*n), \"Member must have value less than or equal to %[1]d\")\n}\n", *s.Max)
	}
	if s.Min != nil {
		p.printf("if *n < %d {\nv.fail(name, numberText(*n), \"Member must have value greater than or equal to %[1]d\")\n}\n", *s.Min)
	}
	p.printf("}\n\n")
}
