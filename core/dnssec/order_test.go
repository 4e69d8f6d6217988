package dnssec_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cairn-discovery/cairn/core/dnssec"
)

// The example of RFC 4034 section 6.1.
func TestCompareNames(t *testing.T) {
	sorted := []string{
		"\x07example\x00", "\x01a\x07example\x00", "\x08yljkjljk\x01a\x07example\x00", "\x01z\x01a\x07example\x00",
		"\x04zabc\x01a\x07example\x00", "\x01z\x07example\x00", "\x01\x01\x01z\x07example\x00", "\x01*\x01z\x07example\x00", "\x01\xc8\x01z\x07example\x00",
	}
	for i, a := range sorted {
		for j, b := range sorted {
			if got := dnssec.CompareNames(a, b); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("%q and %q: %d", a, b, got)
			}
		}
	}
}

// The successor of a name is after it, and no name of the same labels is between.
func TestSuccessorIsNext(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(what string) string {
			var b strings.Builder
			for _, l := range rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("\x00ab~")), 1, 3, -1), 0, 4).Draw(t, what) {
				b.WriteString(string(rune(len(l))) + l)
			}
			return b.String() + "\x00"
		}
		name, other := draw("name"), draw("other")
		next := string(dnssec.AppendSuccessor(nil, []byte(name)))
		if dnssec.CompareNames(name, next) >= 0 {
			t.Fatalf("%q is not before its successor %q", name, next)
		}
		if dnssec.CompareNames(name, other) < 0 && dnssec.CompareNames(other, next) < 0 {
			t.Fatalf("%q is between %q and %q", other, name, next)
		}
		names := []string{next, other, name}
		slices.SortFunc(names, dnssec.CompareNames)
		if slices.Index(names, name) > slices.Index(names, next) {
			t.Fatalf("sorted: %q", names)
		}
	})
}
