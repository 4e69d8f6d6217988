package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Printer prints answers as --output says.
type Printer struct {
	out    io.Writer
	format Output
}

// Printer returns a printer to standard output. An unknown format is an error of
// usage.
func (p *Program) Printer(format Output) (*Printer, error) {
	if err := format.Check(); err != nil {
		return nil, err
	}
	return &Printer{p.Stdout, format}, nil
}

// JSON reports whether answers are printed as JSON.
func (p *Printer) JSON() bool { return p.format == outputJSON }

// Field is one member of an answer about a single thing.
type Field struct {
	name  string
	value any
	table bool
}

// Text is a field that is printed in a table and in JSON.
func Text(name, value string) Field { return Field{name, value, true} }

// Value is a field that is printed in JSON only.
func Value(name string, value any) Field { return Field{name, value, false} }

// PrintFields prints an answer about a single thing: as one JSON object, or as
// lines of name and value.
func (p *Printer) PrintFields(fields ...Field) error {
	if p.JSON() {
		object := map[string]any{}
		for _, f := range fields {
			object[f.name] = toJSONValue(f.value)
		}
		return p.printJSON(object)
	}
	var rows [][]string
	for _, f := range fields {
		if f.table {
			rows = append(rows, []string{f.name, f.value.(string)})
		}
	}
	return p.printRows(rows)
}

// PrintThing prints v as JSON, or as lines of the fields that are not empty.
func (p *Printer) PrintThing(v any, fields ...Field) error {
	if p.JSON() {
		return p.printJSON(v)
	}
	return p.PrintFields(slices.DeleteFunc(fields, func(f Field) bool { return f.value == "" })...)
}

// PrintList prints a list: as a JSON object with one member of the given name,
// or as a table. An empty table still has its header, which shows that the call
// worked.
func (p *Printer) PrintList(name string, list any, header []string, rows [][]string) error {
	if p.JSON() {
		return p.printJSON(map[string]any{name: list})
	}
	return p.printRows(append([][]string{header}, rows...))
}

// PrintAnswer prints an answer of the AWS SDK with a list in it: as AWS's JSON,
// or as a table.
func (p *Printer) PrintAnswer(answer any, header []string, rows [][]string) error {
	if p.JSON() {
		return p.printJSON(toJSONValue(answer))
	}
	return p.printRows(append([][]string{header}, rows...))
}

// printJSON prints v as indented JSON.
func (p *Printer) printJSON(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return p.PrintText(string(text))
}

// PrintText prints a text and a newline.
func (p *Printer) PrintText(text string) error {
	_, err := fmt.Fprintf(p.out, "%s\n", text)
	return err
}

func (p *Printer) printRows(rows [][]string) error {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 8, 2, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = printable(cell)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	// Spaces are trimmed only now: the tabwriter aligns no column that is
	// missing in a row.
	for line := range strings.Lines(text.String()) {
		if _, err := fmt.Fprintln(p.out, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// printable replaces control characters, which could change the state of the
// terminal: names and attributes are what users stored.
func printable(cell string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || (r >= 0x7f && r < 0xa0) {
			return '?'
		}
		return r
	}, cell)
}

// Pairs formats a map as k=v,k=v in the order of its keys.
func Pairs(m map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, k+"="+m[k])
	}
	return strings.Join(parts, ",")
}
