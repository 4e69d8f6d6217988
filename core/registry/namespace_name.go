package registry

import (
	"fmt"
	"iter"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/domain"
)

// claimName sets ns.Delegated, or returns why the account may not own the name of the
// namespace. It does not name the owner or its zone.
func (s *State) claimName(h hostedZones, r *Rules, m *command.Meta, ns *Namespace) (problem string) {
	ns.Delegated = false
	if !ns.IsDNS() {
		return ""
	}
	_, delegated, conflict := r.Names.Conflict(ns.Claim(), s.allZones(h))
	if !conflict {
		ns.Delegated = delegated
		return ""
	}
	remedy := ""
	if !r.Strict {
		remedy = fmt.Sprintf(" An operator can delegate the name to account %s with dns.delegate.", m.Account)
	}
	return route53Error(m, fmt.Sprintf("The domain name %s belongs to another account, which owns this name or a name above it.%s", ns.Name, remedy), "ConflictingDomainExists")
}

// Claim returns the zone of a DNS namespace, as core/domain has it.
func (ns *Namespace) Claim() domain.Zone {
	return domain.Zone{Account: ns.Account, Name: ns.Name, VPC: ns.VPC, Created: ns.CreateDate, ID: string(ns.ID)}
}

// zones yields the zones of all accounts.
func (s *State) zones() iter.Seq[domain.Zone] {
	return func(yield func(domain.Zone) bool) {
		for ns := range s.AllNamespaces() {
			if ns.IsDNS() && !yield(ns.Claim()) {
				return
			}
		}
	}
}

// NameConflicts returns the pairs of namespaces whose names may not belong to two
// accounts. The first of each pair is the older, which DNS answers from. There are
// pairs only if namespaces are older than the rule, or if a setting has changed.
func (s *State) NameConflicts(r *Rules) [][2]domain.Zone {
	var zones []domain.Zone
	for z := range s.zones() {
		zones = append(zones, z)
	}
	return r.Names.Conflicts(zones)
}
