package access

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// SyntaxError is what is wrong with a policy, and where.
type SyntaxError struct {
	// Path is the place, such as Statement[0].Condition.StringEquals.
	Path    string
	Message string
}

func (e *SyntaxError) Error() string {
	if e.Path == "" {
		return "policy: " + e.Message
	}
	return "policy: " + e.Path + ": " + e.Message
}

func syntaxErr(path, format string, args ...any) error {
	return &SyntaxError{Path: path, Message: fmt.Sprintf(format, args...)}
}

// Bounds of a policy. AWS allows 10240 characters for all policies of a role;
// the depth of a policy that has sense is six.
const (
	maxPolicyBytes = 20480
	maxDepth       = 8
	maxShownText   = 80
)

// node is one JSON value. Other than encoding/json's maps it keeps the order of
// members and knows when one is given twice.
type node struct {
	path    string
	kind    nodeKind
	text    string // of a string, number or bool
	members []member
	items   []*node
}

type member struct {
	name  string
	value *node
}

type nodeKind int

const (
	nullNode nodeKind = iota
	stringNode
	numberNode
	boolNode
	objectNode
	listNode
)

// parseTree reads exactly one JSON value.
func parseTree(text string) (*node, error) {
	if len(text) > maxPolicyBytes {
		return nil, syntaxErr("", "it has more than %d bytes", maxPolicyBytes)
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	n, err := readNode(d, "", 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, syntaxErr("", "there is something after the end of the policy")
	}
	return n, nil
}

func readNode(d *json.Decoder, path string, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, syntaxErr(path, "it is nested too deeply")
	}
	token, err := d.Token()
	if err != nil {
		return nil, syntaxErr(path, "it is not JSON: %s", truncate(err.Error()))
	}
	n := &node{path: path}
	switch v := token.(type) {
	case string:
		n.kind, n.text = stringNode, v
	case json.Number:
		n.kind, n.text = numberNode, v.String()
	case bool:
		n.kind, n.text = boolNode, fmt.Sprint(v)
	case json.Delim:
		if v == '[' {
			return n, n.readList(d, depth)
		}
		return n, n.readObject(d, depth)
	}
	return n, nil
}

func (n *node) readList(d *json.Decoder, depth int) error {
	n.kind = listNode
	for d.More() {
		item, err := readNode(d, fmt.Sprintf("%s[%d]", n.path, len(n.items)), depth+1)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	return n.close(d)
}

func (n *node) readObject(d *json.Decoder, depth int) error {
	n.kind = objectNode
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return syntaxErr(n.path, "it is not JSON: %s", truncate(err.Error()))
		}
		name := token.(string) // the decoder takes nothing else here
		path := strings.TrimPrefix(n.path+"."+truncate(name), ".")
		if seen[name] {
			return syntaxErr(path, "it is given twice")
		}
		seen[name] = true
		value, err := readNode(d, path, depth+1)
		if err != nil {
			return err
		}
		n.members = append(n.members, member{name, value})
	}
	return n.close(d)
}

func (n *node) close(d *json.Decoder) error {
	if _, err := d.Token(); err != nil {
		return syntaxErr(n.path, "it is not JSON: %s", truncate(err.Error()))
	}
	return nil
}

// oneOrMany reads a value, or a list of them that is not empty.
func (n *node) oneOrMany() ([]*node, error) {
	if n.kind != listNode {
		return []*node{n}, nil
	}
	if len(n.items) == 0 {
		return nil, syntaxErr(n.path, "the list is empty")
	}
	return n.items, nil
}

func (n *node) str() (string, error) {
	if n.kind != stringNode {
		return "", syntaxErr(n.path, "must be a string")
	}
	return n.text, nil
}

// scalar reads a string, number or bool as text.
func (n *node) scalar() (string, error) {
	switch n.kind {
	case stringNode, numberNode, boolNode:
		return n.text, nil
	}
	return "", syntaxErr(n.path, "must be a string, a number or a bool")
}

func truncate(s string) string {
	if len(s) > maxShownText {
		s = s[:maxShownText-3] + "..."
	}
	return strings.ToValidUTF8(s, "?")
}
