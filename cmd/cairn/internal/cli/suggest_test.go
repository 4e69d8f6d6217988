package cli

import "testing"

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"name", "name", 0}, {"nmae", "name", 2},
		{"outptu", "output", 2}, {"output", "outputs", 1}, {"vpc", "tags", 4}, {"kitten", "sitting", 3},
	} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("%q to %q: got %d, want %d", tt.a, tt.b, got, tt.want)
		}
		if got := distance(tt.b, tt.a); got != tt.want {
			t.Errorf("%q to %q: got %d, want %d", tt.b, tt.a, got, tt.want)
		}
	}
}
