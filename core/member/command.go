package member

import (
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

// NameTaken means that another live node has the name.
type NameTaken struct{ Name, ID string }

func (e *NameTaken) Error() string {
	return "node name " + e.Name + " is in use by another live node"
}

// maxText limits the length of each text of a Node.
const maxText = 255

// Renew stores the record of a node: it joins, or goes on living.
type Renew struct{ Node Node }

// Decide implements command.Command.
func (c *Renew) Decide(v command.View, _ *command.Meta) (command.Decision, error) {
	n := c.Node
	if err := n.check(); err != nil {
		return command.Decision{}, err
	}
	old, exists := StateOf(v).Node(n.Name)
	if exists {
		if old.ID != n.ID {
			return command.Decision{}, &NameTaken{n.Name, old.ID}
		}
		n.unknown = old.unknown
	}
	return command.Decision{
		Changes: []command.Change{put{&n}},
		Reads:   []command.Read{{Key: keyOf(n.Name), Exists: exists}},
	}, nil
}

func (n *Node) check() error {
	switch {
	case n.Name == "" || strings.ContainsAny(n.Name, "/ \t\r\n"):
		return command.Invalid("The name of node %q is not valid: it has 1 to %d characters, no slash and no white space.", n.Name, maxText)
	case n.ID == "":
		return command.Invalid("Node %q has no ID.", n.Name)
	case n.Lease <= 0:
		return command.Invalid("The lease of node %q is %d ms; it must be above 0.", n.Name, n.Lease)
	}
	for _, text := range []string{n.Name, n.ID, n.Version, n.API, n.DNS, n.Admin} {
		if len(text) > maxText {
			return command.Invalid("The record of node %q has a text of %d bytes; the limit is %d.", n.Name, len(text), maxText)
		}
	}
	return nil
}

// Leave deletes the record of a node that stops.
type Leave struct{ Name, ID string }

// Decide implements command.Command.
func (c *Leave) Decide(v command.View, _ *command.Meta) (command.Decision, error) {
	n, ok := StateOf(v).Node(c.Name)
	if !ok || n.ID != c.ID {
		return command.Decision{}, nil
	}
	return n.remove(), nil
}

// Expire deletes the record of a node that has not renewed it since the given Sequence.
// Reply.Count is 1 if it did, and 0 if the node has renewed or is gone.
type Expire struct {
	Name, ID string
	Sequence uint64
}

// Decide implements command.Command.
func (c *Expire) Decide(v command.View, _ *command.Meta) (command.Decision, error) {
	n, ok := StateOf(v).Node(c.Name)
	if !ok || n.ID != c.ID || n.Sequence != c.Sequence {
		return command.Decision{}, nil
	}
	d := n.remove()
	d.Reply.Count = 1
	return d, nil
}

func (n *Node) remove() command.Decision {
	return command.Decision{
		Changes: []command.Change{remove{n.Name}},
		Reads:   []command.Read{{Key: keyOf(n.Name), Exists: true}},
	}
}

// Live returns the key on which a decision rests that is valid only while a node is
// alive.
func Live(name string) command.Read { return command.Read{Key: keyOf(name), Exists: true} }
