package hostedzone

import (
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

func diff[V comparable](old, now ptree.Map[string, V], changed func(old, now V)) {
	ptree.Diff(old, now, func(_ string, a, b V) { changed(a, b) })
}

// maxVPCs and maxAuthorizations are limits of Route 53 for one zone, which do not apply
// in extended mode.
const (
	maxVPCs           = 300
	maxAuthorizations = 1000
)

// MaxVPCs returns the limit of VPCs of a private zone.
func MaxVPCs() int64 { return maxVPCs }

// target is a zone whose VPCs are asked about: a hosted zone, or the zone of a namespace. A
// public one has no VPCs.
type target struct {
	zone      *HostedZone
	namespace *registry.Namespace
	id        ID
	account   command.AccountID
	apex      string
	vpcs      []VPC
	read      command.Read
	public    bool
}

// namespaceOf returns the namespace of any account whose zone has an id.
func namespaceOf(s *registry.State, id ID) (*registry.Namespace, bool) {
	for account := range s.Accounts() {
		if ns, ok := s.NamespaceOfZone(account, string(id)); ok {
			return ns, true
		}
	}
	return nil, false
}

// find returns the zone with an id, of any account.
func find(v command.View, id ID) (*target, error) {
	s := stateOf(v)
	if z, ok := s.zones.Get(id); ok {
		t := &target{zone: z, id: id, account: z.Account, apex: z.Apex, vpcs: z.VPCs, read: command.Read{Key: z.key(), Exists: true}, public: !z.Private}
		return t, nil
	}
	namespaces, rules := registryOf(v)
	ns, ok := namespaceOf(namespaces, id)
	if !ok {
		return nil, NoZone(id)
	}
	apex, err := ParseName(ns.Name)
	if err != nil {
		return nil, NoZone(id)
	}
	t := &target{namespace: ns, id: id, account: ns.Account, apex: apex, read: ns.Read(), public: ns.Type != registry.DNSPrivate}
	if !t.public {
		t.vpcs = append([]VPC{{ns.VPC, rules.Region}}, s.Added(id)...)
	}
	return t, nil
}

// set returns the change that gives the zone these VPCs.
func (t *target) set(vpcs []VPC) command.Change {
	if t.namespace == nil {
		next := *t.zone
		next.VPCs = vpcs
		return put{&next}
	}
	if len(vpcs) == 1 {
		return remove{&association{Zone: t.id}}
	}
	return put{&association{t.id, vpcs[1:]}}
}

func index(vpcs []VPC, id string) int {
	return slices.IndexFunc(vpcs, func(v VPC) bool { return v.ID == id })
}

// Associate adds a VPC to a private zone: by the owner of the zone, or by the owner of
// the VPC with an authorization. Reply.ID is the id of the change.
type Associate struct {
	Zone    ID
	VPC     VPC
	Comment string
}

// Decide implements command.Command.
func (c *Associate) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, none := stateOf(v), command.Decision{}
	t, err := find(v, c.Zone)
	if err != nil {
		return none, err
	}
	if t.public {
		return none, refuse(PublicZoneVPCAssociation, "You're trying to associate a VPC with a public hosted zone. Amazon Route 53 doesn't support associating a VPC with a public hosted zone.")
	}
	reads := []command.Read{t.read}
	if t.account != m.Account {
		a, ok := s.authorizations.Get((&Authorization{c.Zone, c.VPC}).order())
		if !ok {
			return none, refuse(NotAuthorized, "The VPC: %s has not authorized to associate with your hosted zone.", c.VPC.ID)
		}
		reads = append(reads, command.Read{Key: a.key(), Exists: true})
	}
	if err := c.mayUse(v, m, t); err != nil {
		return none, err
	}
	info, changes := s.record(m, c.Comment)
	if index(t.vpcs, c.VPC.ID) < 0 {
		if rulesOf(v).Strict && len(t.vpcs) >= maxVPCs {
			return none, refuse(LimitsExceeded, "The limit of %d VPCs per hosted zone has been reached.", maxVPCs)
		}
		if err := freeInVPC(v, t.apex, c.VPC); err != nil {
			return none, err
		}
		changes = append(changes, t.set(append(slices.Clone(t.vpcs), c.VPC)))
	}
	return command.Decision{Changes: changes, Reads: reads, Reply: command.Reply{ID: info.ID}}, nil
}

