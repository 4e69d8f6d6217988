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
	"fmt"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const module = "github.com/cairn-discovery/cairn"

func TestExportedNamesHaveUsers(t *testing.T) {
	if os.Getenv("EXPORTED") == "" {
		t.Skip("EXPORTED is not set: the tree is being cleaned up")
	}
	p := load(t)
	for _, pkg := range p.pkgs {
		p.markUses(pkg)
	}
	var unused []string
	for obj := range p.exported() {
		if p.used[nameOf(obj)] {
			continue
		}
		at := p.files.Position(obj.Pos())
		file, err := filepath.Rel(p.root, at.Filename)
		if err != nil {
			t.Fatal(err)
		}
		unused = append(unused, fmt.Sprintf("%s:%d: %s %s", file, at.Line, kind(obj), obj.Name()))
	}
	slices.Sort(unused)
	for _, u := range slices.Compact(unused) {
		t.Errorf("%s has no user outside its package", u)
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
