package task

import (
	"regexp"
	"sync"
)

// pattern is a regular expression that is compiled when it is used first: the program is
// started for each container, which checks nothing, and repetitions such as {1,512} take
// milliseconds to compile.
type pattern struct {
	text     string
	compiled func() *regexp.Regexp
}

func newPattern(text string) pattern {
	return pattern{text, sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })}
}

// MatchString reports whether the pattern matches a part of s.
func (p pattern) MatchString(s string) bool { return p.compiled().MatchString(s) }

// String returns the text of the pattern.
func (p pattern) String() string { return p.text }
