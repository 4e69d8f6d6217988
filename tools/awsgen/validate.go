package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// printValidation prints the checks of inputs: the limits of each shape that has
// some, as data, a method validate per structure, and a function check… per list
// or map that is part of another.
func printValidation(p *printer, m *model) {
	if m.needsValidation() {
		p.printf("// The methods validate add what is wrong to the violations, all of it. Members\n")
		p.printf("// that are absent violate nothing unless they are required.\n\n")
	}
	uses := m.limitUses()
	printPatterns(p, m, uses)
	nested := m.nestedShapes()
	for _, s := range m.shapesWhere(func(s *shape) bool { return s.inInput }) {
		if uses[s] {
			printLimits(p, m, s)
		}
		switch {
		case s.Type == "structure" && m.validated(s):
			printValidate(p, m, s)
		case nested[s] && m.constrained(s):
			printCheck(p, m, s)
		}
	}
}

func (m *model) needsValidation() bool {
	return len(m.shapesWhere(func(s *shape) bool { return s.inInput && s.Type == "structure" && m.validated(s) })) > 0
}

// constrained reports whether a value of the shape can violate anything.
func (m *model) constrained(s *shape) bool { return m.constrainedBelow(s, map[*shape]bool{}) }

func (m *model) constrainedBelow(s *shape, seen map[*shape]bool) bool {
	if seen[s] {
		return false
	}
	seen[s] = true
	if s.Pattern != "" || s.Enum != nil || s.Max != nil || s.minimum() != nil || len(s.Required) > 0 || s.Union {
		return true
	}
	for _, name := range s.memberNames() {
		if m.constrainedBelow(m.shape(s.Members[name]), seen) {
			return true
		}
	}
	return m.elementsMatter(s, seen)
}

// elementsMatter reports whether the elements of a list or map can violate
// anything: those that are strings or structures can be null.
func (m *model) elementsMatter(s *shape, seen map[*shape]bool) bool {
	for _, part := range []*ref{s.Member, s.Key, s.Value} {
		if part == nil {
			continue
		}
		if e := m.shape(part); e.Type == "string" || e.Type == "structure" || m.constrainedBelow(e, seen) {
			return true
		}
	}
	return false
}

// validated reports whether the structure has a method validate: it does if
// it can violate anything, or is an element that can be null.
func (m *model) validated(s *shape) bool {
	return !s.Document && (m.constrained(s) || m.elementShapes()[s])
}

// elementShapes returns the shapes of inputs that are elements of lists, or keys
// or values of maps.
func (m *model) elementShapes() map[*shape]bool {
	elements := map[*shape]bool{}
	for _, s := range m.shapesWhere(func(s *shape) bool { return s.inInput }) {
		for _, part := range []*ref{s.Member, s.Key, s.Value} {
			if part != nil {
				elements[m.shape(part)] = true
			}
		}
	}
	return elements
}

// nestedShapes returns the lists and maps of inputs that are elements of others.
func (m *model) nestedShapes() map[*shape]bool {
	nested := m.elementShapes()
	for s := range nested {
		if s.Type != "list" && s.Type != "map" {
			delete(nested, s)
		}
	}
	return nested
}

// limitUses returns the shapes whose limits the checks name.
func (m *model) limitUses() map[*shape]bool {
	uses := map[*shape]bool{}
	elements := m.elementShapes()
	for _, s := range m.shapesWhere(func(s *shape) bool { return s.inInput }) {
		switch s.Type {
		case "structure":
		case "string", "integer", "long", "float", "double", "blob":
			uses[s] = m.constrained(s) || elements[s] && (s.Type == "string" || m.constrained(s))
		case "list", "map":
			uses[s] = m.constrained(s)
		}
	}
	for s, used := range uses {
		if !used {
			delete(uses, s)
		}
	}
	return uses
}

func limitsName(s *shape) string { return "limits" + upperFirst(s.name) }

// printPatterns prints a variable per pattern.
func printPatterns(p *printer, m *model, uses map[*shape]bool) {
	for _, s := range m.shapesWhere(func(s *shape) bool { return uses[s] && s.Pattern != "" }) {
		p.printf("var pattern%s = constraint.Pattern{Text: %s", upperFirst(s.name), goString(s.Pattern))
		if matcher := m.config.matchers[s.Pattern]; matcher != "" {
			p.printf(", Match: %s", matcher)
		}
		p.printf("}\n\n")
	}
}

// printLimits prints the limits of a shape.
func printLimits(p *printer, m *model, s *shape) {
	kind := "Size"
	var fields []string
	add := func(format string, args ...any) { fields = append(fields, fmt.Sprintf(format, args...)) }
	if m.config.namesShapes {
		add("Shape: %q", s.name)
	}
	switch {
	case s.isNumber():
		kind = "Number"
		add("Min: %s, Max: %s", bound(s.Min, "math.MinInt64"), bound(s.Max, "math.MaxInt64"))
	default:
		if s.Type == "string" {
			kind = "String"
		}
		if least := s.minimum(); least != nil {
			add("Min: %d", *least)
		} else if s.Min != nil && s.Type == "string" {
			add("StatesMin: true")
		}
		if s.Max != nil {
			add("Max: %d", *s.Max)
		}
	}
	if s.Pattern != "" {
		add("Pattern: &pattern%s", upperFirst(s.name))
	}
	if s.Enum != nil {
		add("Enum: []string{%s}", quoteAll(s.Enum))
	}
	if extra := m.config.extraValues[s.name]; extra != nil {
		add("ExtendedEnum: []string{%s}", quoteAll(extra))
	}
	if m.config.open[s.name] {
		add("ExtendedAny: true")
	}
	if m.config.namesShapes && s.Type == "list" {
		add("Element: %q", listElementName(s))
	}
	p.printf("var %s = constraint.%s{%s}\n\n", limitsName(s), kind, strings.Join(fields, ", "))
}

