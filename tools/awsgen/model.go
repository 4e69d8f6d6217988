package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// model is an API: botocore's form of it, completed with names, with what is
// reached from inputs and from outputs, and with its config.
type model struct {
	Metadata   struct{ ServiceID string }
	Operations map[string]*operation
	Shapes     map[string]*shape

	config config
}

type operation struct {
	Endpoint struct{ HostPrefix string }
	Input    *ref
	Output   *ref
	Errors   []ref
}

type ref struct{ Shape string }

type shape struct {
	Type       string
	Enum       []string
	Pattern    string
	Min, Max   *int64
	Required   []string
	Members    map[string]ref
	Member     *ref // of a list
	Key, Value *ref // of a map

	name     string
	inInput  bool // reached from an operation's input
	inOutput bool // reached from an operation's output
}

func parseModel(text []byte) (*model, error) {
	m := &model{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, err
	}
	var known bool
	if m.config, known = configs[m.Metadata.ServiceID]; !known {
		return nil, fmt.Errorf("no configuration for service %q", m.Metadata.ServiceID)
	}
	for name, s := range m.Shapes {
		s.name = name
	}
	for _, name := range m.operationNames() {
		if err := m.markOperation(m.Operations[name]); err != nil {
			return nil, fmt.Errorf("operation %s %w", name, err)
		}
	}
	return m, m.check()
}

func (m *model) markOperation(op *operation) error {
	if op.Input == nil {
		return fmt.Errorf("has no input")
	}
	if err := m.mark(op.Input, func(s *shape) *bool { return &s.inInput }); err != nil {
		return err
	}
	return m.mark(op.Output, func(s *shape) *bool { return &s.inOutput })
}

// mark sets the flag of every shape that is reached from r, which may be nil.
func (m *model) mark(r *ref, flag func(*shape) *bool) error {
	if r == nil {
		return nil
	}
	s := m.Shapes[r.Shape]
	if s == nil {
		return fmt.Errorf("uses shape %s, which is not defined", r.Shape)
	}
	if *flag(s) {
		return nil
	}
	*flag(s) = true
	parts := []*ref{s.Member, s.Key, s.Value}
	for _, name := range s.memberNames() {
		parts = append(parts, new(s.Members[name]))
	}
	for _, part := range parts {
		if err := m.mark(part, flag); err != nil {
			return err
		}
	}
	return nil
}

// check refuses what the generator can't express, rather than leave it out.
func (m *model) check() error {
	for _, s := range m.shapesWhere(func(s *shape) bool { return s.inInput || s.inOutput }) {
		if err := m.checkShape(s); err != nil {
			return fmt.Errorf("shape %s: %w", s.name, err)
		}
	}
	return nil
}

func (m *model) checkShape(s *shape) error {
	switch s.Type {
	case "structure", "string", "integer", "long":
	case "timestamp":
		if s.inInput {
			return fmt.Errorf("a timestamp in an input is not supported")
		}
	case "list":
		e := m.shape(*s.Member)
		if e.Type != "structure" && e.Type != "string" || s.inInput && e.Enum != nil {
			return fmt.Errorf("a list of %s is not supported", e.name)
		}
	case "map":
		key, value := m.shape(*s.Key), m.shape(*s.Value)
		if key.Type != "string" || value.Type != "string" || s.inInput && (key.Enum != nil || value.Enum != nil) {
			return fmt.Errorf("a map of %s to %s is not supported", key.name, value.name)
		}
	default:
		return fmt.Errorf("type %s is not supported", s.Type)
	}
	if s.inInput && s.Pattern != "" && m.config.matchers[s.Pattern] == "" {
		return fmt.Errorf("no matcher for pattern %s", s.Pattern)
	}
	return nil
}

// shape returns the shape that r names, which mark has seen to be there.
func (m *model) shape(r ref) *shape { return m.Shapes[r.Shape] }

// shapesWhere returns the shapes that have a property, by name.
func (m *model) shapesWhere(has func(*shape) bool) []*shape {
	var found []*shape
	for _, name := range slices.Sorted(maps.Keys(m.Shapes)) {
		if s := m.Shapes[name]; has(s) {
			found = append(found, s)
		}
	}
	return found
}

// operationNames returns the names of all operations, sorted.
func (m *model) operationNames() []string { return slices.Sorted(maps.Keys(m.Operations)) }

// memberNames returns the names of a structure's members, sorted.
func (s *shape) memberNames() []string { return slices.Sorted(maps.Keys(s.Members)) }

// constrained reports whether a value of the shape can violate anything.
func (m *model) constrained(s *shape) bool {
	if s.Pattern != "" || s.Enum != nil || s.Max != nil || s.minimum() != nil || len(s.Required) > 0 {
		return true
	}
	for _, member := range s.Members {
		if m.constrained(m.shape(member)) {
			return true
		}
	}
	return s.Type == "list" || s.Type == "map" // their elements can be null
}

// minimum is the shape's lower limit, or nil if it has none that can be missed: no
// length is below 0.
func (s *shape) minimum() *int64 {
	if isNumber := s.Type == "integer" || s.Type == "long"; s.Min != nil && *s.Min == 0 && !isNumber {
		return nil
	}
	return s.Min
}
