package cli

import "testing"

func TestPrintable(t *testing.T) {
	if got := printable("a\x1b[31mb\u009bc\nd"); got != "a?[31mb?c?d" {
		t.Errorf("got %q", got)
	}
}
