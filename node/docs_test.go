package node

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
)

var update = flag.Bool("update", false, "rewrite generated documents")

const (
	configDocument = "../docs/configuration.md"
	generatedBegin = "<!-- begin: made from the comments in node/config*.go; run go test ./node -run TestConfigurationDocument -update -->\n"
	generatedEnd   = "<!-- end -->\n"
)

// docs/configuration.md has every key, with the comment that its field has.
func TestConfigurationDocument(t *testing.T) {
	text, err := os.ReadFile(configDocument)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(text), generatedBegin)
	_, after, ok2 := strings.Cut(rest, generatedEnd)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the generated tables", configDocument)
	}
	want := before + generatedBegin + settingsTable() + keysTable(t) + generatedEnd + after
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

func settingsTable() string {
	var w strings.Builder
	w.WriteString("\n### Flags and environment\n\n| flag | variable | key | default |\n|---|---|---|---|\n")
	fmt.Fprintf(&w, "| `--config` | `CAIRN_CONFIG` | | |\n")
	c := Default()
	for _, s := range Settings() {
		fmt.Fprintf(&w, "| `--%s` | `%s` | `%s` | %s |\n", s.Flag, s.Env(), s.Key(), inCode(s.Value(&c)))
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
	files, err := filepath.Glob("config*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		readComments(t, file, k.comments)
	}
	k.WriteString("\n### Keys of the file\n\n| key | default | meaning |\n|---|---|---|\n")
	k.walk("", reflect.ValueOf(Default()))
	return k.String() + "\n"
}

// keysWriter writes a row for every key below a struct.
type keysWriter struct {
	strings.Builder
	t        *testing.T
	comments map[string]string // by Type.Field
}

func (k *keysWriter) walk(prefix string, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		key := f.Tag.Get("yaml")
		if key == "-" {
			continue
		}
		comment := k.comments[v.Type().Name()+"."+f.Name]
		if comment == "" {
			k.t.Errorf("%s has no comment", prefix+key)
		}
		fmt.Fprintf(k, "| `%s` | %s | %s |\n", prefix+key, inCode(shown(v.Field(i))), comment)
		if inner, suffix := inside(v.Field(i)); inner.IsValid() {
			k.walk(prefix+key+suffix+".", inner)
		}
	}
}

// inside returns the struct whose keys stand below a value.
func inside(v reflect.Value) (inner reflect.Value, suffix string) {
	switch {
	case v.Kind() == reflect.Struct && v.Type().PkgPath() != "" && v.Type().Field(0).Tag != "":
		return v, ""
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct && v.Type().Elem().Field(0).Tag != "":
		return reflect.New(v.Type().Elem()).Elem(), "[]"
	default:
		return reflect.Value{}, ""
	}
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
