// Package exported tests that every exported name of this module has a user
// outside its package.
//
// A user is a file of another package. Tests of other packages are users, since
// they cannot reach a name that is not exported; deadcode finds functions that
// only tests use (see make check). The tests of a package are not users of its
// names, those in package x_test neither: they use an export_test.go.
//
// A name also counts as used if
//
//   - it is a type that the declaration of a used name mentions: a caller has
//     values of it without writing the name;
//   - it is a constant of a used type, or is declared in one group with a constant
//     that is used: a set of values is complete;
//   - it is a method of an interface that its type implements;
//   - it is an error type: its fields tell a caller what has happened;
//   - it is in generated code, or generated code mentions it, or a generator
//     writes it: generated code follows the model and not its users.
//
// Packages that only tests of other packages import are not checked. Fields are
// not checked either: decoders and tests set them.
package exported

import (
	"fmt"
	"go/types"
	"path/filepath"
	"slices"
	"testing"
)

const module = "github.com/cairn-discovery/cairn"

func TestExportedNamesHaveUsers(t *testing.T) {
	p := load(t)
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
	for _, u := range unused {
		t.Errorf("%s: no other package uses it: unexport it, or delete it if its package does not use it either", u)
	}
	if len(unused) > 0 {
		t.Log("the comment of package test/exported says what counts as a use; a name for tests of its own package belongs into export_test.go")
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
