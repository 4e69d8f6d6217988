package main

import (
	"fmt"
	"strconv"
	"strings"
)

// The words in which AWS names its constraints.

func maxLengthConstraint(s *shape) string {
	return fmt.Sprintf("Member must have length less than or equal to %d", *s.Max)
}

func minLengthConstraint(s *shape) string {
	return fmt.Sprintf("Member must have length greater than or equal to %d", *s.Min)
}

func patternConstraint(s *shape) string {
	return "Member must satisfy regular expression pattern: " + s.Pattern
}

func enumConstraint(values []string) string {
	return "Member must satisfy enum value set: [" + strings.Join(values, ", ") + "]"
}

// memberConstraints lists all constraints of a list's elements, or of a map's keys
// or values: AWS names them together, whichever is missed. A lower limit of 0 can't
// be missed but is named all the same.
func memberConstraints(s *shape) string {
	var all []string
	if s.Max != nil {
		all = append(all, maxLengthConstraint(s))
	}
	if s.Min != nil {
		all = append(all, minLengthConstraint(s))
	}
	if s.Pattern != "" {
		all = append(all, patternConstraint(s))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// goString is a Go literal of s, raw where that reads better.
func goString(s string) string {
	if strings.Contains(s, `\`) && strconv.CanBackquote(s) {
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}
