package task

import (
	"regexp"
	"strconv"
)

// pattern is what names consist of: 1 to most of the ASCII characters of a class. The
// regular expression is compiled without the repetition, which would take milliseconds
// in each start of the program.
type pattern struct {
	text string
	all  *regexp.Regexp
	most int
}

func newPattern(class string, most int) pattern {
	return pattern{"^" + class + "{1," + strconv.Itoa(most) + "}$", regexp.MustCompile("^" + class + "+$"), most}
}

// MatchString reports whether s matches the pattern.
func (p pattern) MatchString(s string) bool { return len(s) <= p.most && p.all.MatchString(s) }

// String returns the pattern as a regular expression.
func (p pattern) String() string { return p.text }
