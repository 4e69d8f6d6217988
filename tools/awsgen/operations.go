package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// printOperations prints the interface of an API's handlers and the function that makes its
// operations of them. For each operation it prints functions that read the input and write
// the output.
func printOperations(p *printer, m *model) {
	printErrorCodes(p, m)
	if !m.protocol.json {
		p.printf("// xmlNamespace is that of requests and answers.\nconst xmlNamespace = %q\n\n", m.namespace)
	}
	printHandlers(p, m)
	printTable(p, m)
	for _, name := range m.operationNames() {
		printRead(p, m, name)
		printWrite(p, m, name)
	}
}

// printErrorCodes prints a constant per declared error.
func printErrorCodes(p *printer, m *model) {
	codes := map[string]bool{}
	for _, op := range m.operations {
		for _, e := range op.Errors {
			codes[e.Shape] = true
		}
	}
	if len(codes) == 0 {
		return
	}
	p.printf("// The codes of the errors that the operations declare.\nconst (\n")
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		p.printf("code%s = %q\n", code, m.errorCode(code))
	}
	p.printf(")\n\n")
}

// errorCode is the code of an error on the wire.
func (m *model) errorCode(name string) string {
	if e := m.shapes[name].Error; e != nil && e.Code != "" {
		return e.Code
	}
	return name
}

func printHandlers(p *printer, m *model) {
	p.printf(`// handlers does the work of the operations. It gets inputs that have passed
// validation. Outputs must not be nil unless there is an error.
type handlers interface {
`)
	for _, name := range m.operationNames() {
		if m.config.rawOutput[name] {
			p.printf("// %s appends its output, in JSON, to b and returns that.\n", name)
		}
		in := "in *" + m.inputType(name)
		if m.config.rawOutput[name] {
			in += ", b []byte"
		}
		p.printf("%s(ctx context.Context, c *service.Call, %s) %s\n", name, in, m.handlerResults(name))
	}
	p.printf("}\n\n")
}

func (m *model) inputType(operation string) string {
	return typeName(m.shape(m.operations[operation].Input))
}

func (m *model) handlerResults(name string) string {
	switch output := m.operations[name].Output; {
	case m.config.rawOutput[name]:
		return "([]byte, error)"
	case output == nil:
		return "error"
	default:
		return fmt.Sprintf("(*%s, error)", typeName(m.shape(output)))
	}
}

// printTable prints the operations of the API.
func printTable(p *printer, m *model) {
	p.printf("// operations returns the operations of the API, by name.\n")
	p.printf("func operations(h handlers) []service.Operation {\nreturn []service.Operation{\n")
	for _, name := range m.operationNames() {
		printOperation(p, m, name)
	}
	p.printf("}\n}\n\n")
}

func printOperation(p *printer, m *model, name string) {
	op := m.operations[name]
	p.printf("{\nName: %q,\n", name)
	if m.protocol.rest {
		p.printf("Method: %q,\nPath: %q,\n", op.HTTP.Method, op.HTTP.RequestURI)
	}
	if op.Endpoint.HostPrefix != "" {
		p.printf("HostPrefix: %q,\n", op.Endpoint.HostPrefix)
	}
	if len(op.Errors) > 0 {
		codes := make([]string, len(op.Errors))
		for i, e := range op.Errors {
			codes[i] = "code" + e.Shape
		}
		p.printf("Errors: []string{%s},\n", strings.Join(codes, ", "))
	}
	p.printf("Decode: read%s,\n", name)
	switch {
	case m.config.rawOutput[name]:
		p.printf("Run: service.RunRaw(h.%s),\n", name)
	case op.Output == nil:
		p.printf("Run: service.RunEmpty(h.%s),\n", name)
	default:
		p.printf("Run: service.Run(h.%s),\nEncode: write%s,\n", name, name)
	}
	p.printf("},\n")
}

// printRead prints the function that decodes and validates the input of an
// operation.
func printRead(p *printer, m *model, name string) {
	op := m.operations[name]
	s := m.shape(op.Input)
	p.printf("func read%s(r *wire.Request) (any, error) {\nin := new(%s)\n", name, typeName(s))
	if len(m.boundMembers(s)) > 0 {
		p.printf("values := rest.NewReader(r)\nin.bind(values)\nif err := values.Err(); err != nil {\nreturn nil, err\n}\n")
	}
	printReadBody(p, m, op, s)
	printTokens(p, m, s)
	if m.validated(s) {
		p.printf("return in, constraint.Check(in, r.Strict, (*%s).validate)\n}\n\n", typeName(s))
	} else {
		p.printf("return in, nil\n}\n\n")
	}
}

func printReadBody(p *printer, m *model, op *operation, s *shape) {
	if payload := m.payload(s); payload != nil {
		printReadPayload(p, m, s, payload)
		return
	}
	decode := "in, (*" + typeName(s) + ").decode"
	switch {
	case !m.decodesBody(s): // the body has no meaning
	case m.protocol.codec == "query":
		printReadCall(p, "query.Decode(r.Form, "+decode+")")
	case m.protocol.json:
		printReadCall(p, "awsjson.Decode(r.Body, "+decode+")")
	default:
		printReadCall(p, fmt.Sprintf("awsxml.Decode(r.Body, %q, restxml.Namespace(r, xmlNamespace), %s)", rootName(op.Input), decode))
	}
}

