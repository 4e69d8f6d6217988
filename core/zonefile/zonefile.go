// Package zonefile reads and writes zone files: the master file format of RFC 1035
// section 5, with $ORIGIN and $TTL (RFC 2308 section 4).
//
// It is pure: a file is a text in memory. $INCLUDE and $GENERATE are refused.
//
//	records, err := zonefile.Parse(text, origin)
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
	Line int // where it begins, from 1
}

// Error says what is wrong in a line.
type Error struct {
	Line int
	Text string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Text) }

// maxRecords bounds the records of a file.
const maxRecords = 1_000_000

// Parse reads a zone file. The origin is the name of the zone in wire form. It returns
// all records, or every error by line, at most maxErrors.
func Parse(text, origin string) ([]Record, []*Error) {
	p := parser{origin: origin, defaultTTL: -1}
	s := scanner{text: text, line: 1}
	for len(p.errors) < maxErrors {
		e, ok, err := s.next()
		if err != nil {
			p.errors = append(p.errors, err)
			break
		}
		if !ok {
			break
		}
		p.entry(e)
		if len(p.records) > maxRecords {
			p.fail(e.line, "the file has more than %d records", maxRecords)
			break
		}
	}
	return p.records, p.errors
}

// maxErrors is how many errors are reported.
const maxErrors = 50

// parser holds what one line takes over from those before it.
type parser struct {
	origin     string
	owner      string
	lastTTL    int64
	defaultTTL int64 // -1: there was no $TTL
	hasTTL     bool  // lastTTL is set
	records    []Record
	errors     []*Error
}

func (p *parser) fail(line int, format string, args ...any) {
	p.errors = append(p.errors, &Error{line, fmt.Sprintf(format, args...)})
}

// entry handles a directive or a record.
func (p *parser) entry(e *entry) {
	if strings.HasPrefix(e.fields[0], "$") && !e.indented {
		p.directive(e)
		return
	}
	fields := e.fields
	if !e.indented {
		name, err := rdata.Decimal.NameIn(fields[0], p.origin)
		if err != nil {
			p.fail(e.line, "owner %q: %s", fields[0], err)
			return
		}
		p.owner, fields = dnswire.Lowered(name), fields[1:]
	}
	if p.owner == "" {
		p.fail(e.line, "a record without an owner name: there is none before it")
		return
	}
	p.record(e.line, fields)
}

func (p *parser) directive(e *entry) {
	switch name := strings.ToUpper(e.fields[0]); {
	case name == "$ORIGIN" && len(e.fields) == 2:
		origin, err := rdata.Decimal.NameIn(e.fields[1], p.origin)
		if err != nil {
			p.fail(e.line, "$ORIGIN %q: %s", e.fields[1], err)
			return
		}
		p.origin = dnswire.Lowered(origin)
	case name == "$TTL" && len(e.fields) == 2:
		ttl, ok := rdata.ParseTTL(e.fields[1])
		if !ok {
			p.fail(e.line, "$TTL %q is not a TTL", e.fields[1])
			return
		}
		p.defaultTTL = int64(ttl)
	default:
		p.fail(e.line, "%s is not supported, or has another number of values: only $ORIGIN NAME and $TTL TTL are", e.fields[0])
	}
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
	if err != nil {
		p.fail(line, "%s record: %s", rdata.TypeName(rtype), err)
		return
	}
	p.records = append(p.records, Record{p.owner, rtype, uint32(ttl), data, line})
}

// Text returns the line of a record. All names are written in full.
func (r *Record) Text() string {
	return fmt.Sprintf("%s\t%d\tIN\t%s\t%s\n", rdata.Decimal.Name(r.Name), r.TTL, rdata.TypeName(r.Type), rdata.Decimal.Text(r.Type, r.Data))
}
