package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// maxShorthandDepth bounds nesting; AWS's structures need three.
const maxShorthandDepth = 16

// expandShorthand converts the AWS CLI's shorthand for structures to JSON:
//
//	DnsRecords=[{Type=A,TTL=60}],RoutingPolicy=MULTIVALUE
//
// The structure's Go type decides which words are numbers or booleans.
func expandShorthand(text string, structure reflect.Type) (string, error) {
	s := shorthandReader{rest: text}
	tree, err := s.object("", structure, 0)
	if err != nil {
		return "", err
	}
	long, err := json.Marshal(tree)
	return string(long), err
}

// shorthandReader reads shorthand from the front of rest.
type shorthandReader struct{ rest string }

// object reads key=value,... up to the text end; if end is empty, to the end of
// the input.
func (s *shorthandReader) object(end string, t reflect.Type, depth int) (map[string]any, error) {
	if depth > maxShorthandDepth {
		return nil, errors.New("nested too deeply")
	}
	object := map[string]any{}
	for {
		key, rest, ok := strings.Cut(s.rest, "=")
		key = strings.TrimSpace(key)
		if !ok || key == "" || strings.ContainsAny(key, ",[]{}") {
			return nil, fmt.Errorf("%q must be KEY=VALUE, or all of it JSON", s.rest)
		}
		s.rest = rest
		value, err := s.value(memberType(t, key), depth)
		if err != nil {
			return nil, err
		}
		object[key] = value
		if done, err := s.endOrComma(end); done || err != nil {
			return object, err
		}
	}
}

func (s *shorthandReader) value(t reflect.Type, depth int) (any, error) {
	s.rest = strings.TrimLeft(s.rest, " ")
	switch {
	case s.skip("["):
		return s.list(elementType(t), depth+1)
	case s.skip("{"):
		return s.object("}", t, depth+1)
	default:
		return s.scalar(t), nil
	}
}

func (s *shorthandReader) list(t reflect.Type, depth int) ([]any, error) {
	var list []any
	for {
		value, err := s.value(t, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
		if done, err := s.endOrComma("]"); done || err != nil {
			return list, err
		}
	}
}

// scalar reads a word as a value of type t. A word that does not fit the type
// stays a string; the decoder of the JSON says what is wrong with it.
func (s *shorthandReader) scalar(t reflect.Type) any {
	i := strings.IndexAny(s.rest, ",]}")
	if i < 0 {
		i = len(s.rest)
	}
	word := strings.TrimSpace(s.rest[:i])
	s.rest = s.rest[i:]
	if t == nil {
		return word
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int32, reflect.Int64:
		if n, err := strconv.ParseInt(word, 10, 64); err == nil {
			return n
		}
	case reflect.Float32, reflect.Float64:
		if n, err := strconv.ParseFloat(word, 64); err == nil {
			return n
		}
	case reflect.Bool:
		if b, err := strconv.ParseBool(word); err == nil {
			return b
		}
	}
	return word
}

// memberType returns the type of a member of a structure, and nil if it has no
// such member. Pointers are followed.
func memberType(t reflect.Type, name string) reflect.Type {
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	f, ok := t.FieldByName(name)
	if !ok {
		return nil
	}
	return dereference(f.Type)
}

// elementType returns the type of the elements of a list, and nil if t is none.
func elementType(t reflect.Type) reflect.Type {
	if t == nil || t.Kind() != reflect.Slice {
		return nil
	}
	return dereference(t.Elem())
}

func dereference(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// endOrComma expects the end of a list or object, or a comma before its next
// part.
func (s *shorthandReader) endOrComma(end string) (done bool, err error) {
	s.rest = strings.TrimLeft(s.rest, " ")
	switch {
	case end == "" && s.rest == "":
		return true, nil
	case end != "" && s.skip(end):
		return true, nil
	case s.skip(","):
		return false, nil
	case end == "":
		end = "the end"
	}
	return false, fmt.Errorf("%q: a comma or %s must come first", s.rest, end)
}

func (s *shorthandReader) skip(prefix string) bool {
	rest, ok := strings.CutPrefix(s.rest, prefix)
	s.rest = rest
	return ok
}
