package hostedzone

import (
	"iter"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// State is one immutable version of the slice. The zero value is empty.
type State struct {
	zones ptree.Map[ID, *HostedZone]
	// byName has the zones of each account in the order of their reversed names, see
	// nameKey. byReference finds them by their caller reference.
	byName      ptree.Map[string, *HostedZone]
	byReference ptree.Map[string, ID]
	// byVPC has the private zones by VPC, apex and id, see vpcKey.
	byVPC ptree.Map[string, *HostedZone]
	sets  ptree.Map[ID, ptree.Map[string, *RecordSet]] // by RecordSet.setKey

	checks           ptree.Map[string, *HealthCheck]
	checksOf         ptree.Map[string, *HealthCheck] // by account and id
	checkByReference ptree.Map[string, string]
	// parents are the calculated checks of a check, users the groups that use it.
	parents ptree.Map[string, struct{}]
	users   ptree.Map[string, int]

	associations   ptree.Map[ID, *association]
	authorizations ptree.Map[string, *Authorization] // by zone and VPC
	tags           ptree.Map[string, *resourceTags]  // by kind and id
	changes        ptree.Map[string, *Change]        // by id
	changeTimes    ptree.Map[string, *Change]        // by time and id
}

func nameKey(z *HostedZone) string {
	return string(z.Account) + "\x00" + Reversed(z.Apex) + "\x00" + string(z.ID)
}

// Zone returns the zone with an id.
func (s *State) Zone(id ID) (*HostedZone, bool) { return s.zones.Get(id) }

// AllZones yields the zones of all accounts, by id.
func (s *State) AllZones() iter.Seq[*HostedZone] {
	return func(yield func(*HostedZone) bool) {
		for _, z := range s.zones.All() {
			if !yield(z) {
				return
			}
		}
	}
}

// ZonesByName yields the zones of an account in the order of their reversed names and
// ids, from a name and an id on. Empty: from the first.
func (s *State) ZonesByName(account command.AccountID, reversed string, id ID) iter.Seq[*HostedZone] {
	return func(yield func(*HostedZone) bool) {
		prefix := string(account) + "\x00"
		from := prefix + reversed
		if id != "" {
			from += "\x00" + string(id)
			if z, ok := s.byName.Get(from); ok && !yield(z) {
				return
			}
		}
		for key, z := range s.byName.After(from) {
			if !strings.HasPrefix(key, prefix) || !yield(z) {
				return
			}
		}
	}
}

// Sets returns the record sets of a zone, in the order of lists.
func (s *State) Sets(zone ID) Sets {
	sets, _ := s.sets.Get(zone)
	return Sets{sets}
}

// Sets are the record sets of one zone.
type Sets struct{ m ptree.Map[string, *RecordSet] }

// From yields record sets from a name, type and set identifier on. A type needs a name,
// and an identifier a type. The name is in wire form and lower case; "" is the beginning.
func (s Sets) From(name string, rtype string, id string) iter.Seq[*RecordSet] {
	return func(yield func(*RecordSet) bool) {
		from := startKey(name, rtype, id)
		if set, ok := s.m.Get(from); ok && !yield(set) {
			return
		}
		for _, set := range s.m.After(from) {
			if !yield(set) {
				return
			}
		}
	}
}

// Group yields the record sets of a name and type.
func (s Sets) Group(name string, rtype uint16) iter.Seq[*RecordSet] {
	return s.withPrefix(groupKey(name, rtype))
}

// at yields the record sets of a name.
func (s Sets) at(name string) iter.Seq[*RecordSet] { return s.withPrefix(Reversed(name) + "\x00") }

func (s Sets) withPrefix(prefix string) iter.Seq[*RecordSet] {
	return func(yield func(*RecordSet) bool) {
		if set, ok := s.m.Get(prefix); ok && !yield(set) {
			return
		}
		for key, set := range s.m.After(prefix) {
			if !strings.HasPrefix(key, prefix) || !yield(set) {
				return
			}
		}
	}
}

// Get returns a record set.
func (s Sets) Get(name string, rtype uint16, id string) (*RecordSet, bool) {
	return s.m.Get(groupKey(name, rtype) + id)
}

// Added returns the VPCs that were added to the zone of a namespace.
func (s *State) Added(zone ID) []VPC {
	a, ok := s.associations.Get(zone)
	if !ok {
		return nil
	}
	return a.VPCs
}

// Authorizations yields the authorizations of a zone after a VPC, by its id.
func (s *State) Authorizations(zone ID, after string) iter.Seq[*Authorization] {
	return func(yield func(*Authorization) bool) {
		prefix := string(zone) + "\x00"
		for key, a := range s.authorizations.After(prefix + after) {
			if !strings.HasPrefix(key, prefix) || !yield(a) {
				return
			}
		}
	}
}

// Tags returns the tags of a resource. Read only.
func (s *State) Tags(kind, id string) []Tag {
	t, ok := s.tags.Get(kind + "\x00" + id)
	if !ok {
		return nil
	}
	return t.Tags
}

// Change returns a change that is still kept.
func (s *State) Change(id string) (*Change, bool) { return s.changes.Get(id) }

// Check returns a health check.
func (s *State) Check(id string) (*HealthCheck, bool) { return s.checks.Get(id) }

// Checks yields the health checks of an account from an id on.
func (s *State) Checks(account command.AccountID, from string) iter.Seq[*HealthCheck] {
	return func(yield func(*HealthCheck) bool) {
		prefix := string(account) + "\x00"
		if c, ok := s.checksOf.Get(prefix + from); ok && !yield(c) {
			return
		}
		for key, c := range s.checksOf.After(prefix + from) {
			if !strings.HasPrefix(key, prefix) || !yield(c) {
				return
			}
		}
	}
}

func vpcKey(vpc, apex string) string { return vpc + "\x00" + apex }

// privateZone returns a private zone of a name in a VPC, or nil. The name is in wire form
// and lower case.
func (s *State) privateZone(apex, vpc string) *HostedZone {
	prefix := vpcKey(vpc, apex)
	for key, z := range s.byVPC.After(prefix) {
		if !strings.HasPrefix(key, prefix) {
			break
		}
		return z
	}
	return nil
}

// InVPC yields the private zones in a VPC.
func (s *State) InVPC(vpc string) iter.Seq[*HostedZone] {
	return func(yield func(*HostedZone) bool) {
		prefix := vpc + "\x00"
		for key, z := range s.byVPC.After(prefix) {
			if !strings.HasPrefix(key, prefix) || !yield(z) {
				return
			}
		}
	}
}

// count returns the number of zones of an account.
func (s *State) count(account command.AccountID) int {
	n := 0
	for range s.ZonesByName(account, "", "") {
		n++
	}
	return n
}
