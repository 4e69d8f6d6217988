package hostedzone

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/rdata"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// Action is what a change does with a record set.
type Action string

// The actions.
const (
	CreateSet Action = "CREATE"
	DeleteSet Action = "DELETE"
	UpsertSet Action = "UPSERT"
)

// SetChange is one change of a batch.
type SetChange struct {
	Action Action
	Set    *RecordSet
}

// Limits of a batch; see "API operation limits" in the Route 53 developer guide. A change
// with the action UPSERT counts twice.
const (
	maxBatchRecords = 1000
	maxBatchChars   = 32_000
	maxGroupSets    = 100
	maxSetValues    = 400
	maxTTL          = 1<<31 - 1
	maxTXT          = 4000 // octets of a TXT value
)

// ChangeSets changes record sets of a zone: all changes or none. The names are in wire
// form; the values are not parsed yet. Reply.ID is the id of the change.
type ChangeSets struct {
	Zone    ID
	Comment string
	Changes []SetChange
	// Unlimited leaves out the limits of a batch: those of the API do not apply to
	// dynamic updates.
	Unlimited bool
}

// Decide implements command.Command.
func (c *ChangeSets) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, none := stateOf(v), command.Decision{}
	z, read, err := s.mine(m, c.Zone)
	if err != nil {
		return none, err
	}
	if err := c.limits(); err != nil {
		return none, err
	}
	b := batch{zone: z, state: s, sets: s.Sets(z.ID).m, token: new(ptree.Owner), touched: map[string]*RecordSet{}}
	for i := range c.Changes {
		if err := b.shape(&c.Changes[i]); err != nil {
			return none, err
		}
	}
	for i := range c.Changes {
		b.apply(&c.Changes[i])
	}
	b.finish(v.Quota(m.Account, setsQuota))
	if len(b.messages) > 0 {
		return none, batchError(b.messages)
	}
	info, changes := s.record(m, c.Comment)
	next := *z
	next.Records, next.Batches = b.sets.Len(), z.Batches+1
	changes = append(changes, put{&next})
	for _, key := range b.order {
		if set := b.touched[key]; set != nil {
			changes = append(changes, put{&storedSet{z.ID, key, set}})
		} else if b.state.Sets(z.ID).m.Has(key) {
			changes = append(changes, remove{&storedSet{z.ID, key, nil}})
		}
	}
	reads := []command.Read{read}
	for _, id := range b.checks {
		reads = append(reads, command.Read{Key: checkPrefix + id, Exists: true})
	}
	return command.Decision{Changes: changes, Reads: reads, Reply: command.Reply{ID: info.ID}}, nil
}

func (c *ChangeSets) limits() error {
	if c.Unlimited {
		return nil
	}
	records, chars := 0, 0
	for i := range c.Changes {
		set, times := c.Changes[i].Set, 1
		if c.Changes[i].Action == UpsertSet {
			times = 2
		}
		if set.Alias != nil {
			records += times
		}
		records += times * len(set.Values)
		for _, value := range set.Values {
			chars += times * utf8.RuneCountInString(value)
		}
	}
	var messages []string
	if records > maxBatchRecords {
		messages = append(messages, fmt.Sprintf("Number of records limit of %d exceeded.", maxBatchRecords))
	}
	if chars > maxBatchChars {
		messages = append(messages, fmt.Sprintf("RDATA character limit of %d exceeded.", maxBatchChars))
	}
	if len(messages) > 0 {
		return batchError(messages)
	}
	return nil
}

// batch applies changes one after the other to a working copy of the zone's record sets.
type batch struct {
	zone     *HostedZone
	state    *State
	sets     ptree.Map[string, *RecordSet]
	token    *ptree.Owner
	touched  map[string]*RecordSet // by key; nil: deleted
	order    []string              // of the keys of touched
	checks   []string              // that the changes refer to
	aliases  []*RecordSet          // that were stored
	weighted []*RecordSet          // that were stored, without aliases
	messages []string
}

func (b *batch) fail(format string, args ...any) {
	b.messages = append(b.messages, fmt.Sprintf(format, args...))
}

