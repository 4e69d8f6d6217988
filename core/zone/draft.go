package zone

import (
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/registry"
)

// Draft builds the Index that follows another one. It is a registry.Observer,
// and like the Draft that it observes for one goroutine.
type Draft struct {
	x      Index
	own    *builder
	copied bool // x.zones is the draft's own
	last   openSet
}

// openSet is the Set that was changed last: instances come in order of their
// services when a State is loaded.
type openSet struct {
	account command.AccountID
	service registry.ServiceID
	zone    *Zone
	name    string // in wire form and lower case
	set     *Set   // the draft's own; nil: there is none
}

var _ registry.Observer = (*Draft)(nil)

// NewDraft begins with x, which is not touched.
func NewDraft(x *Index) *Draft {
	return &Draft{x: *x, own: new(builder)}
}

// Index returns what the draft amounts to now. It is valid until the next change.
func (d *Draft) Index() Index { return d.x }

// Finish returns the Index and ends the draft.
func (d *Draft) Finish() Index {
	d.own, d.last, d.copied = nil, openSet{}, false
	return d.x
}

// NamespaceChanged adds, changes or removes the zone of a namespace.
func (d *Draft) NamespaceChanged(old, new *registry.Namespace) {
	d.last = openSet{}
	switch {
	case new == nil:
		if i, ok := d.x.byNamespace.Get(old.ID); ok {
			d.removeZone(d.x.zones[i])
		}
	case new.IsDNS():
		if i, ok := d.x.byNamespace.Get(new.ID); ok {
			d.changeZone(i, func(z *Zone) { z.SOATTL, z.Keys = uint32(new.SOATTL), new.Keys })
		} else {
			d.addZone(new)
		}
	}
}

func (d *Draft) addZone(ns *registry.Namespace) {
	apex, ok := dnswire.ParseName(ns.Name)
	if !ok {
		return // registration does not let it come to this
	}
	apex = dnswire.Lowered(apex)
	d.ownZones()
	free := slices.Index(d.x.zones, nil)
	if free < 0 {
		free = len(d.x.zones)
		d.x.zones = append(d.x.zones, nil)
	}
	z := &Zone{
		Index: uint32(free), Namespace: ns.ID, Account: ns.Account, Name: strings.TrimSuffix(ns.Name, "."), Apex: apex,
		Public: ns.Type == registry.DNSPublic, VPC: ns.VPC, SOATTL: uint32(ns.SOATTL), Keys: ns.Keys,
	}
	d.x.zones[free] = z
	d.x.byNamespace = d.x.byNamespace.Put(&d.own.trees, ns.ID, z.Index)
	d.countApex(apex, 1)
	d.put(new(newNode(z, apex)))
	d.settleAlone(apex)
}

func (d *Draft) removeZone(z *Zone) {
	d.ownZones()
	d.x.zones[z.Index] = nil
	d.x.byNamespace = d.x.byNamespace.Delete(&d.own.trees, z.Namespace)
	d.countApex(z.Apex, -1)
	d.drop(z.Index, z.Apex)
	d.settleAlone(z.Apex)
}

// ownZones copies the list of zones, once: there are far fewer zones than names,
// and they seldom change.
func (d *Draft) ownZones() {
	if !d.copied {
		d.x.zones, d.copied = slices.Clone(d.x.zones), true
	}
}

func (d *Draft) changeZone(i uint32, change func(*Zone)) {
	d.ownZones()
	z := *d.x.zones[i]
	change(&z)
	d.x.zones[i] = &z
}

func (d *Draft) countApex(apex string, by int) {
	key := reversed(apex)
	n, _ := d.x.apexes.Get(key)
	if n += by; n == 0 {
		d.x.apexes = d.x.apexes.Delete(&d.own.trees, key)
	} else {
		d.x.apexes = d.x.apexes.Put(&d.own.trees, key, n)
	}
}

// settleAlone brings Zone.alone up to date after a zone of this apex came or
// went: in the zones at this apex and above it.
func (d *Draft) settleAlone(apex string) {
	for name := apex; ; name = dnswire.Parent(name) {
		alone := d.isAlone(name)
		for n := d.x.names.Get(hashOf(name)); n != nil; n = n.next {
			if n.IsApex() && n.Name() == name && d.x.zones[n.zone].alone != alone {
				d.changeZone(n.zone, func(z *Zone) { z.alone = alone })
			}
		}
		if name == "\x00" {
			return
		}
	}
}

func (d *Draft) isAlone(apex string) bool {
	key := reversed(apex)
	if n, _ := d.x.apexes.Get(key); n > 1 {
		return false
	}
	for below := range d.x.apexes.After(key) {
		return !strings.HasPrefix(below, key)
	}
	return true
}

// put stores a node in the place of the one with the same zone and name.
func (d *Draft) put(n *Node) {
	hash := hashOf(n.Name())
	d.x.names = d.x.names.Put(&d.own.names, hash, d.x.names.Get(hash).with(n))
}

func (d *Draft) drop(zone uint32, name string) {
	hash := hashOf(name)
	if chain := d.x.names.Get(hash).without(zone, name); chain != nil {
		d.x.names = d.x.names.Put(&d.own.names, hash, chain)
	} else {
		d.x.names = d.x.names.Delete(&d.own.names, hash)
	}
}

// change applies a change to the node of a name, which comes into being for it
// and goes when nothing is left in it.
func (d *Draft) change(z *Zone, name string, change func(*Node)) {
	n := newNode(z, name)
	old := d.x.names.Get(hashOf(name)).in(z.Index, name)
	if old != nil {
		n = *old
	}
	change(&n)
	switch {
	case !n.empty():
		d.put(&n)
	case old != nil:
		d.drop(z.Index, name)
	}
}

// zoneOf returns the zone of a namespace, or nil.
func (d *Draft) zoneOf(ns *registry.Namespace) *Zone {
	if i, ok := d.x.byNamespace.Get(ns.ID); ok {
		return d.x.zones[i]
	}
	return nil
}
