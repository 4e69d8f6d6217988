package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/edge/aws/constraint"
)

// check refuses what the generator cannot express, rather than leave it out.
func (m *model) check() error {
	for _, s := range m.shapesWhere(func(s *shape) bool { return s.inInput || s.inOutput }) {
		if err := m.checkShape(s); err != nil {
			return fmt.Errorf("shape %s: %w", s.name, err)
		}
	}
	inputs := map[string]bool{}
	for _, name := range m.operationNames() {
		op := m.operations[name]
		if err := m.checkOperation(op); err != nil {
			return fmt.Errorf("operation %s: %w", name, err)
		}
		if inputs[op.Input.Shape] && len(m.boundMembers(m.shape(op.Input))) > 0 {
			return fmt.Errorf("operation %s: another one has the same input, whose members are in the URI", name)
		}
		inputs[op.Input.Shape] = true
	}
	return m.checkNames()
}

func (m *model) checkShape(s *shape) error {
	switch s.Type {
	case "structure":
		if err := m.checkStructure(s); err != nil {
			return err
		}
	case "string", "integer", "long", "float", "double", "boolean", "timestamp", "blob":
	case "list":
		if s.Member == nil {
			return fmt.Errorf("a list without a member")
		}
		return m.checkNesting(s, nil)
	case "map":
		if s.Key == nil || s.Value == nil || m.shape(s.Key).Type != "string" {
			return fmt.Errorf("a map needs keys that are strings, and values")
		}
		return m.checkNesting(s, nil)
	default:
		return fmt.Errorf("type %s is not supported", s.Type)
	}
	if s.Max != nil && *s.Max == 0 && !s.isNumber() {
		return fmt.Errorf("a maximum of 0 is not supported")
	}
	return m.checkPattern(s)
}

