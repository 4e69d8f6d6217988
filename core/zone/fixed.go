package zone

import (
	"fmt"
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

// Fixed has the names that the configuration sets. Each is a public zone of its
// own, without signatures, that precedes all others with its name; it hides no
// name that exists below it. It is immutable.
type Fixed struct{ index Index }

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
	return &Fixed{d.Finish()}, nil
}

// at returns the node of a fixed name, or nil.
func (f *Fixed) at(name []byte, hash uint64) *Node {
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

// Zones yields the zones of the fixed names.
func (f *Fixed) Zones(yield func(*Zone, *Node) bool) {
	for z := range f.index.Zones() {
		if !yield(z, f.index.Node(z, z.Apex)) {
			return
		}
	}
}
