// Package member is the slice of the state about the nodes that share it: which nodes
// are alive, and which of them owns a piece of work.
//
// Every node renews its own record while it runs and deletes it when it stops. Other
// nodes delete the record of one that has stopped renewing (worker/membership). So the
// live nodes are part of the state, and nodes with the same revision agree on them and
// on who owns what.
package member

import (
	"cmp"
	"slices"
)

// Node is a live node. It is immutable.
type Node struct {
	// Name is unique among the live nodes.
	Name string
	// ID is that of one installation: a process that is started again has the same one,
	// another machine with the same name has not.
	ID string
	// Sequence counts the renewals of a node.
	Sequence uint64
	// Started is when the process started, and Renewed when it sent this renewal, by the
	// clock of the node, in microseconds since 1970.
	Started, Renewed int64
	// Lease is how long the node counts as alive without a renewal, in milliseconds.
	Lease int64
	// Applied is the revision of the node's state when it sent this renewal.
	Applied uint64
	// Version is that of the program.
	Version string
	// Format is the newest format of the records that the node can read.
	Format uint64
	// API, DNS and Admin are the addresses of its listeners, HOST:PORT.
	API, DNS, Admin string

	revision uint64 // of the transaction that stored this renewal
	unknown  []byte // fields of a later version
}

// Lag returns how many revisions the state of the node was behind when it sent this
// renewal.
func (n *Node) Lag() uint64 {
	if n.revision <= n.Applied+1 {
		return 0
	}
	return n.revision - 1 - n.Applied
}

// State is the live nodes. It is immutable; the zero value has none.
type State struct {
	nodes []*Node // by name
	ring  *Ring   // of their names; nil without nodes
}

// Nodes returns the live nodes by name. The caller must not change the slice.
func (s *State) Nodes() []*Node { return s.nodes }

// Node returns the live node with a name.
func (s *State) Node(name string) (*Node, bool) {
	i, ok := s.find(name)
	if !ok {
		return nil, false
	}
	return s.nodes[i], true
}

func (s *State) find(name string) (int, bool) {
	return slices.BinarySearchFunc(s.nodes, name, func(n *Node, name string) int { return cmp.Compare(n.Name, name) })
}

// Ring returns who owns what. It is the same pointer as long as the names of the live
// nodes are the same. It is nil without nodes.
func (s *State) Ring() *Ring { return s.ring }
