package access

import (
	"fmt"
	"slices"
	"strings"
)

// Service is what policies can say of one API.
type Service struct {
	// Prefix comes before the names of actions and of condition keys, such as
	// servicediscovery. It is in lower case.
	Prefix string
	// Partial means that the API has more actions and keys than those below, so that
	// names that are not listed are not refused.
	Partial bool
	// Actions are those of the API.
	Actions []Action
	// Keys are the condition keys of the API, such as servicediscovery:ServiceName.
	Keys []string
}

// Action is an action of an API.
type Action struct {
	Name  string // service:Operation
	Level Level
	// Keys are the condition keys that the action has besides the global ones.
	Keys []string
}

// Catalog lists the APIs whose policies are checked. A policy that names an action
// or a condition key of a listed API which that API does not have is refused: it
// is misspelt. Names of other APIs are not checked. The nil Catalog lists no API.
//
// It is immutable.
type Catalog struct {
	prefixes []string        // of the APIs that are listed completely
	actions  []Action        // by name
	keys     map[string]bool // in lower case
}

// NewCatalog makes a Catalog. Two services with one prefix, and an action that does
// not have the prefix of its service, are errors.
func NewCatalog(services ...Service) (*Catalog, error) {
	c := &Catalog{keys: map[string]bool{}}
	seen := map[string]bool{}
	for _, s := range services {
		if s.Prefix == "" || strings.ToLower(s.Prefix) != s.Prefix || seen[s.Prefix] {
			return nil, fmt.Errorf("access: the prefix %q must be in lower case and of one service only", s.Prefix)
		}
		seen[s.Prefix] = true
		if !s.Partial {
			c.prefixes = append(c.prefixes, s.Prefix)
		}
		for _, a := range s.Actions {
			if prefix, _, _ := strings.Cut(a.Name, ":"); prefix != s.Prefix {
				return nil, fmt.Errorf("access: the action %s does not begin with the prefix %s", a.Name, s.Prefix)
			}
			c.actions = append(c.actions, a)
		}
		for _, key := range s.Keys {
			c.keys[strings.ToLower(key)] = true
		}
	}
	slices.SortFunc(c.actions, func(a, b Action) int { return strings.Compare(a.Name, b.Name) })
	return c, nil
}

// Action returns the action of that name, whose case must be right.
func (c *Catalog) Action(name string) (*Action, bool) {
	if c == nil {
		return nil, false
	}
	i, ok := slices.BinarySearchFunc(c.actions, name, func(a Action, name string) int { return strings.Compare(a.Name, name) })
	if !ok {
		return nil, false
	}
	return &c.actions[i], true
}

// Actions returns all actions in the order of their names. It must not be changed.
func (c *Catalog) Actions() []Action {
	if c == nil {
		return nil
	}
	return c.actions
}

// lists reports whether an API is listed. The case of the prefix does not matter.
func (c *Catalog) lists(prefix string) bool {
	return c != nil && slices.Contains(c.prefixes, strings.ToLower(prefix))
}

// matchesAction reports whether a pattern matches an action of a listed API.
func (c *Catalog) matchesAction(p *pattern) bool {
	return slices.ContainsFunc(c.Actions(), func(a Action) bool { return p.match(a.Name) })
}

// CheckKey returns an error if a condition key is misspelt.
func (c *Catalog) CheckKey(key string) error {
	if problem := c.keyProblem(strings.ToLower(key)); problem != "" {
		return fmt.Errorf("%q %s", truncate(key), problem)
	}
	return nil
}

// keyProblem says what is wrong with a condition key in lower case.
func (c *Catalog) keyProblem(key string) string {
	prefix, name, ok := strings.Cut(key, ":")
	if !ok || prefix == "" || name == "" {
		return "is not a condition key: it must have the form prefix:name"
	}
	if prefix != "aws" && !c.lists(prefix) {
		return ""
	}
	base, tag, tagged := strings.Cut(key, "/")
	if tagged {
		base += "/"
	}
	known := globalKeys[base]
	if prefix != "aws" {
		known = c.keys[base]
	}
	if !known || tagged && tag == "" {
		return "is not a condition key that is known"
	}
	return ""
}
