// Package constraint checks the inputs of operations against the constraints of
// an API's model: required members, lengths, ranges, patterns, enums and unions.
// It collects all violations and words them as AWS does:
//
//	2 validation errors detected: Value null at 'name' failed to satisfy
//	constraint: Member must not be null; Value '0' at 'ttl' failed to …
//
// The limits of shapes are data, generated from the model. Generated methods
// named validate walk an input and call the functions of this package.
package constraint

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// String holds the constraints of a string or an enum. The zero value accepts
// every string.
type String struct {
	// Shape is the name of the shape, for messages that name it.
	Shape string
	// Min and Max bound the length in characters. A Max of 0 is no bound.
	Min, Max int
	// StatesMin is true if the model states a Min of 0, which nothing can
	// violate but which AWS lists with the other constraints.
	StatesMin bool
	// Pattern has to match the whole string. Nil: there is none.
	Pattern *Pattern
	// Enum holds the accepted values. Nil: the shape is no enum.
	Enum []string
	// ExtendedEnum holds further values that are accepted in the extended
	// compatibility mode.
	ExtendedEnum []string
	// ExtendedAny is true if the extended mode accepts any value of the enum.
	ExtendedAny bool
}

// Number holds the constraints of a number. No bound is math.MinInt64 or
// math.MaxInt64.
type Number struct {
	Shape    string
	Min, Max int64
}

// Size holds the constraints on the number of elements or entries of a list or
// map, or on the number of bytes of a blob. A Max of 0 is no bound.
type Size struct {
	Shape    string
	Min, Max int
	// Element is the XML name of a list's elements, for messages that name it.
	Element string
}

// Pattern is a regular expression that has to match a whole string.
type Pattern struct {
	// Text is the expression as the model states it.
	Text string
	// Match reports whether the pattern matches. Nil: Text is compiled by package
	// regexp when it is first needed, which must be possible.
	Match func(string) bool

	compile sync.Once
	regexp  *regexp.Regexp
}

// matches reports whether p matches the whole of s.
func (p *Pattern) matches(s string) bool {
	if p.Match != nil {
		return p.Match(s)
	}
	p.compile.Do(func() { p.regexp = regexp.MustCompile(WholeString(p.Text)) })
	return p.regexp.MatchString(s)
}

// WholeString returns an expression that matches the strings which the pattern
// matches as a whole.
func WholeString(pattern string) string { return `\A(?:` + pattern + `)\z` }

// valid reports whether s violates nothing.
func (l *String) valid(s string, strict bool) bool {
	if l.Max > 0 || l.Min > 0 {
		if n := length(s); l.Max > 0 && n > l.Max || n < l.Min {
			return false
		}
	}
	if l.Pattern != nil && !l.Pattern.matches(s) {
		return false
	}
	return l.Enum == nil || l.inEnum(s, strict)
}

func (l *String) inEnum(s string, strict bool) bool {
	return slices.Contains(l.Enum, s) || !strict && (l.ExtendedAny || slices.Contains(l.ExtendedEnum, s))
}

// enumSet is the accepted values of an enum, as messages list them.
func (l *String) enumSet(strict bool) string {
	all := l.Enum
	if !strict {
		all = slices.Concat(l.Enum, l.ExtendedEnum)
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// text lists all constraints. For an element of a list or map AWS names them
// together, whichever is violated.
func (l *String) text(strict bool) string {
	var all []string
	if l.Max > 0 {
		all = append(all, ruleText(MaxLength, strconv.Itoa(l.Max)))
	}
	if l.Min > 0 || l.StatesMin {
		all = append(all, ruleText(MinLength, strconv.Itoa(l.Min)))
	}
	if l.Pattern != nil {
		all = append(all, ruleText(PatternRule, l.Pattern.Text))
	}
	if l.Enum != nil {
		all = append(all, ruleText(EnumRule, l.enumSet(strict)))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// text lists all constraints of a number that is an element of a list or map.
func (l *Number) text() string {
	var all []string
	if l.Max < math.MaxInt64 {
		all = append(all, ruleText(MaxValue, numberText(l.Max)))
	}
	if l.Min > math.MinInt64 {
		all = append(all, ruleText(MinValue, numberText(l.Min)))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// length is the length of a string as constraints count it: in characters.
func length(s string) int { return utf8.RuneCountInString(s) }

func numberText(n int64) string { return strconv.FormatInt(n, 10) }
