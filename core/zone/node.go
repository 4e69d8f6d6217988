package zone

// Node is a name that exists in a zone. It is immutable.
type Node struct {
	// The name in wire form and lower case is in inlineName, so that comparing it
	// reads no further line of memory, or else in heapName.
	inlineName [55]byte
	nameLen    uint8
	heapName   *string
	zone       uint32 // Zone.Index
	apexLen    uint8  // length of the zone's apex
	set        *Set
	host       *Host
	// below and liveBelow count the sets and hosts at names below this one that
	// make it exist: all of them, and those with members.
	below, liveBelow uint32
	// next has the same hash. If it also has the same name, its zone is not more
	// specific.
	next *Node
	// key is the key in Index.contents: the hash of the name, or the next free
	// number.
	key uint64
}

func newNode(z *Zone, name string) Node {
	n := Node{nameLen: uint8(len(name)), zone: z.Index, apexLen: uint8(len(z.Apex))}
	if len(name) <= len(n.inlineName) {
		copy(n.inlineName[:], name)
	} else {
		n.heapName = &name
	}
	return n
}

// IsApex reports whether the node is the apex of its zone.
func (n *Node) IsApex() bool { return n.nameLen == n.apexLen }

// is reports whether the node has a name, which is in wire form and lower case.
func (n *Node) is(name []byte) bool {
	if int(n.nameLen) != len(name) {
		return false
	}
	if n.heapName != nil {
		return *n.heapName == string(name)
	}
	return string(n.inlineName[:n.nameLen]) == string(name)
}

// Set returns the RRsets of the name, or nil.
func (n *Node) Set() *Set { return n.set }

// Host returns the host of this name that SRV records point to, or nil. Where
// the name has RRsets of its own, they count.
func (n *Node) Host() *Host {
	if n.set != nil {
		return nil
	}
	return n.host
}

// Name returns the name in wire form and lower case.
func (n *Node) Name() string {
	if n.heapName != nil {
		return *n.heapName
	}
	return string(n.inlineName[:n.nameLen])
}

// Prefetch reads what an answer will need, and returns a number without meaning.
// Called for many nodes in a row, it lets the processor wait for all of them at
// once.
func (n *Node) Prefetch() int {
	if n == nil || n.set == nil {
		return 0
	}
	return n.set.members + int(n.inlineName[0]) + int(n.nameLen) + int(n.set.inline[MaxAnswer-1][0])
}

// exists reports whether there is such a name in the DNS. In strict mode a set
// without members has no records, and no name (RFC 8020 is about names that have
// records below them).
func (n *Node) exists(strict bool) bool {
	if !strict || n.IsApex() || n.host != nil {
		return true
	}
	return n.set != nil && n.set.members > 0 || n.liveBelow > 0
}

// ambiguous returns 1 if the node is a host and has other records too, of RRsets
// or of another host, and otherwise 0.
func (n *Node) ambiguous() int {
	if n.host != nil && (n.set != nil || n.host.next != nil) {
		return 1
	}
	return 0
}

// empty reports whether nothing holds the node.
func (n *Node) empty() bool { return !n.hasRecords() && n.below == 0 && !n.IsApex() }

// hasRecords reports whether the node has RRsets or is a host.
func (n *Node) hasRecords() bool { return n.set != nil || n.host != nil }

// in returns the node of a name in a zone, from a chain of equal hashes.
func (n *Node) in(zone uint32, name string) *Node {
	for ; n != nil; n = n.next {
		if n.zone == zone && n.is([]byte(name)) {
			return n
		}
	}
	return nil
}

// with returns the chain with m in it, in the place of the node of the same zone
// and name if there is one. It takes over m.
func (n *Node) with(m *Node) *Node {
	switch {
	case n == nil:
		m.next = nil
		return m
	case n.zone == m.zone && n.Name() == m.Name():
		m.next = n.next
		return m
	case n.apexLen < m.apexLen:
		m.next = n
		return m
	}
	c := *n
	c.next = n.next.with(m)
	return &c
}

// without returns the chain without the node of a zone and name.
func (n *Node) without(zone uint32, name string) *Node {
	if n == nil {
		return nil
	}
	if n.zone == zone && n.is([]byte(name)) {
		return n.next
	}
	c := *n
	c.next = n.next.without(zone, name)
	return &c
}
