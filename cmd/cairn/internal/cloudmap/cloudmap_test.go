package cloudmap

import (
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// TestEveryOperationHasACommand looks for a command, or another name of one, for
// each operation of the SDK.
func TestEveryOperationHasACommand(t *testing.T) {
	names := map[string]bool{}
	for _, cmd := range Commands(&cli.Program{}).Commands {
		names[cmd.Name()] = true
		for _, alias := range cmd.Aliases {
			names[alias] = true
		}
	}
	api := reflect.TypeFor[*servicediscovery.Client]()
	operations := 0
	for i := range api.NumMethod() {
		m := api.Method(i)
		if m.Name == "Options" {
			continue
		}
		operations++
		if name := commandName(m.Name); !names[name] {
			t.Errorf("%s has no command %s", m.Name, name)
		}
	}
	if operations != 30 {
		t.Errorf("%d operations, want 30", operations)
	}
}

// commandName returns the name that the AWS CLI has for an operation.
func commandName(operation string) string {
	var b strings.Builder
	for i, r := range operation {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
