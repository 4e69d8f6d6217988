// Package records turns the names of Service Connect into zones of core/zone: a private
// zone for each name, with the addresses of the tasks. It is where core/task ends and
// core/zone begins.
package records

import (
	"net/netip"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/core/zone"
)

// Feeder keeps the zones of a zone.Draft consistent with a task.Draft. It is for the
// goroutine that uses the drafts.
type Feeder struct {
	tasks *task.Draft
	zones *zone.Draft
}

var _ task.Observer = (*Feeder)(nil)

// NewFeeder returns a Feeder that changes zones.
func NewFeeder(tasks *task.Draft, zones *zone.Draft) *Feeder { return &Feeder{tasks, zones} }

// zoneID returns the id of the zone of a name.
func zoneID(n *task.ConnectName) zone.ID {
	return zone.ID("connect/" + string(n.Account) + "/" + n.Cluster + "/" + n.Service + "/" + n.CloudMapService + "/" + n.Name)
}

// yields is added to the time of creation of the zones of Service Connect, so that they
// are younger than every hosted zone: on AWS such a name is known to the clients of Service
// Connect alone, so it must not take a name from another account.
const yields = 1 << 60

// ConnectNameAdded makes the zone of a name.
func (f *Feeder) ConnectNameAdded(n *task.ConnectName) {
	z := zone.Zone{ID: zoneID(n), Account: n.Owner, Name: n.Name, VPCs: n.VPCs, SOATTL: task.ConnectTTL, Created: yields + n.Since}
	f.zones.PutZone(z)
	e := f.edit(n)
	if e == nil || e.Exists() {
		return
	}
	e.Define(n.CloudMapService, []zone.Spec{{Type: dnswire.TypeA, TTL: task.ConnectTTL}, {Type: dnswire.TypeAAAA, TTL: task.ConnectTTL}})
	for x := range f.tasks.State().TasksOfService(n.Account, n.Cluster, n.Service) {
		e.Replace(nil, memberOf(n, x))
	}
}

// ConnectNameRemoved deletes the zone of a name.
func (f *Feeder) ConnectNameRemoved(n *task.ConnectName) {
	e := f.edit(n)
	if e == nil || !e.Exists() {
		return
	}
	for x := range f.tasks.State().TasksOfService(n.Account, n.Cluster, n.Service) {
		e.Replace(memberOf(n, x), nil)
	}
	e.Delete()
	f.zones.DeleteZone(zoneID(n))
}

// TaskChanged changes the addresses of a task under a name of its service.
func (f *Feeder) TaskChanged(n *task.ConnectName, old, new *task.Task) {
	if e := f.edit(n); e != nil && e.Exists() {
		e.Replace(memberOf(n, old), memberOf(n, new))
	}
}

func (f *Feeder) edit(n *task.ConnectName) *zone.Editor {
	name, ok := dnswire.ParseName(n.Name)
	if !ok {
		return nil
	}
	return f.zones.Edit(zoneID(n), name)
}

// memberOf returns the addresses of a task that is registered under a name, or nil. It
// depends on nothing else, so that a member can be removed again.
func memberOf(n *task.ConnectName, x *task.Task) *zone.Member {
	if x == nil || x.Network == nil || !x.RegisteredIn(n.CloudMapService) {
		return nil
	}
	m := &zone.Member{Health: zone.Up}
	if !x.Answered || x.Health == task.HealthUnhealthy {
		m.Health = zone.Down
	}
	if a, err := netip.ParseAddr(x.Network.IPv4); err == nil && a.Is4() {
		m.V4, m.HasV4 = a.As4(), true
	}
	if a, err := netip.ParseAddr(x.Network.IPv6); err == nil && a.Is6() {
		m.V6, m.HasV6 = a.As16(), true
	}
	return m
}
