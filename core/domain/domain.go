// Package domain decides which account may own a DNS name, for every slice that has
// zones.
//
// The first account that creates a zone owns its name and all names below it, for the
// clients that see the zone: everybody for a public zone, the clients of the VPC for a
// private one. Another account may create a zone at or below that name only if the
// operator delegates it. A name above it is free. An account may use a VPC that the
// configuration gives to it, and several accounts may share one; see "Associating
// more VPCs with a private hosted zone" in the Route 53 developer guide.
package domain

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

// Zone is a zone that an account has, or wants to create.
type Zone struct {
	Account command.AccountID
	Name    string // in any case, without a dot at the end
	VPC     string // empty for a public zone
	Created int64  // milliseconds since 1970
	ID      string // decides between zones that were created at the same time
}

// Delegation lets an account have zones at or below a name that another account owns.
type Delegation struct {
	Name    string
	Account command.AccountID
}

// Rules are the settings that decide about names. The zero value lets every account
// use every VPC.
type Rules struct {
	// VPCs are the known VPCs with the accounts that may use each. Nil means that
	// every VPC is known. A VPC without accounts is open to every account.
	VPCs map[string][]command.AccountID
	// Delegations are the names that operators delegate.
	Delegations []Delegation
}

// KnowsVPC reports whether a private zone may be in the VPC at all.
func (r *Rules) KnowsVPC(vpc string) bool {
	_, ok := r.VPCs[vpc]
	return ok || r.VPCs == nil
}

// MayUseVPC reports whether the account may have zones in a known VPC.
func (r *Rules) MayUseVPC(account command.AccountID, vpc string) bool {
	accounts := r.VPCs[vpc]
	return len(accounts) == 0 || slices.Contains(accounts, account)
}

// owns reports whether the VPC belongs to the account alone.
func (r *Rules) owns(account command.AccountID, vpc string) bool {
	accounts := r.VPCs[vpc]
	return len(accounts) == 1 && accounts[0] == account
}

// Conflict returns the zone of another account that owns the name of wanted. Without
// one, wanted may be created; delegated reports whether that needs a delegation.
func (r *Rules) Conflict(wanted Zone, existing iter.Seq[Zone]) (owner Zone, delegated, conflict bool) {
	var above []Zone
	for z := range existing {
		if within(wanted.Name, z.Name) {
			above = append(above, z)
		}
	}
	slices.SortFunc(above, compare)
	return r.conflict(wanted, r.valid(above))
}

// valid returns the zones that are not in conflict with an older. The zones are sorted
// by age.
func (r *Rules) valid(zones []Zone) []Zone {
	var valid []Zone
	for _, z := range zones {
		if _, _, conflict := r.conflict(z, valid); !conflict {
			valid = append(valid, z)
		}
	}
	return valid
}

func (r *Rules) conflict(wanted Zone, valid []Zone) (owner Zone, delegated, conflict bool) {
	for _, z := range valid {
		if !r.excludes(z, wanted) {
			continue
		}
		if !r.delegates(z, wanted) {
			return z, false, true
		}
		delegated = true
	}
	return Zone{}, delegated, false
}

// excludes reports whether the owner of z owns the name of wanted for a client that sees
// both zones. A private zone hides public zones of the same name from the clients of its
// VPC. So a public name is protected there too, unless the VPC belongs to the other account
// alone.
func (r *Rules) excludes(z, wanted Zone) bool {
	if z.Account == wanted.Account || !within(wanted.Name, z.Name) {
		return false
	}
	return z.VPC == wanted.VPC || z.VPC == "" && !r.owns(wanted.Account, wanted.VPC)
}

// delegates reports whether an operator delegates the name of wanted, from z.
func (r *Rules) delegates(z, wanted Zone) bool {
	return slices.ContainsFunc(r.Delegations, func(d Delegation) bool {
		return d.Account == wanted.Account && within(wanted.Name, d.Name) && within(d.Name, z.Name)
	})
}

// Conflicts returns the pairs of zones that may not exist together, such as zones that
// are older than a rule. The first of each pair is the older, which owns the name.
func (r *Rules) Conflicts(zones []Zone) [][2]Zone {
	zones = slices.SortedFunc(slices.Values(zones), compare)
	valid := map[string][]Zone{} // by name in lower case
	var pairs [][2]Zone
	for _, z := range zones {
		name := strings.ToLower(z.Name)
		var above []Zone
		for rest, ok := name, true; ok; _, rest, ok = strings.Cut(rest, ".") {
			above = append(above, valid[rest]...)
		}
		if owner, _, conflict := r.conflict(z, above); conflict {
			pairs = append(pairs, [2]Zone{owner, z})
		} else {
			valid[name] = append(valid[name], z)
		}
	}
	return pairs
}

// compare orders zones by age, the older first.
func compare(a, b Zone) int {
	return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.ID, b.ID))
}

// within reports whether name is at or below domain. Names ignore case.
func within(name, domain string) bool {
	above := len(name) - len(domain)
	return above == 0 && strings.EqualFold(name, domain) ||
		above > 0 && name[above-1] == '.' && strings.EqualFold(name[above:], domain)
}