// shape checks what makes the whole request invalid, whatever the zone has.
func (b *batch) shape(c *SetChange) error {
	s := c.Set
	describe := func() string {
		id := "null"
		if s.SetID != "" {
			id = s.SetID
		}
		return fmt.Sprintf("Change with [Action=%s, Name=%s, Type=%s, SetIdentifier=%s]", c.Action, s.Text(), s.TypeName(), id)
	}
	n := s.Routing.count()
	switch {
	case n > 1:
		return refuse(InvalidInput, "Invalid request: Expected at most one of [Weight, Region, Failover, GeoLocation, MultiValueAnswer], but found more than one in %s", describe())
	case n == 1 && s.SetID == "":
		return refuse(InvalidInput, "Invalid request: Missing field 'SetIdentifier' in %s", describe())
	case n == 0 && s.SetID != "":
		return refuse(InvalidInput, "Invalid request: Expected exactly one of [Weight, Region, Failover, GeoLocation, MultiValueAnswer], but found none in %s", describe())
	case s.TTL < 0 || s.TTL > maxTTL:
		return refuse(InvalidInput, "Invalid request: TTL %d must be 0 to %d in %s", s.TTL, maxTTL, describe())
	}
	if s.Check != "" && c.Action != DeleteSet {
		if h, ok := b.state.checks.Get(s.Check); !ok || h.Account != b.zone.Account {
			return NoCheck(s.Check)
		}
	}
	return nil
}

// apply applies one change. At most one message is added.
func (b *batch) apply(c *SetChange) {
	s := c.Set
	if !in(s.Name, b.zone.Apex) {
		b.fail("RRSet with DNS name %s is not permitted in zone %s", s.Text(), b.zone.Name())
		return
	}
	if err := s.parse(); err != nil {
		b.fail("Invalid Resource Record: 'FATAL problem: %s'", err)
		return
	}
	if err := s.check(); err != nil && c.Action != DeleteSet {
		b.fail("Invalid Resource Record: 'FATAL problem: %s'", err)
		return
	}
	key := s.setKey()
	if before, twice := b.touched[key]; twice && (before != nil || c.Action == DeleteSet) {
		b.fail("The request contains an invalid set of changes for a resource record set '%s %s'", s.TypeName(), s.Text())
		return
	}
	old, exists := b.sets.Get(key)
	switch {
	case c.Action == DeleteSet && !exists:
		b.fail("Tried to delete resource record set %s but it was not found", s.brackets())
	case c.Action == DeleteSet && !old.same(s):
		b.fail("Tried to delete resource record set %s but the values provided do not match the current values", s.brackets())
	case c.Action == DeleteSet:
		b.store(key, nil)
	case c.Action == CreateSet && exists:
		b.fail("Tried to create resource record set %s but it already exists", s.brackets())
	default:
		if problem := b.problem(s, key); problem != "" {
			b.fail("%s", problem)
			return
		}
		b.store(key, s)
	}
}

// brackets is how AWS's messages name a record set.
func (s *RecordSet) brackets() string {
	text := fmt.Sprintf("[name='%s', type='%s'", s.Text(), s.TypeName())
	if s.SetID != "" {
		text += fmt.Sprintf(", set-identifier='%s'", s.SetID)
	}
	return text + "]"
}

func (b *batch) store(key string, s *RecordSet) {
	if _, again := b.touched[key]; !again {
		b.order = append(b.order, key)
	}
	b.touched[key] = s
	if s == nil {
		b.sets = b.sets.Delete(b.token, key)
		return
	}
	b.sets = b.sets.Put(b.token, key, s)
	if s.Check != "" {
		b.checks = append(b.checks, s.Check)
	}
	if s.Alias != nil {
		b.aliases = append(b.aliases, s)
	} else if s.Weight != nil {
		b.weighted = append(b.weighted, s)
	}
}

// problem returns why a record set cannot be stored, or "".
func (b *batch) problem(s *RecordSet, key string) string {
	for _, check := range []func(*RecordSet, string) string{b.valuesProblem, b.typeProblem, b.nameProblem, b.groupProblem} {
		if problem := check(s, key); problem != "" {
			return problem
		}
	}
	return ""
}

