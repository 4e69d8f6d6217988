package state

import (
	"strings"
	"testing"
)

// Every record belongs to exactly one slice.
func TestPrefixesAreDistinct(t *testing.T) {
	owner := map[string]string{}
	for _, s := range table {
		if len(s.prefixes) == 0 || s.name == "" {
			t.Errorf("slice %q has no name or no prefix", s.name)
		}
		for _, prefix := range s.prefixes {
			for other, name := range owner {
				if strings.HasPrefix(prefix, other) || strings.HasPrefix(other, prefix) {
					t.Errorf("prefix %q of %s overlaps with %q of %s", prefix, s.name, other, name)
				}
			}
			owner[prefix] = s.name
		}
	}
}

// Every row of the quotas is complete, and its name is used once.
func TestQuotaRows(t *testing.T) {
	seen := map[string]bool{}
	for _, q := range Quotas() {
		if q.Name == "" || q.What == "" || q.Count == nil || q.Default < 0 || q.Strict < 0 || seen[q.Name] {
			t.Errorf("row %+v", q)
		}
		seen[q.Name] = true
	}
}
