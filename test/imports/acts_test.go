package imports

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// acting are the functions of allowed packages that core must not use: they
// look at the clock, at the system's randomness, or write somewhere.
var acting = map[string][]string{
	"time": {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Local", "LoadLocation"},
	"fmt":  {"Print", "Printf", "Println", "Scan", "Scanf", "Scanln"},
	"rand": {"Int", "IntN", "Int32", "Int32N", "Int64", "Int64N", "N", "Uint", "UintN", "Uint32", "Uint32N", "Uint64", "Uint64N",
		"Float32", "Float64", "NormFloat64", "ExpFloat64", "Perm", "Shuffle"},
	"maphash": {"MakeSeed"},
}

// TestCoreDoesNotAct looks at the code itself: no goroutines, no channels, no
// clock, no randomness but what a command brings.
func TestCoreDoesNotAct(t *testing.T) {
	for _, p := range list(t) {
		if !within(p.path, "core") {
			continue
		}
		files := token.NewFileSet()
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if what := action(n); what != "" {
					t.Errorf("%s/%s: core must not use %s", p.path, filepath.Base(files.Position(n.Pos()).String()), what)
				}
				return true
			})
		}
	}
}

// action says what a node of the syntax does that core must not, or "".
func action(n ast.Node) string {
	switch n := n.(type) {
	case *ast.GoStmt:
		return "goroutines"
	case *ast.ChanType, *ast.SelectStmt:
		return "channels"
	case *ast.SelectorExpr:
		name, ok := n.X.(*ast.Ident)
		if !ok || name.Obj != nil { // a variable, not a package
			return ""
		}
		for _, forbidden := range acting[name.Name] {
			if n.Sel.Name == forbidden {
				return strings.Join([]string{name.Name, forbidden}, ".")
			}
		}
	}
	return ""
}
