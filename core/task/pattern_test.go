package task

import (
	"strings"
	"testing"
)

func TestPattern(t *testing.T) {
	p := newPattern(`[a-z_-]`, 3)
	for text, want := range map[string]bool{"": false, "a": true, "a-_": true, "abcd": false, "A": false, "a\n": false, "é": false} {
		if got := p.MatchString(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if p.String() != "^[a-z_-]{1,3}$" {
		t.Error(p)
	}
	if !namePattern.MatchString(strings.Repeat("x", 255)) || namePattern.MatchString(strings.Repeat("x", 256)) {
		t.Error("a name has 1 to 255 characters")
	}
}
