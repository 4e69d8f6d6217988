package botocore

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cairn-discovery/cairn/edge/aws/constraint"
)

// sweeper violates each constraint of an operation's input in turn.
type sweeper struct {
	*checker
	index int
	cases int
}

// checkConstraints sends inputs with one violation each, and wants AWS's message
// for it.
func (c *checker) checkConstraints(t *testing.T, index int) {
	t.Helper()
	input := c.model.Operations[c.Operations[index].Name].Input.Shape
	s := &sweeper{checker: c, index: index}
	valid := s.valid(input, nil)
	if _, err := s.decode(t, index, valid.(map[string]any)); err != nil {
		t.Fatalf("the valid input is refused: %v", err)
	}
	s.walk(t, input, member{}, valid, "", func(v any) any { return v })
	t.Logf("%d violations", s.cases)
}

// valid makes a value that violates nothing, with all members that do not nest
// their own shape.
func (s *sweeper) valid(name string, around []string) any {
	sh := s.model.Shapes[name]
	around = append(around[:len(around):len(around)], name)
	switch sh.Type {
	case "structure":
		return s.validStructure(sh, around)
	case "list":
		return slices.Repeat([]any{s.valid(sh.Member.Shape, around)}, max(1, limit(sh.Min)))
	case "map":
		return map[string]any{s.valid(sh.Key.Shape, around).(string): s.valid(sh.Value.Shape, around)}
	case "string":
		return s.validText(sh)
	case "integer", "long":
		return max(1, int64(limit(sh.Min)))
	case "float", "double":
		return float(1)
	case "boolean":
		return true
	case "blob":
		return blob("x")
	}
	return instant(1_000_000_000_000)
}

func limit(n *int64) int {
	if n == nil {
		return 0
	}
	return int(*n)
}

func (s *sweeper) validStructure(sh *shape, around []string) any {
	if sh.Document {
		return document("{}")
	}
	members := map[string]any{}
	for _, name := range sh.memberNames() {
		required := slices.Contains(sh.Required, name)
		if !required && (s.nestsAround(sh.Members[name].Shape, around) || sh.Union && len(members) > 0) {
			continue
		}
		members[name] = s.valid(sh.Members[name].Shape, around)
	}
	return members
}

// nestsAround reports whether a shape or its elements are among those around it.
func (s *sweeper) nestsAround(name string, around []string) bool {
	sh := s.model.Shapes[name]
	return slices.Contains(around, name) || sh.Type == "list" && slices.Contains(around, sh.Member.Shape)
}

func (s *sweeper) validText(sh *shape) string {
	if sh.Enum != nil {
		return sh.Enum[0]
	}
	for _, text := range []string{"a", "1", "1.5", "10.0.0.1", "00000000-0000-0000-0000-000000000000"} {
		for len(text) < limit(sh.Min) {
			text += text[:1]
		}
		if matches(sh.Pattern, text) && (sh.Max == nil || len(text) <= limit(sh.Max)) {
			return text
		}
	}
	panic("no valid text for pattern " + sh.Pattern)
}

// matches reports whether a pattern matches a whole text.
func matches(pattern, text string) bool {
	return pattern == "" || regexp.MustCompile(`\A(?:`+pattern+`)\z`).MatchString(text)
}

