package xfr

import (
	"errors"
	"fmt"
	"iter"
	"net/netip"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/edge/dns/tsig"
)

// Rule allows clients to transfer zones.
type Rule struct {
	// Zone is the zone's name; "*" means all public zones.
	Zone string
	// VPC selects the private zone of this name in a VPC. Empty: the public zone.
	VPC string
	// Allow has the networks of the clients. If it is empty, the rule allows every
	// address with the Key, and none without a Key.
	Allow []netip.Prefix
	// Key is the key that must have signed the query. Nil: no signature is needed.
	Key *tsig.Key
	// Secondaries are the servers to notify of changes. They are for the receiver of
	// a Change; the Server does not use them.
	Secondaries []netip.AddrPort

	apex []byte // in wire form and lower case; nil: all public zones
}

func (r *Rule) check() error {
	if r.Zone == "*" {
		if r.VPC != "" {
			return errors.New(`xfr: "*" is about public zones; private ones have to be named`)
		}
		return nil
	}
	wire, ok := dnswire.ParseName(r.Zone)
	if !ok || len(wire) == 1 {
		return fmt.Errorf("xfr: zone %q is not a domain name", r.Zone)
	}
	r.apex = []byte(wire)
	dnswire.Lower(r.apex)
	return nil
}

// zones returns the zones of a rule.
func (s *Server) zones(r *Rule, x *zone.Index) iter.Seq[*zone.Zone] {
	return func(yield func(*zone.Zone) bool) {
		if r.apex != nil {
			if z := x.Apex(r.apex, r.VPC); z != nil && s.canTransfer(x, z) {
				yield(z)
			}
			return
		}
		for z := range x.Zones() {
			if z.Public && s.canTransfer(x, z) && !yield(z) {
				return
			}
		}
	}
}

// canTransfer reports whether there can be a copy of the zone: without signatures,
// resolvers that validate would reject that of a signed zone, and a public zone that is
// not answered here must not be answered elsewhere.
func (s *Server) canTransfer(x *zone.Index, z *zone.Zone) bool {
	return (!signed(z) || s.cfg.Signer != nil) && (!z.Public || x.IsAnswered(z))
}

func signed(z *zone.Zone) bool { return len(z.Keys) > 0 }

// permits reports whether a client may transfer the zones of the rule.
func (r *Rule) permits(from netip.Addr, key *tsig.Key) bool {
	if r.Key != nil && key != r.Key {
		return false
	}
	for _, p := range r.Allow {
		if p.Contains(from) {
			return true
		}
	}
	return len(r.Allow) == 0 && r.Key != nil
}

// Permission is a result of Permit.
type Permission uint8

// The results of Permit.
const (
	// Refused: no rule allows the client to transfer a zone of this name, or there
	// cannot be a copy of it.
	Refused Permission = iota
	// NotThere: a rule allows it, but there is no such zone.
	NotThere
	// Allowed: the client may transfer the zone.
	Allowed
)

// Permit returns the zone of a name that a client may transfer. The name must be in
// wire form and lower case; key is the one that the query was signed with, or
// nil.
func (s *Server) Permit(x *zone.Index, name []byte, from netip.Addr, key *tsig.Key) (*zone.Zone, Permission) {
	from = from.Unmap().WithZone("")
	found := Refused
	rules := *s.rules.Load()
	for i := range rules {
		r := &rules[i]
		if r.apex != nil && string(r.apex) != string(name) || !r.permits(from, key) {
			continue
		}
		if z := x.Apex(name, r.VPC); z != nil {
			if !s.canTransfer(x, z) {
				return nil, Refused
			}
			return z, Allowed
		}
		if r.apex != nil {
			found = NotThere
		}
	}
	return nil, found
}