func (b *batch) valuesProblem(s *RecordSet, _ string) string {
	if len(s.data) > maxSetValues {
		return fmt.Sprintf("Cannot have more than %d records in a RRSet.", maxSetValues)
	}
	seen := map[string]bool{}
	for i, data := range canonicalInOrder(s) {
		if seen[data] {
			return fmt.Sprintf("Duplicate Resource Record: '%s'", s.Values[i])
		}
		if seen[data] = true; s.Type == dnswire.TypeTXT && len(data) > maxTXT+maxTXT/255+1 {
			return fmt.Sprintf("Invalid Resource Record: 'FATAL problem: TXTRDATATooLong (Value is too long) encountered with '%.64s''", s.Values[i])
		}
	}
	return ""
}

func canonicalInOrder(s *RecordSet) []string {
	all := make([]string, len(s.data))
	for i, data := range s.data {
		all[i] = rdata.Canonical(s.Type, data)
	}
	return all
}

// typeProblem checks what a type cannot have: see "Supported DNS record types" and the
// pages of the routing policies.
func (b *batch) typeProblem(s *RecordSet, _ string) string {
	policy, apex := s.policy(), s.Name == b.zone.Apex
	at := fmt.Sprintf("RRSet of type %s with DNS name %s", s.TypeName(), s.Text())
	switch t := s.Type; {
	case t == dnswire.TypeCNAME && apex:
		return fmt.Sprintf("RRSet of type CNAME with DNS name %s is not permitted at apex in zone %s", s.Text(), b.zone.Name())
	case t == dnswire.TypeDS && apex:
		return fmt.Sprintf("%s is not permitted at apex in zone %s", at, b.zone.Name())
	case t == dnswire.TypeSOA && !apex:
		return fmt.Sprintf("%s is not permitted: it is permitted at apex in zone %s only", at, b.zone.Name())
	case t == dnswire.TypeSOA && (len(s.data) != 1 || s.Alias != nil):
		return "A HostedZone must contain exactly one SOA record."
	case t == dnswire.TypeNS && isWildcard(s.Name):
		return at + " is not permitted: a wildcard cannot be a delegation"
	case t == dnswire.TypeNS && !apex && b.zone.Private:
		return at + " is not permitted: a private hosted zone cannot delegate names"
	case (t == dnswire.TypeNS || t == dnswire.TypeSOA) && s.Alias != nil:
		return at + " cannot be an alias"
	case policy != "" && (t == dnswire.TypeNS || t == dnswire.TypeSOA || t == dnswire.TypeDS):
		return fmt.Sprintf("%s cannot have the routing policy %s", at, policy)
	case t == dnswire.TypeCNAME && len(s.data) > 1:
		return at + " can have one value only"
	case s.MultiValue != nil && (s.Alias != nil || t == dnswire.TypeCNAME):
		return at + " cannot be a multivalue answer: aliases and CNAME records cannot"
	case s.MultiValue != nil && !*s.MultiValue:
		return at + " has MultiValueAnswer false: only true is permitted"
	}
	return ""
}

// nameProblem checks that a CNAME record is alone at its name: RFC 1034 section 3.6.2.
func (b *batch) nameProblem(s *RecordSet, _ string) string {
	for other := range (Sets{b.sets}).at(s.Name) {
		if other.Type != s.Type && (other.Type == dnswire.TypeCNAME || s.Type == dnswire.TypeCNAME) {
			return fmt.Sprintf("RRSet of type %s with DNS name %s is not permitted because a conflicting RRSet of type %s with the same DNS name already exists in zone %s",
				s.TypeName(), s.Text(), other.TypeName(), b.zone.Name())
		}
	}
	return ""
}

