package constraint

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
)

// String checks a string that is a member of the current structure. Nil, an
// absent member, violates nothing; so it is in the other functions.
func (v *Violations) String(name string, s *string, l *String) {
	if s != nil && !l.valid(*s, v.Strict) {
		v.failString(name, *s, l)
	}
}

// Enum checks an enum.
func Enum[T ~string](v *Violations, name string, s *T, l *String) {
	if s != nil && !l.valid(string(*s), v.Strict) {
		v.failString(name, string(*s), l)
	}
}

// failString adds the violations of a string.
func (v *Violations) failString(name, s string, l *String) {
	if l.Pattern != nil && !l.Pattern.matches(s) {
		v.add(name, Violation{Value: s, Rule: PatternRule, Limit: l.Pattern.Text, Shape: l.Shape})
	}
	v.length(name, s, length(s), l.Min, l.Max, l.Shape)
	if l.Enum != nil && !l.inEnum(s, v.Strict) {
		v.add(name, Violation{Value: s, Rule: EnumRule, Limit: l.enumSet(v.Strict), Shape: l.Shape})
	}
}

// length adds the violations of a length n. Value is what has that length.
func (v *Violations) length(name, value string, n, least, most int, shape string) {
	if most > 0 && n > most {
		v.add(name, Violation{Value: value, Rule: MaxLength, Limit: strconv.Itoa(most), Length: n, Shape: shape})
	}
	if n < least {
		v.add(name, Violation{Value: value, Rule: MinLength, Limit: strconv.Itoa(least), Length: n, Shape: shape})
	}
}

func (l *Size) violated(n int) bool { return n < l.Min || l.Max > 0 && n > l.Max }

// Int checks a whole number.
func (v *Violations) Int(name string, n *int64, l *Number) {
	if n == nil {
		return
	}
	if *n > l.Max {
		v.add(name, Violation{Value: numberText(*n), Rule: MaxValue, Limit: numberText(l.Max), Shape: l.Shape})
	}
	if *n < l.Min {
		v.add(name, Violation{Value: numberText(*n), Rule: MinValue, Limit: numberText(l.Min), Shape: l.Shape})
	}
}

// Float checks a floating-point number.
func (v *Violations) Float(name string, n *float64, l *Number) {
	if n == nil {
		return
	}
	value := strconv.FormatFloat(*n, 'g', -1, 64)
	if l.Max < math.MaxInt64 && !(*n <= float64(l.Max)) { // not a number exceeds every limit
		v.add(name, Violation{Value: value, Rule: MaxValue, Limit: numberText(l.Max), Shape: l.Shape})
	}
	if l.Min > math.MinInt64 && !(*n >= float64(l.Min)) {
		v.add(name, Violation{Value: value, Rule: MinValue, Limit: numberText(l.Min), Shape: l.Shape})
	}
}

// Blob checks a blob.
func (v *Violations) Blob(name string, b []byte, l *Size) {
	if b != nil && l.violated(len(b)) {
		v.length(name, fmt.Sprintf("[%d bytes]", len(b)), len(b), l.Min, l.Max, l.Shape)
	}
}

// Struct checks a structure.
func Struct[T any](v *Violations, name string, m *T, validate func(*T, *Violations)) {
	if m == nil {
		return
	}
	v.pushName(name)
	validate(m, v)
	v.pop()
}

// Structs checks a list of structures. A nil element is null.
func Structs[T any](v *Violations, name string, list []*T, l *Size, validate func(*T, *Violations)) {
	if list == nil {
		return
	}
	if l.violated(len(list)) {
		v.length(name, countText(len(list)), len(list), l.Min, l.Max, l.Shape)
	}
	v.pushName(name)
	for i, element := range list {
		v.push(step{index: i + 1, xml: l.Element})
		if element == nil {
			v.Null("")
		} else {
			validate(element, v)
		}
		v.pop()
	}
	v.pop()
}

// Strings checks a list of strings. Elements that are not valid are one
// violation, which shows the whole list; each null is one of its own.
func Strings[T ~string](v *Violations, name string, list []T, l *Size, element *String) {
	if list == nil {
		return
	}
	if l.violated(len(list)) {
		v.length(name, listText(list), len(list), l.Min, l.Max, l.Shape)
	}
	invalid := -1
	for i, s := range list {
		if s == awsjson.NullElement {
			v.Null(name + "." + strconv.Itoa(i+1) + ".member")
		} else if invalid < 0 && !element.valid(string(s), v.Strict) {
			invalid = i
		}
	}
	if invalid >= 0 {
		first := Violations{Strict: v.Strict}
		first.failString("", string(list[invalid]), element)
		v.add(name, Violation{Value: listText(list), Rule: Elements, Limit: element.text(v.Strict), Shape: l.Shape, Element: &first.shown[0]})
	}
}

