package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// printOperations prints the interface that an API's handlers fill, and the
// function that makes its operations of them.
func printOperations(p *printer, m *model) {
	p.printf("import (\n\"context\"\n\n\"github.com/cairn-discovery/cairn/edge/aws/service\"\n)\n\n")
	printErrorCodes(p, m)
	printHandlers(p, m)
	printTable(p, m)
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
	parameters := "ctx context.Context, c *service.Call, in *" + m.Operations[name].Input.Shape
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
	p.printf(`// operations returns the operations of the API, by name.
func operations(h handlers) []service.Operation {
	return []service.Operation{
`)
	for _, name := range m.operationNames() {
		op := m.Operations[name]
		codes := make([]string, len(op.Errors))
		for i, e := range op.Errors {
			codes[i] = "code" + e.Shape
		}
		p.printf("{\nName: %q,\n", name)
		if op.Endpoint.HostPrefix != "" {
			p.printf("HostPrefix: %q,\n", op.Endpoint.HostPrefix)
		}
		p.printf("Errors: []string{%s},\n", strings.Join(codes, ", "))
		p.printf("Decode: decodeInput[%s],\n", op.Input.Shape)
		switch {
		case m.config.rawOutput[name]:
			p.printf("Run: service.RunRaw(h.%s),\n},\n", name)
		case op.Output == nil: // such an operation answers with no body at all
			p.printf("Run: service.RunEmpty(h.%s),\n},\n", name)
		default:
			p.printf("Run: service.Run(h.%s),\nEncode: encodeOutput[*%s],\n},\n", name, op.Output.Shape)
		}
	}
	p.printf("}\n}\n")
}
