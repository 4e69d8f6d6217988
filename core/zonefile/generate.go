package zonefile

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/rdata"
)

// Limits of $GENERATE.
const (
	maxGenerated = 65_536
	maxWidth     = 63 // digits of a number: the length of a label
)

// generate handles $GENERATE, an extension of BIND to the master file format:
//
//	$GENERATE START-STOP[/STEP] OWNER [TTL] [CLASS] TYPE DATA
//
// It makes a record for each number. In the owner and the data, $ is the number, and $$ or
// \$ is a dollar sign. ${OFFSET,WIDTH,BASE} is the number plus an offset, with leading
// zeros, in the base d, o, x or X.
func (p *parser) generate(e *entry) {
	if len(e.fields) < 5 {
		p.fail(e.line, "$GENERATE needs a range, an owner name, a type and data")
		return
	}
	start, stop, step, err := parseRange(e.fields[1])
	if err != nil {
		p.fail(e.line, "$GENERATE: %s", err)
		return
	}
	fields := unquoted(e.fields[3:])
	problems := len(p.errors)
	for i := start; i <= stop && len(p.errors) == problems; i += step {
		line := make([]string, 0, len(fields))
		owner, err := substitute(e.fields[2], i)
		for _, f := range fields {
			var field string
			if err == nil {
				field, err = substitute(f, i)
			}
			line = append(line, field)
		}
		if err != nil {
			p.fail(e.line, "$GENERATE: %s", err)
			return
		}
		if p.own(e.line, owner) {
			p.record(e.line, line)
		}
	}
}

// unquoted returns the fields after the owner name. Data that is one character string is
// taken out of its quotation marks, unless it is text: BIND has them around data with
// white space.
func unquoted(fields []string) []string {
	last := fields[len(fields)-1]
	before, ok := rdata.Type(fields[len(fields)-2])
	if !ok || before == dnswire.TypeTXT || before == dnswire.TypeSPF || len(last) < 2 || last[0] != '"' {
		return fields
	}
	return append(fields[:len(fields)-1:len(fields)-1], last[1:len(last)-1])
}

// parseRange reads START-STOP or START-STOP/STEP.
func parseRange(s string) (start, stop, step int64, err error) {
	bounds, stepText, hasStep := strings.Cut(s, "/")
	first, last, ok := strings.Cut(bounds, "-")
	number := func(text string) int64 {
		n, err := strconv.ParseInt(text, 10, 32)
		ok = ok && err == nil && n >= 0
		return n
	}
	start, stop, step = number(first), number(last), 1
	if hasStep {
		step = number(stepText)
	}
	switch {
	case !ok || step == 0 || start > stop:
		return 0, 0, 0, fmt.Errorf("%q is not a range such as 1-10 or 0-100/2", s)
	case (stop-start)/step >= maxGenerated:
		return 0, 0, 0, fmt.Errorf("the range %s has more than %d numbers", s, maxGenerated)
	}
	return start, stop, step, nil
}

// substitute replaces the dollar signs of a field.
func substitute(s string, n int64) (string, error) {
	if !strings.Contains(s, "$") {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		rest := s[i:]
		switch {
		case strings.HasPrefix(rest, `\$`), strings.HasPrefix(rest, "$$"):
			b.WriteByte('$')
			i++
		case rest[0] == '\\' && len(rest) > 1:
			b.WriteString(rest[:2])
			i++
		case strings.HasPrefix(rest, "${"):
			modifier, _, ok := strings.Cut(rest[2:], "}")
			text, valid := modified(modifier, n)
			if !ok || !valid {
				return "", fmt.Errorf("%q has a number that is not of the form ${OFFSET,WIDTH,BASE}, with a base of d, o, x or X", s)
			}
			b.WriteString(text)
			i += len("${}") + len(modifier) - 1
		case rest[0] == '$':
			b.WriteString(strconv.FormatInt(n, 10))
		default:
			b.WriteByte(rest[0])
		}
	}
	return b.String(), nil
}

// modified returns a number as OFFSET, WIDTH and BASE say, of which the last ones can be
// left out.
func modified(modifier string, n int64) (string, bool) {
	parts := strings.Split(modifier, ",")
	offset, err := strconv.ParseInt(parts[0], 10, 32)
	if err != nil || len(parts) > 3 || n+offset < 0 {
		return "", false
	}
	width, verb := 0, "d"
	if len(parts) > 1 {
		if width, err = strconv.Atoi(parts[1]); err != nil || width < 0 || width > maxWidth {
			return "", false
		}
	}
	if len(parts) > 2 {
		verb = parts[2]
	}
	if len(verb) != 1 || !strings.Contains("doxX", verb) {
		return "", false
	}
	return fmt.Sprintf("%0*"+verb, width, n+offset), true
}