// Ints checks a list of whole numbers, which has no nulls.
func Ints(v *Violations, name string, list []int64, l *Size, element *Number) {
	if list == nil {
		return
	}
	if l.violated(len(list)) {
		v.length(name, intsText(list), len(list), l.Min, l.Max, l.Shape)
	}
	for _, n := range list {
		if n < element.Min || n > element.Max {
			var first Violations
			first.Int("", &n, element)
			v.add(name, Violation{Value: intsText(list), Rule: Elements, Limit: element.text(), Shape: l.Shape, Element: &first.shown[0]})
			return
		}
	}
}

// List checks a list of any other kind; check gets each element, with a path
// that leads to it. A nil check accepts every element.
func List[T any](v *Violations, name string, list []T, l *Size, check func(*Violations, string, T)) {
	if list == nil {
		return
	}
	if l.violated(len(list)) {
		v.length(name, countText(len(list)), len(list), l.Min, l.Max, l.Shape)
	}
	if check == nil {
		return
	}
	v.pushName(name)
	for i, element := range list {
		v.push(step{index: i + 1, xml: l.Element})
		check(v, "", element)
		v.pop()
	}
	v.pop()
}

// Map checks a map of strings. There is one violation for its keys, one for its
// values, and one for each value that is null.
func Map[K, T ~string](v *Violations, name string, m map[K]T, l *Size, key, value *String) {
	if m == nil {
		return
	}
	if l.violated(len(m)) {
		v.length(name, mapText(m), len(m), l.Min, l.Max, l.Shape)
	}
	keysValid, valuesValid := true, true
	var nulls []K
	for k, s := range m {
		keysValid = keysValid && key.valid(string(k), v.Strict)
		if s == awsjson.NullElement {
			nulls = append(nulls, k)
		} else {
			valuesValid = valuesValid && value.valid(string(s), v.Strict)
		}
	}
	slices.Sort(nulls)
	for _, k := range nulls {
		v.Null(name + "." + truncate(string(k)) + ".member")
	}
	if !keysValid {
		v.add(name, Violation{Value: mapText(m), Rule: MapKeys, Limit: key.text(v.Strict), Shape: l.Shape})
	}
	if !valuesValid {
		v.add(name, Violation{Value: mapText(m), Rule: MapValues, Limit: value.text(v.Strict), Shape: l.Shape})
	}
}

// Entries checks a map whose values are not strings; check gets each value, with
// a path that leads to it, in the order of the keys. A nil check accepts every
// value.
func Entries[K ~string, T any](v *Violations, name string, m map[K]T, l *Size, key *String, check func(*Violations, string, T)) {
	if m == nil {
		return
	}
	if l.violated(len(m)) {
		v.length(name, countText(len(m)), len(m), l.Min, l.Max, l.Shape)
	}
	keysValid := true
	for k := range m {
		keysValid = keysValid && key.valid(string(k), v.Strict)
	}
	if !keysValid {
		v.add(name, Violation{Value: keysText(m), Rule: MapKeys, Limit: key.text(v.Strict), Shape: l.Shape})
	}
	if check == nil {
		return
	}
	v.pushName(name)
	for _, k := range slices.Sorted(maps.Keys(m)) {
		v.pushName(truncate(string(k)))
		check(v, "member", m[k])
		v.pop()
	}
	v.pop()
}

// countText is how a list of structures shows in a message. Only its length can
// be wrong; AWS prints the elements in some form of Java's.
func countText(n int) string { return fmt.Sprintf("[%d elements]", n) }

// intsText is how a list of numbers shows in a message.
func intsText(list []int64) string { return strings.ReplaceAll(fmt.Sprint(list), " ", ", ") }

// listText is how a list of strings shows in a message.
func listText[T ~string](list []T) string {
	texts := make([]string, len(list))
	for i, s := range list {
		texts[i] = nullText(s)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// mapText is how a map of strings shows in a message.
func mapText[K, T ~string](m map[K]T) string {
	entries := make([]string, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		entries = append(entries, string(key)+"="+nullText(m[key]))
	}
	return "{" + strings.Join(entries, ", ") + "}"
}

// keysText is how a map shows of which only the keys are strings.
func keysText[K ~string, T any](m map[K]T) string {
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		keys = append(keys, string(key))
	}
	return "{" + strings.Join(keys, ", ") + "}"
}

func nullText[T ~string](s T) string {
	if s == awsjson.NullElement {
		return "null"
	}
	return string(s)
}

// StructEntry makes the check of a map's values from that of a structure.
func StructEntry[T any](validate func(*T, *Violations)) func(*Violations, string, *T) {
	return func(v *Violations, name string, m *T) {
		if m == nil {
			v.Null(name)
		}
		Struct(v, name, m, validate)
	}
}

// Count returns how many of the conditions are true.
func Count(conditions ...bool) int {
	n := 0
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}

// Check validates an input. The error is an *Error.
func Check[T any](in *T, strict bool, validate func(*T, *Violations)) error {
	v := Violations{Strict: strict}
	validate(in, &v)
	return v.err()
}
