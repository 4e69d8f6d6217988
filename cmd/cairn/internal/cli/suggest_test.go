package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

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

// TestSuggest checks which commands are suggested for an unknown one.
func TestSuggest(t *testing.T) {
	root := &cobra.Command{Use: "cairn"}
	for _, name := range []string{"list-namespaces", "create-namespace", "delete-namespace", "list-services", "get-service", "list-instances",
		"register-instance", "deregister-instance", "discover-instances", "env", "serve", "version"} {
		root.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	user := &cobra.Command{Use: "user"}
	user.AddCommand(&cobra.Command{Use: "list", Run: func(*cobra.Command, []string) {}}, &cobra.Command{Use: "create", Run: func(*cobra.Command, []string) {}})
	root.AddCommand(user)
	tests := []struct {
		parent *cobra.Command
		args   string
		want   string
	}{
		{root, "ns list", "unknown command \"ns list\"; did you mean list-namespaces?"},
		{root, "namespaces", "unknown command \"namespaces\"; did you mean list-namespaces?"},
		{root, "namespaces ls", "unknown command \"namespaces ls\"; did you mean list-namespaces?"},
		{root, "list namespace", "unknown command \"list namespace\"; did you mean list-namespaces?"},
		{root, "svc list shop", "unknown command \"svc list\"; did you mean list-services?"},
		{root, "describe-service", "unknown command \"describe-service\"; did you mean get-service?"},
		{root, "ListNamespaces", "unknown command \"ListNamespaces\"; did you mean list-namespaces?"},
		{root, "registr-instance", "unknown command \"registr-instance\"; did you mean register-instance?"},
		{root, "namespace", "unknown command \"namespace\"; did you mean create-namespace, delete-namespace or list-namespaces?"},
		{root, "rm namespace shop", "unknown command \"rm namespace\"; did you mean delete-namespace?"},
		{root, "enc", "unknown command \"enc\"; did you mean env?"},
		{root, "start", "unknown command \"start\"; did you mean serve?"},
		{root, "users list", "unknown command \"users list\"; did you mean user list?"},
		{root, "list", "unknown command \"list\"; did you mean list-instances, list-namespaces or list-services?"},
		{root, "quux", "unknown command \"quux\"; see \"cairn help\""},
		{user, "lst", "unknown command \"lst\"; did you mean user list?"},
		{user, "quux", "unknown command \"quux\"; see \"cairn help user\""},
	}
	for _, tt := range tests {
		if err := NoCommand(tt.parent, strings.Fields(tt.args)); err == nil || err.Error() != tt.want {
			t.Errorf("cairn %s:\ngot  %v\nwant %s", tt.args, err, tt.want)
		}
	}
}
