// Package zonefile reads and writes zone files: the master file format of RFC 1035
// section 5, with $ORIGIN, $INCLUDE, $TTL (RFC 2308 section 4) and $GENERATE.
//
// It is pure: a file is a text in memory, and the caller reads included files.
//
//	records, errs := zonefile.Parse(text, origin, nil)
//	line := records[0].Text()
package zonefile

import (
	"fmt"
	"strings"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/rdata"
)

// Record is one record of a zone. Name is in wire form and lower case, Data in wire form
// without compression.
type Record struct {
	Name string
	Type uint16
	TTL  uint32
	Data string
	File string // name of the included file that has it, or empty
	Line int    // where it begins, from 1
}

// Error says what is wrong in a line.
type Error struct {
	File string // name of the included file, or empty
	Line int
	Text string
}

func (e *Error) Error() string {
	if e.File != "" {
		return fmt.Sprintf("%s: line %d: %s", e.File, e.Line, e.Text)
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Text)
}

// Limits of a file, with all that it includes.
const (
	maxRecords  = 1_000_000
	maxIncludes = 1000
	maxDepth    = 8  // of files that include each other
	maxErrors   = 50 // that are reported
)

// Include returns the text of the file that $INCLUDE names.
type Include func(name string) (text string, err error)

// Parse reads a zone file. The origin is the name of the zone in wire form. It returns
// all records, or every error by line, at most maxErrors. Without include, $INCLUDE is
// an error.
func Parse(text, origin string, include Include) ([]Record, []*Error) {
	p := parser{origin: origin, defaultTTL: -1, include: include}
	p.file(text)
	return p.records, p.errors
}

// file reads a file or an included one.
func (p *parser) file(text string) {
	s := scanner{text: text, line: 1}
	for len(p.errors) < maxErrors && !p.full {
		e, ok, err := s.next()
		if err != nil {
			p.fail(err.Line, "%s", err.Text)
			return
		}
		if !ok {
			return
		}
		p.entry(e)
	}
}

// parser holds what one line takes over from those before it.
type parser struct {
	include    Include
	name       string // of the included file
	depth      int    // of files that include each other
	includes   int    // files that were included
	full       bool   // there is too much to continue
	origin     string
	owner      string
	lastTTL    int64
	defaultTTL int64 // -1: there was no $TTL
	hasTTL     bool  // lastTTL is set
	records    []Record
	errors     []*Error
}

func (p *parser) fail(line int, format string, args ...any) {
	p.errors = append(p.errors, &Error{p.name, line, fmt.Sprintf(format, args...)})
}

// entry handles a directive or a record.
func (p *parser) entry(e *entry) {
	if strings.HasPrefix(e.fields[0], "$") && !e.indented {
		p.directive(e)
		return
	}
	fields := e.fields
	if !e.indented {
		if !p.own(e.line, fields[0]) {
			return
		}
		fields = fields[1:]
	}
	if p.owner == "" {
		p.fail(e.line, "a record without an owner name: there is none before it")
		return
	}
	p.record(e.line, fields)
}

// own sets the owner name of the records that follow.
func (p *parser) own(line int, text string) bool {
	name, err := rdata.Decimal.NameIn(text, p.origin)
	if err != nil {
		p.fail(line, "owner %q: %s", text, err)
		return false
	}
	p.owner = dnswire.Lowered(name)
	return true
}

func (p *parser) directive(e *entry) {
	switch name := strings.ToUpper(e.fields[0]); {
	case name == "$ORIGIN" && len(e.fields) == 2:
		p.setOrigin(e)
	case name == "$INCLUDE" && (len(e.fields) == 2 || len(e.fields) == 3):
		p.included(e)
	case name == "$GENERATE":
		p.generate(e)
	case name == "$TTL" && len(e.fields) == 2:
		ttl, ok := rdata.ParseTTL(e.fields[1])
		if !ok {
			p.fail(e.line, "$TTL %q is not a TTL", e.fields[1])
			return
		}
		p.defaultTTL = int64(ttl)
	default:
		p.fail(e.line, "%s is not supported, or has another number of values: $ORIGIN NAME, $TTL TTL, $INCLUDE FILE [ORIGIN] and $GENERATE are", e.fields[0])
	}
}

// setOrigin makes the last value of a directive the origin.
func (p *parser) setOrigin(e *entry) bool {
	text := e.fields[len(e.fields)-1]
	origin, err := rdata.Decimal.NameIn(text, p.origin)
	if err != nil {
		p.fail(e.line, "%s %q: %s", e.fields[0], text, err)
		return false
	}
	p.origin = dnswire.Lowered(origin)
	return true
}

// included reads the file that $INCLUDE names, with an origin of its own. Afterwards the
// origin and the owner are those of before: RFC 1035 section 5.1.
func (p *parser) included(e *entry) {
	before := *p
	name := strings.Trim(e.fields[1], `"`)
	switch {
	case p.include == nil:
		p.fail(e.line, "$INCLUDE is not supported here")
		return
	case p.depth == maxDepth:
		p.fail(e.line, "$INCLUDE: files are included in each other more than %d times", maxDepth)
		p.full = true
		return
	case p.includes == maxIncludes:
		p.fail(e.line, "$INCLUDE: there are more than %d", maxIncludes)
		p.full = true
		return
	case len(e.fields) == 3 && !p.setOrigin(e):
		return
	}
	text, err := p.include(name)
	if err != nil {
		p.origin = before.origin
		p.fail(e.line, "$INCLUDE: %s", err)
		return
	}
	p.name, p.depth, p.includes = name, p.depth+1, p.includes+1
	p.file(text)
	p.name, p.depth, p.origin, p.owner = before.name, before.depth, before.origin, before.owner
}

// record reads TTL, class, type and data: RFC 1035 section 5.1. TTL and class are optional
// and in any order.
func (p *parser) record(line int, fields []string) {
	ttl := int64(-1)
	for range 2 {
		if len(fields) == 0 {
			break
		}
		if strings.EqualFold(fields[0], "IN") {
			fields = fields[1:]
			continue
		}
		if v, ok := rdata.ParseTTL(fields[0]); ok && ttl < 0 {
			ttl, fields = int64(v), fields[1:]
		}
	}
	if len(fields) == 0 {
		p.fail(line, "a record without a type")
		return
	}
	rtype, ok := rdata.Type(fields[0])
	if !ok {
		p.fail(line, "type %q is not supported", fields[0])
		return
	}
	switch {
	case ttl >= 0:
	case p.defaultTTL >= 0:
		ttl = p.defaultTTL
	case p.hasTTL:
		ttl = p.lastTTL
	default:
		p.fail(line, "a record without a TTL: there is no $TTL and no record before it")
		return
	}
	p.lastTTL, p.hasTTL = ttl, true
	data, err := rdata.Decimal.ParseIn(rtype, strings.Join(fields[1:], " "), p.origin)
	if err == nil {
		err = rdata.Check(rtype, data)
	}
	if err != nil {
		p.fail(line, "%s record: %s", rdata.TypeName(rtype), err)
		return
	}
	if len(p.records) == maxRecords {
		p.full = true
		p.fail(line, "there are more than %d records", maxRecords)
		return
	}
	p.records = append(p.records, Record{p.owner, rtype, uint32(ttl), data, p.name, line})
}

// Text returns the line of a record. All names are written in full.
func (r *Record) Text() string {
	return fmt.Sprintf("%s\t%d\tIN\t%s\t%s\n", rdata.Decimal.Name(r.Name), r.TTL, rdata.TypeName(r.Type), rdata.Decimal.Text(r.Type, r.Data))
}
