package main

// printDecoders prints how the structures of inputs are read. An operation's
// input is decoded in place; a nested structure is made when it is there, and is
// nil when it is null.
func printDecoders(p *printer, m *model) {
	p.printf("import \"github.com/cairn-discovery/cairn/edge/aws/awsjson\"\n\n")
	p.printf("// Errors stay in the Reader. A repeated member replaces the earlier one; members\n")
	p.printf("// that the model doesn't have are passed over.\n\n")
	inputs := m.inputNames()
	for _, s := range m.shapesWhere(func(s *shape) bool { return s.inInput && s.Type == "structure" }) {
		if !inputs[s.name] {
			printNestedDecoder(p, s)
		}
		printDecode(p, m, s)
	}
}

// inputNames returns the shapes that are the whole input of an operation.
func (m *model) inputNames() map[string]bool {
	names := map[string]bool{}
	for _, op := range m.Operations {
		names[op.Input.Shape] = true
	}
	return names
}

func printNestedDecoder(p *printer, s *shape) {
	p.printf(`func decode%[1]s(r *awsjson.Reader) *%[1]s {
	if r.Null() {
		return nil
	}
	m := new(%[1]s)
	m.decode(r)
	return m
}

`, s.name)
}

func printDecode(p *printer, m *model, s *shape) {
	p.printf("func (m *%s) decode(r *awsjson.Reader) {\n", s.name)
	p.printf("for r.BeginObject(); r.NextMember(); {\nswitch string(r.Name()) {\n")
	for _, name := range s.memberNames() {
		p.printf("case %q:\nm.%s = %s\n", name, name, m.readExpression(m.shape(s.Members[name])))
	}
	p.printf("default:\nr.Skip()\n}\n}\n}\n\n")
}

// readExpression is the Go expression that reads a member of shape s from r.
func (m *model) readExpression(s *shape) string {
	switch s.Type {
	case "structure":
		return "decode" + s.name + "(r)"
	case "integer", "long":
		return "awsjson.OptionalInt64(r)"
	case "map":
		return "awsjson.Map(r, awsjson.Element)"
	case "list":
		if element := m.shape(*s.Member); element.Type == "structure" {
			return "awsjson.List(r, decode" + element.name + ")"
		}
		return "awsjson.List(r, awsjson.Element)"
	default:
		return "awsjson.OptionalText[" + stringType(s) + "](r)"
	}
}
