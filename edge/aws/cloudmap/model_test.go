package cloudmap

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cairn-discovery/cairn/edge/aws/constraint"
)

// apiModel is the API's model as the tests read it.
type apiModel struct {
	Operations map[string]struct {
		Input, Output modelRef
		Errors        []modelRef
		Endpoint      struct{ HostPrefix string }
	}
	Shapes map[string]modelShape
}

type modelRef struct{ Shape string }

type modelShape struct {
	Type               string
	Enum               []string
	Pattern            string
	Min, Max           *int64
	Required           []string
	Members            map[string]modelRef
	Member, Key, Value modelRef
}

func loadModel(t testing.TB) apiModel {
	t.Helper()
	text, err := os.ReadFile("model/servicediscovery-2017-03-14.json")
	if err != nil {
		t.Fatal(err)
	}
	var m apiModel
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// interpreter is a second decoder and validator: it interprets the model over values of
// encoding/json, as simply as can be, for comparison with the generated code.
type interpreter struct {
	shapes     map[string]modelShape
	strict     bool
	violations []string
	mistyped   bool // a value has the wrong JSON type
}

// modelVerdict is what the answer to an input must say: "" for an accepted input,
// "mistyped", or the message of its violations.
func modelVerdict(m apiModel, inputShape string, strict bool, value any) string {
	tw := &interpreter{shapes: m.Shapes, strict: strict}
	if value == nil {
		return "mistyped"
	}
	tw.value(inputShape, "", value)
	n := len(tw.violations)
	switch {
	case tw.mistyped:
		return "mistyped"
	case n == 0:
		return ""
	case n == 1:
		return "1 validation error detected: " + tw.violations[0]
	}
	return fmt.Sprintf("%d validation errors detected: %s", n, strings.Join(tw.violations[:min(n, 10)], "; "))
}

func (tw *interpreter) value(shape, path string, value any) {
	switch s := tw.shapes[shape]; s.Type {
	case "structure":
		tw.structure(shape, s, path, value)
	case "list":
		tw.list(s, path, value)
	case "map":
		tw.mapping(s, path, value)
	case "string":
		tw.text(shape, s, path, value)
	case "integer", "long":
		tw.number(s, path, value)
	default:
		panic("no such type in inputs: " + s.Type)
	}
}

func (tw *interpreter) structure(shape string, s modelShape, path string, value any) {
	members, ok := value.(map[string]any)
	tw.mistyped = tw.mistyped || !ok
	for _, name := range slices.Sorted(maps.Keys(s.Members)) {
		at := strings.TrimPrefix(path+"."+strings.ToLower(name[:1])+name[1:], ".")
		optionalTTL := shape == "DnsRecord" && name == "TTL" && !tw.strict
		switch {
		case members[name] != nil:
			tw.value(s.Members[name].Shape, at, members[name])
		case slices.Contains(s.Required, name) && !optionalTTL:
			tw.null(at)
		}
	}
}

func (tw *interpreter) list(s modelShape, path string, value any) {
	list, ok := value.([]any)
	tw.mistyped = tw.mistyped || !ok
	structures := tw.shapes[s.Member.Shape].Type == "structure"
	shown := fmt.Sprintf("[%d elements]", len(list))
	if !structures {
		shown = "[" + strings.Join(showAll(list), ", ") + "]"
	}
	tw.length(s, path, shown, len(list))
	bad := false
	for i, element := range list {
		at := fmt.Sprintf("%s.%d.member", path, i+1)
		switch {
		case element == nil:
			tw.null(at)
		case structures:
			tw.value(s.Member.Shape, at, element)
		default:
			bad = tw.breaks(s.Member.Shape, element) || bad
		}
	}
	if bad {
		tw.fail(path, shown, "Member must satisfy constraint: "+tw.constraints(s.Member.Shape))
	}
}

func (tw *interpreter) mapping(s modelShape, path string, value any) {
	m, ok := value.(map[string]any)
	tw.mistyped = tw.mistyped || !ok
	var entries []string
	badKey, badValue := false, false
	for _, key := range slices.Sorted(maps.Keys(m)) {
		element := m[key]
		entries = append(entries, key+"="+show(element))
		badKey = tw.breaks(s.Key.Shape, key) || badKey
		if element != nil {
			badValue = tw.breaks(s.Value.Shape, element) || badValue
		}
	}
	shown := "{" + strings.Join(entries, ", ") + "}"
	tw.length(s, path, shown, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if m[key] == nil {
			tw.null(path + "." + cut(key) + ".member")
		}
	}
	if badKey {
		tw.fail(path, shown, "Map keys must satisfy constraint: "+tw.constraints(s.Key.Shape))
	}
	if badValue {
		tw.fail(path, shown, "Map value must satisfy constraint: "+tw.constraints(s.Value.Shape))
	}
}

// breaks reports whether an element of a list or map breaks its constraints.
func (tw *interpreter) breaks(shape string, value any) bool {
	element := interpreter{shapes: tw.shapes, strict: tw.strict}
	element.value(shape, "", value)
	tw.mistyped = tw.mistyped || element.mistyped
	return len(element.violations) > 0
}

func (tw *interpreter) text(shape string, s modelShape, path string, value any) {
	text, ok := value.(string)
	if !ok {
		tw.mistyped = true
		return
	}
	if s.Pattern != "" && !matchesPattern(s.Pattern, text) {
		tw.fail(path, text, "Member must satisfy regular expression pattern: "+s.Pattern)
	}
	tw.length(s, path, text, utf8.RuneCountInString(text))
	allowed := s.Enum
	if shape == "RoutingPolicy" && !tw.strict {
		allowed = append(slices.Clone(allowed), "LATENCY")
	}
	if allowed != nil && !slices.Contains(allowed, text) {
		tw.fail(path, text, "Member must satisfy enum value set: ["+strings.Join(allowed, ", ")+"]")
	}
}

func (tw *interpreter) length(s modelShape, path, shown string, n int) {
	if s.Max != nil && int64(n) > *s.Max {
		tw.fail(path, shown, fmt.Sprint("Member must have length less than or equal to ", *s.Max))
	}
	if s.Min != nil && int64(n) < *s.Min {
		tw.fail(path, shown, fmt.Sprint("Member must have length greater than or equal to ", *s.Min))
	}
}

func (tw *interpreter) number(s modelShape, path string, value any) {
	text, _ := value.(json.Number)
	exact, ok := new(big.Rat).SetString(string(text))
	if !ok || !exact.IsInt() || !exact.Num().IsInt64() {
		tw.mistyped = true
		return
	}
	n := exact.Num().Int64()
	if s.Max != nil && n > *s.Max {
		tw.fail(path, fmt.Sprint(n), fmt.Sprint("Member must have value less than or equal to ", *s.Max))
	}
	if s.Min != nil && n < *s.Min {
		tw.fail(path, fmt.Sprint(n), fmt.Sprint("Member must have value greater than or equal to ", *s.Min))
	}
}

func (tw *interpreter) constraints(shape string) string {
	s := tw.shapes[shape]
	var all []string
	if s.Max != nil {
		all = append(all, fmt.Sprint("Member must have length less than or equal to ", *s.Max))
	}
	if s.Min != nil {
		all = append(all, fmt.Sprint("Member must have length greater than or equal to ", *s.Min))
	}
	if s.Pattern != "" {
		all = append(all, "Member must satisfy regular expression pattern: "+s.Pattern)
	}
	return "[" + strings.Join(all, ", ") + "]"
}

func (tw *interpreter) null(path string) {
	tw.violations = append(tw.violations, "Value null at '"+path+"' failed to satisfy constraint: Member must not be null")
}

func (tw *interpreter) fail(path, shown, constraint string) {
	tw.violations = append(tw.violations, fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: %s", cut(shown), path, constraint))
}

func showAll(list []any) []string {
	texts := make([]string, len(list))
	for i, value := range list {
		texts[i] = show(value)
	}
	return texts
}

func show(value any) string {
	text, _ := value.(string)
	if value == nil {
		return "null"
	}
	return text
}

func cut(s string) string {
	if runes := []rune(s); len(runes) > constraint.MaxValueText {
		return string(runes[:constraint.MaxValueText]) + "…"
	}
	return s
}
