package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// printBindings prints, for the REST protocols, how the members of inputs that are
// not in the body are read, and those of outputs written.
func printBindings(p *printer, m *model) {
	p.printf("// The methods bind read the members of inputs that are in the path, the query and\n")
	p.printf("// the header. The methods writeHead set the status and the header of answers.\n\n")
	outputs := m.outputNames()
	for _, name := range m.operationNames() {
		op := m.operations[name]
		if s := m.shape(op.Input); len(m.boundMembers(s)) > 0 {
			printBind(p, m, op, s)
		}
	}
	for _, s := range m.shapesWhere(func(s *shape) bool { return outputs[s.name] && len(m.boundMembers(s)) > 0 }) {
		printWriteHead(p, m, s)
	}
}

func printBind(p *printer, m *model, op *operation, s *shape) {
	p.printf("func (m *%s) bind(r *rest.Reader) {\n", typeName(s))
	for _, name := range m.boundMembers(s) {
		p.printf("m.%s = %s\n", fieldName(name), m.filter(s.Members[name], m.bindExpression(op, s, name)))
	}
	p.printf("}\n\n")
}

// bindExpression is the Go expression that reads a member from r.
func (m *model) bindExpression(op *operation, s *shape, name string) string {
	member := s.Members[name]
	target := m.shape(member)
	onWire := wireName(name, member)
	switch {
	case member.Location == "uri":
		path, _, _ := strings.Cut(op.HTTP.RequestURI, "?")
		position := slices.Index(uriLabels(path), onWire)
		return m.bindValue(member, fmt.Sprintf("r.Label(%d, %q)", position, onWire))
	case member.Location == "headers":
		return fmt.Sprintf("r.HeaderMap(%q)", onWire)
	case target.Type == "list" && member.Location == "header":
		return m.bindList(target, fmt.Sprintf("r.HeaderList(%q)", onWire))
	case target.Type == "list":
		return m.bindList(target, fmt.Sprintf("r.QueryList(%q)", onWire))
	case target.Type == "map":
		method := "QueryMap"
		if m.shape(target.Value).Type == "list" {
			method = "QueryLists"
		}
		return fmt.Sprintf("r.%s(%s)", method, strings.Join(m.otherParameters(op, s, name), ", "))
	case member.Location == "header":
		return m.bindValue(member, fmt.Sprintf("r.Header(%q)", onWire))
	default:
		return m.bindValue(member, fmt.Sprintf("r.Query(%q)", onWire))
	}
}

// otherParameters are the query parameters, quoted, that a map does not hold.
func (m *model) otherParameters(op *operation, s *shape, name string) []string {
	var others []string
	_, constants, _ := strings.Cut(op.HTTP.RequestURI, "?")
	for part := range strings.SplitSeq(constants, "&") {
		if key, _, _ := strings.Cut(part, "="); key != "" {
			others = append(others, strconv.Quote(key))
		}
	}
	for _, other := range m.boundMembers(s) {
		if member := s.Members[other]; other != name && member.Location == "querystring" {
			others = append(others, strconv.Quote(wireName(other, member)))
		}
	}
	return others
}

func (m *model) bindList(s *shape, values string) string {
	e := m.shape(s.Member)
	if e.Type == "string" {
		return fmt.Sprintf("rest.Texts[%s](%s)", stringType(e), values)
	}
	return fmt.Sprintf("rest.Int64s(%s)", values)
}

func (m *model) bindValue(member *ref, value string) string {
	s := m.shape(member)
	switch s.Type {
	case "integer", "long":
		return value + ".Int64()"
	case "float", "double":
		return value + ".Float64()"
	case "boolean":
		return value + ".Bool()"
	case "blob":
		return value + ".Blob()"
	case "timestamp":
		return value + ".Time(" + m.timestampFormat(member, s) + ")"
	}
	return fmt.Sprintf("rest.Text[%s](%s)", stringType(s), value)
}

func printWriteHead(p *printer, m *model, s *shape) {
	p.printf("func (m *%s) writeHead(w *wire.Response) {\n", typeName(s))
	for _, name := range m.boundMembers(s) {
		p.printf("if %s {\n%s\n}\n", m.present(s, name), m.headStatement(s, name))
	}
	p.printf("}\n\n")
}

// headStatement is the Go statement that writes a member of an output.
func (m *model) headStatement(s *shape, name string) string {
	member := s.Members[name]
	target, value, onWire := m.shape(member), m.value(s, name), wireName(name, member)
	switch member.Location {
	case "statusCode":
		return fmt.Sprintf("w.Status = int(%s)", value)
	case "headers":
		return fmt.Sprintf("rest.SetHeaders(w, %q, %s)", onWire, value)
	}
	set := func(text string) string { return fmt.Sprintf("rest.SetHeader(w, %q, %s)", onWire, text) }
	switch target.Type {
	case "integer", "long":
		return set("strconv.FormatInt(" + value + ", 10)")
	case "float", "double":
		return set("string(floattext.Append(nil, " + value + "))")
	case "boolean":
		return set("strconv.FormatBool(" + value + ")")
	case "blob":
		return set("base64.StdEncoding.EncodeToString(" + value + ")")
	case "timestamp":
		return fmt.Sprintf("rest.SetHeaderTime(w, %q, %s, %s)", onWire, value, m.timestampFormat(member, target))
	case "list":
		if m.shape(target.Member).Type == "string" {
			return fmt.Sprintf("rest.SetHeaderList(w, %q, %s)", onWire, value)
		}
		return fmt.Sprintf("rest.SetHeaderInts(w, %q, %s)", onWire, value)
	}
	if target.Enum != nil {
		value = "string(" + value + ")"
	}
	return set(value)
}
