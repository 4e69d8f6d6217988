package hostedzone

import (
	"encoding/base32"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/domain"
	"github.com/cairn-discovery/cairn/core/registry"
)

var base32Upper = base32.StdEncoding.WithPadding(base32.NoPadding)

// newID returns an id of a letter and 20 others, from fresh randomness.
func newID(letter string, entropy []byte) string {
	return letter + base32Upper.EncodeToString(entropy[:13])[:20]
}

// record makes the Change of a command, and removes some that are too old: so their
// number is bounded without a worker.
func (s *State) record(m *command.Meta, comment string) (*Change, []command.Change) {
	c := &Change{ID: newID("C", m.Entropy[16:]), Account: m.Account, Comment: comment, Submitted: m.Now}
	changes := []command.Change{put{c}}
	for _, old := range s.changeTimes.All() {
		if len(changes) > 4 || old.Submitted > m.Now-changeLife {
			break
		}
		changes = append(changes, remove{old})
	}
	return c, changes
}

// mine returns a zone of the account, and the read that a change of it depends on.
func (s *State) mine(m *command.Meta, id ID) (*HostedZone, command.Read, error) {
	z, ok := s.zones.Get(id)
	if !ok || z.Account != m.Account {
		return nil, command.Read{}, NoZone(id)
	}
	return z, command.Read{Key: z.key(), Exists: true}, nil
}

// Create makes a hosted zone. Reply.Value is the *HostedZone, and Reply.ID the id of the
// change.
type Create struct {
	Name            string // with escapes
	CallerReference string
	Comment         string
	// VPC makes the zone private. Nil: it is public.
	VPC *VPC
}

// Decide implements command.Command.
func (c *Create) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, none := stateOf(v), command.Decision{}
	apex, err := c.apex()
	if err != nil {
		return none, err
	}
	z := &HostedZone{
		ID: ID(newID("Z", m.Entropy[:])), Account: m.Account, Apex: apex, CallerReference: c.CallerReference, Comment: c.Comment,
		Created: m.Now, Records: 2,
	}
	if _, taken := s.byReference.Get(referenceKey(z)); taken {
		return none, refuse(HostedZoneAlreadyExists, "A hosted zone has already been created with the specified caller reference.")
	}
	if limit := v.Quota(m.Account, zonesQuota); limit > 0 && s.count(m.Account) >= limit {
		return none, refuse(TooManyHostedZones, "The limit of %d hosted zones per account has been reached.", limit)
	}
	if c.VPC != nil {
		z.Private, z.VPCs = true, []VPC{*c.VPC}
		if err := mayUseVPC(v, m, *c.VPC); err != nil {
			return none, err
		}
		if err := freeInVPC(v, apex, *c.VPC); err != nil {
			return none, err
		}
	}
	if err := claim(v, z); err != nil {
		return none, err
	}
	info, changes := s.record(m, "")
	changes = append(changes, put{z})
	for _, set := range initialSets(rulesOf(v), apex) {
		changes = append(changes, put{&storedSet{z.ID, set.setKey(), set}})
	}
	return command.Decision{
		Changes: changes, Reads: []command.Read{{Key: z.key()}}, Reply: command.Reply{ID: info.ID, Value: z},
	}, nil
}

func (c *Create) apex() (string, error) {
	apex, err := ParseName(c.Name)
	switch {
	case err != nil:
		return "", refuse(InvalidDomainName, "%s is not a valid domain name: %s", c.Name, err)
	case apex == "\x00":
		return "", refuse(InvalidDomainName, "%s is not a valid domain name: it is the root", c.Name)
	case isWildcard(apex):
		return "", refuse(InvalidDomainName, "%s is not a valid domain name: it begins with an asterisk", c.Name)
	case c.VPC == nil && dnswire.Parent(apex) == "\x00":
		return "", refuse(InvalidDomainName, "%s is not a valid domain name: it is a top-level domain", c.Name)
	}
	return apex, nil
}

// initialSets are the NS and SOA record sets of a new zone: as in Route 53, but with the
// name servers of the configuration.
func initialSets(r *Rules, apex string) []*RecordSet {
	servers, mailbox := r.NameServers, r.Hostmaster
	if len(servers) == 0 {
		servers = []string{"ns.cairn.internal"}
	}
	if mailbox == "" {
		_, parent, _ := strings.Cut(servers[0], ".")
		mailbox = "hostmaster." + parent
	}
	ns := &RecordSet{Name: apex, Type: dnswire.TypeNS, TTL: 172800}
	for _, server := range servers {
		ns.Values = append(ns.Values, strings.TrimSuffix(server, ".")+".")
	}
	soa := &RecordSet{Name: apex, Type: dnswire.TypeSOA, TTL: 900, Values: []string{
		fmt.Sprintf("%s %s. 1 7200 900 1209600 86400", ns.Values[0], strings.TrimSuffix(mailbox, ".")),
	}}
	sets := []*RecordSet{ns, soa}
	for _, set := range sets {
		_ = set.parse() // the configuration has checked the names
	}
	return sets
}

