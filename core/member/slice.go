package member

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

// Slice describes the live nodes to core/state.
type Slice struct{}

const (
	sliceName = "member"
	prefix    = "member/"
)

func keyOf(name string) string { return prefix + name }

// Name implements command.Slice.
func (Slice) Name() string { return sliceName }

// Prefixes implements command.Slice.
func (Slice) Prefixes() []string { return []string{prefix} }

// Quotas implements command.Slice: there are none.
func (Slice) Quotas() []*command.Quota { return nil }

// Decode implements command.Slice.
func (Slice) Decode(key string, value []byte) (command.Change, error) {
	name, ok := strings.CutPrefix(key, prefix)
	if !ok || name == "" {
		return nil, fmt.Errorf("key %q is not that of a node", key)
	}
	if value == nil {
		return remove{name}, nil
	}
	n := &Node{Name: name}
	if err := n.decode(value); err != nil {
		return nil, fmt.Errorf("node %q: %w", name, err)
	}
	return put{n}, nil
}

// Owns implements command.Slice.
func (Slice) Owns(c command.Change) bool {
	switch c.(type) {
	case put, remove:
		return true
	}
	return false
}

// Has implements command.Slice.
func (Slice) Has(s *State, key string) bool {
	_, ok := s.Node(strings.TrimPrefix(key, prefix))
	return ok
}

// All implements command.Slice.
func (Slice) All(s *State) iter.Seq[command.Stored] {
	return func(yield func(command.Stored) bool) {
		for _, n := range s.nodes {
			if !yield(command.Stored{Change: put{n}, Revision: n.revision}) {
				return
			}
		}
	}
}

// StateOf returns the live nodes of a view.
func StateOf(v command.View) *State {
	s, _ := v.Slice(sliceName)
	return s.(*State)
}

// put stores a node.
type put struct{ node *Node }

// Key implements command.Change.
func (c put) Key() string { return keyOf(c.node.Name) }

// Value implements command.Change.
func (c put) Value(b []byte) ([]byte, bool) { return c.node.encode(b), true }

// remove deletes a node.
type remove struct{ name string }

// Key implements command.Change.
func (c remove) Key() string { return keyOf(c.name) }

// Value implements command.Change.
func (c remove) Value(b []byte) ([]byte, bool) { return b, false }

// Draft builds the State that follows another one. It is for one goroutine.
type Draft struct{ state State }

// NewDraft returns a Draft that starts from s, which is not changed.
func NewDraft(s *State) *Draft { return &Draft{*s} }

// State returns the state with the changes so far.
func (d *Draft) State() *State { return &d.state }

// Apply implements command.Draft. There are few nodes, so the list is copied.
func (d *Draft) Apply(revision uint64, c command.Change) bool {
	switch c := c.(type) {
	case put:
		n := *c.node
		n.revision = revision
		d.put(&n)
	case remove:
		if i, ok := d.state.find(c.name); ok {
			d.state.nodes = slices.Delete(slices.Clone(d.state.nodes), i, i+1)
			d.rename()
		}
	default:
		return false
	}
	return true
}

func (d *Draft) put(n *Node) {
	i, exists := d.state.find(n.Name)
	nodes := slices.Clone(d.state.nodes)
	if exists {
		nodes[i] = n
		d.state.nodes = nodes
		return
	}
	d.state.nodes = slices.Insert(nodes, i, n)
	d.rename()
}

// rename makes the ring of a new set of names.
func (d *Draft) rename() {
	d.state.ring = nil
	if len(d.state.nodes) == 0 {
		return
	}
	names := make([]string, len(d.state.nodes))
	for i, n := range d.state.nodes {
		names[i] = n.Name
	}
	d.state.ring = newRing(names)
}
