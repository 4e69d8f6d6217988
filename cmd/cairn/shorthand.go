package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// maxShorthandDepth bounds nesting; AWS's structures need three.
const maxShorthandDepth = 16

// expandShorthand turns the AWS CLI's shorthand for structures into JSON:
//
//	DnsRecords=[{Type=A,TTL=60}],RoutingPolicy=MULTIVALUE
func expandShorthand(text string) (string, error) {
	s := shorthand{rest: text}
	tree, err := s.object("", 0)
	if err != nil {
		return "", err
	}
	long, err := json.Marshal(tree)
	return string(long), err
}

// shorthand is what is left to read.
type shorthand struct{ rest string }

// object reads key=value,… up to the closing text, which may be the end.
func (s *shorthand) object(end string, depth int) (map[string]any, error) {
	if depth > maxShorthandDepth {
		return nil, fmt.Errorf("nested too deeply")
	}
	object := map[string]any{}
	for {
		key, rest, ok := strings.Cut(s.rest, "=")
		key = strings.TrimSpace(key)
		if !ok || key == "" || strings.ContainsAny(key, ",[]{}") {
			return nil, fmt.Errorf("%q must be KEY=VALUE, or all of it JSON", s.rest)
		}
		s.rest = rest
		value, err := s.value(key, depth)
		if err != nil {
			return nil, err
		}
		object[key] = value
		if done, err := s.endOrComma(end); done || err != nil {
			return object, err
		}
	}
}

func (s *shorthand) value(key string, depth int) (any, error) {
	s.rest = strings.TrimLeft(s.rest, " ")
	switch {
	case s.skip("["):
		return s.list(depth + 1)
	case s.skip("{"):
		return s.object("}", depth+1)
	default:
		return s.scalar(key), nil
	}
}

func (s *shorthand) list(depth int) ([]any, error) {
	var list []any
	for {
		value, err := s.value("", depth)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
		if done, err := s.endOrComma("]"); done || err != nil {
			return list, err
		}
	}
}

// scalar reads a word. The two members of AWS's structures that are numbers
// become numbers.
func (s *shorthand) scalar(key string) any {
	i := strings.IndexAny(s.rest, ",]}")
	if i < 0 {
		i = len(s.rest)
	}
	word := strings.TrimSpace(s.rest[:i])
	s.rest = s.rest[i:]
	if _, err := strconv.ParseInt(word, 10, 64); err == nil && (key == "TTL" || key == "FailureThreshold") {
		return json.Number(word)
	}
	return word
}

// endOrComma expects the end of a list or object, or a comma before its next
// part.
func (s *shorthand) endOrComma(end string) (done bool, err error) {
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

func (s *shorthand) skip(prefix string) bool {
	rest, ok := strings.CutPrefix(s.rest, prefix)
	s.rest = rest
	return ok
}