// walk violates what can be violated at a place and below it. Put returns the whole
// input with another value at the place.
func (s *sweeper) walk(t *testing.T, name string, at member, value any, path string, put func(any) any) {
	t.Helper()
	sh := s.model.Shapes[name]
	switch sh.Type {
	case "structure":
		s.walkStructure(t, sh, value, path, put)
	case "list":
		s.walkList(t, sh, at, value.([]any), path, put)
	case "map":
		s.walkMap(t, sh, value.(map[string]any), path, put)
	case "string":
		for text, rule := range s.badTexts(sh, at) {
			s.violate(t, put(text), fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: %s", shown(text), path, rule))
		}
	case "integer", "long", "float", "double":
		for n, rule := range badNumbers(sh) {
			bad := any(n)
			if sh.Type == "float" || sh.Type == "double" {
				bad = float(n)
			}
			s.violate(t, put(bad), fmt.Sprintf("Value '%d' at '%s' failed to satisfy constraint: %s", n, path, rule))
		}
	}
}

func (s *sweeper) walkStructure(t *testing.T, sh *shape, value any, path string, put func(any) any) {
	t.Helper()
	members, ok := value.(map[string]any)
	if !ok {
		return // a document
	}
	with := func(name string, v any) any {
		changed := maps.Clone(members)
		if sh.Union {
			clear(changed)
		}
		changed[name] = v
		return put(changed)
	}
	for _, name := range sh.memberNames() {
		part := sh.Members[name]
		below := strings.TrimPrefix(path+"."+strings.ToLower(name[:1])+name[1:], ".")
		if slices.Contains(sh.Required, name) && s.model.location(part) != "uri" && name != sh.Payload {
			without := maps.Clone(members)
			delete(without, name)
			if len(without) > 0 || s.model.json() {
				s.violate(t, put(without), "Value null at '"+below+"' failed to satisfy constraint: Member must not be null")
			}
		}
		if v, set := members[name]; set || sh.Union {
			if !set {
				v = s.valid(part.Shape, nil)
			}
			s.walk(t, part.Shape, part, v, below, func(v any) any { return with(name, v) })
		}
	}
	if names := sh.memberNames(); sh.Union && len(names) > 1 {
		both := map[string]any{names[0]: s.valid(sh.Members[names[0]].Shape, nil), names[1]: s.valid(sh.Members[names[1]].Shape, nil)}
		s.violate(t, put(both), fmt.Sprintf("Value '[2 members]' at '%s' failed to satisfy constraint: Exactly one member of the union must be set: [%s]",
			path, strings.Join(names, ", ")))
	}
}

func (s *sweeper) walkList(t *testing.T, sh *shape, at member, list []any, path string, put func(any) any) {
	t.Helper()
	element := s.model.Shapes[sh.Member.Shape]
	fail := func(list []any, rule string) {
		s.violate(t, put(list), fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: %s", s.listText(element, list), path, rule))
	}
	flat := !s.model.json() && (sh.Flattened || at.Flattened)
	if sh.Max != nil {
		fail(slices.Repeat(list[:1], limit(sh.Max)+1), fmt.Sprintf("Member must have length less than or equal to %d", *sh.Max))
	}
	if limit(sh.Min) > 0 && !flat && s.model.location(at) == "" {
		fail([]any{}, fmt.Sprintf("Member must have length greater than or equal to %d", *sh.Min))
	}
	withFirst := func(v any) []any {
		changed := slices.Clone(list)
		changed[0] = v
		return changed
	}
	switch element.Type {
	case "string":
		for text := range s.badTexts(element, member{Location: at.Location}) {
			if text != "" || !flat {
				fail(withFirst(text), "Member must satisfy constraint: "+constraints(element))
			}
		}
	case "integer", "long":
		for n := range badNumbers(element) {
			fail(withFirst(n), "Member must satisfy constraint: "+constraints(element))
		}
	case "structure", "list", "map":
		s.walk(t, sh.Member.Shape, member{}, list[0], path+".1.member", func(v any) any { return put(withFirst(v)) })
	}
}

func (s *sweeper) listText(element *shape, list []any) string {
	if element.Type != "string" && element.Type != "integer" && element.Type != "long" {
		return fmt.Sprintf("[%d elements]", len(list))
	}
	var texts []string
	for _, v := range list {
		texts = append(texts, fmt.Sprint(v))
	}
	return shown("[" + strings.Join(texts, ", ") + "]")
}

func (s *sweeper) walkMap(t *testing.T, sh *shape, m map[string]any, path string, put func(any) any) {
	t.Helper()
	key, value := s.model.Shapes[sh.Key.Shape], s.model.Shapes[sh.Value.Shape]
	if value.Type != "string" {
		return
	}
	good := s.valid(sh.Value.Shape, nil)
	for text := range s.badTexts(key, member{}) {
		s.violate(t, put(map[string]any{text: good}), fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: Map keys must satisfy constraint: %s",
			shown("{"+text+"="+good.(string)+"}"), path, constraints(key)))
	}
	for name := range m {
		for text := range s.badTexts(value, member{}) {
			s.violate(t, put(map[string]any{name: text}), fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: Map value must satisfy constraint: %s",
				shown("{"+name+"="+text+"}"), path, constraints(value)))
		}
	}
}

