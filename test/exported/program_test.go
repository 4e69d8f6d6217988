package exported

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// program is the module, type-checked, with its tests.
type program struct {
	files     *token.FileSet
	root      string
	plain     []*packages.Package // without tests
	generated map[string]bool     // files
	// interfaces has every interface with a method of that name; generic has those
	// with type parameters.
	interfaces, generic map[string][]*types.Interface
	used                map[string]bool // declarations
	spread              map[string]bool // types whose members are marked
	helpers             map[string]bool // packages for tests
}

func load(t *testing.T) *program {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	p := &program{
		files: token.NewFileSet(), root: root, generated: map[string]bool{},
		interfaces: map[string][]*types.Interface{}, generic: map[string][]*types.Interface{},
		used: map[string]bool{}, spread: map[string]bool{}, helpers: map[string]bool{},
	}
	all, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedDeps | packages.NeedTypes |
			packages.NeedSyntax | packages.NeedTypesInfo,
		Context: t.Context(), Dir: root, Fset: p.files, Tests: true, ParseFile: p.parse,
		Env: append(os.Environ(), "CGO_ENABLED=0"),
	}, "./...")
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range all {
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
	for _, pkg := range all {
		p.markUses(pkg)
	}
	p.markWritten()
	p.markGroups()
	p.findHelpers(all)
	return p
}

// findHelpers finds the packages that only tests of other packages import.
func (p *program) findHelpers(all []*packages.Package) {
	for _, pkg := range all {
		for path := range pkg.Imports {
			if path != strings.TrimSuffix(pkg.PkgPath, "_test") && pkg.PkgPath != path+".test" {
				p.helpers[path] = true
			}
		}
	}
	for _, pkg := range p.plain {
		for path := range pkg.Imports {
			delete(p.helpers, path)
		}
	}
}

// parse parses a file. The types of dependencies come from their sources, so that
// nothing is compiled for this test, which would take minutes after each change;
// bodies of functions outside the module are left out.
func (p *program) parse(files *token.FileSet, name string, src []byte) (*ast.File, error) {
	f, err := parser.ParseFile(files, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if f == nil || strings.HasPrefix(name, p.root+string(filepath.Separator)) {
		return f, err
	}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.Name != "init" && fn.Name.Name != "main" {
			fn.Body = nil
		}
	}
	return f, err
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
	to := p.interfaces
	if named, ok := t.(*types.Named); ok && named.TypeParams().Len() > 0 {
		to = p.generic
	}
	for m := range i.Methods() {
		to[m.Name()] = append(to[m.Name()], i)
	}
}

// markUses marks what the files of a package use of other packages, and what its
// generated files use of all.
func (p *program) markUses(pkg *packages.Package) {
	own := strings.TrimSuffix(pkg.PkgPath, "_test")
	for id, obj := range pkg.TypesInfo.Uses {
		if isOurs(obj) && (obj.Pkg().Path() != own || p.generated[p.files.Position(id.Pos()).Filename]) {
			p.mark(obj)
		}
	}
}

// selector matches a qualified name or a call of a method in the text of a generator.
var selector = regexp.MustCompile(`\.([A-Z]\w*)`)

// markWritten marks the names that a generator writes, in the packages that
// generated files import: a feature that no model uses today.
func (p *program) markWritten() {
	written, imported := map[string]bool{}, map[*types.Package]bool{}
	for _, pkg := range p.plain {
		for _, f := range pkg.Syntax {
			if p.generated[p.files.Position(f.Pos()).Filename] {
				for _, i := range f.Imports {
					imported[pkg.TypesInfo.PkgNameOf(i).Imported()] = true
				}
			}
			if !strings.HasPrefix(pkg.PkgPath, module+"/tools/") {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					for _, m := range selector.FindAllStringSubmatch(lit.Value, -1) {
						written[m[1]] = true
					}
				}
				return true
			})
		}
	}
	for obj := range p.exported() {
		if imported[obj.Pkg()] && written[obj.Name()] {
			p.mark(obj)
		}
	}
}

// markGroups marks the constants that are declared in one group with a used one.
func (p *program) markGroups() {
	for _, pkg := range p.plain {
		for _, f := range pkg.Syntax {
			for _, d := range f.Decls {
				if group, ok := d.(*ast.GenDecl); ok && group.Tok == token.CONST {
					p.markGroup(pkg, group)
				}
			}
		}
	}
}

func (p *program) markGroup(pkg *packages.Package, group *ast.GenDecl) {
	var names []string
	for _, spec := range group.Specs {
		for _, id := range spec.(*ast.ValueSpec).Names {
			names = append(names, nameOf(pkg.TypesInfo.Defs[id]))
		}
	}
	if slices.ContainsFunc(names, func(n string) bool { return p.used[n] }) {
		for _, n := range names {
			p.used[n] = true
		}
	}
}

// isOurs reports whether obj is an exported name of this module.
func isOurs(obj types.Object) bool {
	return obj.Pkg() != nil && obj.Exported() && strings.HasPrefix(obj.Pkg().Path(), module)
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
			if p.helpers[pkg.PkgPath] {
				continue
			}
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
			if m.Exported() && !p.required(named, m) && !yield(m) {
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
// Of generic interfaces and types only the names of the methods are compared.
func (p *program) required(t *types.Named, m *types.Func) bool {
	methods := types.NewMethodSet(types.NewPointer(t))
	hasAll := func(i *types.Interface) bool {
		for im := range i.Methods() {
			if methods.Lookup(im.Pkg(), im.Name()) == nil {
				return false
			}
		}
		return true
	}
	return slices.ContainsFunc(p.generic[m.Name()], hasAll) ||
		slices.ContainsFunc(p.interfaces[m.Name()], func(i *types.Interface) bool {
			return hasAll(i) && (t.TypeParams().Len() > 0 || types.Implements(types.NewPointer(t), i))
		})
}

// origin returns the declaration of what may be an instance of a generic.
func origin(obj types.Object) types.Object {
	switch o := obj.(type) {
	case *types.Func:
		return o.Origin()
	case *types.Var:
		return o.Origin()
	}
	return obj
}
