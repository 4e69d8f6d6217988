package exported

import (
	"go/ast"
	"go/token"
	"go/types"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// program is the module, type-checked, with its tests.
type program struct {
	files      *token.FileSet
	root       string
	pkgs       []*packages.Package           // all variants
	plain      []*packages.Package           // without tests
	generated  map[string]bool               // files
	interfaces map[string][]*types.Interface // by the names of their methods
	generic    map[string]bool               // methods of generic interfaces, by name
	used       map[string]bool               // declarations
	spread     map[string]bool               // types whose members are marked
}

func load(t *testing.T) *program {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	p := &program{files: token.NewFileSet(), root: root, generated: map[string]bool{},
		interfaces: map[string][]*types.Interface{}, generic: map[string]bool{}, used: map[string]bool{}, spread: map[string]bool{}}
	p.pkgs, err = packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedTypes | packages.NeedSyntax |
			packages.NeedTypesInfo,
		Context: t.Context(), Dir: root, Fset: p.files, Tests: true,
	}, "./...")
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range p.pkgs {
		for _, e := range pkg.Errors {
			t.Fatal(e)
		}
		for _, f := range pkg.Syntax {
			if ast.IsGenerated(f) {
				p.generated[p.files.Position(f.Pos()).Filename] = true
			}
		}
		if pkg.ID == pkg.PkgPath && !strings.HasSuffix(pkg.ID, ".test") {
			p.plain = append(p.plain, pkg)
		}
	}
	p.collectInterfaces()
	return p
}

// nameOf identifies a declaration in all variants of its package.
func nameOf(obj types.Object) string {
	name := "."
	switch o := obj.(type) {
	case *types.Var:
		if o.IsField() {
			name = ".field."
		}
	case *types.Func:
		if recv := o.Signature().Recv(); recv != nil {
			name = ".(" + strings.TrimPrefix(types.TypeString(recv.Type(), func(*types.Package) string { return "" }), "*") + ")."
		}
	}
	return strings.TrimSuffix(obj.Pkg().Path(), "_test") + name + obj.Name()
}

// collectInterfaces finds every interface that a method may exist for.
func (p *program) collectInterfaces() {
	p.addInterface(types.Universe.Lookup("error").Type())
	seen := map[*types.Package]bool{}
	var visit func(*types.Package)
	visit = func(pkg *types.Package) {
		if seen[pkg] {
			return
		}
		seen[pkg] = true
		for _, name := range pkg.Scope().Names() {
			if tn, ok := pkg.Scope().Lookup(name).(*types.TypeName); ok {
				p.addInterface(tn.Type())
			}
		}
		for _, imported := range pkg.Imports() {
			visit(imported)
		}
	}
	for _, pkg := range p.plain {
		visit(pkg.Types)
		for expr, tv := range pkg.TypesInfo.Types {
			if _, literal := expr.(*ast.InterfaceType); literal {
				p.addInterface(tv.Type)
			}
		}
	}
}

func (p *program) addInterface(t types.Type) {
	i, ok := t.Underlying().(*types.Interface)
	if !ok {
		return
	}
	named, isNamed := t.(*types.Named)
	for m := range i.Methods() {
		if isNamed && named.TypeParams().Len() > 0 {
			p.generic[m.Name()] = true
		} else {
			p.interfaces[m.Name()] = append(p.interfaces[m.Name()], i)
		}
	}
}

// markUses marks what the files of a package use of other packages.
func (p *program) markUses(pkg *packages.Package) {
	own := strings.TrimSuffix(pkg.PkgPath, "_test")
	for _, obj := range pkg.TypesInfo.Uses {
		if isUser(own, obj) {
			p.mark(obj)
		}
	}
}

// isUser reports whether a mention of obj in the package own counts.
func isUser(own string, obj types.Object) bool {
	return obj.Pkg() != nil && obj.Exported() && strings.HasPrefix(obj.Pkg().Path(), module) && obj.Pkg().Path() != own
}