// groupProblem checks a record set against the others of its name and type.
func (b *batch) groupProblem(s *RecordSet, key string) string {
	n, policy := 1, s.policy()
	id := ""
	if s.SetID != "" {
		id = ", SetIdentifier " + s.SetID
	}
	for other := range (Sets{b.sets}).Group(s.Name, s.Type) {
		if other.setKey() == key {
			continue
		}
		n++
		head := fmt.Sprintf("RRSet with DNS name %s, type %s%s cannot be created as ", s.Text(), s.TypeName(), id)
		switch {
		case policy == "":
			return head + "other RRSets exist with the same name and type."
		case other.policy() != policy:
			return fmt.Sprintf("%sa non-%s set exists with the same name and type.", head, strings.ReplaceAll(policy, " ", "-"))
		case s.Region != "" && s.Region == other.Region:
			return head + "a set with the same region exists with the same name and type."
		case s.Failover != "" && s.Failover == other.Failover:
			return fmt.Sprintf("%sa %s set exists with the same name and type.", head, s.Failover)
		case s.Geo != nil && *s.Geo == *other.Geo:
			return head + "a set with the same geolocation exists with the same name and type."
		}
	}
	if n > maxGroupSets {
		return fmt.Sprintf("RRSet with DNS name %s, type %s%s cannot be created: there can be %d sets with the same name and type.", s.Text(), s.TypeName(), id, maxGroupSets)
	}
	return ""
}

// finish checks what only the result of all changes shows.
func (b *batch) finish(limit int) {
	all := Sets{b.sets}
	if _, ok := all.Get(b.zone.Apex, dnswire.TypeSOA, ""); !ok {
		b.fail("A HostedZone must contain exactly one SOA record.")
	}
	if ns, ok := all.Get(b.zone.Apex, dnswire.TypeNS, ""); !ok || len(ns.data) == 0 {
		b.fail("A HostedZone must contain at least one NS record for the zone itself.")
	}
	if limit > 0 && b.sets.Len() > limit && b.sets.Len() > b.zone.Records {
		b.fail("Exceeded limit MAX_RRSETS_BY_ZONE for zone: %s", b.zone.ID)
	}
	for _, s := range b.aliases {
		b.checkAlias(s)
	}
	for _, s := range b.weighted {
		b.checkTTL(s)
	}
}

// checkTTL checks that the record sets of a weighted group have one TTL. Only the result
// of the batch counts: a batch that changes all of the group can change their TTL.
func (b *batch) checkTTL(s *RecordSet) {
	if b.touched[s.setKey()] != s {
		return
	}
	for other := range (Sets{b.sets}).Group(s.Name, s.Type) {
		if other.Alias == nil && other.TTL != s.TTL {
			b.fail("RRSet with DNS name %s and type %s, SetIdentifier %s cannot be created as weighted sets must contain the same TTL.", s.Text(), s.TypeName(), s.SetID)
			return
		}
	}
}

// checkAlias checks the target of an alias in its own zone. Others are looked up when a
// client asks.
func (b *batch) checkAlias(s *RecordSet) {
	if s.Alias.Zone != b.zone.ID {
		return
	}
	attempt := fmt.Sprintf("Tried to create an alias that targets %s, type %s in zone %s, but ", rdata.Octal.Name(s.Alias.Name), s.TypeName(), b.zone.ID)
	if !in(s.Alias.Name, b.zone.Apex) {
		b.fail("%sthe alias target name does not lie within the target zone", attempt)
	}
	found := false
	for range (Sets{b.sets}).Group(s.Alias.Name, s.Type) {
		found = true
		break
	}
	if !found {
		b.fail("%sthat target was not found", attempt)
		return
	}
	if b.loops(s.Alias.Name, s.Type, []string{s.Name}) {
		b.fail("%sthe target leads back to the alias", attempt)
	}
}

// maxAliasSteps bounds how many aliases are followed to find a loop.
const maxAliasSteps = 64

// loops reports whether aliases lead from a name to one of those before it.
func (b *batch) loops(name string, rtype uint16, before []string) bool {
	if slices.Contains(before, name) || len(before) > maxAliasSteps {
		return true
	}
	for s := range (Sets{b.sets}).Group(name, rtype) {
		if s.Alias != nil && s.Alias.Zone == b.zone.ID && b.loops(s.Alias.Name, rtype, append(before, name)) {
			return true
		}
	}
	return false
}