// checkNesting refuses a list or map that contains itself other than through a
// structure: its type would have no name.
func (m *model) checkNesting(s *shape, around []*shape) error {
	if slices.Contains(around, s) {
		return fmt.Errorf("it contains itself without a structure between")
	}
	for _, part := range []*ref{s.Member, s.Value} {
		if part == nil {
			continue
		}
		if e := m.shape(part); e.Type == "list" || e.Type == "map" {
			if err := m.checkNesting(e, append(around, s)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *model) checkPattern(s *shape) error {
	if !s.inInput || s.Pattern == "" || m.config.matchers[s.Pattern] != "" {
		return nil
	}
	if _, err := regexp.Compile(constraint.WholeString(s.Pattern)); err != nil {
		return fmt.Errorf("the pattern %s is no regular expression of Go, and config.go has no matcher for it", s.Pattern)
	}
	return nil
}

func (m *model) checkStructure(s *shape) error {
	for _, name := range s.Required {
		if s.Members[name] == nil {
			return fmt.Errorf("required member %s is not defined", name)
		}
	}
	if s.Document && len(s.Members) > 0 {
		return fmt.Errorf("a document with members is not supported")
	}
	if s.Document && !m.protocol.json {
		return fmt.Errorf("a document is not supported in protocol %s", m.metadata.Protocol)
	}
	if order := m.config.order[s.name]; order != nil && !slices.Equal(slices.Sorted(slices.Values(order)), s.memberNames()) {
		return fmt.Errorf("the order of members in config.go is not that of its members")
	}
	fields := map[string]string{}
	for _, name := range s.memberNames() {
		if other := fields[fieldName(name)]; other != "" {
			return fmt.Errorf("members %s and %s would be one field", other, name)
		}
		fields[fieldName(name)] = name
		if err := m.checkMember(s, name); err != nil {
			return fmt.Errorf("member %s: %w", name, err)
		}
	}
	if s.Payload != "" && s.Members[s.Payload] == nil {
		return fmt.Errorf("payload %s is not a member", s.Payload)
	}
	return nil
}

func (m *model) checkMember(s *shape, name string) error {
	member := s.Members[name]
	target := m.shape(member)
	if f := m.timestampFormat(member, target); f == "" {
		return fmt.Errorf("timestamp format %s is not supported", member.TimestampFormat+target.TimestampFormat)
	}
	if member.IdempotencyToken && (target.Type != "string" || target.Enum != nil) {
		return fmt.Errorf("an idempotency token that is no string is not supported")
	}
	if !m.protocol.rest {
		return nil
	}
	if name == s.Payload {
		return checkPayload(target)
	}
	return m.checkLocation(s, member, target)
}

func checkPayload(target *shape) error {
	switch {
	case target.Type == "structure" || target.Type == "blob" || target.Type == "string" && target.Enum == nil:
		return nil
	}
	return fmt.Errorf("a payload of type %s is not supported", target.Type)
}

// checkLocation refuses types that cannot be where the member is bound to.
func (m *model) checkLocation(s *shape, member *ref, target *shape) error {
	supported := true
	scalar := target.Type != "structure" && target.Type != "list" && target.Type != "map"
	switch member.Location {
	case "":
	case "uri":
		supported = scalar && target.Type != "blob" && s.inInput
	case "querystring":
		supported = scalar || m.listOfTexts(target) || m.mapOfTexts(target)
	case "header":
		supported = scalar || m.listOfTexts(target)
	case "headers":
		supported = target.Type == "map" && m.plainString(target.Key) && m.plainString(target.Value)
	case "statusCode":
		supported = target.Type == "integer" && s.inOutput
	default:
		return fmt.Errorf("location %s is not supported", member.Location)
	}
	if !supported {
		return fmt.Errorf("a member of type %s in location %s is not supported", target.Type, member.Location)
	}
	return nil
}

func (m *model) plainString(r *ref) bool { s := m.shape(r); return s.Type == "string" && s.Enum == nil }

// listOfTexts reports whether a query or header can have the list.
func (m *model) listOfTexts(s *shape) bool {
	if s.Type != "list" {
		return false
	}
	e := m.shape(s.Member)
	return e.Type == "string" || e.Type == "integer" || e.Type == "long"
}

// mapOfTexts reports whether a query can have the map.
func (m *model) mapOfTexts(s *shape) bool {
	if s.Type != "map" || !m.plainString(s.Key) {
		return false
	}
	v := m.shape(s.Value)
	return m.plainString(s.Value) || v.Type == "list" && m.plainString(v.Member)
}

func (m *model) checkOperation(op *operation) error {
	if m.shape(op.Input).Type != "structure" || op.Output != nil && m.shape(op.Output).Type != "structure" {
		return fmt.Errorf("an input or output that is no structure is not supported")
	}
	if !m.protocol.rest {
		return nil
	}
	path, _, _ := strings.Cut(op.HTTP.RequestURI, "?")
	if op.HTTP.Method == "" || path == "" {
		return fmt.Errorf("it has no method or URI")
	}
	labels := uriLabels(path)
	for _, name := range m.boundMembers(m.shape(op.Input)) {
		member := m.shape(op.Input).Members[name]
		if member.Location == "uri" && !slices.Contains(labels, wireName(name, member)) {
			return fmt.Errorf("the URI has no label for member %s", name)
		}
	}
	return nil
}

// uriLabels returns the names of the labels of a path, in order.
func uriLabels(path string) []string {
	var labels []string
	for segment := range strings.SplitSeq(path, "/") {
		if strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}") {
			labels = append(labels, strings.TrimSuffix(segment[1:len(segment)-1], "+"))
		}
	}
	return labels
}

// checkNames refuses names that would clash in the package.
func (m *model) checkNames() error {
	used := map[string]string{}
	claim := func(name, by string) error {
		if used[name] != "" {
			return fmt.Errorf("%s and %s would have the same name in Go, %s", used[name], by, name)
		}
		used[name] = by
		return nil
	}
	for _, s := range m.shapesWhere(func(s *shape) bool { return s.inInput || s.inOutput }) {
		if s.Type != "structure" && s.Enum == nil {
			continue
		}
		if err := claim(typeName(s), "shape "+s.name); err != nil {
			return err
		}
		for _, value := range slices.Concat(s.Enum, m.config.extraValues[s.name]) {
			if err := claim(enumConstant(s, value), "value "+value+" of enum "+s.name); err != nil {
				return err
			}
		}
	}
	return nil
}
