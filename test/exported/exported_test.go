// Package exported tests that every exported name of this module has a user
// outside its package.
//
// A user is a file of another package. Tests of other packages are users, since
// they cannot reach a name that is not exported; that a function is not there for
// tests alone is what deadcode finds (see make check). The tests of a package are
// no users of its names, those in package x_test neither: export_test.go is for
// them.
//
// A name also counts as used if
//
//   - it is a type that the declaration of a used name mentions, or a constant of
//     a used type: a caller has such values without writing the name;
//   - it is a method of an interface that its type implements;
//   - it is an error type: the fields say what happened even if nobody asks yet;
//   - it is in generated code, which follows the model and not its users.
//
// Fields are not looked at: decoders and tests set them.
package exported

import (
	"flag"
	"go/types"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the names without users to "+known)

const module = "github.com/cairn-discovery/cairn"

// known has the names that have no user yet. The list only gets shorter: a name
// that is not on it fails the test, and so does one that has got a user.
const known = "testdata/known.txt"

func TestExportedNamesHaveUsers(t *testing.T) {
	if os.Getenv("EXPORTED") == "" {
		t.Skip("EXPORTED is not set: the names of testdata/known.txt are being removed")
	}
	p := load(t)
	for _, pkg := range p.pkgs {
		p.markUses(pkg)
	}
	text, err := os.ReadFile(known)
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		allowed[strings.TrimSpace(line)] = true
	}
	var unused []string
	for obj := range p.exported() {
		name := strings.TrimPrefix(nameOf(obj), module+"/")
		if m, ok := obj.(*types.Func); p.used[nameOf(obj)] || ok && m.Signature().Recv() != nil && p.required(m) {
			continue
		}
		unused = append(unused, name)
		if !allowed[name] {
			t.Errorf("%s: %s %s has no user outside its package", p.files.Position(obj.Pos()), kind(obj), name)
		}
	}
	for name := range allowed {
		if !slices.Contains(unused, name) {
			t.Errorf("%s has a user or is gone: take it off %s", name, known)
		}
	}
	if *update {
		slices.Sort(unused)
		if err := os.WriteFile(known, []byte(strings.Join(unused, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func kind(obj types.Object) string {
	switch o := obj.(type) {
	case *types.Func:
		if o.Signature().Recv() != nil {
			return "method"
		}
		return "function"
	case *types.Var:
		return "variable"
	case *types.Const:
		return "constant"
	}
	return "type"
}
