package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFileBytes is the largest configuration file. It has room for about ten
// thousand users.
const maxFileBytes = 8 << 20

// file is the tree of a YAML file, kept to find the line of a key and the key of
// a line.
type file struct {
	name string
	root yaml.Node
}

// decodeFile reads the YAML in r over the values in c. Errors begin with name
// and the line. Of the values only the type is checked.
func decodeFile(r io.Reader, name string, c *Config) (*file, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(text) > maxFileBytes {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, maxFileBytes)
	}
	f := &file{name: name}
	if err := yaml.Unmarshal(text, &f.root); err != nil {
		return nil, f.explain(text, err)
	}
	unknown := f.unknownKeys(reflect.TypeFor[Config]())
	if err := f.decode(text, c); err != nil {
		return nil, errors.Join(unknown, f.explain(text, err))
	}
	return f, unknown
}

// decode reads exactly one document.
func (f *file) decode(text []byte, c *Config) error {
	d := yaml.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	var more yaml.Node
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return fmt.Errorf("yaml: line %d: a second document; only one is read", more.Line)
	}
	return nil
}

// explain returns the decoder's error in terms of the file. The decoder's own
// text names Go types, and shows values, which may be secrets.
func (f *file) explain(text []byte, err error) error {
	typeErrors, ok := errors.AsType[*yaml.TypeError](err)
	if !ok {
		line, what := splitLine(strings.TrimPrefix(err.Error(), "yaml: "))
		if tab := tabLine(text, line); tab > 0 {
			line, what = tab, "a tab in the indentation; YAML allows spaces only"
		}
		return fmt.Errorf("%s:%d: %s", f.name, line, what)
	}
	var errs []error
	for _, text := range typeErrors.Errors {
		errs = append(errs, f.explainType(text))
	}
	return errors.Join(errs...)
}

// explainType explains one value of a wrong type.
func (f *file) explainType(text string) error {
	line, what := splitLine(text)
	at := fmt.Sprintf("%s:%d: ", f.name, line)
	if m := regexp.MustCompile("(?s)^cannot unmarshal !!([a-z]+)(?: `.*`)? into (.*)$").FindStringSubmatch(what); m != nil {
		key := f.keyAt(line, func(n *yaml.Node) bool { return n.ShortTag() == "!!"+m[1] })
		return fmt.Errorf("%s%s: must be %s, not %s", at, key, wantedKind(m[2]), kindOf(m[1]))
	}
	if strings.HasPrefix(what, `"`) { // from badScalar
		key := f.keyAt(line, func(n *yaml.Node) bool { return strings.HasPrefix(what, strconv.Quote(n.Value)) })
		return errors.New(at + key + ": " + what)
	}
	return errors.New(at + what)
}

// splitLine splits "line 3: text".
func splitLine(text string) (line int, what string) {
	number, what, ok := strings.Cut(strings.TrimPrefix(text, "line "), ": ")
	line, err := strconv.Atoi(number)
	if !ok || err != nil {
		return 1, text
	}
	return line, what
}

// tabLine returns the line with a tab in its indentation that a syntax error
// near a line is about, or 0. The decoder reports the line before or after it
// in some cases.
func tabLine(text []byte, line int) int {
	lines := strings.Split(string(text), "\n")
	for i := max(line-2, 0); i < min(line+1, len(lines)); i++ {
		indent := lines[i][:len(lines[i])-len(strings.TrimLeft(lines[i], " \t"))]
		if strings.Contains(indent, "\t") {
			return i + 1
		}
	}
	return 0
}

// wantedKind names what a Go type of Config takes.
func wantedKind(goType string) string {
	switch {
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case strings.HasPrefix(goType, "map["), strings.HasPrefix(goType, "config."):
		return "a mapping with keys"
	case strings.HasPrefix(goType, "int"):
		return "a whole number"
	case strings.HasPrefix(goType, "float"):
		return "a number"
	case goType == "bool":
		return "true or false"
	default:
		return "a text"
	}
}

func kindOf(tag string) string {
	switch tag {
	case "seq":
		return "a list"
	case "map":
		return "a mapping"
	case "str":
		return "a text"
	case "int", "float":
		return "a number"
	case "bool":
		return "true or false"
	default:
		return tag
	}
}

// place returns where a key is, as FILE:LINE; if the key itself is not in the
// file, its nearest parent. It is empty if the file has neither, and for no file.
func (f *file) place(key string) string {
	if f == nil {
		return ""
	}
	place := ""
	f.walk(func(path string, n *yaml.Node) {
		if key == path || strings.HasPrefix(key, path+".") || strings.HasPrefix(key, path+"[") {
			place = fmt.Sprintf("%s:%d", f.name, n.Line)
		}
	})
	return place
}

// has reports whether the file has a key.
func (f *file) has(key string) bool {
	found := false
	f.walk(func(path string, _ *yaml.Node) { found = found || path == key })
	return found
}

// keyAt returns the deepest key with a value that begins on a line and fits.
// Below access_keys it returns no more than that, because secrets are there.
func (f *file) keyAt(line int, fits func(*yaml.Node) bool) string {
	found := "the file"
	f.walk(func(path string, n *yaml.Node) {
		if n.Line == line && path != "" && fits(n) {
			found = path
		}
	})
	if before, _, ok := strings.Cut(found, ".access_keys"); ok {
		return before + ".access_keys"
	}
	return found
}

// walk visits every value with its path, parents first.
func (f *file) walk(visit func(path string, n *yaml.Node)) {
	if len(f.root.Content) > 0 {
		walkNode("", f.root.Content[0], visit)
	}
}

func walkNode(path string, n *yaml.Node, visit func(string, *yaml.Node)) {
	visit(path, n)
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			walkNode(join(path, n.Content[i].Value), n.Content[i+1], visit)
		}
	case yaml.SequenceNode:
		for i, child := range n.Content {
			walkNode(fmt.Sprintf("%s[%d]", path, i), child, visit)
		}
	}
}

// join returns the path of a key below a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
