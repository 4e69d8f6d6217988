package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// model is an API: botocore's form of it, completed with names, with what is
// reached from inputs and from outputs, and with its config.
//
// The types below list every key that the generator knows. Some have no effect on
// the code; they are here so that a key that is not listed stops the generator.
type model struct {
	metadata   metadata
	operations map[string]*operation
	shapes     map[string]*shape

	protocol  protocol
	namespace string // of the API's XML
	config    config
}

type metadata struct {
	APIVersion, EndpointPrefix, GlobalEndpoint, JSONVersion, Protocol, ServiceAbbreviation,
	ServiceFullName, ServiceID, SignatureVersion, SigningName, TargetPrefix, UID, XMLNamespace string
	Auth, Protocols []string
}

type operation struct {
	Name string
	HTTP struct {
		Method, RequestURI string
		ResponseCode       int
	}
	Endpoint      struct{ HostPrefix string }
	Input, Output *ref
	Errors        []ref
	Idempotent    bool
	Deprecated    bool
	Documentation string
}

// ref names a shape, with the traits that its place adds.
type ref struct {
	Shape         string
	Location      string // uri, querystring, header, headers, statusCode; "" is the body
	LocationName  string // on the wire
	XMLNamespace  *namespace
	XMLAttribute  bool
	Flattened     bool
	ResultWrapper string // of an output in the Query protocol

	TimestampFormat   string
	IdempotencyToken  bool
	Box               bool
	Deprecated        bool
	DeprecatedMessage string
	Documentation     string
}

type namespace struct{ Prefix, URI string }

type shape struct {
	Type            string
	Enum            []string
	Pattern         string
	Min, Max        *int64
	Required        []string
	Members         map[string]*ref
	Member          *ref // of a list
	Key, Value      *ref // of a map
	Payload         string
	Union           bool
	Document        bool
	Sensitive       bool
	Flattened       bool
	TimestampFormat string
	LocationName    string
	XMLNamespace    *namespace

	Error *struct {
		Code           string
		HTTPStatusCode int
		SenderFault    bool
	}
	Exception bool
	Fault     bool
	Retryable *struct{ Throttling bool }
	Box       bool

	Deprecated        bool
	DeprecatedMessage string
	Documentation     string

	name     string
	order    []string // names of the members in the order of the model
	inInput  bool     // reached from an operation's input
	inOutput bool     // reached from an operation's output
}

// parseModel reads a model and refuses what the generator cannot express.
func parseModel(text []byte) (*model, error) {
	m, err := readModel(text)
	if err != nil {
		return nil, err
	}
	m.config = configs[m.metadata.ServiceID]
	var known bool
	if m.protocol, known = protocols[m.metadata.Protocol]; !known {
		return nil, fmt.Errorf("protocol %q is not supported", m.metadata.Protocol)
	}
	for _, name := range m.operationNames() {
		if err := m.markOperation(m.operations[name]); err != nil {
			return nil, fmt.Errorf("operation %s %w", name, err)
		}
	}
	m.findNamespace()
	return m, m.check()
}

// readModel decodes the text of a model, one part at a time so that errors name
// it.
func readModel(text []byte) (*model, error) {
	var parts struct {
		Version, Documentation                            string
		Metadata, Operations, Shapes, Paginators, Waiters json.RawMessage
	}
	if err := decodeStrict(text, &parts); err != nil {
		return nil, err
	}
	m := &model{}
	var err error
	if err = decodeStrict(parts.Metadata, &m.metadata); err != nil && parts.Metadata != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	if m.operations, err = decodeEach[operation]("operation", parts.Operations); err != nil {
		return nil, err
	}
	if m.shapes, err = decodeEach[shape]("shape", parts.Shapes); err != nil {
		return nil, err
	}
	return m, m.nameShapes(parts.Shapes)
}

// nameShapes sets the names of the shapes and the order of their members.
func (m *model) nameShapes(text json.RawMessage) error {
	var shapes map[string]struct{ Members json.RawMessage }
	if err := json.Unmarshal(text, &shapes); err != nil && text != nil {
		return fmt.Errorf("shapes: %w", err)
	}
	for name, s := range m.shapes {
		s.name = name
		s.order = objectKeys(shapes[name].Members)
	}
	return nil
}

// objectKeys returns the keys of a JSON object in the order of the text.
func objectKeys(text json.RawMessage) []string {
	var keys []string
	d := json.NewDecoder(bytes.NewReader(text))
	depth, isKey := 0, false
	for {
		token, err := d.Token()
		if err != nil {
			return keys // the text is an object, or absent
		}
		switch t := token.(type) {
		case json.Delim:
			if t == '{' || t == '[' {
				depth++
			} else {
				depth--
			}
			isKey = depth == 1
		case string:
			if depth == 1 && isKey {
				keys = append(keys, t)
			}
			isKey = depth == 1 && !isKey
		default:
			isKey = depth == 1
		}
	}
}

