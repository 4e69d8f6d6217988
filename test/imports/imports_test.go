// Package imports tests the shape of the module: which package may import which.
//
// Two rules hold for every package. Its row in a table of ARCHITECTURE.md lists
// exactly what it imports from this module. And the ring of its folder
// (rings_test.go) says what no row may ever list: core acts on nothing, stores do
// not know what they store, and edges do not know each other.
package imports

import (
	"errors"
	"go/build"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module = "github.com/cairn-discovery/cairn/"
	root   = "../.."
)

// pkg is a package of this module.
type pkg struct {
	*build.Package
	path string // below the module
}

// list returns the packages of this module. It reads the files in this process,
// so that the go command sees that a cached result is out of date.
func list(t *testing.T) []*pkg {
	t.Helper()
	var all []*pkg
	err := filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir():
			return err
		case dir != root && (strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") || d.Name() == "testdata"):
			return fs.SkipDir
		}
		p, err := build.ImportDir(dir, 0)
		if _, none := errors.AsType[*build.NoGoError](err); none {
			return nil
		}
		path, relErr := filepath.Rel(root, dir)
		all = append(all, &pkg{p, filepath.ToSlash(path)})
		return errors.Join(err, relErr)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// within reports whether a path is that of a folder or of something in it.
func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

// own returns what a package imports from this module.
func (p *pkg) own() []string {
	var all []string
	for _, imported := range p.Imports {
		if path, ok := strings.CutPrefix(imported, module); ok {
			all = append(all, path)
		}
	}
	return all
}

func TestRings(t *testing.T) {
	used := map[*ring]bool{}
	for _, p := range list(t) {
		r := ringOf(p.path)
		if r == nil {
			t.Errorf("%s is in no ring: say in rings_test.go what its folder may import, and why", p.path)
			continue
		}
		used[r] = true
		for _, imported := range p.own() {
			if !r.allows(imported) {
				t.Errorf("%s imports %s; %s", p.path, imported, r.why)
			}
		}
	}
	for i := range rings {
		if !used[&rings[i]] {
			t.Errorf("the ring of %s has no package", rings[i].folder)
		}
	}
}

// placeOf says which folders may import large libraries, by the beginning of their path.
var placeOf = map[string][]string{
	"go.etcd.io/etcd/server": {"store/cluster"},
	"go.etcd.io/etcd":        {"store/etcd", "store/cluster", "test", "bench"},
	"go.uber.org/zap":        {"store/etcd/etcdtest", "store/cluster", "internal/zaplog", "test", "bench"},
}

// TestLibrariesStayInTheirPlace: a library is used by the packages that it is there for.
func TestLibrariesStayInTheirPlace(t *testing.T) {
	for _, p := range list(t) {
		for _, imported := range p.Imports {
			for library, folders := range placeOf {
				in := slices.ContainsFunc(folders, func(folder string) bool { return within(p.path, folder) })
				if within(imported, library) && !in {
					t.Errorf("%s imports %s, which is for %v", p.path, imported, folders)
				}
			}
		}
	}
}

// TestCoreIsPure: nothing from outside the standard library, and of that only
// what cannot act.
func TestCoreIsPure(t *testing.T) {
	for _, p := range list(t) {
		if !within(p.path, "core") {
			continue
		}
		for _, imported := range p.Imports {
			if _, pure := pureStd[imported]; !pure && !strings.HasPrefix(imported, module) {
				t.Errorf("%s imports %s, which is not among the packages that only compute", p.ImportPath, imported)
			}
		}
	}
}

// TestCoreImportsPureHelpers: what core imports from internal is as pure as core.
func TestCoreImportsPureHelpers(t *testing.T) {
	for _, p := range list(t) {
		if !contains(pureInternal, p.path) {
			continue
		}
		for _, imported := range p.Imports {
			_, pure := pureStd[imported]
			if path, ours := strings.CutPrefix(imported, module); ours {
				pure = contains(pureInternal, path)
			}
			if !pure {
				t.Errorf("%s is used by core and imports %s", p.ImportPath, imported)
			}
		}
	}
}

// TestCommandIsThin: the command reaches the inside through node alone, and the
// outside through AWS's public SDK.
func TestCommandIsThin(t *testing.T) {
	for _, p := range list(t) {
		if !within(p.path, "cmd/cairn") {
			continue
		}
		for _, imported := range p.Imports {
			host, _, _ := strings.Cut(imported, "/")
			if !strings.Contains(host, ".") || strings.HasPrefix(imported, module) { // std, or ours: see TestRings
				continue
			}
			if _, ok := commandModules[moduleOf(imported)]; !ok {
				t.Errorf("%s imports %s, which commandModules gives no reason for", p.ImportPath, imported)
			}
		}
	}
}

func contains(m map[string]string, path string) bool { _, ok := m[path]; return ok }

// moduleOf returns the first three parts of an import path.
func moduleOf(path string) string {
	parts := strings.SplitN(path, "/", 4)
	return strings.Join(parts[:min(3, len(parts))], "/")
}
