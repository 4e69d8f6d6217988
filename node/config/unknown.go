package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/cairn-discovery/cairn/internal/spelling"
)

// unknownKeys returns an error for every key of the file that a type does not
// have, joined.
func (f *file) unknownKeys(t reflect.Type) error {
	if len(f.root.Content) == 0 {
		return nil
	}
	s := unknownSearch{file: f, seen: map[*yaml.Node]bool{}, all: leafKeys(t)}
	s.node("", f.root.Content[0], t)
	return errors.Join(s.errs...)
}

// unknownSearch compares a tree with a type.
type unknownSearch struct {
	file *file
	seen map[*yaml.Node]bool // aliases, so that each is followed once
	all  []string            // every key without its lists
	errs []error
}

func (s *unknownSearch) node(path string, n *yaml.Node, t reflect.Type) {
	if n.Kind == yaml.AliasNode {
		if s.seen[n.Alias] {
			return
		}
		s.seen[n.Alias] = true
		n = n.Alias
	}
	switch {
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for i, child := range n.Content {
			s.node(fmt.Sprintf("%s[%d]", path, i), child, t.Elem())
		}
	case n.Kind == yaml.MappingNode && hasKeys(t):
		s.mapping(path, n, keysOf(t), t)
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Map:
		for i := 0; i+1 < len(n.Content); i += 2 {
			s.node(join(path, n.Content[i].Value), n.Content[i+1], t.Elem())
		}
	}
}

func (s *unknownSearch) mapping(path string, n *yaml.Node, known []keyType, t reflect.Type) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := slices.IndexFunc(known, func(k keyType) bool { return k.name == key.Value })
		switch {
		case at >= 0:
			s.node(join(path, key.Value), value, known[at].typ)
		case key.ShortTag() == "!!merge":
			s.node(path, value, t)
		default:
			s.errs = append(s.errs, fmt.Errorf("%s:%d: %s", s.file.name, key.Line, s.explain(path, key.Value, known, t)))
		}
	}
}

// explain returns the error for one key. A key beside a secret is not shown: it
// may be the secret, in the wrong place.
func (s *unknownSearch) explain(path, key string, known []keyType, t reflect.Type) string {
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = k.name
	}
	if hasSecret(t) {
		last := len(names) - 1
		return "unknown key; known here are " + strings.Join(names[:last], ", ") + " and " + names[last]
	}
	text := fmt.Sprintf("unknown key %q", join(path, key))
	if near := s.suggestion(path, key, names); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	}
	return text
}

// suggestion returns a key with nearly the same name in the same section, or one
// with the same name in another section, or "".
func (s *unknownSearch) suggestion(path, key string, names []string) string {
	if near := spelling.Nearest(key, names); near != "" {
		return join(path, near)
	}
	for _, other := range s.all {
		if _, leaf, _ := cutLast(other, "."); leaf == key {
			return other
		}
	}
	return ""
}

func cutLast(text, separator string) (before, after string, found bool) {
	i := strings.LastIndex(text, separator)
	if i < 0 {
		return "", text, false
	}
	return text[:i], text[i+len(separator):], true
}

// keyType is a key of a section with the type of its value.
type keyType struct {
	name string
	typ  reflect.Type
}

// keyed is a map whose keys are fixed.
type keyed interface{ keys() []string }

// hasKeys reports whether a mapping of this type has fixed keys.
func hasKeys(t reflect.Type) bool { return isSection(t) || t.Implements(reflect.TypeFor[keyed]()) }

// keysOf returns the keys of such a type.
func keysOf(t reflect.Type) []keyType {
	var all []keyType
	if t.Kind() == reflect.Map {
		for _, name := range reflect.Zero(t).Interface().(keyed).keys() {
			all = append(all, keyType{name, t.Elem()})
		}
		return all
	}
	for sf := range fields(t) {
		all = append(all, keyType{keyOf(sf), sf.Type})
	}
	return all
}

// leafKeys returns the paths of all keys below a type, without those in lists.
func leafKeys(t reflect.Type) []string {
	var all []string
	for _, k := range keysOf(t) {
		all = append(all, k.name)
		if hasKeys(k.typ) {
			for _, below := range leafKeys(k.typ) {
				all = append(all, k.name+"."+below)
			}
		}
	}
	return all
}

// hasSecret reports whether a section is little more than a name and its secret,
// which are easily put in the wrong place.
func hasSecret(t reflect.Type) bool {
	return t == reflect.TypeFor[AccessKey]() || t == reflect.TypeFor[TSIGKey]()
}