func decodeEach[T any](kind string, text json.RawMessage) (map[string]*T, error) {
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(text, &parts); err != nil && text != nil {
		return nil, err
	}
	all := map[string]*T{}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		all[name] = new(T)
		if err := decodeStrict(parts[name], all[name]); err != nil {
			return nil, fmt.Errorf("%s %s: %w", kind, name, err)
		}
	}
	return all, nil
}

// decodeStrict decodes JSON in which every key is known.
func decodeStrict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err != nil {
		if _, key, found := strings.Cut(err.Error(), "unknown field "); found {
			return fmt.Errorf("the trait or key %s is not supported", key)
		}
	}
	return err
}

func (m *model) markOperation(op *operation) error {
	if op.Input == nil {
		return fmt.Errorf("has no input")
	}
	if err := m.mark(op.Input, func(s *shape) *bool { return &s.inInput }); err != nil {
		return err
	}
	for _, e := range op.Errors {
		if m.shapes[e.Shape] == nil {
			return fmt.Errorf("uses error %s, which is not defined", e.Shape)
		}
	}
	return m.mark(op.Output, func(s *shape) *bool { return &s.inOutput })
}

// mark sets the flag of every shape that is reached from r, which may be nil.
func (m *model) mark(r *ref, flag func(*shape) *bool) error {
	if r == nil {
		return nil
	}
	s := m.shapes[r.Shape]
	if s == nil {
		return fmt.Errorf("uses shape %s, which is not defined", r.Shape)
	}
	if *flag(s) {
		return nil
	}
	*flag(s) = true
	parts := []*ref{s.Member, s.Key, s.Value}
	for _, name := range s.memberNames() {
		parts = append(parts, s.Members[name])
	}
	for _, part := range parts {
		if err := m.mark(part, flag); err != nil {
			return err
		}
	}
	return nil
}

// findNamespace finds the namespace of the API's XML, which models state for the
// service or for each input.
func (m *model) findNamespace() {
	m.namespace = m.metadata.XMLNamespace
	for _, name := range m.operationNames() {
		if ns := m.operations[name].Input.XMLNamespace; ns != nil && m.namespace == "" {
			m.namespace = ns.URI
		}
	}
}

// shape returns the shape that r names, which mark has seen to be there.
func (m *model) shape(r *ref) *shape { return m.shapes[r.Shape] }

// shapesWhere returns the shapes that have a property, by name.
func (m *model) shapesWhere(has func(*shape) bool) []*shape {
	var found []*shape
	for _, name := range slices.Sorted(maps.Keys(m.shapes)) {
		if s := m.shapes[name]; has(s) {
			found = append(found, s)
		}
	}
	return found
}

// operationNames returns the names of all operations, sorted.
func (m *model) operationNames() []string { return slices.Sorted(maps.Keys(m.operations)) }

// memberNames returns the names of a structure's members, sorted.
func (s *shape) memberNames() []string { return slices.Sorted(maps.Keys(s.Members)) }

// bodyMembers returns the names of the members that are in the body, sorted.
func (m *model) bodyMembers(s *shape) []string {
	return slices.DeleteFunc(s.memberNames(), func(name string) bool { return m.bound(s.Members[name]) })
}

// boundMembers returns the names of the members that are in the path, in the
// query, in the header or in the status, sorted.
func (m *model) boundMembers(s *shape) []string {
	return slices.DeleteFunc(s.memberNames(), func(name string) bool { return !m.bound(s.Members[name]) })
}

// bound reports whether a member is outside the body, which is so in the REST
// protocols alone: the others ignore the trait.
func (m *model) bound(member *ref) bool { return m.protocol.rest && member.Location != "" }

// payload returns the member that is the whole body, or nil.
func (m *model) payload(s *shape) *ref {
	if !m.protocol.rest || s.Payload == "" {
		return nil
	}
	return s.Members[s.Payload]
}

// isNumber reports whether the shape's limits are about its value.
func (s *shape) isNumber() bool {
	switch s.Type {
	case "integer", "long", "float", "double":
		return true
	}
	return false
}

// minimum is the shape's lower limit, or nil if it has none that can be violated:
// no length is below 0.
func (s *shape) minimum() *int64 {
	if s.Min != nil && *s.Min == 0 && !s.isNumber() {
		return nil
	}
	return s.Min
}
