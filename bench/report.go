//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
)

// report collects rows and prints them by section.
type report struct{ sections []section }

type section struct {
	Name  string
	Title string
	Rows  []row
}

// row is one figure: of cairn, of what it is compared with, and their ratio.
type row struct {
	What  string
	Unit  string
	Cairn float64
	Peer  string  `json:",omitempty"`
	Other float64 `json:",omitempty"`
	Ratio float64 `json:",omitempty"` // Cairn / Other
}

func (r *report) begin(name, title string) {
	r.sections = append(r.sections, section{Name: name, Title: title})
}

func (r *report) current() *section { return &r.sections[len(r.sections)-1] }

// figure reports a figure that is compared with nothing.
func (r *report) figure(what, unit string, value float64) {
	s := r.current()
	s.Rows = append(s.Rows, row{What: what, Unit: unit, Cairn: value})
}

// compare reports the medians of two sides and their ratio.
func (r *report) compare(what, unit string, cairn []float64, peer string, other []float64) {
	c, o := median(cairn), median(other)
	s := r.current()
	s.Rows = append(s.Rows, row{what, unit, c, peer, o, c / o})
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// print writes the current section as a table.
func (r *report) print(w io.Writer) {
	s := r.current()
	fmt.Fprintf(w, "\n%s: %s\n", s.Name, s.Title)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tcairn\tother\tratio\tunit\tother is")
	for _, row := range s.Rows {
		if row.Peer == "" {
			fmt.Fprintf(t, "%s\t%.4g\t\t\t%s\t\n", row.What, row.Cairn, row.Unit)
			continue
		}
		fmt.Fprintf(t, "%s\t%.4g\t%.4g\t%.2f\t%s\t%s\n", row.What, row.Cairn, row.Other, row.Ratio, row.Unit, row.Peer)
	}
	t.Flush()
}

func (r *report) writeJSON(file string) error {
	b, err := json.MarshalIndent(r.sections, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}
