package hostedzone

import (
	"fmt"
	"iter"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

// Slice describes hosted zones to core/state.
type Slice struct{}

const sliceName = "hostedzone"

// Name implements command.Slice.
func (Slice) Name() string { return sliceName }

// Keys of the store. Zones come before their record sets, so that a load in the order of
// keys has the zone of every set; keys of the registry come before both.
//
//	z1/ID              hosted zone        z2/ID/KEY    record set, see RecordSet.setKey
//	z3/ID              health check       z4/ID/VPC    authorization
//	z5/ID              VPCs of the zone of a namespace
//	z6/KIND/ID         tags               z7/ID        change
const (
	zonePrefix          = "z1/"
	setPrefix           = "z2/"
	checkPrefix         = "z3/"
	authorizationPrefix = "z4/"
	associationPrefix   = "z5/"
	tagsPrefix          = "z6/"
	changePrefix        = "z7/"
)

// Prefixes implements command.Slice.
func (Slice) Prefixes() []string {
	return []string{zonePrefix, setPrefix, checkPrefix, authorizationPrefix, associationPrefix, tagsPrefix, changePrefix}
}

// Rules are the settings for changes of hosted zones.
type Rules struct {
	// NameServers are the names in the NS records of new zones, without a final dot.
	NameServers []string
	// Hostmaster is the mailbox in their SOA records, as a domain name.
	Hostmaster string
	// Regions are the names of regions that the configuration has.
	Regions []string
	// Strict selects the behaviour of AWS where the default differs.
	Strict bool
}

func rulesOf(v command.View) *Rules {
	_, rules := v.Slice(sliceName)
	return rules.(*Rules)
}

// stateOf returns the state of a view.
func stateOf(v command.View) *State {
	s, _ := v.Slice(sliceName)
	return s.(*State)
}

// registryOf returns the namespaces of a view, and their rules.
func registryOf(v command.View) (*registry.State, *registry.Rules) {
	s, rules := v.Slice(registry.Slice{}.Name())
	return s.(*registry.State), rules.(*registry.Rules)
}

// Quotas implements command.Slice.
func (Slice) Quotas() []*command.Quota {
	return []*command.Quota{zonesQuota, setsQuota, checksQuota}
}

var (
	zonesQuota  = &command.Quota{Name: "hosted_zones_per_account", What: "hosted zones per account", Strict: 500, Guard: "names", Count: countZones}
	setsQuota   = &command.Quota{Name: "record_sets_per_hosted_zone", What: "record sets per hosted zone", Strict: 10_000, Count: countSets}
	checksQuota = &command.Quota{Name: "health_checks_per_account", What: "health checks per account", Strict: 200, Guard: "health-checks", Count: countChecks}
)

// Limits returns the limits of an account by the rules in force: of zones, of record sets
// in a zone and of health checks. 0: no limit.
func Limits(v command.View, account command.AccountID) (zones, sets, checks int) {
	return v.Quota(account, zonesQuota), v.Quota(account, setsQuota), v.Quota(account, checksQuota)
}

func countZones(v command.View, add func(command.AccountID, int)) {
	n := map[command.AccountID]int{}
	for z := range stateOf(v).AllZones() {
		n[z.Account]++
	}
	for account, n := range n {
		add(account, n)
	}
}

func countSets(v command.View, add func(command.AccountID, int)) {
	for z := range stateOf(v).AllZones() {
		add(z.Account, z.Records)
	}
}

func countChecks(v command.View, add func(command.AccountID, int)) {
	n := map[command.AccountID]int{}
	for _, c := range stateOf(v).checks.All() {
		n[c.Account]++
	}
	for account, n := range n {
		add(account, n)
	}
}

// entity is what has a record in the store.
type entity interface {
	key() string
	encode(b []byte) []byte
	decode(value []byte) error
	// put and remove change the state. Remove needs only what the key has.
	put(d *Draft)
	remove(d *Draft)
}

// put stores an entity.
type put struct{ entity }

func (c put) Key() string                   { return c.key() }
func (c put) Value(b []byte) ([]byte, bool) { return c.encode(b), true }
func (c put) apply(d *Draft)                { c.put(d) }

// Guarded implements command.Guarded: who writes a record set also writes its zone.
func (c put) Guarded() bool { return isSet(c.entity) }

// remove deletes an entity.
type remove struct{ entity }

func (c remove) Key() string                   { return c.key() }
func (c remove) Value(b []byte) ([]byte, bool) { return b, false }
func (c remove) apply(d *Draft)                { c.remove(d) }

// Guarded implements command.Guarded.
func (c remove) Guarded() bool { return isSet(c.entity) }

func isSet(e entity) bool { _, ok := e.(*storedSet); return ok }

// change is one step from a State to the next.
type change interface {
	command.Change
	apply(d *Draft)
}

// fromKey returns an empty entity for a key.
func fromKey(key string) entity {
	if len(key) < len(zonePrefix) {
		return nil
	}
	prefix, rest := key[:len(zonePrefix)], key[len(zonePrefix):]
	first, second, _ := strings.Cut(rest, "/")
	switch prefix {
	case zonePrefix:
		return &HostedZone{ID: ID(rest)}
	case setPrefix:
		return setFromKey(ID(first), second)
	case checkPrefix:
		return &HealthCheck{ID: rest}
	case authorizationPrefix:
		return &Authorization{Zone: ID(first), VPC: VPC{ID: second}}
	case associationPrefix:
		return &association{Zone: ID(rest)}
	case tagsPrefix:
		return &resourceTags{Kind: first, ID: second}
	case changePrefix:
		return &Change{ID: rest}
	}
	return nil
}

// Decode implements command.Slice.
func (Slice) Decode(key string, value []byte) (command.Change, error) {
	e := fromKey(key)
	if e == nil {
		return nil, fmt.Errorf("key %q is not one of hosted zones", key)
	}
	if value == nil {
		return remove{e}, nil
	}
	if err := e.decode(value); err != nil {
		return nil, fmt.Errorf("record %q: %w", key, err)
	}
	if e.key() != key {
		return nil, fmt.Errorf("record %q is that of key %q", key, e.key())
	}
	return put{e}, nil
}

// Owns implements command.Slice.
func (Slice) Owns(c command.Change) bool {
	_, ok := c.(change)
	return ok
}

// Has implements command.Slice.
func (Slice) Has(s *State, key string) bool {
	switch e := fromKey(key).(type) {
	case *HostedZone:
		return s.zones.Has(e.ID)
	case *storedSet:
		return s.Sets(e.zone).m.Has(e.order)
	case *HealthCheck:
		return s.checks.Has(e.ID)
	case *Authorization:
		return s.authorizations.Has(e.order())
	case *association:
		return s.associations.Has(e.Zone)
	case *resourceTags:
		return s.tags.Has(e.order())
	case *Change:
		return s.changes.Has(e.ID)
	}
	return false
}

// All implements command.Slice.
func (Slice) All(s *State) iter.Seq[command.Stored] {
	return func(yield func(command.Stored) bool) {
		each := func(e entity) bool { return yield(command.Stored{Change: put{e}}) }
		for _, z := range s.zones.All() {
			if !each(z) {
				return
			}
			for _, set := range s.Sets(z.ID).m.All() {
				if !each(&storedSet{z.ID, set.setKey(), set}) {
					return
				}
			}
		}
		for _, c := range s.checks.All() {
			if !each(c) {
				return
			}
		}
		for _, a := range s.authorizations.All() {
			if !each(a) {
				return
			}
		}
		for _, a := range s.associations.All() {
			if !each(a) {
				return
			}
		}
		for _, t := range s.tags.All() {
			if !each(t) {
				return
			}
		}
		for _, c := range s.changes.All() {
			if !each(c) {
				return
			}
		}
	}
}
