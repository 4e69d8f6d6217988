package node

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxConfigBytes bounds a configuration file. It has room for some ten
// thousand users.
const maxConfigBytes = 8 << 20

// decodeFile puts the YAML in r over what is in c. Errors begin with name and
// the line. The values are not checked beyond their type.
func decodeFile(r io.Reader, name string, c *Config) (*configFile, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxConfigBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(text) > maxConfigBytes {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, maxConfigBytes)
	}
	f := &configFile{name: name}
	if err := yaml.Unmarshal(text, &f.root); err != nil {
		return nil, f.explain(err)
	}
	if err := f.decode(text, c); err != nil {
		return nil, f.explain(err)
	}
	return f, nil
}

// configFile is a file's tree, kept to find the line of a key and the key of a
// line.
type configFile struct {
	name string
	root yaml.Node
}

// decode reads exactly one document, strictly.
func (f *configFile) decode(text []byte, c *Config) error {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	var more yaml.Node
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return fmt.Errorf("line %d: a second document; only one is read", more.Line)
	}
	return nil
}

// explain turns what the YAML decoder says into words about the file. Its own
// words name Go types, and show values, which may be secrets.
func (f *configFile) explain(err error) error {
	bad, ok := errors.AsType[*yaml.TypeError](err)
	if !ok {
		return fmt.Errorf("%s: %s", f.name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var errs []error
	for _, text := range bad.Errors {
		errs = append(errs, f.explainOne(text))
	}
	return errors.Join(errs...)
}

func (f *configFile) explainOne(text string) error {
	line, what := splitLine(text)
	at := fmt.Sprintf("%s:%d: ", f.name, line)
	if m := regexp.MustCompile(`^field (.*) not found in type (.*)$`).FindStringSubmatch(what); m != nil {
		switch m[2] {
		// Not shown: it may be a secret in the wrong place.
		case "node.AccessKey":
			return errors.New(at + "unknown key; known here are id, secret and secret_file")
		case "node.TSIGKey":
			return errors.New(at + "unknown key; known here are name, algorithm, secret and secret_file")
		}
		return fmt.Errorf("%sunknown key %q", at, m[1])
	}
	if m := regexp.MustCompile("(?s)^cannot unmarshal !!([a-z]+)(?: `.*`)? into (.*)$").FindStringSubmatch(what); m != nil {
		key := f.keyAt(line, func(n *yaml.Node) bool { return n.ShortTag() == "!!"+m[1] })
		return fmt.Errorf("%s%s: must be %s, not %s", at, key, wanted(m[2]), kindWord(m[1]))
	}
	if strings.HasPrefix(what, `"`) { // from badScalar
		key := f.keyAt(line, func(n *yaml.Node) bool { return strings.HasPrefix(what, strconv.Quote(n.Value)) })
		return errors.New(at + key + ": " + what)
	}
	return errors.New(at + what)
}

// splitLine takes "line 3: text" apart.
func splitLine(text string) (line int, what string) {
	number, what, ok := strings.Cut(strings.TrimPrefix(text, "line "), ": ")
	line, err := strconv.Atoi(number)
	if !ok || err != nil {
		return 1, text
	}
	return line, what
}

// wanted names in plain words what a Go type of Config takes.
func wanted(goType string) string {
	switch {
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case strings.HasPrefix(goType, "map["), strings.HasPrefix(goType, "node."):
		return "a mapping with keys"
	case strings.HasPrefix(goType, "int"), strings.HasPrefix(goType, "*int"):
		return "a whole number"
	default:
		return "a text"
	}
}

func kindWord(tag string) string {
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

// place finds where a key path stands, as FILE:LINE; if the key itself is not
// there, its nearest parent. It is empty for a key of which the file says
// nothing, and for no file.
func (f *configFile) place(key string) string {
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

// keyAt finds the deepest key with a value that begins on a line and fits.
// Below access_keys it says no more, because secrets are there.
func (f *configFile) keyAt(line int, fits func(*yaml.Node) bool) string {
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
func (f *configFile) walk(visit func(path string, n *yaml.Node)) {
	if len(f.root.Content) > 0 {
		walkNode("", f.root.Content[0], visit)
	}
}

func walkNode(path string, n *yaml.Node, visit func(string, *yaml.Node)) {
	visit(path, n)
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			name := n.Content[i].Value
			if path != "" {
				name = path + "." + name
			}
			walkNode(name, n.Content[i+1], visit)
		}
	case yaml.SequenceNode:
		for i, child := range n.Content {
			walkNode(fmt.Sprintf("%s[%d]", path, i), child, visit)
		}
	}
}