// bound is a limit of a number in Go.
func bound(limit *int64, none string) string {
	switch {
	case limit == nil:
		return none
	case *limit == math.MaxInt64:
		return "math.MaxInt64"
	}
	return strconv.FormatInt(*limit, 10)
}

func quoteAll(values []string) string {
	quoted := make([]string, len(values))
	for i, value := range values {
		quoted[i] = strconv.Quote(value)
	}
	return strings.Join(quoted, ", ")
}

// goString is a Go literal of s, raw where that reads better.
func goString(s string) string {
	if strings.Contains(s, `\`) && strconv.CanBackquote(s) {
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}

func printValidate(p *printer, m *model, s *shape) {
	p.printf("func (m *%s) validate(v *constraint.Violations) {\n", typeName(s))
	bound, body := m.boundMembers(s), m.bodyMembers(s)
	for _, name := range bound {
		printMemberChecks(p, m, s, name)
	}
	if m.config.namesShapes && m.inputNames()[s.name] && len(body) > 0 {
		p.printf("v.InBody = true\n")
	}
	for _, name := range body {
		printMemberChecks(p, m, s, name)
	}
	if s.Union {
		printUnion(p, s)
	}
	p.printf("}\n\n")
}

func printMemberChecks(p *printer, m *model, s *shape, name string) {
	if slices.Contains(s.Required, name) {
		printRequired(p, m, s, name)
	}
	if target := m.shape(s.Members[name]); m.constrained(target) && (target.Type != "structure" || m.validated(target)) {
		p.printf("%s\n", m.checkCall(target, strconv.Quote(lowerFirst(name)), "m."+fieldName(name)))
	}
}

func printRequired(p *printer, m *model, s *shape, name string) {
	condition := "m." + fieldName(name) + " == nil"
	if m.config.optional[s.name+"."+name] {
		condition = "v.Strict && " + condition
	}
	p.printf("if %s {\nv.Null(%q)\n}\n", condition, lowerFirst(name))
}

// printUnion prints the check that exactly one member is set.
func printUnion(p *printer, s *shape) {
	var fields []string
	for _, name := range s.memberNames() {
		fields = append(fields, "m."+fieldName(name)+" != nil")
	}
	p.printf("v.Union(constraint.Count(%s), %q)\n", strings.Join(fields, ", "), "["+strings.Join(s.memberNames(), ", ")+"]")
}

// checkCall is the statement that checks a value of a shape.
func (m *model) checkCall(s *shape, name, value string) string {
	limits := "&" + limitsName(s)
	switch s.Type {
	case "structure":
		return fmt.Sprintf("constraint.Struct(v, %s, %s, (*%s).validate)", name, value, typeName(s))
	case "string":
		if s.Enum != nil {
			return fmt.Sprintf("constraint.Enum(v, %s, %s, %s)", name, value, limits)
		}
		return fmt.Sprintf("v.String(%s, %s, %s)", name, value, limits)
	case "integer", "long":
		return fmt.Sprintf("v.Int(%s, %s, %s)", name, value, limits)
	case "float", "double":
		return fmt.Sprintf("v.Float(%s, %s, %s)", name, value, limits)
	case "blob":
		return fmt.Sprintf("v.Blob(%s, %s, %s)", name, value, limits)
	case "list":
		return m.listCheckCall(s, name, value, limits)
	default:
		return m.mapCheckCall(s, name, value, limits)
	}
}

func (m *model) listCheckCall(s *shape, name, value, limits string) string {
	switch e := m.shape(s.Member); {
	case e.Type == "structure" && !e.Document:
		return fmt.Sprintf("constraint.Structs(v, %s, %s, %s, (*%s).validate)", name, value, limits, typeName(e))
	case e.Type == "string":
		return fmt.Sprintf("constraint.Strings(v, %s, %s, %s, &%s)", name, value, limits, limitsName(e))
	case (e.Type == "integer" || e.Type == "long") && m.constrained(e):
		return fmt.Sprintf("constraint.Ints(v, %s, %s, %s, &%s)", name, value, limits, limitsName(e))
	default:
		return fmt.Sprintf("constraint.List(v, %s, %s, %s, %s)", name, value, limits, m.elementCheck(e))
	}
}

func (m *model) mapCheckCall(s *shape, name, value, limits string) string {
	key, e := m.shape(s.Key), m.shape(s.Value)
	if e.Type == "string" {
		return fmt.Sprintf("constraint.Map(v, %s, %s, %s, &%s, &%s)", name, value, limits, limitsName(key), limitsName(e))
	}
	check := m.elementCheck(e)
	if e.Type == "structure" && !e.Document {
		check = fmt.Sprintf("constraint.StructEntry((*%s).validate)", typeName(e))
	}
	return fmt.Sprintf("constraint.Entries(v, %s, %s, %s, &%s, %s)", name, value, limits, limitsName(key), check)
}

// elementCheck is the function that checks an element, or nil if it can violate
// nothing.
func (m *model) elementCheck(e *shape) string {
	if (e.Type == "list" || e.Type == "map") && m.constrained(e) {
		return "check" + upperFirst(e.name)
	}
	return "nil"
}

// printCheck prints the check of a list or map that is an element of another.
func printCheck(p *printer, m *model, s *shape) {
	p.printf("func check%s(v *constraint.Violations, name string, value %s) {\n", upperFirst(s.name), m.elementType(s, true))
	p.printf("if value == nil {\nv.Null(name)\n}\n%s\n}\n\n", m.checkCall(s, "name", "value"))
}