func (p *program) mark(obj types.Object) {
	obj = origin(obj)
	if name := nameOf(obj); !p.used[name] {
		p.used[name] = true
		p.markType(obj.Type())
	}
}

// markType marks the named types that a type mentions.
func (p *program) markType(t types.Type) {
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		for arg := range t.TypeArgs().Types() {
			p.markType(arg)
		}
		p.markNamed(t.Origin())
	case *types.Signature:
		p.markType(t.Params())
		p.markType(t.Results())
	case *types.Tuple:
		for v := range t.Variables() {
			p.markType(v.Type())
		}
	case *types.Map:
		p.markType(t.Key())
		p.markType(t.Elem())
	case interface{ Elem() types.Type }: // pointers, slices, arrays, channels
		p.markType(t.Elem())
	}
}

// markNamed marks a type and what its exported fields and methods mention: a
// caller can have such values without writing the name.
func (p *program) markNamed(t *types.Named) {
	obj := t.Obj()
	if obj.Pkg() == nil || !strings.HasPrefix(obj.Pkg().Path(), module) || p.spread[nameOf(obj)] {
		return
	}
	p.used[nameOf(obj)], p.spread[nameOf(obj)] = true, true
	for m := range t.Methods() {
		if m.Exported() {
			p.markType(m.Type())
		}
	}
	if s, ok := t.Underlying().(*types.Struct); ok {
		for f := range s.Fields() {
			if f.Exported() {
				p.markType(f.Type())
			}
		}
		return
	}
	p.markType(t.Underlying())
}

// exported yields the declarations that need a user: package-level names and the
// methods of exported types.
func (p *program) exported() iter.Seq[types.Object] {
	return func(yield func(types.Object) bool) {
		for _, pkg := range p.plain {
			scope := pkg.Types.Scope()
			for _, name := range scope.Names() {
				for obj := range p.members(scope.Lookup(name)) {
					if !p.generated[p.files.Position(obj.Pos()).Filename] && !yield(obj) {
						return
					}
				}
			}
		}
	}
}

func (p *program) members(obj types.Object) iter.Seq[types.Object] {
	return func(yield func(types.Object) bool) {
		if !obj.Exported() || p.constOfUsedType(obj) || isErrorType(obj) || !yield(obj) {
			return
		}
		tn, ok := obj.(*types.TypeName)
		if !ok || tn.IsAlias() {
			return
		}
		named := tn.Type().(*types.Named)
		for m := range named.Methods() {
			if m.Exported() && !yield(m) {
				return
			}
		}
	}
}

// isErrorType reports whether obj is an error with fields, which tells callers
// what it is even if none asks today.
func isErrorType(obj types.Object) bool {
	tn, ok := obj.(*types.TypeName)
	failure := types.Universe.Lookup("error").Type().Underlying().(*types.Interface)
	return ok && (types.Implements(tn.Type(), failure) || types.Implements(types.NewPointer(tn.Type()), failure))
}

// constOfUsedType reports whether obj is a value of an enumeration that is used.
func (p *program) constOfUsedType(obj types.Object) bool {
	c, ok := obj.(*types.Const)
	if !ok {
		return false
	}
	named, ok := c.Type().(*types.Named)
	return ok && named.Obj().Pkg() == c.Pkg() && p.used[nameOf(named.Obj())]
}

// required reports whether a method is in an interface that its type implements.
// Of generic interfaces only the names are compared.
func (p *program) required(m *types.Func) bool {
	t := m.Signature().Recv().Type()
	if ptr, ok := t.(*types.Pointer); ok {
		t = ptr.Elem()
	}
	named, ok := t.(*types.Named)
	return p.generic[m.Name()] || ok && slices.ContainsFunc(p.interfaces[m.Name()], func(i *types.Interface) bool {
		return named.TypeParams().Len() > 0 || types.Implements(t, i) || types.Implements(types.NewPointer(t), i)
	})
}

// origin is the declaration of what may be an instance of a generic.
func origin(obj types.Object) types.Object {
	switch o := obj.(type) {
	case *types.Func:
		return o.Origin()
	case *types.Var:
		return o.Origin()
	}
	return obj
}
