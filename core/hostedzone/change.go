package hostedzone

import (
	"fmt"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/rdata"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// Draft builds the State that follows another one. It is for one goroutine; the State
// that it starts from is not changed.
type Draft struct {
	state    State
	token    *ptree.Owner
	observer Observer
}

// Observer receives what has changed in a Draft.
type Observer interface {
	// ZoneChanged: a zone was created (old is nil), changed or deleted (now is nil).
	ZoneChanged(old, now *HostedZone)
	// GroupChanged: the record sets of a name and type have changed.
	GroupChanged(z *HostedZone, name string, rtype uint16)
	// CheckChanged: a health check has this verdict now.
	CheckChanged(id string, down bool)
	// VPCsAdded: the zone of a namespace has these VPCs besides its own.
	VPCsAdded(zone ID, vpcs []VPC)
}

// NewDraft returns a Draft that starts from s.
func NewDraft(s *State) *Draft { return &Draft{state: *s, token: new(ptree.Owner)} }

// Observe sets the observer of all later changes.
func (d *Draft) Observe(o Observer) { d.observer = o }

// Apply implements command.Draft.
func (d *Draft) Apply(_ uint64, c command.Change) bool {
	own, ok := c.(change)
	if ok {
		own.apply(d)
	}
	return ok
}

// State returns the state with the changes applied so far. It is valid until the
// next Apply.
func (d *Draft) State() *State { return &d.state }

func (z *HostedZone) key() string { return zonePrefix + string(z.ID) }

func (z *HostedZone) put(d *Draft) {
	s := &d.state
	old, _ := s.zones.Get(z.ID)
	d.placeInVPCs(old, false)
	d.placeInVPCs(z, true)
	s.zones = s.zones.Put(d.token, z.ID, z)
	s.byName = s.byName.Put(d.token, nameKey(z), z)
	s.byReference = s.byReference.Put(d.token, referenceKey(z), z.ID)
	if d.observer != nil {
		d.observer.ZoneChanged(old, z)
	}
}

func (z *HostedZone) remove(d *Draft) {
	s := &d.state
	old, ok := s.zones.Get(z.ID)
	if !ok {
		return
	}
	for _, set := range s.Sets(z.ID).m.All() {
		(&storedSet{z.ID, set.setKey(), set}).remove(d)
	}
	s.sets = s.sets.Delete(d.token, z.ID)
	d.placeInVPCs(old, false)
	s.zones = s.zones.Delete(d.token, z.ID)
	s.byName = s.byName.Delete(d.token, nameKey(old))
	s.byReference = s.byReference.Delete(d.token, referenceKey(old))
	if d.observer != nil {
		d.observer.ZoneChanged(old, nil)
	}
}

// placeInVPCs adds a zone to, or removes it from, the index by VPC.
func (d *Draft) placeInVPCs(z *HostedZone, in bool) {
	if z == nil {
		return
	}
	for _, v := range z.VPCs {
		key := vpcKey(v.ID, z.Apex) + string(z.ID)
		if in {
			d.state.byVPC = d.state.byVPC.Put(d.token, key, z)
		} else {
			d.state.byVPC = d.state.byVPC.Delete(d.token, key)
		}
	}
}

func referenceKey(z *HostedZone) string { return string(z.Account) + "\x00" + z.CallerReference }

// storedSet is a record set in the store.
type storedSet struct {
	zone  ID
	order string // RecordSet.setKey
	set   *RecordSet
}

func (c *storedSet) key() string { return setPrefix + string(c.zone) + "/" + c.order }

// setFromKey returns the set of a key; its name is not needed to remove it.
func setFromKey(zone ID, order string) entity { return &storedSet{zone, order, nil} }

func (c *storedSet) put(d *Draft) {
	s := &d.state
	sets, _ := s.sets.Get(c.zone)
	if old, ok := sets.Get(c.order); ok {
		d.use(c.zone, old, -1)
	}
	s.sets = s.sets.Put(d.token, c.zone, sets.Put(d.token, c.order, c.set))
	d.use(c.zone, c.set, 1)
	d.groupChanged(c.zone, c.set)
}

func (c *storedSet) remove(d *Draft) {
	s := &d.state
	sets, _ := s.sets.Get(c.zone)
	old, ok := sets.Get(c.order)
	if !ok {
		return
	}
	d.use(c.zone, old, -1)
	s.sets = s.sets.Put(d.token, c.zone, sets.Delete(d.token, c.order))
	d.groupChanged(c.zone, old)
}

func (d *Draft) groupChanged(zone ID, set *RecordSet) {
	if z, ok := d.state.zones.Get(zone); ok && d.observer != nil {
		d.observer.GroupChanged(z, set.Name, set.Type)
	}
}

// use counts the uses of a health check by the groups of a name and type.
func (d *Draft) use(zone ID, set *RecordSet, by int) {
	if set.Check == "" {
		return
	}
	key := set.Check + "\x00" + string(zone) + "\x00" + rdata.TypeName(set.Type) + "\x00" + set.Name
	n, _ := d.state.users.Get(key)
	if n += by; n == 0 {
		d.state.users = d.state.users.Delete(d.token, key)
	} else {
		d.state.users = d.state.users.Put(d.token, key, n)
	}
}

func (c *HealthCheck) key() string { return checkPrefix + c.ID }

func (c *HealthCheck) put(d *Draft) {
	s := &d.state
	if old, ok := s.checks.Get(c.ID); ok {
		d.link(old, false)
	}
	s.checks = s.checks.Put(d.token, c.ID, c)
	s.checksOf = s.checksOf.Put(d.token, string(c.Account)+"\x00"+c.ID, c)
	s.checkByReference = s.checkByReference.Put(d.token, string(c.Account)+"\x00"+c.CallerReference, c.ID)
	d.link(c, true)
	d.checkChanged(c.ID)
}

func (c *HealthCheck) remove(d *Draft) {
	s := &d.state
	old, ok := s.checks.Get(c.ID)
	if !ok {
		return
	}
	d.link(old, false)
	s.checks = s.checks.Delete(d.token, c.ID)
	s.checksOf = s.checksOf.Delete(d.token, string(old.Account)+"\x00"+c.ID)
	s.checkByReference = s.checkByReference.Delete(d.token, string(old.Account)+"\x00"+old.CallerReference)
	d.checkChanged(c.ID)
}

// link records or forgets that a calculated check depends on its children.
func (d *Draft) link(c *HealthCheck, on bool) {
	for _, child := range c.Config.Children {
		key := child + "\x00" + c.ID
		if on {
			d.state.parents = d.state.parents.Put(d.token, key, struct{}{})
		} else {
			d.state.parents = d.state.parents.Delete(d.token, key)
		}
	}
}

// checkChanged reports to the observer the verdict of a check, and of those that are
// calculated from it. The groups that use them may have other records then.
func (d *Draft) checkChanged(id string) {
	if d.observer == nil {
		return
	}
	s := &d.state
	ids := []string{id}
	for key := range s.parents.After(id + "\x00") {
		parent, ok := strings.CutPrefix(key, id+"\x00")
		if !ok {
			break
		}
		ids = append(ids, parent)
	}
	for _, id := range ids {
		d.observer.CheckChanged(id, !s.healthy(id))
		for key := range s.users.After(id + "\x00") {
			rest, ok := strings.CutPrefix(key, id+"\x00")
			if !ok {
				break
			}
			zone, rest, _ := strings.Cut(rest, "\x00")
			typeName, name, _ := strings.Cut(rest, "\x00")
			rtype, _ := rdata.Type(typeName)
			if z, ok := s.zones.Get(ID(zone)); ok {
				d.observer.GroupChanged(z, name, rtype)
			}
		}
	}
}

func (a *Authorization) key() string   { return authorizationPrefix + string(a.Zone) + "/" + a.VPC.ID }
func (a *Authorization) order() string { return string(a.Zone) + "\x00" + a.VPC.ID }
func (a *Authorization) put(d *Draft) {
	d.state.authorizations = d.state.authorizations.Put(d.token, a.order(), a)
}
func (a *Authorization) remove(d *Draft) {
	d.state.authorizations = d.state.authorizations.Delete(d.token, a.order())
}

func (a *association) key() string { return associationPrefix + string(a.Zone) }
func (a *association) put(d *Draft) {
	d.state.associations = d.state.associations.Put(d.token, a.Zone, a)
	d.added(a.Zone, a.VPCs)
}
func (a *association) remove(d *Draft) {
	d.state.associations = d.state.associations.Delete(d.token, a.Zone)
	d.added(a.Zone, nil)
}

func (d *Draft) added(zone ID, vpcs []VPC) {
	if d.observer != nil {
		d.observer.VPCsAdded(zone, vpcs)
	}
}

func (t *resourceTags) key() string   { return tagsPrefix + t.Kind + "/" + t.ID }
func (t *resourceTags) order() string { return t.Kind + "\x00" + t.ID }
func (t *resourceTags) put(d *Draft)  { d.state.tags = d.state.tags.Put(d.token, t.order(), t) }
func (t *resourceTags) remove(d *Draft) {
	d.state.tags = d.state.tags.Delete(d.token, t.order())
}

func (c *Change) key() string   { return changePrefix + c.ID }
func (c *Change) order() string { return fmt.Sprintf("%015d/%s", c.Submitted, c.ID) }
func (c *Change) put(d *Draft) {
	d.state.changes = d.state.changes.Put(d.token, c.ID, c)
	d.state.changeTimes = d.state.changeTimes.Put(d.token, c.order(), c)
}
func (c *Change) remove(d *Draft) {
	if old, ok := d.state.changes.Get(c.ID); ok {
		d.state.changeTimes = d.state.changeTimes.Delete(d.token, old.order())
	}
	d.state.changes = d.state.changes.Delete(d.token, c.ID)
}