// badTexts returns texts that violate one constraint of a string each, with its
// words.
func (s *sweeper) badTexts(sh *shape, at member) map[string]string {
	bad := map[string]string{}
	if sh.Enum != nil {
		bad["x"] = "Member must satisfy enum value set: [" + strings.Join(sh.Enum, ", ") + "]"
		return bad
	}
	if text := strings.Repeat("1", limit(sh.Max)+1); sh.Max != nil && matches(sh.Pattern, text) {
		bad[text] = fmt.Sprintf("Member must have length less than or equal to %d", *sh.Max)
	}
	if text := strings.Repeat("1", max(limit(sh.Min)-1, 0)); limit(sh.Min) > 0 && matches(sh.Pattern, text) && (text != "" || s.model.location(at) == "") {
		bad[text] = fmt.Sprintf("Member must have length greater than or equal to %d", *sh.Min)
	}
	for _, text := range []string{"é", "a b", "!!"} {
		if n := utf8.RuneCountInString(text); !matches(sh.Pattern, text) && n >= limit(sh.Min) && (sh.Max == nil || n <= limit(sh.Max)) {
			bad[text] = "Member must satisfy regular expression pattern: " + sh.Pattern
			break
		}
	}
	return bad
}

func badNumbers(sh *shape) map[int64]string {
	bad := map[int64]string{}
	if sh.Max != nil {
		bad[*sh.Max+1] = fmt.Sprintf("Member must have value less than or equal to %d", *sh.Max)
	}
	if sh.Min != nil {
		bad[*sh.Min-1] = fmt.Sprintf("Member must have value greater than or equal to %d", *sh.Min)
	}
	return bad
}

// constraints lists all constraints of an element.
func constraints(sh *shape) string {
	kind := "length"
	if sh.Type != "string" {
		kind = "value"
	}
	var all []string
	if sh.Max != nil {
		all = append(all, fmt.Sprintf("Member must have %s less than or equal to %d", kind, *sh.Max))
	}
	if sh.Min != nil {
		all = append(all, fmt.Sprintf("Member must have %s greater than or equal to %d", kind, *sh.Min))
	}
	if sh.Pattern != "" {
		all = append(all, "Member must satisfy regular expression pattern: "+sh.Pattern)
	}
	if sh.Enum != nil {
		all = append(all, "Member must satisfy enum value set: ["+strings.Join(sh.Enum, ", ")+"]")
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// shown cuts a text that is too long for a message.
func shown(text string) string {
	if runes := []rune(text); len(runes) > constraint.MaxValueText {
		return string(runes[:constraint.MaxValueText]) + "…"
	}
	return text
}

// violate sends an input, and wants one violation.
func (s *sweeper) violate(t *testing.T, input any, want string) {
	t.Helper()
	s.cases++
	in, err := s.decode(t, s.index, input.(map[string]any))
	got, ok := errors.AsType[*constraint.Error](err)
	if !ok || got.Error() != "1 validation error detected: "+want {
		t.Errorf("got  %v\nwant 1 validation error detected: %s", err, want)
	}
	if in == nil || reflect.ValueOf(in).IsNil() {
		t.Errorf("the input is not returned with %v", err)
	}
}
