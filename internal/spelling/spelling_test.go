package spelling

import "testing"

func TestNearest(t *testing.T) {
	names := []string{"command", "cpu", "portMappings", "name", "Name"}
	for _, tt := range []struct{ word, want string }{
		{"comand", "command"},
		{"commmand", "command"},
		{"ocmmand", "command"}, // two letters swapped
		{"PortMappings", "portMappings"},
		{"portmaping", "portMappings"},
		{"cup", "cpu"},
		{"nam", "name"},
		{"Nam", "Name"},
		{"entryPoint", ""},
		{"", ""},
	} {
		if got := Nearest(tt.word, names); got != tt.want {
			t.Errorf("Nearest(%q) = %q, want %q", tt.word, got, tt.want)
		}
	}
}
