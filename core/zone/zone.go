// Package zone derives the hosted zones of the DNS from the registry and finds
// out what a name means to a client.
//
// It is pure. An Index is one immutable version of all zones; a Draft makes the
// next one from what a registry.Draft reports, at a cost that depends on the
// change and not on the size of the registry. It knows nothing of messages: the
// answer to a Lookup is a named State, a Zone and a Node, and who encodes it
// picks the records of a Set.
//
// The names of the DNS that exist are kept in one table, keyed by the hash of
// the whole name, so that the usual query costs one look-up:
//
//	example.com.              apex: SOA, NS, the records of the service "."
//	web.example.com.          a service
//	_tcp.example.com.         an empty non-terminal, above
//	_http._tcp.example.com.   a service with SRV records, and below it
//	i-1._http._tcp.example.com.  the host that an SRV record points to
//
//	r := index.Lookup(&zone.Query{Name: wire, Hash: zone.Hash(wire), View: view})
//	if r.State == zone.Hit && r.Node.Set() != nil { … }
package zone

import (
	"iter"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/internal/persist/hashtrie"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// Index is one immutable version of all zones. The zero value has none.
type Index struct {
	names hashtrie.Map[*Node] // by Hash; see Node.next
	zones []*Zone             // by Zone.Index; nil where a zone was deleted
	// byNamespace gives the index of a namespace's zone.
	byNamespace ptree.Map[registry.NamespaceID, uint32]
	// apexes counts the zones of each apex, ordered so that what is below a
	// name follows it: see reversed.
	apexes ptree.Map[string, int]
}

// Zone is the hosted zone of a DNS namespace. It is immutable.
type Zone struct {
	// Index is a small number that no other zone of the same Index has.
	Index     uint32
	Namespace registry.NamespaceID
	Account   command.AccountID
	// Name is the namespace's name, as it was given.
	Name string
	// Apex is the name in wire form, in lower case.
	Apex string
	// Public zones are seen by everybody, private ones from their VPC.
	Public bool
	VPC    string
	// SOATTL is the TTL of the SOA record, in seconds.
	SOATTL uint32

	// alone: no other zone has the same apex or one below it, so a name found
	// in this zone cannot belong to another that the client sees.
	alone bool

	// Keys sign the zone; none: it is not signed. Only public zones have keys.
	Keys dnssec.Keys
}

// View is what a client may see.
type View struct {
	// AllVPCs: the client sees every private zone.
	AllVPCs bool
	// VPCs are those whose private zones the client sees. Read only.
	VPCs []string
}

// inVPC reports whether the client is in the VPC by its own address.
func (v *View) inVPC(id string) bool {
	for _, vpc := range v.VPCs {
		if vpc == id {
			return true
		}
	}
	return false
}

// Visible reports whether a client sees the zone.
func (z *Zone) Visible(v *View) bool {
	return z.Public || v.AllVPCs || v.inVPC(z.VPC)
}

// Minimum is the MINIMUM field of the zone's SOA record, which bounds the TTL of
// negative answers (RFC 2308 section 4). In strict mode it is that of Route 53,
// otherwise the TTL of the record itself.
func (z *Zone) Minimum(strict bool) uint32 {
	if strict {
		return 86400
	}
	return z.SOATTL
}

// NegativeTTL is the TTL of the SOA record in a negative answer: RFC 2308
// section 3.
func (z *Zone) NegativeTTL(strict bool) uint32 { return min(z.SOATTL, z.Minimum(strict)) }

// Serial is the SOA serial of all zones at a revision of the state. It rises, in
// the sense of RFC 1982, with every change, and is the same on every node.
func Serial(revision uint64) uint32 { return uint32(revision) }

// Zones yields all zones, by index.
func (x *Index) Zones() iter.Seq[*Zone] {
	return func(yield func(*Zone) bool) {
		for _, z := range x.zones {
			if z != nil && !yield(z) {
				return
			}
		}
	}
}

// Zone returns the zone of a namespace.
func (x *Index) Zone(ns registry.NamespaceID) (*Zone, bool) {
	i, ok := x.byNamespace.Get(ns)
	if !ok {
		return nil, false
	}
	return x.zones[i], true
}

// ZoneCount bounds the indexes of zones from above.
func (x *Index) ZoneCount() int { return len(x.zones) }

// NameCount returns the number of names that exist, give or take names of which
// several zones have one.
func (x *Index) NameCount() int { return x.names.Len() }
