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

// Rule says who may have a zone.
type Rule struct {
	// Zone is the zone's name; "*" means all public zones.
	Zone string
	// VPC chooses the private zone of this name that is bound to it. Empty: the
	// public one.
	VPC string
	// Allow are the addresses that may ask. None means any address where there
	// is a Key, and nobody where there is none.
	Allow []netip.Prefix
	// Key must have signed the query. Nil: none needs to.
	Key *tsig.Key

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

// zones yields the zones that the rule is about. Signed ones are not handed out:
// the copy would have no signatures, and whoever validates would not believe it.
func (r *Rule) zones(x *zone.Index) iter.Seq[*zone.Zone] {
	return func(yield func(*zone.Zone) bool) {
		if r.apex != nil {
			if z := x.Apex(r.apex, r.VPC); z != nil && !signed(z) {
				yield(z)
			}
			return
		}
		for z := range x.Zones() {
			if z.Public && !signed(z) && !yield(z) {
				return
			}
		}
	}
}

func signed(z *zone.Zone) bool { return len(z.Keys) > 0 }

// permits reports whether a client may have the rule's zones.
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

// Permission is what Permit finds.
type Permission uint8

// The outcomes of Permit.
const (
	// Refused: the client may not have such a zone, whether or not there is one,
	// or nobody may since it is signed.
	Refused Permission = iota
	// NotThere: it might, but there is no such zone.
	NotThere
	Granted
)

// Permit returns the zone of a name that a client may have. The name must be in
// wire form and lower case; key is the one that the query was signed with, or
// nil.
func (s *Server) Permit(x *zone.Index, name []byte, from netip.Addr, key *tsig.Key) (*zone.Zone, Permission) {
	from = from.Unmap().WithZone("")
	found := Refused
	for i := range s.cfg.Rules {
		r := &s.cfg.Rules[i]
		if r.apex != nil && string(r.apex) != string(name) || !r.permits(from, key) {
			continue
		}
		if z := x.Apex(name, r.VPC); z != nil {
			if signed(z) {
				return nil, Refused
			}
			return z, Granted
		}
		if r.apex != nil {
			found = NotThere
		}
	}
	return nil, found
}