// mayUseVPC checks that a VPC is known and that the account may have zones in it.
func mayUseVPC(v command.View, m *command.Meta, vpc VPC) error {
	_, rules := registryOf(v)
	switch {
	case !rules.Names.KnowsVPC(vpc.ID):
		return refuse(InvalidVPCID, "The VPC ID is invalid.")
	case !rules.Names.MayUseVPC(m.Account, vpc.ID):
		return refuse(NotAuthorized, "The VPC: %s has not authorized to associate with your hosted zone.", vpc.ID)
	}
	return nil
}

// freeInVPC checks that no other zone of the name is in a VPC.
func freeInVPC(v command.View, apex string, vpc VPC) error {
	s := stateOf(v)
	id := ID("")
	if z := s.privateZone(apex, vpc.ID); z != nil {
		id = z.ID
	}
	namespaces, _ := registryOf(v)
	for ns := range namespaces.AllNamespaces() {
		if ns.Type != registry.DNSPrivate || !strings.EqualFold(ns.Name, plainName(apex)) {
			continue
		}
		zone := ID(ns.HostedZoneID)
		if ns.VPC == vpc.ID || slices.ContainsFunc(s.Added(zone), func(v VPC) bool { return v.ID == vpc.ID }) {
			id = zone
		}
	}
	if id == "" {
		return nil
	}
	return refuse(ConflictingDomainExists, "The VPC %s in region %s has already been associated with the hosted zone %s with the same domain name.",
		vpc.ID, vpc.Region, id)
}

// claim checks that the name of a zone is not that of another account, and sets
// z.Delegated.
func claim(v command.View, z *HostedZone) error {
	_, rules := registryOf(v)
	for _, wanted := range z.claims() {
		owner, delegated, conflict := rules.Names.Conflict(wanted, allClaims(v))
		if conflict {
			return refuse(ConflictingDomainExists, "The name %s is at or below %s, which belongs to another account.", z.Name(), owner.Name)
		}
		z.Delegated = z.Delegated || delegated
	}
	return nil
}

// claims are the names that a zone has, once for each VPC.
func (z *HostedZone) claims() []domain.Zone {
	base := domain.Zone{Account: z.Account, Name: plainName(z.Apex), Created: z.Created, ID: string(z.ID)}
	if !z.Private {
		return []domain.Zone{base}
	}
	var all []domain.Zone
	for _, vpc := range z.VPCs {
		base.VPC = vpc.ID
		all = append(all, base)
	}
	return all
}

// Claims yields the names of all hosted zones, for core/domain.
func (s *State) Claims() iter.Seq[domain.Zone] {
	return func(yield func(domain.Zone) bool) {
		for z := range s.AllZones() {
			for _, c := range z.claims() {
				if !yield(c) {
					return
				}
			}
		}
	}
}

func allClaims(v command.View) iter.Seq[domain.Zone] {
	namespaces, _ := registryOf(v)
	return func(yield func(domain.Zone) bool) {
		for c := range stateOf(v).Claims() {
			if !yield(c) {
				return
			}
		}
		for ns := range namespaces.AllNamespaces() {
			if ns.IsDNS() && !yield(ns.Claim()) {
				return
			}
		}
	}
}

// Delete deletes a hosted zone that has no record sets but its NS and SOA records.
// Reply.ID is the id of the change.
type Delete struct{ ID ID }

// Decide implements command.Command.
func (c *Delete) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s := stateOf(v)
	z, read, err := s.mine(m, c.ID)
	if err != nil {
		return command.Decision{}, err
	}
	if z.Records > 2 || z.Signing {
		return command.Decision{}, refuse(HostedZoneNotEmpty, "The specified hosted zone contains non-required resource record sets  and so cannot be deleted.")
	}
	info, changes := s.record(m, "")
	for _, set := range s.Sets(z.ID).m.All() {
		changes = append(changes, remove{&storedSet{z.ID, set.setKey(), set}})
	}
	for a := range s.Authorizations(z.ID, "") {
		changes = append(changes, remove{a})
	}
	if s.tags.Has(KindZone + "\x00" + string(z.ID)) {
		changes = append(changes, remove{&resourceTags{Kind: KindZone, ID: string(z.ID)}})
	}
	changes = append(changes, remove{z})
	return command.Decision{Changes: changes, Reads: []command.Read{read}, Reply: command.Reply{ID: info.ID}}, nil
}

// SetComment changes the comment of a hosted zone. Reply.Value is the *HostedZone.
type SetComment struct {
	ID      ID
	Comment string // empty: there is none
}

// Decide implements command.Command.
func (c *SetComment) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	z, read, err := stateOf(v).mine(m, c.ID)
	if err != nil {
		return command.Decision{}, err
	}
	next := *z
	next.Comment = c.Comment
	return command.Decision{Changes: []command.Change{put{&next}}, Reads: []command.Read{read}, Reply: command.Reply{Value: &next}}, nil
}
