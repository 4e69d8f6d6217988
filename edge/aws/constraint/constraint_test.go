package constraint

import (
	"math"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
)

var (
	name    = String{Shape: "Name", Min: 2, Max: 4, Pattern: &Pattern{Text: "[a-z]+"}}
	color   = String{Shape: "Color", Enum: []string{"RED", "BLUE"}, ExtendedEnum: []string{"GRAY"}}
	anyKey  = String{StatesMin: true, Max: 3}
	percent = Number{Shape: "Percent", Min: 0, Max: 100}
	few     = Size{Shape: "Few", Min: 1, Max: 2}
	free    = Size{}
)

type pair struct{ left, right *string }

func (p *pair) validate(v *Violations) {
	v.String("left", p.left, &name)
	v.Union(Count(p.left != nil, p.right != nil), "[left, right]")
}

func TestChecks(t *testing.T) {
	null := awsjson.NullElement
	for _, test := range []struct {
		check  func(v *Violations)
		strict bool
		want   string // without the count, "; " between violations
	}{
		{func(v *Violations) { v.String("a", new("ab"), &name) }, false, ""},
		{func(v *Violations) { v.String("a", nil, &name) }, false, ""},
		{func(v *Violations) { v.String("a", new("A"), &name) }, false,
			"Value 'A' at 'a' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+; " +
				"Value 'A' at 'a' failed to satisfy constraint: Member must have length greater than or equal to 2"},
		{func(v *Violations) { v.String("a", new("ab\n"), &name) }, false,
			"Value 'ab\n' at 'a' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+"},
		{func(v *Violations) { v.String("a", new("ééééé"), &String{Max: 4}) }, false,
			"Value 'ééééé' at 'a' failed to satisfy constraint: Member must have length less than or equal to 4"},
		{func(v *Violations) { Enum(v, "a", new("GRAY"), &color) }, false, ""},
		{func(v *Violations) { Enum(v, "a", new("GRAY"), &color) }, true,
			"Value 'GRAY' at 'a' failed to satisfy constraint: Member must satisfy enum value set: [RED, BLUE]"},
		{func(v *Violations) { Enum(v, "a", new("red"), &color) }, false,
			"Value 'red' at 'a' failed to satisfy constraint: Member must satisfy enum value set: [RED, BLUE, GRAY]"},
		{func(v *Violations) { v.Int("a", new(int64(101)), &percent) }, false,
			"Value '101' at 'a' failed to satisfy constraint: Member must have value less than or equal to 100"},
		{func(v *Violations) { v.Int("a", new(int64(-1)), &percent) }, false,
			"Value '-1' at 'a' failed to satisfy constraint: Member must have value greater than or equal to 0"},
		{func(v *Violations) { v.Float("a", new(100.5), &percent); v.Float("b", new(99.5), &percent) }, false,
			"Value '100.5' at 'a' failed to satisfy constraint: Member must have value less than or equal to 100"},
		{func(v *Violations) { v.Float("a", new(math.NaN()), &Number{Min: math.MinInt64, Max: 5}) }, false,
			"Value 'NaN' at 'a' failed to satisfy constraint: Member must have value less than or equal to 5"},
		{func(v *Violations) { v.Blob("a", []byte{}, &few); v.Blob("b", nil, &few) }, false,
			"Value '[0 bytes]' at 'a' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{func(v *Violations) { Strings(v, "a", []string{"ab", null, "A", "B"}, &few, &name) }, false,
			"Value '[ab, null, A, B]' at 'a' failed to satisfy constraint: Member must have length less than or equal to 2; " +
				"Value null at 'a.2.member' failed to satisfy constraint: Member must not be null; " +
				"Value '[ab, null, A, B]' at 'a' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 4, " +
				"Member must have length greater than or equal to 2, Member must satisfy regular expression pattern: [a-z]+]"},
		{func(v *Violations) { Strings(v, "a", []string{"PINK"}, &free, &color) }, true,
			"Value '[PINK]' at 'a' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [RED, BLUE]]"},
		{func(v *Violations) { Ints(v, "a", []int64{1, 200}, &free, &percent) }, false,
			"Value '[1, 200]' at 'a' failed to satisfy constraint: Member must satisfy constraint: " +
				"[Member must have value less than or equal to 100, Member must have value greater than or equal to 0]"},
		{func(v *Violations) { Ints(v, "a", []int64{}, &few, &percent) }, false,
			"Value '[]' at 'a' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{func(v *Violations) { Structs(v, "a", []*pair{{left: new("ab")}, nil, {}}, &free, (*pair).validate) }, false,
			"Value null at 'a.2.member' failed to satisfy constraint: Member must not be null; " +
				"Value '[0 members]' at 'a.3.member' failed to satisfy constraint: Exactly one member of the union must be set: [left, right]"},
		{func(v *Violations) { Struct(v, "a", &pair{left: new("A1"), right: new("")}, (*pair).validate) }, false,
			"Value 'A1' at 'a.left' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+; " +
				"Value '[2 members]' at 'a' failed to satisfy constraint: Exactly one member of the union must be set: [left, right]"},
		{func(v *Violations) {
			Map(v, "a", map[string]string{"long": "ab", "b": null, "c": "A"}, &few, &anyKey, &name)
		}, false,
			"Value '{b=null, c=A, long=ab}' at 'a' failed to satisfy constraint: Member must have length less than or equal to 2; " +
				"Value null at 'a.b.member' failed to satisfy constraint: Member must not be null; " +
				"Value '{b=null, c=A, long=ab}' at 'a' failed to satisfy constraint: Map keys must satisfy constraint: " +
				"[Member must have length less than or equal to 3, Member must have length greater than or equal to 0]; " +
				"Value '{b=null, c=A, long=ab}' at 'a' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 4, " +
				"Member must have length greater than or equal to 2, Member must satisfy regular expression pattern: [a-z]+]"},
		{func(v *Violations) {
			Entries(v, "a", map[string]*pair{"k": {}, "long": nil}, &free, &anyKey, StructEntry((*pair).validate))
		}, false,
			"Value '{k, long}' at 'a' failed to satisfy constraint: Map keys must satisfy constraint: " +
				"[Member must have length less than or equal to 3, Member must have length greater than or equal to 0]; " +
				"Value '[0 members]' at 'a.k.member' failed to satisfy constraint: Exactly one member of the union must be set: [left, right]; " +
				"Value null at 'a.long.member' failed to satisfy constraint: Member must not be null"},
		{func(v *Violations) {
			List(v, "a", [][]string{{"A"}}, &free, func(v *Violations, at string, list []string) { Strings(v, at, list, &free, &color) })
		}, true,
			"Value '[A]' at 'a.1.member' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [RED, BLUE]]"},
	} {
		v := Violations{Strict: test.strict}
		test.check(&v)
		got := ""
		if err := v.err(); err != nil {
			_, got, _ = strings.Cut(err.Error(), " detected: ")
		}
		if got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

func TestCheckCountsAll(t *testing.T) {
	list := make([]*pair, 50)
	err := Check(&list, false, func(l *[]*pair, v *Violations) { Structs(v, "a", *l, &free, (*pair).validate) })
	e, ok := err.(*Error)
	if !ok || e.Count != 50 || len(e.Shown) != maxShown || !strings.HasPrefix(e.Error(), "50 validation errors detected: Value null at 'a.1.member'") {
		t.Errorf("got %v", err)
	}
}

func TestLongValuesAreCut(t *testing.T) {
	var v Violations
	v.String("a", new(strings.Repeat("é", 5000)), &name)
	if n := len(v.err().Error()); n > 2*2*MaxValueText+400 {
		t.Errorf("the message has %d bytes", n)
	}
}
