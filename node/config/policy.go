package config

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Policy is the text of an IAM policy in JSON. In the file it can be YAML, or a
// text with JSON in it.
type Policy string

// UnmarshalYAML turns YAML into JSON. Scalars stay as they are written, so that
// the version 2012-10-17 is not taken for a date.
func (p *Policy) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" && strings.HasPrefix(strings.TrimSpace(n.Value), "{") {
		*p = Policy(n.Value)
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return badScalar(n, "must be an IAM policy, as a mapping or as a text in JSON")
	}
	b, err := appendJSON(nil, n, 0)
	*p = Policy(b)
	return err
}

// maxPolicyDepth is far deeper than a policy can be.
const maxPolicyDepth = 16

func appendJSON(b []byte, n *yaml.Node, depth int) ([]byte, error) {
	if depth > maxPolicyDepth {
		return b, badScalar(n, "is nested too deeply for a policy")
	}
	var err error
	switch n.Kind {
	case yaml.MappingNode:
		b = append(b, '{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendQuoted(b, n.Content[i].Value), ':')
			if b, err = appendJSON(b, n.Content[i+1], depth+1); err != nil {
				return b, err
			}
		}
		return append(b, '}'), nil
	case yaml.SequenceNode:
		b = append(b, '[')
		for i, child := range n.Content {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendJSON(b, child, depth+1); err != nil {
				return b, err
			}
		}
		return append(b, ']'), nil
	case yaml.ScalarNode:
		return appendQuoted(b, n.Value), nil
	}
	return b, badScalar(n, "is not allowed in a policy: write it out")
}

func appendQuoted(b []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("a string that is not JSON: %v", err))
	}
	return append(b, text...)
}
