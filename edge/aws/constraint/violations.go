package constraint

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// Limits of a message, so that no request makes an answer longer than itself.
// AWS shows values in full; so does this package for values that are only a
// little too long, as the longest member of all, NextToken, may have 4096
// characters.
const (
	maxShown     = 10   // violations; all are counted
	MaxValueText = 4200 // characters of a value or of a map's key
)

// Rule is the kind of constraint that was violated.
type Rule int

// The rules.
const (
	NotNull Rule = iota
	MaxLength
	MinLength
	PatternRule
	EnumRule
	MaxValue
	MinValue
	Elements  // of a list, each of them
	MapKeys   // each of them
	MapValues // each of them
	UnionRule // exactly one member is set
)

// ruleText words a rule and its limit as AWS does.
func ruleText(r Rule, limit string) string {
	switch r {
	case NotNull:
		return "Member must not be null"
	case MaxLength:
		return "Member must have length less than or equal to " + limit
	case MinLength:
		return "Member must have length greater than or equal to " + limit
	case PatternRule:
		return "Member must satisfy regular expression pattern: " + limit
	case EnumRule:
		return "Member must satisfy enum value set: " + limit
	case MaxValue:
		return "Member must have value less than or equal to " + limit
	case MinValue:
		return "Member must have value greater than or equal to " + limit
	case Elements:
		return "Member must satisfy constraint: " + limit
	case MapKeys:
		return "Map keys must satisfy constraint: " + limit
	case MapValues:
		return "Map value must satisfy constraint: " + limit
	default:
		return "Exactly one member of the union must be set: " + limit
	}
}

// Violation is one violated constraint.
type Violation struct {
	// Path leads to the member, as in dnsConfig.dnsRecords.1.member.type.
	Path string
	// Value is the member's value as text, empty if Rule is NotNull.
	Value string
	Rule  Rule
	// Limit is what the rule demands: a number, a pattern, or a list of values or
	// constraints.
	Limit string
	// Length is that of the value, if Rule is about lengths.
	Length int
	// Shape is the shape of the member, empty if Rule is NotNull.
	Shape string
	// Parent is the structure that the member is part of, by the name of its
	// member or of its XML element. Empty: the input itself.
	Parent string
	// InBody is true if the member is part of the body; see Violations.InBody.
	InBody bool
	// Element is the first violation of an element if Rule is Elements.
	Element *Violation
}

// String returns the violation in AWS's words.
func (v *Violation) String() string {
	value := "'" + v.Value + "'"
	if v.Rule == NotNull {
		value = "null"
	}
	return "Value " + value + " at '" + v.Path + "' failed to satisfy constraint: " + ruleText(v.Rule, v.Limit)
}

// Error says that an input violates constraints of the API's model.
type Error struct {
	// Count is the number of violations.
	Count int
	// Shown are the first few.
	Shown []Violation
}

// ErrorKind implements wire.KindError.
func (e *Error) ErrorKind() wire.Kind { return wire.Validation }

// Error returns the message of AWS's validation.
func (e *Error) Error() string {
	plural := "s"
	if e.Count == 1 {
		plural = ""
	}
	texts := make([]string, len(e.Shown))
	for i := range e.Shown {
		texts[i] = e.Shown[i].String()
	}
	return fmt.Sprintf("%d validation error%s detected: %s", e.Count, plural, strings.Join(texts, "; "))
}

// Violations collects the violations of one input.
type Violations struct {
	// Strict asks for the constraints of the strict compatibility mode.
	Strict bool
	// InBody is set by generated code once the members of the URI and the header
	// are checked, in the protocols whose messages distinguish them.
	InBody bool

	path    []step // of the structure that is being checked
	pathBuf [8]step
	count   int
	shown   []Violation
}

// step leads from a structure to a member, or from a list or map to its element.
type step struct {
	name  string
	index int    // of a list's element, plus one
	xml   string // name of that element
}

// pushName goes to a member of the current structure.
func (v *Violations) pushName(name string) { v.push(step{name: name}) }

// pop goes back.
func (v *Violations) pop() { v.path = v.path[:len(v.path)-1] }

func (v *Violations) push(s step) {
	if v.path == nil {
		v.path = v.pathBuf[:0]
	}
	v.path = append(v.path, s)
}

// Null notes that the required member of that name is missing. With "" it is
// the current element that is null.
func (v *Violations) Null(name string) { v.add(name, Violation{Rule: NotNull}) }

// Union checks that exactly one of the members of the current structure, which
// is a union, is set.
func (v *Violations) Union(set int, members string) {
	if set != 1 {
		v.add("", Violation{Value: fmt.Sprintf("[%d members]", set), Rule: UnionRule, Limit: members})
	}
}

// add counts a violation of the member of that name, and keeps it if it is among
// the first.
func (v *Violations) add(name string, what Violation) {
	if v.count++; v.count > maxShown {
		return
	}
	what.Path, what.Parent, what.InBody = v.memberPath(name), v.parent(name), v.InBody
	what.Value = truncate(what.Value)
	v.shown = append(v.shown, what)
}

// memberPath writes a member's path as AWS does.
func (v *Violations) memberPath(name string) string {
	var parts []string
	for _, s := range v.path {
		if s.index > 0 {
			parts = append(parts, strconv.Itoa(s.index), "member")
		} else {
			parts = append(parts, s.name)
		}
	}
	if name != "" {
		parts = append(parts, name)
	}
	return strings.Join(parts, ".")
}

// parent names the structure that the member is part of.
func (v *Violations) parent(name string) string {
	path := v.path
	if name == "" && len(path) > 0 {
		path = path[:len(path)-1]
	}
	if len(path) == 0 {
		return ""
	}
	last := path[len(path)-1]
	if last.index > 0 {
		return last.xml
	}
	return last.name
}

// err returns nil, or an *Error.
func (v *Violations) err() error {
	if v.count == 0 {
		return nil
	}
	return &Error{Count: v.count, Shown: v.shown}
}

// truncate cuts a value that is too long to be shown.
func truncate(s string) string {
	if len(s) <= MaxValueText { // bytes: at most that many characters
		return s
	}
	n := 0
	for i := range s {
		if n == MaxValueText {
			return s[:i] + "…"
		}
		n++
	}
	return s
}
