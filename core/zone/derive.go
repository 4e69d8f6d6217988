package zone

import (
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/registry"
)

// ServiceChanged adds, changes or removes the records of a service.
func (d *Draft) ServiceChanged(ns *registry.Namespace, old, new *registry.Service) {
	d.last = openSet{}
	z := d.zoneOf(ns)
	if z == nil {
		return
	}
	if old != nil && old.DNS != nil {
		if new != nil && sameRecords(old, new) {
			d.setTTLs(ns, z, new)
			return
		}
		d.removeService(ns, z, old)
	}
	if new != nil && new.DNS != nil {
		d.addService(ns, z, new)
	}
}

// sameRecords reports whether two versions of a service differ by no more than
// TTLs, as far as their records go. SRV hosts carry the TTL themselves.
func sameRecords(a, b *registry.Service) bool {
	if a.ID != b.ID || b.DNS == nil || a.DNS.Policy != b.DNS.Policy || a.HasHealth() != b.HasHealth() ||
		len(a.DNS.Records) != len(b.DNS.Records) || a.DNS.Has(registry.RecordSRV) {
		return false
	}
	for _, rec := range a.DNS.Records {
		if !b.DNS.Has(rec.Type) {
			return false
		}
	}
	return true
}

func (d *Draft) setTTLs(ns *registry.Namespace, z *Zone, svc *registry.Service) {
	fresh := newSet(ns, svc)
	if fresh == nil {
		return
	}
	d.change(z, dnswire.Lowered(fresh.Tail), func(n *Node) {
		n.set = n.set.own(d.own)
		n.set.TTL = fresh.TTL
	})
}

// addService adds a service with all its instances.
func (d *Draft) addService(ns *registry.Namespace, z *Zone, svc *registry.Service) {
	set := newSet(ns, svc)
	if set == nil {
		return
	}
	set.owner = d.own
	for _, inst := range svc.Instances("") {
		m := set.member(inst)
		set.add(d.own, &m)
		d.addHost(z, set, &m)
	}
	set.settle()
	name := dnswire.Lowered(set.Tail)
	d.change(z, name, func(n *Node) { n.set = set })
	d.countBelow(z, name, 1, live(set))
}

func (d *Draft) removeService(ns *registry.Namespace, z *Zone, svc *registry.Service) {
	tail, _ := wireTail(ns, svc)
	name := dnswire.Lowered(tail)
	n := d.x.names.Get(hashOf(name)).in(z.Index, name)
	if n == nil || n.set == nil {
		return
	}
	set := n.set
	for _, inst := range svc.Instances("") {
		m := set.member(inst)
		d.removeHost(z, set, &m)
	}
	d.change(z, name, func(n *Node) { n.set = nil })
	d.countBelow(z, name, -1, -live(set))
}

func live(s *Set) int {
	if s.count > 0 {
		return 1
	}
	return 0
}

// countBelow tells the names between a service's and the apex that a service
// came or went, or got its first or lost its last instance. That is how empty
// non-terminals come to be and go.
func (d *Draft) countBelow(z *Zone, name string, services, live int) {
	if services == 0 && live == 0 || name == z.Apex {
		return
	}
	for name = dnswire.Parent(name); len(name) > len(z.Apex); name = dnswire.Parent(name) {
		d.change(z, name, func(n *Node) {
			n.below = uint32(int(n.below) + services)
			n.liveBelow = uint32(int(n.liveBelow) + live)
		})
	}
}

// InstanceChanged adds, changes or removes the records of an instance.
func (d *Draft) InstanceChanged(ns *registry.Namespace, svc *registry.Service, old, new *registry.Instance) {
	o := d.open(ns, svc)
	if o.set == nil {
		return
	}
	set, before := o.set, live(o.set)
	var was, is member
	if old != nil {
		was = set.member(old)
	}
	if new != nil {
		is = set.member(new)
	}
	if old != nil && new != nil && was.sameRecords(&is) {
		return
	}
	if old != nil {
		set.remove(d.own, &was)
		d.removeHost(o.zone, set, &was)
	}
	if new != nil {
		set.add(d.own, &is)
		d.addHost(o.zone, set, &is)
	}
	set.settle()
	d.countBelow(o.zone, o.name, 0, live(set)-before)
}

// open makes the Set of a service the draft's own. It is none where the service
// has no records.
func (d *Draft) open(ns *registry.Namespace, svc *registry.Service) *openSet {
	o := &d.last
	if o.service == svc.ID && o.account == svc.Account {
		return o
	}
	*o = openSet{account: svc.Account, service: svc.ID, zone: d.zoneOf(ns)}
	tail, ok := wireTail(ns, svc)
	if o.zone == nil || !ok {
		return o
	}
	o.name = dnswire.Lowered(tail)
	n := d.x.names.Get(hashOf(o.name)).in(o.zone.Index, o.name)
	if n == nil || n.set == nil {
		return o
	}
	if o.set = n.set.own(d.own); o.set != n.set {
		d.change(o.zone, o.name, func(n *Node) { n.set = o.set })
	}
	return o
}

func hostName(s *Set, h *Host) string { return dnswire.Lowered(h.Label + s.Tail) }

func (d *Draft) addHost(z *Zone, s *Set, m *member) {
	if m.host == nil {
		return
	}
	d.change(z, hostName(s, m.host), func(n *Node) {
		if n.host == nil {
			n.host = m.host
			return
		}
		h := *m.host // its twin is the node's business, not that of the Set
		h.twin = n.host
		n.host = &h
	})
}

func (d *Draft) removeHost(z *Zone, s *Set, m *member) {
	if m.host == nil {
		return
	}
	d.change(z, hostName(s, m.host), func(n *Node) { n.host = n.host.without(m.id) })
}

// without returns the chain of twins without one.
func (h *Host) without(id registry.InstanceID) *Host {
	if h == nil || h.id() == id {
		if h == nil {
			return nil
		}
		return h.twin
	}
	c := *h
	c.twin = h.twin.without(id)
	return &c
}