// rootName is the XML name of a document's root element.
func rootName(r *ref) string { return wireName(r.Shape, r) }

func printReadCall(p *printer, call string) {
	p.printf("if err := %s; err != nil {\nreturn nil, err\n}\n", call)
}

func printReadPayload(p *printer, m *model, s *shape, payload *ref) {
	field, target := "in."+fieldName(s.Payload), m.shape(payload)
	switch target.Type {
	case "blob":
		p.printf("if len(r.Body) > 0 {\n%s = append([]byte{}, r.Body...)\n}\n", field)
	case "string":
		p.printf("if len(r.Body) > 0 {\n%s = new(string(r.Body))\n}\n", field)
	default:
		decode := fmt.Sprintf("awsjson.Decode(r.Body, %s, (*%s).decode)", field, typeName(target))
		if !m.protocol.json {
			decode = fmt.Sprintf("awsxml.Decode(r.Body, %q, restxml.Namespace(r, xmlNamespace), %s, (*%s).decode)",
				m.payloadRoot(s.Payload, payload), field, typeName(target))
		}
		p.printf("if len(r.Body) > 0 {\n%s = new(%s)\n", field, typeName(target))
		printReadCall(p, decode)
		p.printf("}\n")
	}
}

// payloadRoot is the XML name of a payload.
func (m *model) payloadRoot(name string, payload *ref) string {
	if payload.LocationName == "" && m.shape(payload).LocationName != "" {
		return m.shape(payload).LocationName
	}
	return wireName(name, payload)
}

// printTokens prints how idempotency tokens are made that a client left out.
func printTokens(p *printer, m *model, s *shape) {
	if m.config.keepsTokens {
		return
	}
	for _, name := range s.memberNames() {
		if s.Members[name].IdempotencyToken {
			p.printf("if in.%[1]s == nil {\nin.%[1]s = new(uuid.New())\n}\n", fieldName(name))
		}
	}
}

// printWrite prints the function that writes the output of an operation.
func printWrite(p *printer, m *model, name string) {
	op := m.operations[name]
	if m.config.rawOutput[name] || op.Output == nil {
		return
	}
	s := m.shape(op.Output)
	p.printf("func write%s(w *wire.Response, out any) error {\nm := out.(*%s)\n", name, typeName(s))
	if code := op.HTTP.ResponseCode; code != 0 && code != 200 {
		p.printf("w.Status = %d\n", code)
	}
	if len(m.boundMembers(s)) > 0 {
		p.printf("m.writeHead(w)\n")
	}
	switch payload := m.payload(s); {
	case payload != nil:
		printWritePayload(p, m, s, payload)
	case m.protocol.json:
		p.printf("w.Body = m.append(w.Body)\n")
	case m.protocol.codec == "query":
		wrapper := op.Output.ResultWrapper
		p.printf("w.Body = query.OpenResult(w.Body, xmlNamespace, %q, %q)\nw.Body = m.append(w.Body)\n", name, wrapper)
		p.printf("w.Body = query.CloseResult(w.Body, %q, %q, w.RequestID)\n", name, wrapper)
	default:
		p.printf("w.Body = restxml.OpenDocument(w.Body, %[1]q, xmlNamespace)\nw.Body = m.append(w.Body)\nw.Body = awsxml.Close(w.Body, %[1]q)\n", rootName(op.Output))
	}
	p.printf("return nil\n}\n\n")
}

func printWritePayload(p *printer, m *model, s *shape, payload *ref) {
	field, target := "m."+fieldName(s.Payload), m.shape(payload)
	p.printf("if %s {\n", m.present(s, s.Payload))
	switch {
	case target.Type != "structure":
		p.printf("w.Body = append(w.Body, %s...)\n", m.value(s, s.Payload))
	case m.protocol.json:
		p.printf("w.Body = %s.append(w.Body)\n", field)
	default:
		root := strconv.Quote(m.payloadRoot(s.Payload, payload))
		p.printf("w.Body = restxml.OpenDocument(w.Body, %[1]s, xmlNamespace)\nw.Body = %[2]s.append(w.Body)\nw.Body = awsxml.Close(w.Body, %[1]s)\n", root, field)
	}
	p.printf("}\n")
}

// printUnsupported prints handlers that do nothing, for APIs of which not all is
// implemented.
func printUnsupported(p *printer, m *model) {
	p.printf(`// unsupported answers each operation with an error that says so. An API embeds
// it, and has methods of its own for the operations that it implements.
type unsupported struct{}

var _ handlers = unsupported{}

`)
	for _, name := range m.operationNames() {
		p.printf("func (unsupported) %s(_ context.Context, c *service.Call, _ *%s) %s {\n", name, m.inputType(name), m.handlerResults(name))
		if m.operations[name].Output == nil {
			p.printf("return c.NotSupported()\n}\n\n")
		} else {
			p.printf("return nil, c.NotSupported()\n}\n\n")
		}
	}
}
