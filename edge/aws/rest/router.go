// Package rest is what AWS's two REST protocols share: which operation a method
// and a path mean, and the members of shapes that are in the path, in the query,
// in the header and in the status.
//
// See "HTTP bindings" in the Smithy specification.
package rest

import (
	"fmt"
	"net/url"
	"strings"
)

// Route is the method and the path of an operation.
type Route struct {
	Method string
	// Pattern is a path with labels, and with query parameters that have to be
	// there: /mesh/{meshName}, /{Key+}, /{Bucket}?tagging&version=2. A label
	// matches one segment, a label with "+", which is greedy, one or more.
	Pattern string
	// Index is what Match returns.
	Index int
}

// Router finds the operation of a request. It does not change once it is made.
type Router struct{ methods map[string]*node }

// node is a place in the tree of patterns, below which are further segments.
type node struct {
	literals map[string]*node // by segment
	label    *node            // any segment
	greedy   []*greedy        // one or more segments, and a tail that is literal
	routes   []route          // that end here
}

type greedy struct {
	tail   []string
	routes []route
}

// route is an operation whose path is matched.
type route struct {
	query []constant
	index int
}

// constant is a query parameter that has to be there. Any value will do if value
// is empty.
type constant struct{ name, value string }

// New returns a router. Two routes that match the same requests are an error.
func New(routes []Route) (*Router, error) {
	r := &Router{methods: map[string]*node{}}
	for _, added := range routes {
		root := r.methods[added.Method]
		if root == nil {
			root = new(node)
			r.methods[added.Method] = root
		}
		if err := root.add(added); err != nil {
			return nil, fmt.Errorf("route %s %s: %w", added.Method, added.Pattern, err)
		}
	}
	return r, nil
}

func (n *node) add(added Route) error {
	path, query, _ := strings.Cut(added.Pattern, "?")
	if !strings.HasPrefix(path, "/") {
		return fmt.Errorf("a pattern begins with a slash")
	}
	to := route{index: added.Index, query: constants(query)}
	segments := split(path)
	for i, segment := range segments {
		name, isLabel := labelName(segment)
		switch {
		case isLabel && strings.HasSuffix(name, "+"):
			return n.addGreedy(segments[i+1:], to)
		case isLabel:
			n = n.below()
		default:
			n = n.literal(segment)
		}
	}
	return addRoute(&n.routes, to)
}

func constants(query string) []constant {
	var all []constant
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		all = append(all, constant{name, value})
	}
	return all
}

// labelName returns what is between the braces of a label.
func labelName(segment string) (string, bool) {
	if len(segment) < 3 || segment[0] != '{' || segment[len(segment)-1] != '}' {
		return "", false
	}
	return segment[1 : len(segment)-1], true
}

func (n *node) below() *node {
	if n.label == nil {
		n.label = new(node)
	}
	return n.label
}

func (n *node) literal(segment string) *node {
	if n.literals == nil {
		n.literals = map[string]*node{}
	}
	if n.literals[segment] == nil {
		n.literals[segment] = new(node)
	}
	return n.literals[segment]
}

func (n *node) addGreedy(tail []string, to route) error {
	for _, segment := range tail {
		if _, isLabel := labelName(segment); isLabel {
			return fmt.Errorf("no label can follow a greedy one")
		}
	}
	for _, g := range n.greedy {
		if strings.Join(g.tail, "/") == strings.Join(tail, "/") {
			return addRoute(&g.routes, to)
		}
	}
	n.greedy = append(n.greedy, &greedy{tail: tail, routes: []route{to}})
	return nil
}

// addRoute keeps those routes first that have more query parameters.
func addRoute(routes *[]route, to route) error {
	at := 0
	for i, r := range *routes {
		if fmt.Sprint(r.query) == fmt.Sprint(to.query) {
			return fmt.Errorf("another route has the same pattern")
		}
		if len(r.query) >= len(to.query) {
			at = i + 1
		}
	}
	*routes = append((*routes)[:at], append([]route{to}, (*routes)[at:]...)...)
	return nil
}

// maxSegments bounds the segments of a path.
const maxSegments = 64

// Match returns the index of the route of a request, and the decoded values of
// its labels in the order of the pattern. The path is escaped, as in the request
// line: an escaped slash is part of a label. A segment that is literal in a
// pattern goes before one that is a label. A slash at the end is ignored.
func (r *Router) Match(method, path, rawQuery string) (index int, labels []string, ok bool) {
	root := r.methods[method]
	if root == nil || !strings.HasPrefix(path, "/") || strings.Count(path, "/") > maxSegments {
		return 0, nil, false
	}
	m := matcher{rawQuery: rawQuery}
	index, ok = m.match(root, split(path))
	return index, m.labels, ok
}

// split returns the segments of a path, without the empty one after a slash at
// the end.
func split(path string) []string {
	path = strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// matcher is one search in the tree.
type matcher struct {
	rawQuery string
	query    url.Values // of rawQuery, once it is needed
	labels   []string
}

func (m *matcher) match(n *node, segments []string) (int, bool) {
	if len(segments) == 0 {
		return m.pick(n.routes)
	}
	text, err := url.PathUnescape(segments[0])
	if err != nil {
		return 0, false
	}
	if next := n.literals[text]; next != nil {
		if index, ok := m.match(next, segments[1:]); ok {
			return index, true
		}
	}
	if n.label != nil && text != "" {
		m.labels = append(m.labels, text)
		if index, ok := m.match(n.label, segments[1:]); ok {
			return index, true
		}
		m.labels = m.labels[:len(m.labels)-1]
	}
	for _, g := range n.greedy {
		if index, ok := m.matchGreedy(g, segments); ok {
			return index, true
		}
	}
	return 0, false
}

// matchGreedy gives a greedy label all segments but those of its tail.
func (m *matcher) matchGreedy(g *greedy, segments []string) (int, bool) {
	taken := len(segments) - len(g.tail)
	if taken < 1 {
		return 0, false
	}
	for i, want := range g.tail {
		if got, err := url.PathUnescape(segments[taken+i]); err != nil || got != want {
			return 0, false
		}
	}
	text, err := url.PathUnescape(strings.Join(segments[:taken], "/"))
	if err != nil || text == "" {
		return 0, false
	}
	index, ok := m.pick(g.routes)
	if ok {
		m.labels = append(m.labels, text)
	}
	return index, ok
}

// pick returns the first route whose query parameters are there.
func (m *matcher) pick(routes []route) (int, bool) {
	for _, r := range routes {
		if m.hasAll(r.query) {
			return r.index, true
		}
	}
	return 0, false
}

func (m *matcher) hasAll(query []constant) bool {
	if len(query) == 0 {
		return true
	}
	if m.query == nil {
		m.query, _ = url.ParseQuery(m.rawQuery) // what cannot be parsed is left out
	}
	for _, c := range query {
		values, found := m.query[c.name]
		if !found || c.value != "" && (len(values) == 0 || values[0] != c.value) {
			return false
		}
	}
	return true
}
