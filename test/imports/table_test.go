package imports

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the imports of today into the rows of ARCHITECTURE.md")

const (
	architecture = "../../ARCHITECTURE.md"
	nothing      = "–"
	anything     = "anything"
)

// row is the rule of one package: a row of a table in ARCHITECTURE.md.
type row struct {
	path string
	may  []string // patterns; see matches
	any  bool
	line int // index in the file
}

// TestOneRulePerPackage: every package has exactly one row in ARCHITECTURE.md,
// which lists all that it imports from this module and nothing else.
func TestOneRulePerPackage(t *testing.T) {
	text, err := os.ReadFile(architecture)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	rows := readRows(t, lines)
	for _, p := range list(t) {
		r := rows[p.path]
		if r == nil {
			t.Errorf("%s has no row: add one line to a table of ARCHITECTURE.md:\n| `%s` | its one job | %s |", p.path, p.path, formatImports(p.own()))
			continue
		}
		delete(rows, p.path)
		if *update && !r.any && !slices.ContainsFunc(r.may, isWildcard) {
			cells := strings.Split(lines[r.line], " | ")
			cells[2] = formatImports(p.own()) + " |"
			lines[r.line] = strings.Join(cells, " | ")
			continue
		}
		r.check(t, p)
	}
	for path := range rows {
		t.Errorf("ARCHITECTURE.md has a row for %s, which is no package", path)
	}
	if *update {
		if next := []byte(strings.Join(lines, "\n")); !bytes.Equal(next, text) {
			if err := os.WriteFile(architecture, next, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (r *row) check(t *testing.T, p *pkg) {
	t.Helper()
	if r.any {
		return
	}
	const hint = "if that is right, run: go test ./test/imports -update, and look at the change"
	for _, imported := range p.own() {
		if !matchesAny(r.may, imported) {
			t.Errorf("%s imports %s, which its row in ARCHITECTURE.md does not list; %s", r.path, imported, hint)
		}
	}
	for _, pattern := range r.may {
		if !slices.ContainsFunc(p.own(), func(imported string) bool { return matches(pattern, imported) }) {
			t.Errorf("%s does not import %s, which its row in ARCHITECTURE.md lists; %s", r.path, pattern, hint)
		}
	}
}

// readRows reads the rows that begin with a package in backticks:
//
//	| `edge/dns/sign` | its one job | `core/{command,dnssec}`, `internal/seal` |
func readRows(t *testing.T, lines []string) map[string]*row {
	t.Helper()
	rows := map[string]*row{}
	for i, line := range lines {
		cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "| "), " |"), " | ")
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		if len(cells) != 3 {
			t.Fatalf("ARCHITECTURE.md:%d has %d cells, want 3: package, job, imports", i+1, len(cells))
		}
		r := &row{path: strings.Trim(cells[0], "`"), line: i}
		if rows[r.path] != nil {
			t.Errorf("ARCHITECTURE.md:%d is the second row for %s", i+1, r.path)
		}
		rows[r.path] = r
		switch cells[2] {
		case anything:
			r.any = true
		case nothing:
		default:
			r.may = parseImports(cells[2])
		}
	}
	if len(rows) == 0 {
		t.Fatal("ARCHITECTURE.md has no table of packages")
	}
	return rows
}

// parseImports reads the third cell of a row.
func parseImports(cell string) []string {
	var all []string
	for item := range strings.SplitSeq(cell, "`, `") {
		item = strings.Trim(item, "`")
		folder, names, ok := strings.Cut(item, "{")
		if !ok {
			all = append(all, item)
			continue
		}
		for name := range strings.SplitSeq(strings.TrimSuffix(names, "}"), ",") {
			all = append(all, folder+name)
		}
	}
	return all
}

// formatImports writes the third cell of a row: packages of one folder together.
func formatImports(imports []string) string {
	if len(imports) == 0 {
		return nothing
	}
	slices.Sort(imports)
	var folders []string
	names := map[string][]string{}
	for _, p := range imports {
		folder, name := path.Split(p)
		if names[folder] == nil {
			folders = append(folders, folder)
		}
		names[folder] = append(names[folder], name)
	}
	slices.Sort(folders)
	var items []string
	for _, folder := range folders {
		group := names[folder]
		switch {
		case folder == "":
			for _, name := range group {
				items = append(items, "`"+name+"`")
			}
		case len(group) == 1:
			items = append(items, "`"+folder+group[0]+"`")
		default:
			items = append(items, fmt.Sprintf("`%s{%s}`", folder, strings.Join(group, ",")))
		}
	}
	return strings.Join(items, ", ")
}

// matches reports whether a pattern is a package, or with "/..." at its end
// contains it.
func matches(pattern, path string) bool {
	if pattern == "..." {
		return true
	}
	folder, below := strings.CutSuffix(pattern, "/...")
	return path == folder || below && within(path, folder)
}

func matchesAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, path) })
}

func isWildcard(pattern string) bool { return strings.HasSuffix(pattern, "...") }

func TestImportsRoundTrip(t *testing.T) {
	for _, cell := range []string{
		"`core/command`",
		"`replica`, `store`, `core/{command,registry}`, `edge/dns/{sign,xfr}`",
	} {
		if got := formatImports(parseImports(cell)); got != cell {
			t.Errorf("formatImports(parseImports(%s)) = %s", cell, got)
		}
	}
}
