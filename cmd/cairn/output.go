package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// field is one line of an answer about a single thing.
type field struct {
	name  string
	value any
}

// printFields prints an answer about a single thing: as one JSON object, or as
// lines of name and value.
func (c *client) printFields(fields []field) error {
	if c.output == "json" {
		object := map[string]any{}
		for _, f := range fields {
			object[f.name] = wire(f.value)
		}
		return c.printJSON(object)
	}
	var rows [][]string
	for _, f := range fields {
		if text, ok := f.value.(string); ok {
			rows = append(rows, []string{f.name, text})
		}
	}
	return c.printRows(rows)
}

// printTable prints a list: as AWS's JSON, or as a table. A table that is empty
// has its header still, so that one can see that the call worked.
func (c *client) printTable(answer any, header []string, rows [][]string) error {
	if c.output == "json" {
		return c.printJSON(wire(answer))
	}
	return c.printRows(append([][]string{header}, rows...))
}

func (c *client) printJSON(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.p.stdout, "%s\n", text)
	return err
}

func (c *client) printRows(rows [][]string) error {
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
	// Not before: a row without its last cells would put the others out of line.
	for line := range strings.Lines(text.String()) {
		if _, err := fmt.Fprintln(c.p.stdout, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// printable keeps what users stored from steering the terminal.
func printable(cell string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || (r >= 0x7f && r < 0xa0) {
			return '?'
		}
		return r
	}, cell)
}

// pairs prints a map as k=v,k=v in the order of its keys.
func pairs(m map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, k+"="+m[k])
	}
	return strings.Join(parts, ",")
}
