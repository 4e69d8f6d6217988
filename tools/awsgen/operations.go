package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// printOperations prints the interface that an API's handlers fill, the table of
// its operations and, per operation, the way from the body to the answer.
func printOperations(p *printer, m *model) {
	printErrorCodes(p, m)
	printHandlers(p, m)
	printTable(p, m)
	for _, name := range m.operationNames() {
		printServe(p, m, name)
	}
}

// printErrorCodes prints a constant per declared error.
func printErrorCodes(p *printer, m *model) {
	codes := map[string]bool{}
	for _, op := range m.Operations {
		for _, e := range op.Errors {
			codes[e.Shape] = true
		}
	}
	p.printf("// The codes of the errors that the operations declare.\nconst (\n")
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		p.printf("code%[1]s = %[1]q\n", code)
	}
	p.printf(")\n\n")
}

func printHandlers(p *printer, m *model) {
	p.printf(`// handlers does the work of the operations. It gets inputs that have passed
// validation. Outputs must not be nil unless there is an error.
type handlers interface {
`)
	for _, name := range m.operationNames() {
		if m.config.rawOutput[name] {
			p.printf("// %s appends its output, in JSON, to out and returns that.\n", name)
		}
		p.printf("%s(%s) %s\n", name, m.handlerParameters(name), m.handlerResults(name))
	}
	p.printf("}\n\n")
}

func (m *model) handlerParameters(name string) string {
	parameters := "c *call, in *" + m.Operations[name].Input.Shape
	if m.config.rawOutput[name] {
		parameters += ", out []byte"
	}
	return parameters
}

func (m *model) handlerResults(name string) string {
	switch output := m.Operations[name].Output; {
	case m.config.rawOutput[name]:
		return "([]byte, error)"
	case output == nil:
		return "error"
	default:
		return fmt.Sprintf("(*%s, error)", output.Shape)
	}
}

func printTable(p *printer, m *model) {
	p.printf(`// operations are all operations of the API, by name. It is never changed.
var operations = [...]operation{
`)
	for _, name := range m.operationNames() {
		op := m.Operations[name]
		codes := make([]string, len(op.Errors))
		for i, e := range op.Errors {
			codes[i] = "code" + e.Shape
		}
		p.printf("{\nname: %q,\n", name)
		if op.Endpoint.HostPrefix != "" {
			p.printf("hostPrefix: %q,\n", op.Endpoint.HostPrefix)
		}
		p.printf("errors: []string{%s},\nserve: serve%s,\n},\n", strings.Join(codes, ", "), name)
	}
	p.printf("}\n\n")
}

func printServe(p *printer, m *model, name string) {
	op := m.Operations[name]
	p.printf("func serve%s(h handlers, c *call, body, out []byte) ([]byte, error) {\n", name)
	p.printf("in := new(%s)\n", op.Input.Shape)
	p.printf("if err := c.read(body, in); err != nil {\nreturn out, err\n}\n")
	switch {
	case m.config.rawOutput[name]:
		p.printf("return h.%s(c, in, out)\n", name)
	case op.Output == nil: // such an operation answers with no body at all
		p.printf("return out, h.%s(c, in)\n", name)
	default:
		p.printf("result, err := h.%s(c, in)\n", name)
		p.printf("if err != nil {\nreturn out, err\n}\nreturn result.append(out), nil\n")
	}
	p.printf("}\n\n")
}
