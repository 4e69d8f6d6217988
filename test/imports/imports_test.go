// Package imports guards which package may import which, so that the rings of
// ARCHITECTURE.md stay rings: the core decides and acts on nothing, stores know
// nothing of what they store, and edges know nothing of each other.
package imports

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/cairn-discovery/cairn/"

// pkg is a package of this module as the go command lists it.
type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string // of its own code, not of its tests
}

func (p *pkg) path() string { return strings.TrimPrefix(p.ImportPath, module) }

// list returns the packages of this module.
func list(t *testing.T) []*pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		if failed, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("go list: %v\n%s", err, failed.Stderr)
		}
		t.Fatal(err)
	}
	var all []*pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		p := new(pkg)
		if err := d.Decode(p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// within reports whether a path is that of a folder or of something in it.
func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

func TestDirections(t *testing.T) {
	for _, p := range list(t) {
		r := ruleFor(p.path())
		if r == nil {
			t.Errorf("%s has no rule: say in rules_test.go what it may import, and why", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			if path, ours := strings.CutPrefix(imported, module); ours && !r.allows(p.path(), path) {
				t.Errorf("%s imports %s; %s", p.ImportPath, imported, r.why)
			}
		}
	}
}

// TestEveryRuleHasAPackage keeps the rules free of what is gone.
func TestEveryRuleHasAPackage(t *testing.T) {
	all := list(t)
	for _, r := range rules {
		used := false
		for _, p := range all {
			used = used || ruleFor(p.path()) == r
		}
		if !used && !r.future {
			t.Errorf("the rule for %s concerns no package", r.folder)
		}
	}
}

// TestCoreIsPure: nothing from outside the standard library, and of that only
// what cannot act.
func TestCoreIsPure(t *testing.T) {
	for _, p := range list(t) {
		if !within(p.path(), "core") {
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
		if !contains(pureInternal, p.path()) {
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
		if p.path() != "cmd/cairn" {
			continue
		}
		for _, imported := range p.Imports {
			host, _, _ := strings.Cut(imported, "/")
			if !strings.Contains(host, ".") || strings.HasPrefix(imported, module) { // std, or ours: see TestDirections
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
