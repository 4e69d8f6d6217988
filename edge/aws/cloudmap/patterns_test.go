package cloudmap

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// patternTests holds for each pattern of the model what it matches and what not.
var patternTests = []struct {
	shape   string
	matches func(string) bool
	yes, no []string
}{
	{
		shape:   "AttrKey",
		matches: isAttrKey,
		yes:     []string{"a", "!", "~", "AWS_INSTANCE_IPV4", strings.Repeat("k", 300)},
		no:      []string{"", " ", "a b", "a\n", "é", "\x7f"},
	},
	{
		shape:   "AttrValue",
		matches: isAttrValue,
		yes:     []string{"", "a", "a b", "a ", "a\t\t", "!x~", "a  b"},
		no:      []string{" ", " a", "\ta", "a\n", "a\nb", "é", "aé", "a\u00a0b"},
	},
	{
		shape:   "InstanceId",
		matches: isInstanceId,
		yes:     []string{"i-0123456789abcdef0", "_/:.@-", "Z"},
		no:      []string{"", "a b", "a\n", "a!", "é"},
	},
	{
		shape:   "NamespaceName",
		matches: isNamespaceName,
		yes:     []string{"a", "arn:aws:x", strings.Repeat("~", 1024)},
		no:      []string{"", " ", "a\n", "é", strings.Repeat("~", 1025)},
	},
	{
		shape:   "NamespaceNameHttp",
		matches: isNamespaceNameHttp,
		yes:     []string{"a", "arn", "ARN:x", "xarn:", strings.Repeat("~", 1024)},
		no:      []string{"", "arn:", "arn:aws:x", "a b", "a\n", strings.Repeat("~", 1025)},
	},
	{
		shape:   "NamespaceNamePrivate",
		matches: isNamespaceNamePrivate,
		yes:     []string{"tutorial", "a.b", ".", strings.Repeat("a", 253)},
		no:      []string{"", "arn:x", "a\n", strings.Repeat("a", 254)},
	},
	{
		shape:   "NamespaceNamePublic",
		matches: isNamespaceNamePublic,
		yes:     []string{"a.b", "example.com", "a-b.c--d.e", strings.Repeat("a", 63) + ".0"},
		no: []string{"", ".", "com", "a.", ".a", "a..b", "-a.b", "a-.b", "a.b-", "a_b.c", "a.b\n", "é.b",
			strings.Repeat("a", 64) + ".b"},
	},
	{
		shape:   "ServiceName",
		matches: isServiceName,
		yes: []string{".", "a", "a_", "__", "_a", "a-b", "a.b", "_x._tcp", "0", strings.Repeat("a", 63),
			strings.Repeat("a", 63) + "." + strings.Repeat("a", 63)},
		no: []string{"", "..", "a.", ".a", "_", "a._", "-", "-a", "a-", "a b", "a\n", ".\n", "é", strings.Repeat("a", 64),
			strings.Repeat("a", 63) + "." + strings.Repeat("a", 62) + ".a"},
	},
}

func TestPatterns(t *testing.T) {
	shapes := loadModel(t).Shapes
	for _, test := range patternTests {
		t.Run(test.shape, func(t *testing.T) {
			pattern := shapes[test.shape].Pattern
			for _, s := range test.yes {
				if !test.matches(s) || !matchesPattern(pattern, s) {
					t.Errorf("%q: matcher %v, pattern %v, want true", s, test.matches(s), matchesPattern(pattern, s))
				}
			}
			for _, s := range test.no {
				if test.matches(s) || matchesPattern(pattern, s) {
					t.Errorf("%q: matcher %v, pattern %v, want false", s, test.matches(s), matchesPattern(pattern, s))
				}
			}
			rapid.Check(t, func(t *rapid.T) {
				if s := drawText(t); test.matches(s) != matchesPattern(pattern, s) {
					t.Errorf("%q: matcher %v, pattern %v", s, test.matches(s), !test.matches(s))
				}
			})
		})
	}
}

// drawText draws strings that come close to matching: words that matter to the
// patterns, and runs about as long as a label.
func drawText(t *rapid.T) string {
	part := rapid.OneOf(
		rapid.SampledFrom([]string{".", "-", "_", "a", "Z9", "arn:", "/", "@", "!", "~", " ", "\t", "\n", "é", "\x7f"}),
		rapid.Map(rapid.IntRange(58, 66), func(n int) string { return strings.Repeat("x", n) }),
	)
	return strings.Join(rapid.SliceOfN(part, 0, 6).Draw(t, "parts"), "")
}
