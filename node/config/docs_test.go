package config

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-discovery/cairn/core/state"
)

var update = flag.Bool("update", false, "rewrite generated documents")

const (
	configDocument = "../../docs/configuration.md"
	generatedBegin = "<!-- begin: generated from node/config; run go test ./node/config -run TestConfigurationDocument -update -->\n"
	generatedEnd   = "<!-- end -->\n"
)

// docs/configuration.md has every key, with the comment that its field has, and
// the keys that SIGHUP reloads.
func TestConfigurationDocument(t *testing.T) {
	text, err := os.ReadFile(configDocument)
	if err != nil {
		t.Fatal(err)
	}
	want := replaceGenerated(t, string(text), reloadedKeys(), settingsTable()+keysTable(t))
	if *update {
		if err := os.WriteFile(configDocument, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("%s is out of date; run the test with -update:\n%s", configDocument, diff)
	}
}

// replaceGenerated puts texts between the generated marks of a document, in
// order.
func replaceGenerated(t *testing.T, document string, texts ...string) string {
	t.Helper()
	done := ""
	for _, text := range texts {
		before, rest, ok1 := strings.Cut(document, generatedBegin)
		_, after, ok2 := strings.Cut(rest, generatedEnd)
		if !ok1 || !ok2 {
			t.Fatalf("%s has no place for %d generated texts", configDocument, len(texts))
		}
		done += before + generatedBegin + text + generatedEnd
		document = after
	}
	return done + document
}

// reloadedKeys lists the keys with a reload tag.
func reloadedKeys() string {
	var w strings.Builder
	w.WriteString("\n")
	c := Default()
	walk(reflect.ValueOf(&c).Elem(), func(f field) {
		if f.tag.Get("reload") == "sighup" {
			fmt.Fprintf(&w, "- `%s`\n", f.path)
		}
	})
	return w.String() + "\n"
}

func settingsTable() string {
	var w strings.Builder
	w.WriteString("\n### Flags and environment\n\n| flag | variable | key | default |\n|---|---|---|---|\n")
	fmt.Fprintf(&w, "| `--config` | `CAIRN_CONFIG` | | |\n")
	c := Default()
	for _, s := range Settings() {
		fmt.Fprintf(&w, "| `--%s` | `%s` | `%s` | %s |\n", s.Flag, s.env(), s.key, inCode(s.Value(&c)))
	}
	return w.String()
}

func inCode(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

func keysTable(t *testing.T) string {
	k := keysWriter{t: t, comments: map[string]string{}}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		readComments(t, file, k.comments)
	}
	k.WriteString("\n### Keys of the file\n\n| key | default | meaning |\n|---|---|---|\n")
	k.section("", reflect.ValueOf(Default()))
	return k.String() + "\n"
}

// keysWriter writes a row for every key below a section.
type keysWriter struct {
	strings.Builder
	t        *testing.T
	comments map[string]string // by Type.Field
}

func (k *keysWriter) section(prefix string, v reflect.Value) {
	for sf := range fields(v.Type()) {
		path, value := join(prefix, keyOf(sf)), v.FieldByIndex(sf.Index)
		comment := k.comments[declaredIn(v.Type(), sf).Name()+"."+sf.Name]
		if comment == "" {
			k.t.Errorf("%s has no comment", path)
		}
		if isReloadable(sf) {
			comment += " Reloaded by SIGHUP."
		}
		k.row(path, shown(value), comment)
		switch {
		case isSection(sf.Type):
			k.section(path, value)
		case sf.Type.Kind() == reflect.Slice && isSection(sf.Type.Elem()):
			k.section(path+"[]", reflect.Zero(sf.Type.Elem()))
		case sf.Type == reflect.TypeFor[Quotas]():
			for _, name := range (Quotas{}).keys() {
				k.row(path+"."+name, "", sentence("", quotaComment(name)))
			}
		}
	}
}

func (k *keysWriter) row(key, value, comment string) {
	fmt.Fprintf(k, "| `%s` | %s | %s |\n", key, inCode(value), comment)
}

// declaredIn returns the type that declares a field: a section, or one of its
// inline sections.
func declaredIn(section reflect.Type, sf reflect.StructField) reflect.Type {
	for _, i := range sf.Index[:len(sf.Index)-1] {
		section = section.Field(i).Type
	}
	return section
}

// quotaComment says what a quota is by default.
func quotaComment(name string) string {
	extended, strict := quotaText(state.DefaultLimits(false)[name]), quotaText(state.DefaultLimits(true)[name])
	if extended == strict {
		return extended + " by default."
	}
	return extended + " by default, " + strict + " with strict."
}

func quotaText(n int) string {
	if n == 0 {
		return "no limit"
	}
	return fmt.Sprint(n)
}

// shown is a default as it would be written in the file.
func shown(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case string:
		return x
	case Duration:
		if x.Duration == 0 {
			return ""
		}
		return x.String()
	case []Prefix:
		return strings.Join(strings.Fields(fmt.Sprint(x)), ", ")
	case int, int64, float64:
		return fmt.Sprint(x)
	default:
		return ""
	}
}

// readComments adds the comments of a file's exported struct fields.
func readComments(t *testing.T, file string, comments map[string]string) {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if fields, ok := spec.Type.(*ast.StructType); ok {
			for _, f := range fields.Fields.List {
				for _, name := range f.Names {
					comments[spec.Name.Name+"."+name.Name] = sentence(name.Name, f.Doc.Text())
				}
			}
		}
		return true
	})
}

// sentence makes of a Go comment, which begins with the field's name, one that
// stands beside the key.
func sentence(field, comment string) string {
	text := strings.TrimPrefix(strings.Join(strings.Fields(comment), " "), field+" ")
	for _, verb := range []string{"is ", "are "} {
		text = strings.TrimPrefix(text, verb)
	}
	if text == "" {
		return ""
	}
	return strings.ReplaceAll(strings.ToUpper(text[:1])+text[1:], "|", `\|`)
}