// mayUse checks the VPC. With an authorization it may be one of the caller's that the
// owner of the zone may not use.
func (c *Associate) mayUse(v command.View, m *command.Meta, t *target) error {
	if err := mayUseVPC(v, m, c.VPC); err != nil {
		return err
	}
	z := &HostedZone{ID: t.id, Account: t.account, Apex: t.apex, Private: true, VPCs: []VPC{c.VPC}}
	if t.account != m.Account {
		return nil // both agree
	}
	return claim(v, z)
}

// Disassociate removes a VPC from a private zone. Reply.ID is the id of the change.
type Disassociate struct {
	Zone    ID
	VPC     VPC
	Comment string
}

// Decide implements command.Command.
func (c *Disassociate) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, none := stateOf(v), command.Decision{}
	t, err := find(v, c.Zone)
	if err != nil {
		return none, err
	}
	_, rules := registryOf(v)
	owner := t.account == m.Account
	if vpcOwners := rules.Names.VPCs[c.VPC.ID]; !owner && !slices.Contains(vpcOwners, m.Account) {
		return none, NoZone(c.Zone)
	}
	i := index(t.vpcs, c.VPC.ID)
	switch {
	case i < 0:
		return none, refuse(VPCAssociationNotFound, "The VPC: %s that you tried to disassociate is not associated with the hosted zone.", c.VPC.ID)
	case len(t.vpcs) == 1:
		return none, refuse(LastVPCAssociation, "Cannot remove last VPC association for the private zone.")
	case t.namespace != nil && i == 0:
		return none, refuse(AccessDenied, "The VPC %s is that of the namespace: it can only be changed through AWS CloudMap (%s)", c.VPC.ID, t.namespace.ID)
	}
	info, changes := s.record(m, c.Comment)
	changes = append(changes, t.set(slices.Delete(slices.Clone(t.vpcs), i, i+1)))
	return command.Decision{Changes: changes, Reads: []command.Read{t.read}, Reply: command.Reply{ID: info.ID}}, nil
}

// Authorize lets the owner of a VPC associate it with a zone of the account.
type Authorize struct {
	Zone ID
	VPC  VPC
}

// Decide implements command.Command.
func (c *Authorize) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	t, err := find(v, c.Zone)
	if err != nil {
		return command.Decision{}, err
	}
	switch {
	case t.account != m.Account:
		return command.Decision{}, NoZone(c.Zone)
	case t.public:
		return command.Decision{}, refuse(InvalidInput, "The hosted zone %s is public: a VPC can be authorized for a private one only.", c.Zone)
	}
	n := 0
	for range stateOf(v).Authorizations(c.Zone, "") {
		n++
	}
	if n >= maxAuthorizations {
		return command.Decision{}, refuse(TooManyAuthorizations, "You've created the maximum number of authorizations (%d) for the hosted zone.", maxAuthorizations)
	}
	return command.Decision{Changes: []command.Change{put{&Authorization{c.Zone, c.VPC}}}, Reads: []command.Read{t.read}}, nil
}

// Unauthorize removes an authorization. Associations stay.
type Unauthorize struct {
	Zone ID
	VPC  VPC
}

// Decide implements command.Command.
func (c *Unauthorize) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	t, err := find(v, c.Zone)
	if err != nil {
		return command.Decision{}, err
	}
	if t.account != m.Account {
		return command.Decision{}, NoZone(c.Zone)
	}
	a, ok := stateOf(v).authorizations.Get((&Authorization{c.Zone, c.VPC}).order())
	if !ok {
		return command.Decision{}, refuse(VPCAuthorizationNotFound, "The VPC that you specified is not authorized to be associated with the hosted zone.")
	}
	return command.Decision{Changes: []command.Change{remove{a}}, Reads: []command.Read{{Key: a.key(), Exists: true}}}, nil
}

// PrivateZone reports whether a hosted zone of a name is in a VPC. The name is in text
// form.
func (s *State) PrivateZone(name, vpc string) (id string, ok bool) {
	apex, err := ParseName(name)
	if err != nil {
		return "", false
	}
	if z := s.privateZone(apex, vpc); z != nil {
		return string(z.ID), true
	}
	return "", false
}

// Forget returns the changes that remove what belongs to the zone of a namespace that is
// deleted.
func (s *State) Forget(zone string) []command.Change {
	var changes []command.Change
	if a, ok := s.associations.Get(ID(zone)); ok {
		changes = append(changes, remove{a})
	}
	if s.tags.Has(KindZone + "\x00" + zone) {
		changes = append(changes, remove{&resourceTags{Kind: KindZone, ID: zone}})
	}
	for a := range s.Authorizations(ID(zone), "") {
		changes = append(changes, remove{a})
	}
	return changes
}
