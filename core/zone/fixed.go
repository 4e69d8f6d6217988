package zone

import (
	"fmt"
	"iter"
	"net/netip"
	"strconv"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// FixedName is a name with addresses that the configuration sets: that of an API
// or of a name server.
type FixedName struct {
	Name  string
	Addrs []netip.Addr
}

// FixedTTL is the TTL of the records of fixed names, in seconds. It is short: the
// addresses are those of listeners, which can change.
const FixedTTL = 60

// Fixed has the names that the configuration sets. For a client, each is in the zone
// that it would be in as a service, and replaces the records of a service of its name.
// A name that is in no zone is a public zone of its own, without signatures. Fixed is
// immutable.
type Fixed struct {
	index Index
	// hashes has a bit for the last six bits of the hash of each name: most queries are
	// for none of them, and need no look-up.
	hashes uint64
	// inside has the nodes of the names, by Zone.Index, as they are in a zone above.
	inside []*Node
}

// NewFixed checks the names.
func NewFixed(names []FixedName) (*Fixed, error) {
	d := NewDraft(new(Index))
	for i, f := range names {
		wire, ok := dnswire.ParseName(f.Name)
		if !ok || len(wire) == 1 {
			return nil, fmt.Errorf("dns: host %q is not a domain name", f.Name)
		}
		if d.x.Apex([]byte(dnswire.Lowered(wire)), "") != nil {
			continue // the first one counts
		}
		id := ID("fixed-" + strconv.Itoa(i))
		d.PutZone(Zone{ID: id, Name: f.Name, Public: true, SOATTL: FixedTTL, Fixed: true})
		e := d.Edit(id, wire)
		e.Define("", []Spec{{Type: dnswire.TypeA, TTL: FixedTTL}, {Type: dnswire.TypeAAAA, TTL: FixedTTL}})
		for _, addr := range f.Addrs {
			m := Member{}
			if addr = addr.Unmap(); addr.Is4() {
				m.V4, m.HasV4 = addr.As4(), true
			} else if addr.IsValid() {
				m.V6, m.HasV6 = addr.As16(), true
			}
			e.Replace(nil, &m)
		}
	}
	f := &Fixed{index: d.Index()}
	for z := range f.index.Zones() {
		n := *f.index.Node(z, z.Apex)
		n.apexLen, n.next = 0, nil
		f.hashes |= 1 << (hashOf(z.Apex) % 64)
		f.inside = append(f.inside, &n)
	}
	return f, nil
}

// at returns the node of a fixed name, or nil.
func (f *Fixed) at(name []byte, hash uint64) *Node {
	if f.hashes&(1<<(hash%64)) == 0 {
		return nil
	}
	for n := f.index.names.Get(hash); n != nil; n = n.next {
		if n.is(name) {
			return n
		}
	}
	return nil
}

// above returns the zone of the fixed name that a name is below, or nil.
func (f *Fixed) above(name []byte) *Zone {
	for name[0] != 0 {
		name = dnswire.Parent(name)
		if n := f.at(name, Hash(name)); n != nil {
			return f.index.zones[n.zone]
		}
	}
	return nil
}

// in returns the node of a fixed name as it is in a zone at or above it.
func (f *Fixed) in(z *Zone, n *Node) *Node {
	if n.is([]byte(z.Apex)) {
		return n
	}
	return f.inside[n.zone]
}

// In yields the fixed names at and below the apex of a zone. F may be nil.
func (f *Fixed) In(z *Zone) iter.Seq[*Node] {
	return func(yield func(*Node) bool) {
		if f == nil {
			return
		}
		for own := range f.index.Zones() {
			if dnswire.IsSubdomain(own.Apex, z.Apex) && !yield(f.in(z, f.index.Node(own, own.Apex))) {
				return
			}
		}
	}
}

// Node returns the node of a fixed name as it is in a zone at or above it, or nil. The
// name is in wire form and lower case. F may be nil.
func (f *Fixed) Node(z *Zone, name string) *Node {
	if f == nil {
		return nil
	}
	n := f.at([]byte(name), hashOf(name))
	if n == nil {
		return nil
	}
	return f.in(z, n)
}
