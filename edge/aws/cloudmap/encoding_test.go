package cloudmap

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// absent stands for a member that is left out.
type absent struct{}

// validInput returns a value of the shape that has all its members and breaks
// nothing.
func (m apiModel) validInput(shape string) any {
	switch s := m.Shapes[shape]; s.Type {
	case "structure":
		members := map[string]any{}
		for name, member := range s.Members {
			members[name] = m.validInput(member.Shape)
		}
		return members
	case "list":
		return []any{m.validInput(s.Member.Shape), m.validInput(s.Member.Shape)}
	case "map":
		return map[string]any{m.validInput(s.Key.Shape).(string): m.validInput(s.Value.Shape)}
	case "string":
		return validText(shape, s)
	default:
		return json.Number("5")
	}
}

func validText(shape string, s modelShape) string {
	switch {
	case s.Enum != nil:
		return s.Enum[0]
	case shape == "NamespaceNamePublic":
		return "example.com"
	case s.Min != nil:
		return strings.Repeat("1", max(1, int(*s.Min)))
	}
	return "a"
}

// mistypes are values of every JSON type; all but one or two are of the wrong one.
func mistypes() []any {
	return []any{absent{}, nil, "", "7", json.Number("7"), json.Number("1.5"), true, false, []any{}, map[string]any{},
		[]any{json.Number("7")}, []any{[]any{}}, []any{map[string]any{}}, []any{"a", true}, map[string]any{"a": json.Number("7")}}
}

// variants returns values to put where the shape is expected: good, bad, and at
// the edges of its constraints.
func (m apiModel) variants(shape string) []any {
	all := mistypes()
	switch s := m.Shapes[shape]; s.Type {
	case "list":
		all = append(all, m.listVariants(s)...)
	case "map":
		all = append(all, m.mapVariants(s)...)
	case "string":
		all = append(all, textVariants(s)...)
	case "integer", "long":
		all = append(all, numberVariants(s)...)
	}
	return all
}

func textVariants(s modelShape) []any {
	all := []any{"OTHER", "LATENCY", " ", "é", "a\n", "arn:a", ".", "a.b", "a_", "-a", "<\"'&;", "\u2028", "😀"}
	for _, n := range edges(s) {
		all = append(all, strings.Repeat("a", n), strings.Repeat("é", n), strings.Repeat("a.", n/2))
	}
	for _, value := range s.Enum {
		all = append(all, value, strings.ToLower(value))
	}
	return all
}

func numberVariants(s modelShape) []any {
	var all []any
	for _, text := range []string{"0", "-0", "2.0", "2e0", "20e-1", "2e-1", "1e2", "1e400", "-9223372036854775808", "9223372036854775808"} {
		all = append(all, json.Number(text))
	}
	for _, limit := range []*int64{s.Min, s.Max} {
		for step := int64(-1); limit != nil && step <= 1; step++ {
			all = append(all, json.Number(fmt.Sprint(*limit+step)))
		}
	}
	return all
}

func (m apiModel) listVariants(s modelShape) []any {
	valid := m.validInput(s.Member.Shape)
	all := []any{[]any{nil}, []any{valid, nil, valid, nil}}
	for _, n := range edges(s) {
		all = append(all, slices.Repeat([]any{valid}, n))
	}
	for _, element := range m.variants(s.Member.Shape) {
		if element != any(absent{}) {
			all = append(all, []any{element}, []any{valid, element})
		}
	}
	return all
}

func (m apiModel) mapVariants(s modelShape) []any {
	key, value := m.validInput(s.Key.Shape).(string), m.validInput(s.Value.Shape)
	all := []any{map[string]any{key: nil, "b": nil}, map[string]any{strings.Repeat("k", 1000): nil}}
	for _, n := range edges(s) {
		entries := map[string]any{}
		for i := range n {
			entries[fmt.Sprint(key, i)] = value
		}
		all = append(all, entries)
	}
	for _, element := range m.variants(s.Value.Shape) {
		if element != any(absent{}) {
			all = append(all, map[string]any{key: element})
		}
	}
	for _, text := range textVariants(m.Shapes[s.Key.Shape]) {
		all = append(all, map[string]any{text.(string): value})
	}
	return all
}

// edges returns the lengths at and around a shape's limits.
func edges(s modelShape) []int {
	lengths := []int{0, 1}
	for _, limit := range []*int64{s.Min, s.Max} {
		for step := -1; limit != nil && step <= 1; step++ {
			lengths = append(lengths, max(0, int(*limit)+step))
		}
	}
	slices.Sort(lengths)
	return slices.Compact(lengths)
}

// eachVariant calls yield with copies of value, a valid one of the shape, in each
// of which one node is replaced by one of its variants.
func (m apiModel) eachVariant(shape string, value any, yield func(any)) {
	for _, variant := range m.variants(shape) {
		yield(variant)
	}
	switch s := m.Shapes[shape]; s.Type {
	case "structure":
		for _, name := range slices.Sorted(maps.Keys(s.Members)) {
			m.eachVariant(s.Members[name].Shape, value.(map[string]any)[name], func(member any) {
				yield(withMember(value.(map[string]any), name, member))
			})
		}
	case "list":
		if m.Shapes[s.Member.Shape].Type == "structure" { // others are in variants
			m.eachVariant(s.Member.Shape, value.([]any)[0], func(element any) {
				if element != any(absent{}) {
					yield([]any{value.([]any)[0], element})
				}
			})
		}
	}
}

func withMember(members map[string]any, name string, value any) map[string]any {
	members = maps.Clone(members)
	members[name] = value
	if value == any(absent{}) {
		delete(members, name)
	}
	return members
}

// drawInput draws a value of the shape in which any number of nodes is replaced by
// variants.
func (m apiModel) drawInput(t *rapid.T, shape string) any {
	s := m.Shapes[shape]
	if rapid.IntRange(0, 9).Draw(t, "replace") == 0 || s.Type != "structure" && s.Type != "list" {
		return rapid.SampledFrom(append(m.variants(shape), m.validInput(shape))).Draw(t, shape)
	}
	if s.Type == "list" {
		list := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) any { return m.drawInput(t, s.Member.Shape) }), 0, 3).Draw(t, shape)
		return slices.DeleteFunc(list, func(element any) bool { return element == any(absent{}) })
	}
	members := map[string]any{"Unknown": []any{nil, map[string]any{"Name": json.Number("1")}}}
	for _, name := range slices.Sorted(maps.Keys(s.Members)) {
		members = withMember(members, name, m.drawInput(t, s.Members[name].Shape))
	}
	return members
}
