package main

import (
	"fmt"
	"strings"
)

// goType is the type of a struct field that holds the shape. What can arrive in
// an input must tell absent from empty, so its scalars are pointers. Shapes of
// outputs alone use zero for absent, but for numbers, whose zero is an answer.
func (m *model) goType(s *shape, input bool) string {
	switch s.Type {
	case "structure":
		return "*" + s.name
	case "integer", "long":
		return "*int64"
	case "timestamp":
		return "int64"
	case "list":
		return "[]" + m.elementType(s)
	case "map":
		return fmt.Sprintf("map[%s]%s", stringType(m.shape(*s.Key)), stringType(m.shape(*s.Value)))
	}
	if input {
		return "*" + stringType(s)
	}
	return stringType(s)
}

// elementType is the type of a list's elements. Structures of an input are
// pointers, since an element can be null until validation refuses it.
func (m *model) elementType(list *shape) string {
	element := m.shape(*list.Member)
	switch {
	case element.Type != "structure":
		return stringType(element)
	case element.inInput:
		return "*" + element.name
	default:
		return element.name
	}
}

// stringType is the Go type of a string shape, which has one of its own only as
// an enum.
func stringType(s *shape) string {
	if s.Enum != nil {
		return s.name
	}
	return "string"
}

// enumConstant names the constant of an enum's value: NamespaceType, DNS_PUBLIC →
// NamespaceTypeDnsPublic.
func enumConstant(s *shape, value string) string {
	var name strings.Builder
	name.WriteString(s.name)
	for word := range strings.SplitSeq(value, "_") {
		name.WriteString(word[:1] + strings.ToLower(word[1:]))
	}
	return name.String()
}

// lowerFirst spells a member's name as AWS's validation does: ResourceARN →
// resourceARN, TTL → tTL.
func lowerFirst(name string) string { return strings.ToLower(name[:1]) + name[1:] }
