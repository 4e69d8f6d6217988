// Package zone holds the hosted zones that the DNS answers from and looks names
// up in them.
//
// It is pure, and knows neither who feeds it nor messages. The slices of the
// state put zones and RRsets into a Draft; an Index is one immutable version of
// all zones, made at a cost that depends on the change and not on the number of
// names. A Lookup returns a State, a Zone and a Node; the caller picks records
// from the RRsets of the node. DESIGN.md describes the model.
//
// All names that exist are in one table, keyed by the hash of the whole name, so
// that the usual query costs one look-up:
//
//	example.com.              apex: SOA, NS, the records of the service "."
//	web.example.com.          a service
//	_tcp.example.com.         an empty non-terminal above the next name
//	_http._tcp.example.com.   a service with SRV records
//	i-1._http._tcp.example.com.  the host that an SRV record points to
//
//	r := index.Lookup(&zone.Query{Name: wire, Hash: zone.Hash(wire), View: view})
//	if r.State == zone.Hit && r.Node.Set() != nil { … }
package zone

import (
	"encoding/binary"
	"iter"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/internal/persist/hashtrie"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// ID identifies a zone. The slice that feeds the zone chooses it: for a
// namespace of Cloud Map it is the id of the namespace.
type ID string

// Index is one immutable version of all zones. The zero value has none.
type Index struct {
	names hashtrie.Map[*Node] // by Hash; see Node.next
	zones []*Zone             // by Zone.Index; nil where a zone was deleted
	byID  ptree.Map[ID, uint32]
	// contents holds the nodes of each zone that have records, by Zone.Index and
	// Node.key.
	contents ptree.Map[uint32, ptree.Map[uint64, *Node]]
	// apexes counts the zones of each apex. The names below a name follow it in
	// the order of the keys: see reversed.
	apexes ptree.Map[string, int]
	// ancestors are the names above apexes, by Hash; see ancestor.next.
	ancestors hashtrie.Map[*ancestor]
	// ambiguousHosts counts the hosts whose name has other records too; see
	// Node.ambiguous.
	ambiguousHosts int
	// down are the health checks of record sets that found their target unhealthy.
	down ptree.Map[string, struct{}]
}

// Zone is a hosted zone. It is immutable. Index and Apex are set by the Draft.
type Zone struct {
	// Index is a small number that no other zone of the same Index has.
	Index uint32
	ID    ID
	// HostedZone is another id of the zone, by which Zone finds it: that of Route 53 for
	// the zone of a namespace. Empty: it has none.
	HostedZone ID
	Account    command.AccountID
	// Name is the name of the zone as it was given, without a final dot.
	Name string
	// Apex is the name in wire form, in lower case.
	Apex string
	// Public zones are visible to everybody, private ones in their VPCs.
	Public bool
	VPCs   []string
	// SOATTL is the TTL of the SOA record, in seconds.
	SOATTL uint32
	// SOA is the data of the SOA record in wire form, whose serial is not used. Empty:
	// the record is that which zones share.
	SOA string
	// Keys sign the zone; none: it is not signed. Only public zones have keys.
	Keys dnssec.Keys
	// Created is the time of creation in milliseconds since 1970: the older of two
	// zones of different accounts has the name. Delegated: the zone is answered
	// although another account has a name above it.
	Created   int64
	Delegated bool
	// Fixed: the zone has one name that the configuration sets.
	Fixed bool

	// noSubzones: no other zone has the same apex or one below it, so a name
	// found in this zone cannot belong to another zone that the client sees.
	noSubzones bool
	// contested: another account has a zone with the same apex or one above it.
	contested bool
	// wildcards counts the RRsets at names that begin with an asterisk, cuts those of
	// type NS below the apex.
	wildcards, cuts int
	// aliases has the groups with aliases, see aliasKey.
	aliases ptree.Map[string, struct{}]
}

// View is what a client may see.
type View struct {
	// AllVPCs: the client sees every private zone.
	AllVPCs bool
	// VPCs are those whose private zones the client sees. Read only.
	VPCs []string
	// Owners are the accounts that alone may use each of VPCs, empty where several
	// may. Nil: no VPC belongs to one account. Read only.
	Owners []command.AccountID
}

// inOwnVPCOf reports whether the client is, by its own address, in a VPC of the zone
// that belongs to the account of the zone alone.
func (v *View) inOwnVPCOf(z *Zone) bool {
	for i, owner := range v.Owners {
		if owner == z.Account && z.inVPC(v.VPCs[i]) {
			return true
		}
	}
	return false
}

// inVPCOf reports whether the client is, by its own address, in a VPC of the
// zone.
func (v *View) inVPCOf(z *Zone) bool {
	for _, vpc := range v.VPCs {
		if z.inVPC(vpc) {
			return true
		}
	}
	return false
}

// inVPC reports whether the zone is associated with a VPC.
func (z *Zone) inVPC(id string) bool {
	for _, vpc := range z.VPCs {
		if vpc == id {
			return true
		}
	}
	return false
}

// Visible reports whether a client sees the zone.
func (z *Zone) Visible(v *View) bool {
	return z.Public || v.AllVPCs || v.inVPCOf(z)
}

// Minimum returns the MINIMUM field of the zone's SOA record, which bounds the
// TTL of negative answers (RFC 2308 section 4). In strict mode it is that of
// Route 53, otherwise the TTL of the record itself.
func (z *Zone) Minimum(strict bool) uint32 {
	if n := len(z.SOA); n >= 4 {
		return binary.BigEndian.Uint32([]byte(z.SOA[n-4:]))
	}
	if strict && !z.Fixed {
		return 86400
	}
	return z.SOATTL
}

// SOAData returns the data of an SOA record with another serial.
func SOAData(soa string, serial uint64) []byte {
	b := []byte(soa)
	if at := len(b) - soaNumbers; at >= 0 {
		binary.BigEndian.PutUint32(b[at:], uint32(serial))
	}
	return b
}

// soaNumbers is the length of the serial and what follows it: RFC 1035 section 3.3.13.
const soaNumbers = 20

// NegativeTTL returns the TTL of the SOA record in a negative answer: RFC 2308
// section 3.
func (z *Zone) NegativeTTL(strict bool) uint32 { return min(z.SOATTL, z.Minimum(strict)) }

// Serial returns the number whose last 32 bits are the SOA serial of all zones, at a
// revision of the state and a time in seconds since 1970. It rises with every change,
// and at the beginning of every day (UTC), when the copies of signed zones get new
// signatures. It is the same on every node.
func Serial(revision uint64, seconds int64) uint64 { return revision + uint64(Day(seconds)) }

// Day returns the number of a day since 1970, UTC. It is 0 before.
func Day(seconds int64) int64 { return max(seconds, 0) / SecondsPerDay }

// SecondsPerDay is the length of a day.
const SecondsPerDay = 24 * 60 * 60

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

// HasAmbiguousHosts reports whether the addresses of some hosts are not all that
// their names have.
func (x *Index) HasAmbiguousHosts() bool { return x.ambiguousHosts > 0 }

// HasSubzones reports whether another zone has the same apex or one below it.
func (z *Zone) HasSubzones() bool { return !z.noSubzones }

// Zone returns the zone with an id.
func (x *Index) Zone(id ID) (*Zone, bool) {
	i, ok := x.byID.Get(id)
	if !ok {
		return nil, false
	}
	return x.zones[i], true
}
