package cloudmap

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// Limits of a validation message, so that no request makes an answer longer than
// itself. AWS shows all of it; so do we for whatever is a little too long, as the
// longest member of all, NextToken, may have 4096 characters.
const (
	maxViolations = 10   // shown; all are counted
	maxValueText  = 4200 // characters of a value or a map's key
)

// ValidationError says that an input breaks constraints of the API's model. AWS
// answers it with InvalidInput.
type ValidationError struct {
	// Count is the number of violations. The message shows the first few.
	Count   int
	message string
}

// Error returns the message in the form of AWS's validation.
func (e *ValidationError) Error() string { return e.message }

// ErrorKind implements wire.KindError.
func (e *ValidationError) ErrorKind() wire.Kind { return wire.Validation }

// validation collects the violations of one input. The generated methods validate
// walk the input and tell it where they are.
type validation struct {
	strict bool // the strict compatibility mode

	path  []step // of the structure that is being checked
	count int
	shown []string
}

// step leads from a structure to a member, or from a list to its element.
type step struct {
	name  string // "" for an element
	index int
}

func (v *validation) enter(name string) { v.path = append(v.path, step{name: name}) }

func (v *validation) enterElement(i int) { v.path = append(v.path, step{index: i}) }

func (v *validation) leave() { v.path = v.path[:len(v.path)-1] }

// null notes that the required member of that name is missing, or with "" that
// the current element is null.
func (v *validation) null(name string) {
	v.add("null", name, "failed to satisfy constraint: Member must not be null")
}

// fail notes that a member's value, as text, breaks a constraint.
func (v *validation) fail(name, value, constraint string) {
	v.add("'"+shorten(value)+"'", name, "failed to satisfy constraint: "+constraint)
}

// add counts a violation, and shows it if it is among the first.
func (v *validation) add(value, name, what string) {
	if v.count++; v.count > maxViolations {
		return
	}
	v.shown = append(v.shown, fmt.Sprintf("Value %s at '%s' %s", value, v.at(name), what))
}

// at writes a member's path as AWS does: dnsConfig.dnsRecords.1.member.type.
func (v *validation) at(name string) string {
	var parts []string
	for _, s := range v.path {
		if s.name == "" {
			parts = append(parts, strconv.Itoa(s.index+1), "member")
		} else {
			parts = append(parts, s.name)
		}
	}
	if name != "" {
		parts = append(parts, name)
	}
	return strings.Join(parts, ".")
}

// rule is what the elements of a list, or the keys or the values of a map, must
// meet.
type rule struct {
	valid func(string) bool
	text  string // the constraints in AWS's words
}

// elements checks a list of strings. Elements that are not valid make up one
// violation, which shows the whole list; each null is one of its own.
func (v *validation) elements(name string, list []string, element rule) {
	allValid := true
	for i, s := range list {
		if s == awsjson.NullElement {
			v.null(name + "." + strconv.Itoa(i+1) + ".member")
		} else if !element.valid(s) {
			allValid = false
		}
	}
	if !allValid {
		v.fail(name, listText(list), "Member must satisfy constraint: "+element.text)
	}
}

// entries checks a map of strings, with one violation for its keys, one for its
// values, and one for each value that is null.
func (v *validation) entries(name string, m map[string]string, key, value rule) {
	keysValid, valuesValid := true, true
	var nulls []string
	for k, s := range m {
		keysValid = keysValid && key.valid(k)
		if s == awsjson.NullElement {
			nulls = append(nulls, k)
		} else {
			valuesValid = valuesValid && value.valid(s)
		}
	}
	slices.Sort(nulls)
	for _, k := range nulls {
		v.null(name + "." + shorten(k) + ".member")
	}
	if !keysValid {
		v.fail(name, mapText(m), "Map keys must satisfy constraint: "+key.text)
	}
	if !valuesValid {
		v.fail(name, mapText(m), "Map value must satisfy constraint: "+value.text)
	}
}

// result returns nil or a *ValidationError.
func (v *validation) result() error {
	if v.count == 0 {
		return nil
	}
	plural := "s"
	if v.count == 1 {
		plural = ""
	}
	return &ValidationError{
		Count:   v.count,
		message: fmt.Sprintf("%d validation error%s detected: %s", v.count, plural, strings.Join(v.shown, "; ")),
	}
}

// length is the length of a string as constraints count it: in characters.
func length(s string) int { return utf8.RuneCountInString(s) }

// shorten cuts a value that is too long to be shown.
func shorten(s string) string {
	if len(s) <= maxValueText { // bytes: at most that many characters
		return s
	}
	n := 0
	for i := range s {
		if n == maxValueText {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// numberText is how a number shows in a message.
func numberText(n int64) string { return strconv.FormatInt(n, 10) }

// countText is how a list of structures shows in a message. Only its length can be
// wrong; AWS prints the elements in some form of Java's.
func countText(n int) string { return fmt.Sprintf("[%d elements]", n) }

// listText is how a list of strings shows in a message.
func listText(list []string) string {
	texts := make([]string, len(list))
	for i, s := range list {
		texts[i] = nullText(s)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// mapText is how a map shows in a message.
func mapText(m map[string]string) string {
	entries := make([]string, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		entries = append(entries, key+"="+nullText(m[key]))
	}
	return "{" + strings.Join(entries, ", ") + "}"
}

func nullText(s string) string {
	if s == awsjson.NullElement {
		return "null"
	}
	return s
}
